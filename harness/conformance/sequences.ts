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

const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
export const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const { constantFrom: oneOf, record, tuple } = fc;
const sparse = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  record(fields, { requiredKeys: [] });

/** Mostly names of existing objects. */
const NAMES = oneOf('a', 'a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'Bad_');
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
const plainMeta = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ labels: { app: 'a' } }) },
  { weight: 1, arbitrary: meta },
);
const query = fc.oneof(
  { weight: 9, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: oneOf('dryRun=All', 'dryRun=Some', 'fieldValidation=Strict', 'fieldManager=one') },
);

const collectionOf = ({ root, plural, isNamespaced }: Kind): string =>
  isNamespaced ? `${root}/namespaces/$ns/${plural}` : `${root}/${plural}`;
/** Names of cluster-wide objects carry the Namespace, so that sequences do not meet. */
const nameIn = ({ isNamespaced }: Kind, name: string): string => (isNamespaced ? name : `$ns-${name}`);
const objectPath = (kind: Kind, name: string): string => `${collectionOf(kind)}/${nameIn(kind, name)}`;
const asked = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`);

type StepOf = (kind: Kind) => fc.Arbitrary<Step>;
/** The value that a word stands for; undefined for words that are not listed. */
const meant = <T>(words: Readonly<Record<string, T>>, word: string): T | undefined => words[word];

const creation: StepOf = (kind) =>
  tuple(
    NAMES,
    plainMeta,
    kind.body,
    query,
    oneOf('', '', '', '', '', '', '', '', '', '', '', 'generate', 'bare', 'versioned', 'elsewhere', 'kind'),
  ).map(([name, more, body, query, odd]): Step => {
    const named = meant<object>(
      {
        generate: { generateName: 'g-' },
        bare: {},
        versioned: { name: nameIn(kind, name), resourceVersion: '1' },
        elsewhere: { name: nameIn(kind, name), namespace: 'elsewhere' },
      },
      odd,
    ) ?? { name: nameIn(kind, name) };
    const metadata = odd === 'generate' ? named : { ...more, ...named };
    const type = { apiVersion: kind.apiVersion, kind: odd === 'kind' && kind.isCustom !== true ? 'Odd' : kind.kind };
    return {
      method: 'POST',
      path: asked(collectionOf(kind), query),
      body: { ...type, metadata, ...(odd === 'generate' && !kind.isNamespaced ? {} : body) },
    };
  });

const replacement: StepOf = (kind) =>
  tuple(NAMES, plainMeta, kind.body, query, oneOf('none', 'version', 'version', 'old', 'odd', 'uid')).map(
    ([name, more, body, query, which]): Step => {
      const path = objectPath(kind, name);
      const tie = meant<object>(
        {
          none: {},
          version: { resourceVersion: `$version:${path}` },
          old: { resourceVersion: `$old:${path}` },
          odd: { resourceVersion: 'odd' },
          uid: { uid: 'other' },
        },
        which,
      );
      const metadata = { ...more, name: nameIn(kind, name), ...tie };
      return {
        method: 'PUT',
        path: asked(path, query),
        body: { apiVersion: kind.apiVersion, kind: kind.kind, metadata, ...body },
      };
    },
  );

const metaPatch = oneOf<object>(
  { labels: { app: 'b' } },
  { labels: { app: null } },
  { labels: null },
  { annotations: { 'example.com/b': 'y' } },
  { finalizers: ['example.com/hold'] },
  { finalizers: null },
  { uid: 'other' },
  { name: 'other' },
  { labels: { 'bad key': 'x' } },
  { deletionTimestamp: '2026-01-01T00:00:00Z' },
  { generation: 7 },
);

const merge: StepOf = (kind) =>
  tuple(
    NAMES,
    fc.option(metaPatch),
    kind.patch,
    query,
    kind.isCustom === true ? fc.constant(MERGE) : oneOf(MERGE, MERGE, STRATEGIC, STRATEGIC, 'application/mars'),
    oneOf('', '', '', 'version', 'old'),
  ).map(([name, about, patch, query, type, tie]): Step => {
    const path = objectPath(kind, name);
    const metadata = { ...about, ...(tie !== '' && { resourceVersion: `$${tie}:${path}` }) };
    return {
      method: 'PATCH',
      path: asked(path, query),
      type,
      body: Object.keys(metadata).length === 0 ? patch : { metadata, ...patch },
    };
  });

const jsonPatch: StepOf = (kind) =>
  tuple(
    NAMES,
    oneOf<readonly object[]>(
      [{ op: 'add', path: '/metadata/labels', value: { app: 'a', x: 'y' } }],
      [{ op: 'replace', path: '/metadata/labels/app', value: 'b' }],
      [{ op: 'remove', path: '/metadata/labels/app' }],
      [
        { op: 'test', path: '/metadata/labels/app', value: 'a' },
        { op: 'add', path: '/metadata/annotations', value: {} },
      ],
      [{ op: 'test', path: '/metadata/name', value: 'nobody' }],
      [{ op: 'remove', path: '/metadata/finalizers' }],
      [{ op: 'move', from: '/metadata/labels', path: '/metadata/annotations' }],
      [{ op: 'copy', from: '/metadata/name', path: '/metadata/labels/name' }],
      [{ op: 'odd', path: '/metadata' }],
      [],
    ),
    query,
  ).map(
    ([name, body, query]): Step => ({
      method: 'PATCH',
      path: asked(objectPath(kind, name), query),
      type: JSON_PATCH,
      body,
    }),
  );

const apply: StepOf = (kind) =>
  tuple(
    NAMES,
    plainMeta,
    kind.body,
    oneOf('fieldManager=one', 'fieldManager=two', 'fieldManager=two&force=true', ''),
  ).map(
    ([name, more, body, query]): Step => ({
      method: 'PATCH',
      path: asked(objectPath(kind, name), query),
      type: APPLY,
      body: { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { ...more, name: nameIn(kind, name) }, ...body },
    }),
  );

const status: StepOf = (kind) =>
  tuple(NAMES, kind.status, fc.boolean()).map(
    ([name, status, withMore]): Step => ({
      method: 'PATCH',
      path: `${objectPath(kind, name)}/status`,
      type: kind.isCustom === true ? MERGE : oneOfType(withMore),
      body: { status, ...(withMore && { metadata: { labels: { told: 'yes' } } }) },
    }),
  );
const oneOfType = (isStrategic: boolean): string => (isStrategic ? STRATEGIC : MERGE);

const deletion: StepOf = (kind) =>
  tuple(
    NAMES,
    oneOf('', '', 'uid', 'other', 'version', 'old', 'grace', 'now', 'foreground', 'orphan', 'odd', 'dry'),
  ).map(([name, how]): Step => {
    const path = objectPath(kind, name);
    const body = meant<object>(
      {
        uid: { preconditions: { uid: `$uid:${path}` } },
        other: { preconditions: { uid: 'other' } },
        version: { preconditions: { resourceVersion: `$version:${path}` } },
        old: { preconditions: { resourceVersion: `$old:${path}` } },
        grace: { gracePeriodSeconds: 5 },
        now: { gracePeriodSeconds: 0 },
        foreground: { propagationPolicy: 'Foreground' },
        orphan: { propagationPolicy: 'Orphan' },
        odd: { propagationPolicy: 'Odd' },
        dry: { dryRun: ['All'] },
      },
      how,
    );
    return { method: 'DELETE', path, ...(body !== undefined && { body }) };
  });

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

const pod = (name: string): string => `/api/v1/namespaces/$ns/pods/${name}`;
const eviction: fc.Arbitrary<Step> = tuple(NAMES, oneOf('', '', '', 'uid', 'other', 'dry', 'name')).map(
  ([name, how]): Step => {
    const deleteOptions = meant<object>(
      {
        uid: { preconditions: { uid: `$uid:${pod(name)}` } },
        other: { preconditions: { uid: 'other' } },
        dry: { dryRun: ['All'] },
      },
      how,
    );
    const metadata = { name: how === 'name' ? 'other' : name };
    return {
      method: 'POST',
      path: `${pod(name)}/eviction`,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata,
        ...(deleteOptions !== undefined && { deleteOptions }),
      },
    };
  },
);
const binding: fc.Arbitrary<Step> = tuple(NAMES, oneOf('$ns-a', 'nowhere', '')).map(
  ([name, node]): Step => ({
    method: 'POST',
    path: `${pod(name)}/binding`,
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    },
  }),
);
const scaling: fc.Arbitrary<Step> = tuple(NAMES, oneOf(0, 3, -1)).map(
  ([name, replicas]): Step => ({
    method: 'PATCH',
    path: `/apis/apps/v1/namespaces/$ns/deployments/${name}/scale`,
    type: MERGE,
    body: { spec: { replicas } },
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
