/** The faults of a configuration, as lines with the expected and the found value. */
import type { z } from 'zod';
import { oneOf, wantedOf } from '../core/option.ts';
import { OPTION_ROWS } from './options.ts';

export type Path = readonly (string | number)[];

/** A fault at a path of the configuration; the caller adds who wrote the value there. */
export interface ConfigFault {
  readonly path: Path;
  /** `wanted …, found …` */
  readonly text: string;
  /** For a misspelt key: the path of the key that was most likely intended. */
  readonly meant?: Path;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `tmm.taints[0].effect` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

const FOUND_LIMIT = 80;

/** Describes a value in a few words: texts are quoted and cut, lists and mappings only counted or named. */
export function describeFound(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > FOUND_LIMIT ? `${text.slice(0, FOUND_LIMIT)}…` : text;
}

export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return typeof part === 'number' ? value[part] : undefined;
    return isMapping(value) && Object.hasOwn(value, part) ? value[String(part)] : undefined;
  }, data);
}

/**
 * The faults that a schema found in `data`, with paths from the root of the configuration.
 *
 * @param beside keys that `data` may have as well, and that the schema does not check.
 */
export function faultsOf(
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
  data: unknown,
  at: Path,
  beside: readonly string[] = [],
): ConfigFault[] {
  return issues.flatMap((issue) => {
    const path: Path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code === 'unrecognized_keys') {
      const known = [...(path.length === 0 ? beside : []), ...keysAt(schema, path)];
      return issue.keys.map((key) => unknownKey(key, known, [...at, ...path]));
    }
    const found = describeFound(valueAt(data, path));
    return [{ path: [...at, ...path], text: `wanted ${wantedBy(issue, [...at, ...path])}, found ${found}` }];
  });
}

function wantedBy(issue: z.core.$ZodIssue, path: Path): string {
  // Schemas have their own messages for their own checks; the library's would only say "invalid input".
  if (issue.code === 'custom' || issue.code === 'invalid_format') return issue.message;
  if (issue.code === 'too_small')
    return `${issue.inclusive === true ? 'at least' : 'more than'} ${amount(issue, issue.minimum)}`;
  if (issue.code === 'too_big')
    return `${issue.inclusive === true ? 'at most' : 'less than'} ${amount(issue, issue.maximum)}`;
  const row = OPTION_ROWS.find(
    (each) => each.path.length === path.length && each.path.every((part, i) => part === path[i]),
  );
  if (row !== undefined) return wantedOf(row);
  if (issue.code === 'invalid_value') return oneOf(issue.values);
  if (issue.code === 'invalid_type') return TYPE_WORDS[issue.expected] ?? issue.expected;
  return issue.message;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function amount({ origin }: { readonly origin: string }, limit: number | bigint): string {
  if (origin === 'string') return `${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `${limit} entr${limit === 1 ? 'y' : 'ies'}`;
  return String(limit);
}

function unknownKey(key: string, known: readonly string[], at: Path): ConfigFault {
  const meant = closest(key, known);
  const path = [...at, key];
  const found = `found ${describeFound(key)}`;
  if (meant !== undefined) {
    return { path, text: `wanted a known key (did you mean "${meant}"?), ${found}`, meant: [...at, meant] };
  }
  return { path, text: `wanted ${known.length === 0 ? 'a known key' : `one of ${known.join(', ')}`}, ${found}` };
}

/** The keys that a schema knows at a path; empty if it accepts any. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const { def } = (schema as z.ZodType & z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return keysAt(def.innerType, path);
    case 'pipe':
      return keysAt(def.in, path);
    case 'array':
      return path.length === 0 ? [] : keysAt(def.element, path.slice(1));
    case 'object': {
      if (path.length === 0) return Object.keys(def.shape);
      const next = def.shape[String(path[0])];
      return next === undefined ? [] : keysAt(next, path.slice(1));
    }
    default:
      return [];
  }
}

/**
 * The candidate that a misspelt word most likely stands for.
 *
 * @returns undefined if none is within two edits, or one edit for words of up to four letters.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = word.length <= 4 ? 2 : 3;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(replaced, swapped, at(last, j) + 1, at(row, j - 1) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
