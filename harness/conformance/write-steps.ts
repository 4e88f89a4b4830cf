/** Random writes of objects: creation, replacement, patches, server-side apply, status and deletion. */
import fc from 'fast-check';
import type { Step } from './request-parts.ts';
import {
  asked,
  collectionOf,
  MERGE,
  meant,
  NAMES,
  nameIn,
  objectPath,
  plainMeta,
  query,
  type StepOf,
} from './sequence-parts.ts';

const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

const { constantFrom: oneOf, tuple } = fc;

export const creation: StepOf = (kind) =>
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

export const replacement: StepOf = (kind) =>
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

export const merge: StepOf = (kind) =>
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

export const jsonPatch: StepOf = (kind) =>
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

export const apply: StepOf = (kind) =>
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

export const status: StepOf = (kind) =>
  tuple(NAMES, kind.status, fc.boolean()).map(
    ([name, status, withMore]): Step => ({
      method: 'PATCH',
      path: `${objectPath(kind, name)}/status`,
      type: kind.isCustom === true ? MERGE : oneOfType(withMore),
      body: { status, ...(withMore && { metadata: { labels: { told: 'yes' } } }) },
    }),
  );
const oneOfType = (isStrategic: boolean): string => (isStrategic ? STRATEGIC : MERGE);

export const deletion: StepOf = (kind) =>
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
