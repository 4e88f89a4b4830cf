/** CustomResourceDefinitions (apiextensions-apiserver `pkg/registry/customresourcedefinition/tableconvertor`, since 1.37). */
import { at, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import { columns, NAME, nameOf, type TableKind, wide } from './table-kind.ts';

const DEFINITION: TableKind = {
  columns: [
    NAME,
    ...columns('Scope', 'Versions'),
    { name: 'Created At', type: 'date' },
    ...wide('Group', 'Kind', 'ShortNames'),
    { name: 'Established', type: 'boolean', priority: 1 },
  ],
  cells: (definition) => [
    nameOf(definition),
    textOf(at(definition, 'spec', 'scope')),
    servedVersions(definition),
    objectOf(definition.metadata).creationTimestamp ?? null,
    textOf(at(definition, 'spec', 'group')),
    textOf(at(definition, 'spec', 'names', 'kind')),
    listOf(at(definition, 'spec', 'names', 'shortNames'))
      .map(textOf)
      .join(','),
    isEstablished(definition),
  ],
};

export const DEFINITIONS: Readonly<Record<string, TableKind>> = {
  'customresourcedefinitions.apiextensions.k8s.io': DEFINITION,
};

function servedVersions(definition: JsonObject): string {
  return listOf(at(definition, 'spec', 'versions'))
    .map(objectOf)
    .filter(({ served }) => served === true)
    .map(({ name, storage }) => `${textOf(name)}${storage === true ? '(storage)' : ''}`)
    .sort()
    .join(',');
}

function isEstablished(definition: JsonObject): boolean {
  const conditions = listOf(at(definition, 'status', 'conditions')).map(objectOf);
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}
