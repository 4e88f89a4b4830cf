/**
 * Parses objects as users of kubectl write and paste them: `node/n`, the output of `kubectl get … -o name` (`machine.cluster.x-k8s.io/m`),
 * and every form of a kind that kubectl accepts (`ParseResourceArg` of k8s.io/apimachinery `runtime/schema`): plural, singular, kind and
 * short name, each with the group or with version and group.
 */
import { EXPLAINED, SHOWN_KINDS } from '../app/features.ts';
import { NODE } from '../core/objects.ts';

export interface NamedObject {
  /** One of `KINDS`. */
  readonly kind: string;
  readonly name: string;
  /** Absent if it was not written. */
  readonly namespace?: string;
}

/** The kinds that `why` explains; those that `status` shows come first. */
export const KINDS: readonly string[] = [
  ...new Set([...SHOWN_KINDS, ...EXPLAINED.map(({ resource }) => resource.kind)]),
];

/** As usage texts list them: `node/NAME, machine/NAME or pod/NAME`. */
export const namesOf = (kinds: readonly string[]): string =>
  choiceOf(kinds.map((kind) => `${kind.toLowerCase()}/NAME`));

/** As a sentence lists them. */
export function choiceOf(words: readonly string[], last: 'or' | 'and' = 'or'): string {
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(` ${last} `);
}

export const WANTED_OBJECT = namesOf(KINDS);

const VERSION = /^v\d+(?:(?:alpha|beta)\d+)?$/;

/** @returns the kind that the text stands for, in any case; undefined if it is none of ours. */
export function readKind(text: string): string | undefined {
  const [word = '', ...rest] = text.toLowerCase().split('.');
  const found = EXPLAINED.find(({ resource: { kind, plural }, shortNames }) =>
    [kind.toLowerCase(), plural, ...shortNames].includes(word),
  )?.resource;
  if (found === undefined || rest.length === 0) return found?.kind;
  // The core group has no name: `pods.v1.` ends in the dot before it.
  const [version = '', ...groupOf] = rest;
  const groups = [rest.join('.'), ...(VERSION.test(version) ? [groupOf.join('.')] : [])];
  return groups.includes(found.group) ? found.kind : undefined;
}

/** A name alone is that of a Node, without a slash; but the word for a kind alone is an incomplete argument. */
export function readObject(text: string): NamedObject | undefined {
  const [word = '', ...names] = text.split('/');
  const kind = readKind(word);
  if (names.length === 0) return kind === undefined && word !== '' ? { kind: NODE.kind, name: word } : undefined;
  const [name = '', namespace] = names.toReversed();
  const isNamespaced = EXPLAINED.some(({ resource }) => resource.kind === kind && resource.namespaced);
  const mostNames = isNamespaced ? 2 : 1;
  if (kind === undefined || names.length > mostNames || names.includes('')) return undefined;
  return { kind, name, ...(namespace !== undefined && { namespace }) };
}

/**
 * Parses objects of several words: each with its kind, or the kind once followed by names, as in kubectl (`node a b`).
 *
 * @returns undefined in place of words that name none.
 */
export function readObjects(
  words: readonly string[],
): readonly { readonly text: string; readonly named: NamedObject | undefined }[] {
  const [first = '', ...others] = words;
  const isKindAlone = !first.includes('/') && readKind(first) !== undefined && others.length > 0;
  if (!isKindAlone) return words.map((text) => ({ text, named: readObject(text) }));
  return others.map((text) => ({ text, named: readObject(`${first}/${text}`) }));
}
