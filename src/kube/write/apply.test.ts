import { describe, expect, it } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { Action, ObjectRef, RecordEvent } from '../../core/action.ts';
import { MACHINE } from '../../core/machine-objects.ts';
import { NODE, POD } from '../../core/objects.ts';
import { KubeError, type KubeErrorReason, type StatusCause } from '../http/errors.ts';
import { type ApplyOptions, makeApply } from './apply.ts';

const node: ObjectRef = { resource: NODE, name: 'worker-1', uid: 'n1' };
const pod: ObjectRef = { resource: POD, namespace: 'shop', name: 'db-0', uid: 'p1' };
const annotatePod: Action = {
  do: 'patchMeta',
  target: pod,
  annotations: { 'emm-failure': 'GenericFailure', old: null },
};
const cordon: Action = {
  do: 'setUnschedulable',
  target: node,
  resourceVersion: '7',
  unschedulable: true,
  annotations: { mark: 'x' },
};
const event: RecordEvent = {
  do: 'recordEvent',
  regarding: node,
  type: 'Normal',
  reason: 'Drained',
  action: 'Drain',
  note: 'Done',
};

function setUp(
  options: Partial<Pick<ApplyOptions, 'dryRun' | 'served' | 'pausesRepeats' | 'clock'>> & {
    readonly fails?: KubeError;
  } = {},
) {
  const client = new RecordingApi(() => {
    if (options.fails !== undefined) throw options.fails;
  });
  const recorded: RecordEvent[] = [];
  const log = recordingLog();
  const apply = makeApply({
    client,
    recorder: { record: (one) => recorded.push(one) },
    clock: options.clock ?? { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) },
    dryRun: options.dryRun ?? false,
    pausesRepeats: options.pausesRepeats ?? false,
    ...(options.served !== undefined && { served: options.served }),
  });
  return { client, recorded, log, apply: (...actions: readonly Action[]) => apply(actions, log) };
}

function refusal(reason: KubeErrorReason, code: number, causes: readonly StatusCause[] = []): KubeError {
  return new KubeError({ reason, code, message: reason, causes });
}

