/** The kinds of options, their syntax, and how values are parsed; the options themselves are in `config/options.ts`. */
import { parseDuration } from './duration.ts';

/** `limit` is a duration that may be 0, for none. The entries of a `list` come from a closed set if the row has `values`. */
export type OptionKind =
  | 'boolean'
  | 'string'
  | 'address'
  | 'duration'
  | 'limit'
  | 'integer'
  | 'share'
  | 'enum'
  | 'list';

/** A value as in the configuration file: durations and addresses stay text until the whole configuration is checked. */
export type OptionValue = string | number | boolean | readonly string[];

export interface OptionRow {
  /** Without the leading dashes. */
  readonly flag: string;
  /** A second name, accepted on the command line only. */
  readonly alias?: string;
  /** Where the value stands in the resolved configuration. */
  readonly path: readonly string[];
  /** Whether the configuration file may set it. */
  readonly inFile: boolean;
  readonly kind: OptionKind;
  /** The closed set of an `enum` or of a `list`'s entries. */
  readonly values?: readonly string[];
  /** Absent if the default depends on the environment; `defaultText` then describes it. */
  readonly default?: OptionValue;
  readonly defaultText?: string;
  readonly help: string;
}

export const ENVIRONMENT_PREFIX = 'MAINTENANCE_BRIDGE_';

/** `tmm-drain-timeout` → `MAINTENANCE_BRIDGE_TMM_DRAIN_TIMEOUT`. */
export function variableOf(row: OptionRow): string {
  return ENVIRONMENT_PREFIX + row.flag.replaceAll('-', '_').toUpperCase();
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };

export const ADDRESS_FORM = 'an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080", or "0" for off';

/** The placeholder of the value in usage texts and tables. */
export function placeholderOf({ kind, values }: OptionRow): string {
  switch (kind) {
    case 'enum':
      return (values ?? []).join('|');
    case 'list':
      return 'name,…';
    case 'limit':
      return 'duration';
    case 'share':
      return 'n|n%';
    default:
      return kind;
  }
}

/** Describes the accepted values, for error messages and documentation. */
export function wantedOf({ kind, values }: OptionRow): string {
  switch (kind) {
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a text';
    case 'address':
      return ADDRESS_FORM;
    case 'duration':
      return 'a duration above zero such as "90s", "5m" or "1h30m"';
    case 'limit':
      return 'a duration such as "90s", "5m" or "1h30m", or "0" for none';
    case 'integer':
      return 'a whole number';
    case 'share':
      return 'a whole number above zero or a percentage such as "10%"';
    case 'enum':
      return oneOf(values ?? []);
    case 'list':
      return values === undefined ? 'a list of names' : `a list of ${oneOf(values)}`;
  }
}

/** `"a", "b" or "c"`. */
export function oneOf(values: readonly unknown[]): string {
  const words = values.map((value) => JSON.stringify(value));
  const last = words.pop() ?? 'nothing';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

/**
 * Parses texts from the command line or a variable. If an option is repeated, the last text wins; a list uses all of them, each with commas
 * inside, and drops repeated entries.
 *
 * @returns undefined if a text is not valid for the row. Ranges and forms are checked by the configuration's schema.
 */
export function readTexts(row: OptionRow, texts: readonly string[]): OptionValue | undefined {
  const text = texts.at(-1) ?? '';
  switch (row.kind) {
    case 'boolean':
      return Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined;
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'share':
      return /^\d{1,3}%$/.test(text) ? text : /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'duration':
    case 'limit':
      return parseDuration(text) === undefined ? undefined : text;
    case 'enum':
      return row.values?.includes(text) === true ? text : undefined;
    case 'list': {
      const entries = new Set(texts.flatMap((each) => each.split(',').map((entry) => entry.trim())));
      const isKnown = (entry: string): boolean =>
        row.values === undefined ? entry !== '' : row.values.includes(entry);
      return [...entries].every(isKnown) ? [...entries] : undefined;
    }
    case 'string':
    case 'address':
      return text === '' ? undefined : text;
  }
}
