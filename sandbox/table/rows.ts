/** Tables (`meta.k8s.io/v1` Table): the output of kubectl for kinds that it does not know. */
import type { Stored } from '../api.ts';
import { type JsonObject, objectOf } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { metadataOnly } from '../read/partial.ts';
import { TABLES } from './columns.ts';
import { evaluatePath } from './json-path.ts';
import { NAME, nameOf, OTHERS, type TableColumn, type TableKind } from './table-kind.ts';
import { ageOf } from './words.ts';

/** What each row carries of its object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

const custom = new WeakMap<object, TableKind>();

export const columnDefinitions = (resource: Resource): readonly object[] => definitionsOf(kindOf(resource));

function definitionsOf({ columns }: TableKind): readonly object[] {
  return columns.map(({ name, type = 'string', format = '', priority = 0, description = '' }: TableColumn) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

export function rowOf(resource: Resource, object: Stored, include: IncludeObject, now: number): object {
  return rowIn(kindOf(resource), object, include, now);
}

/** One object as a table, of a kind that is no resource. */
export function tableOf(kind: TableKind, object: JsonObject, include: IncludeObject, now: number): object {
  const { resourceVersion } = objectOf(object.metadata);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: definitionsOf(kind),
    rows: [rowIn(kind, object, include, now)],
  };
}

function rowIn(kind: TableKind, object: JsonObject, include: IncludeObject, now: number): object {
  const cells = kind.cells(object, now);
  if (include === 'None') return { cells };
  return { cells, object: include === 'Object' ? object : metadataOnly(object) };
}

function kindOf(resource: Resource): TableKind {
  const { custom: part } = resource;
  if (part === undefined) return TABLES[resource.collection] ?? OTHERS;
  const known = custom.get(part);
  if (known !== undefined) return known;
  const made = customTable(part.columns);
  custom.set(part, made);
  return made;
}

/** `additionalPrinterColumns`; without any it is Name and Age. */
function customTable(columns: NonNullable<Resource['custom']>['columns']): TableKind {
  const shown = columns.length > 0 ? columns : [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }];
  return {
    columns: [NAME, ...shown],
    cells: (object, now) => [
      nameOf(object),
      ...shown.map(({ type, jsonPath }) => cellOf(type, evaluatePath(object, jsonPath), now)),
    ],
  };
}

function cellOf(type: string, found: unknown, now: number): unknown {
  if (found === undefined || found === null) return null;
  if (type === 'date') return ageOf(found, now);
  if (type === 'string') return typeof found === 'object' ? JSON.stringify(found) : String(found);
  return found;
}