describe('makeApply', () => {
  it('`patchMeta` merges single annotations under the UID', async () => {
    const { client, apply } = setUp();
    await apply(annotatePod);
    expect(client.requests).toEqual([
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/shop/pods/db-0',
        patchType: 'merge',
        body: { metadata: { uid: 'p1', annotations: { 'emm-failure': 'GenericFailure', old: null } } },
      },
    ]);
  });

  it('`patchMeta` merges labels too, in the version that is served', async () => {
    const { client, apply } = setUp({ served: (resource) => ({ ...resource, version: 'v1beta1' }) });
    const target = { resource: MACHINE, namespace: 'metal', name: 'm', uid: 'm1' };
    await apply({ do: 'patchMeta', target, resourceVersion: '7', labels: { old: null, new: 'x' } });
    expect(client.requests).toEqual([
      {
        method: 'PATCH',
        path: '/apis/cluster.x-k8s.io/v1beta1/namespaces/metal/machines/m',
        patchType: 'merge',
        body: { metadata: { uid: 'm1', resourceVersion: '7', labels: { old: null, new: 'x' } } },
      },
    ]);
  });

  it('`patchNodeStatus` writes annotations and conditions in one request, with a heartbeat of now', async () => {
    const { client, apply } = setUp();
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const condition = { type: 'DrainInProgress', status: 'True', reason: 'Draining', lastTransitionTime };
    await apply({
      do: 'patchNodeStatus',
      target: node,
      resourceVersion: '7',
      annotations: { report: '{}' },
      conditions: [condition],
    });
    expect(client.requests).toEqual([
      {
        method: 'PATCH',
        path: '/api/v1/nodes/worker-1/status',
        patchType: 'strategic-merge',
        body: {
          metadata: { uid: 'n1', resourceVersion: '7', annotations: { report: '{}' } },
          status: { conditions: [{ ...condition, lastHeartbeatTime: '2026-01-02T03:04:05Z' }] },
        },
      },
    ]);
  });

  it.each([
    [true, true],
    [false, null],
  ])('`setUnschedulable` %s sends %s with the annotation and the resourceVersion', async (unschedulable, sent) => {
    const { client, apply } = setUp();
    await apply({ ...cordon, unschedulable });
    expect(client.requests[0]).toMatchObject({
      path: '/api/v1/nodes/worker-1',
      patchType: 'merge',
      body: {
        metadata: { uid: 'n1', resourceVersion: '7', annotations: { mark: 'x' } },
        spec: { unschedulable: sent },
      },
    });
  });

  it('`recordEvent` goes to the recorder', async () => {
    const { client, recorded, apply } = setUp();
    await apply(event);
    expect([recorded, client.requests]).toEqual([[event], []]);
  });

  it('`apply()` stops at the first action that fails', async () => {
    const { client, recorded, apply } = setUp({ fails: refusal('Conflict', 409) });
    await expect(apply(annotatePod, cordon, event)).rejects.toMatchObject({ reason: 'Conflict' });
    expect([client.requests.length, recorded]).toEqual([1, []]);
  });

  it('a Pod that has gone needs no annotation; a Node that has gone is a failure', async () => {
    const { recorded, apply } = setUp({ fails: refusal('NotFound', 404) });
    await apply(annotatePod, event);
    expect(recorded).toEqual([event]);
    await expect(apply({ ...annotatePod, target: node })).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('a namesake with another UID is a conflict, as the API server’s "field is immutable" means', async () => {
    const immutable = { reason: 'FieldValueInvalid', field: 'metadata.uid', message: 'field is immutable' };
    const { apply } = setUp({ fails: refusal('Invalid', 422, [immutable, immutable]) });
    await expect(apply(annotatePod)).rejects.toMatchObject({ reason: 'Conflict' });
  });

  it('any other invalid patch stays invalid', async () => {
    const { apply } = setUp({ fails: refusal('Invalid', 422, [{ field: 'metadata.annotations' }]) });
    await expect(apply(annotatePod)).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('storing needs a keeper, and a dry run none', async () => {
    const identity = { namespace: 'shop', name: 'db-0', uid: 'p1' };
    const as = { pod: identity, node: 'worker-1', session: 's1', wasReady: true, eviction: 'waiting' } as const;
    const store: Action = { do: 'storePod', target: pod, as };
    await expect(setUp().apply(store)).rejects.toThrow('Nobody keeps Pods here');
    const { client, log, apply } = setUp({ dryRun: true });
    await apply(store);
    expect(client.requests).toEqual([]);
    expect(log.lines).toMatchObject([{ fields: { action: 'storePod', Pod: 'shop/db-0' } }]);
  });

  it('a dry run writes nothing and says once what it would do', async () => {
    const { client, recorded, log, apply } = setUp({ dryRun: true });
    await apply(annotatePod, cordon, event);
    await apply(annotatePod, cordon, event);
    expect([client.requests, recorded]).toEqual([[], []]);
    expect(log.lines).toEqual([
      { level: 'info', message: 'Would apply', fields: { action: 'patchMeta', Pod: 'shop/db-0' } },
      { level: 'info', message: 'Would apply', fields: { action: 'setUnschedulable', Node: 'worker-1' } },
      { level: 'info', message: 'Would apply', fields: { action: 'recordEvent', Node: 'worker-1' } },
    ]);
  });

  it('pauses where somebody undoes a patch again and again, and says so; another patch is sent at once', async () => {
    let now = 0;
    const { client, log, apply } = setUp({ pausesRepeats: true, clock: { now: () => now } });
    for (let i = 0; i < 5; i += 1) await apply(annotatePod);
    await expect(apply(annotatePod)).rejects.toMatchObject({ reason: 'Conflict', code: 0 });
    expect(client.requests).toHaveLength(5);
    expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: 'Somebody undoes a change again and again', fields: { Pod: 'shop/db-0' } },
    ]);
    await apply({ ...annotatePod, annotations: { 'emm-failure': null } });
    now = 1000;
    for (let i = 0; i < 5; i += 1) await apply(annotatePod);
    now = 2000;
    await apply(annotatePod);
    expect(client.requests).toHaveLength(12);
  });

  it('repeats a patch without a pause otherwise', async () => {
    const { client, apply } = setUp();
    for (let i = 0; i < 10; i += 1) await apply(annotatePod);
    expect(client.requests).toHaveLength(10);
  });
});
