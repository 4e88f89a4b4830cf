/** Tables (`meta.k8s.io/v1` Table): what kubectl prints without knowing the kind. */
import type { Stored } from '../api.ts';
import type { JsonObject } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { OTHERS, TABLES, type TableColumn, type TableKind } from './columns.ts';
import { evaluatePath } from './json-path.ts';
import { ageOf } from './words.ts';

/** What each row carries of its object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

const custom = new WeakMap<object, TableKind>();

export function columnDefinitions(resource: Resource): readonly object[] {
  return kindOf(resource).columns.map(
    ({ name, type = 'string', format = '', priority = 0, description = '' }: TableColumn) => ({
      name,
      type,
      format,
      description,
      priority,
    }),
  );
}

export function rowOf(resource: Resource, object: Stored, include: IncludeObject, now: number): object {
  const cells = kindOf(resource).cells(object, now);
  if (include === 'None') return { cells };
  const { metadata } = object;
  const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
  return { cells, object: include === 'Object' ? object : partial };
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
    columns: [{ name: 'Name', format: 'name' }, ...shown],
    cells: (object, now) => [
      (object.metadata as JsonObject).name,
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
