/** Parts that the steps of random sequences share: names, metadata, queries and paths. */
import fc from 'fast-check';
import type { Kind } from './parts.ts';
import type { Step } from './request-parts.ts';

export const MERGE = 'application/merge-patch+json';

const { constantFrom: oneOf, record } = fc;
const sparse = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  record(fields, { requiredKeys: [] });

/** Mostly names of existing objects. */
export const NAMES = oneOf('a', 'a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'Bad_');
const labels = oneOf({ app: 'a' }, { app: 'b' }, { 'bad key': 'x' }, { app: 'bad value' }, {});
const meta = sparse({
  labels,
  annotations: oneOf({ 'example.com/a': 'x' }, { 'example.com/a': '' }, { 'bad key': 'x' }, {}),
  finalizers: oneOf(['example.com/hold'], [], ['unqualified']),
  ownerReferences: oneOf(
    [],
    [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'u' }],
    [{ kind: 'ConfigMap', name: 'a' }],
  ),
});
/** Nothing special, most of the time. */
export const plainMeta = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ labels: { app: 'a' } }) },
  { weight: 1, arbitrary: meta },
);
/** Mostly none. */
export const query = fc.oneof(
  { weight: 9, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: oneOf('dryRun=All', 'dryRun=Some', 'fieldValidation=Strict', 'fieldManager=one') },
);

/** Path of the collection of the kind in the sequence. */
export const collectionOf = ({ root, plural, isNamespaced }: Kind): string =>
  isNamespaced ? `${root}/namespaces/$ns/${plural}` : `${root}/${plural}`;
/** Names of cluster-wide objects carry the Namespace, so that sequences do not meet. */
export const nameIn = ({ isNamespaced }: Kind, name: string): string => (isNamespaced ? name : `$ns-${name}`);
/** Path of the object of that name. */
export const objectPath = (kind: Kind, name: string): string => `${collectionOf(kind)}/${nameIn(kind, name)}`;
/** The path with the query, if there is one. */
export const asked = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`);

/** The steps about one kind. */
export type StepOf = (kind: Kind) => fc.Arbitrary<Step>;
/** The value that a word stands for; undefined for words that are not listed. */
export const meant = <T>(words: Readonly<Record<string, T>>, word: string): T | undefined => words[word];
