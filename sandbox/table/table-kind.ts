/** What tables are made of. */
import { at, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { ageOf, namesOf, selectorText } from './words.ts';

export interface TableColumn {
  readonly name: string;
  /** @default 'string' */
  readonly type?: string;
  readonly format?: string;
  /** 1 is shown with `-o wide` only. @default 0 */
  readonly priority?: number;
  readonly description?: string;
}

export interface TableKind {
  readonly columns: readonly TableColumn[];
  cells(object: JsonObject, now: number): readonly unknown[];
}

export const NAME: TableColumn = { name: 'Name', format: 'name' };
export const AGE: TableColumn = { name: 'Age' };
export const wide = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, priority: 1 }));
export const columns = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name }));
export const numbers = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, type: 'integer' }));
export const flags = (...names: readonly string[]): TableColumn[] => names.map((name) => ({ name, type: 'boolean' }));

export const nameOf = ({ metadata }: JsonObject): string => textOf(objectOf(metadata).name);
export const count = (object: JsonObject, ...path: readonly string[]): number => numberOf(at(object, ...path)) ?? 0;
export const age = ({ metadata }: JsonObject, now: number): string => ageOf(objectOf(metadata).creationTimestamp, now);
const containersOf = (object: JsonObject) => listOf(at(object, 'spec', 'template', 'spec', 'containers'));
export const images = (object: JsonObject): string[] => [
  namesOf(containersOf(object), 'name'),
  namesOf(containersOf(object), 'image'),
];
export const selector = (object: JsonObject): string => selectorText(at(object, 'spec', 'selector'));

/** Kinds that the server has no columns for. */
export const OTHERS: TableKind = {
  columns: [NAME, { name: 'Created At', type: 'date' }],
  cells: (object) => [nameOf(object), objectOf(object.metadata).creationTimestamp ?? null],
};
