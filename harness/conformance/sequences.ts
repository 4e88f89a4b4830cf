/**
 * Random sequences of requests. They are plain data, in which `$…` stands for what differs from server to server:
 *
 * - `$ns` the Namespace of the sequence
 * - `$version:PATH`, `$old:PATH`, `$uid:PATH` of the object at PATH, as in the server's last, or first, response
 * - `$continue` the token that came with the last page
 */
import fc from 'fast-check';
import { KINDS } from './objects.ts';
import type { Kind } from './parts.ts';
import type { Step } from './request-parts.ts';
import { asked, collectionOf, NAMES, nameIn, objectPath, type StepOf } from './sequence-parts.ts';
import { binding, eviction, scaling } from './subresource-steps.ts';
import { apply, creation, deletion, jsonPatch, merge, replacement, status } from './write-steps.ts';

export const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const { constantFrom: oneOf, tuple } = fc;

const reading: StepOf = (kind) =>
  tuple(NAMES, oneOf('application/json', 'application/json', PARTIAL, TABLE)).map(
    ([name, accept]): Step => ({ method: 'GET', path: objectPath(kind, name), accept }),
  );

const listing: StepOf = (kind) =>
  oneOf(
    '',
    'labelSelector=app%3Da',
    'labelSelector=app%21%3Da',
    'labelSelector=%21app',
    'labelSelector=app%20in%20(a,b)',
    'labelSelector=%3D%3D',
    'fieldSelector=metadata.name%3Da',
    'fieldSelector=metadata.name%21%3Da',
    'fieldSelector=spec.nodeName%3Dnowhere',
    'fieldSelector=odd%3Dx',
    'limit=1',
    'limit=1&continue=$continue',
    'limit=1&labelSelector=app%3Da',
    'limit=1&labelSelector=app%3Da&continue=$continue',
    'limit=1&continue=$continue&resourceVersion=1',
    'limit=1&resourceVersion=0',
    'limit=1&resourceVersion=$start',
    'limit=1&fieldSelector=metadata.name%3Da',
    'limit=2&continue=odd',
    'resourceVersion=0',
    'resourceVersion=0&resourceVersionMatch=NotOlderThan',
    'resourceVersionMatch=Exact',
    'resourceVersion=odd',
    'limit=-1',
  ).map(
    // Cluster-wide objects are shared by all sequences: each sees only its own.
    (query): Step => ({
      method: 'GET',
      path: asked(kind.isNamespaced ? collectionOf(kind) : `/api/v1/namespaces/$ns/configmaps`, query),
    }),
  );

const stepOf: StepOf = (kind) =>
  fc.oneof(
    { weight: 4, arbitrary: creation(kind) },
    { weight: 2, arbitrary: replacement(kind) },
    { weight: 3, arbitrary: merge(kind) },
    { weight: 2, arbitrary: jsonPatch(kind) },
    { weight: 2, arbitrary: apply(kind) },
    ...(kind.hasStatus ? [{ weight: 2, arbitrary: status(kind) }] : []),
    { weight: 2, arbitrary: deletion(kind) },
    { weight: 1, arbitrary: reading(kind) },
    { weight: 1, arbitrary: listing(kind) },
    ...(kind.plural === 'pods'
      ? [
          { weight: 2, arbitrary: eviction },
          { weight: 1, arbitrary: binding },
        ]
      : []),
    ...(kind.plural === 'deployments' ? [{ weight: 1, arbitrary: scaling }] : []),
  );

/** Each sequence is about one kind, or about two: Pods and budgets belong together. */
const subjects: readonly (readonly Kind[])[] = [
  ...KINDS.map((kind) => [kind]),
  KINDS.filter(({ plural }) => plural === 'pods' || plural === 'poddisruptionbudgets'),
];

/** An object to do something with. */
const firstOf: StepOf = (kind) =>
  kind.body.map((body): Step => {
    const metadata = { name: nameIn(kind, 'a'), labels: { app: 'a' } };
    const { apiVersion } = kind;
    return { method: 'POST', path: collectionOf(kind), body: { apiVersion, kind: kind.kind, metadata, ...body } };
  });

export const sequences: fc.Arbitrary<readonly Step[]> = oneOf(...subjects).chain((kinds) =>
  tuple(
    fc.tuple(...kinds.map((kind) => firstOf(kind))),
    fc.array(fc.oneof(...kinds.map((kind) => stepOf(kind))), { minLength: 5, maxLength: 13, size: 'max' }),
  ).map(([first, steps]) => [...first, ...steps]),
);
