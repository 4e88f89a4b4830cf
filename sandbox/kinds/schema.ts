/**
 * The server's knowledge about the schema of a kind: its fields, their types, and how their lists are merged. The same for built-in kinds
 * and for those of CustomResourceDefinitions.
 */

export type Schema = ScalarSchema | StructSchema | MapSchema | ListSchema | AnySchema;

export interface ScalarSchema {
  readonly is: 'scalar';
  /** `int-or-string` and `quantity` take numbers as well as strings. */
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'quantity';
  readonly format?: string | undefined;
}

/** An object with known fields. */
export interface StructSchema {
  readonly is: 'struct';
  /** Go's name of the type, for messages; empty for custom resources. */
  readonly name: string;
  field(name: string): FieldSchema | undefined;
  names(): readonly string[];
  /** Unknown fields are kept. */
  readonly preservesUnknown: boolean;
  /** One manager owns it as a whole. */
  readonly isAtomic: boolean;
}

/** An object with keys of the user's choice. */
export interface MapSchema {
  readonly is: 'map';
  readonly values: Schema;
  readonly isAtomic: boolean;
}

export interface ListSchema {
  readonly is: 'list';
  readonly items: Schema;
  /** How server-side apply merges it. */
  readonly merges: 'atomic' | 'set' | 'map';
  /** The keys of a list that is merged as a map. */
  readonly keys: readonly string[];
}

export interface AnySchema {
  readonly is: 'any';
}

export interface FieldSchema {
  readonly schema: Schema;
  readonly isRequired: boolean;
  /** Omitted if it is empty, zero or false, like Go's `omitempty`. @default false */
  readonly omitsEmpty?: boolean;
  /** How a strategic merge patch treats the field: `merge`, `retainKeys`, `replace`; the key is for lists of objects. */
  readonly patch?: { readonly strategies: readonly string[]; readonly mergeKey: string | undefined } | undefined;
}

export const ANY: AnySchema = { is: 'any' };
