/** Columns of the RBAC kinds. */
import { type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import { AGE, age, columns, NAME, nameOf, type TableKind, wide } from './table-kind.ts';

const BINDING: TableKind = {
  columns: [NAME, ...columns('Role'), AGE, ...wide('Users', 'Groups', 'ServiceAccounts')],
  cells: (binding, now) => {
    const { kind, name } = objectOf(binding.roleRef);
    return [
      nameOf(binding),
      `${textOf(kind)}/${textOf(name)}`,
      age(binding, now),
      ...['User', 'Group', 'ServiceAccount'].map((kind) => subjectsText(binding, kind)),
    ];
  },
};

export const ACCESS: Readonly<Record<string, TableKind>> = {
  'rolebindings.rbac.authorization.k8s.io': BINDING,
  'clusterrolebindings.rbac.authorization.k8s.io': BINDING,
};

function subjectsText({ subjects }: JsonObject, wanted: string): string {
  const found = listOf(subjects)
    .map(objectOf)
    .filter(({ kind }) => kind === wanted);
  const text = ({ namespace, name }: JsonObject): string =>
    wanted === 'ServiceAccount' ? `${textOf(namespace)}/${textOf(name)}` : textOf(name);
  return found.map(text).join(', ');
}
