/** The end of a pass ends each request that the pass waits for, and none that it has only started. */
import { describe, expect, it } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import { startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { soon } from '../../../harness/doubles/soon.ts';
import { credentialsFor } from '../../../harness/doubles/test-kubeconfig.ts';
import type { Action, ObjectRef } from '../../core/action.ts';
import { NODE, POD } from '../../core/objects.ts';
import { SECRET } from '../../core/stored-pods.ts';
import { Controller } from '../../runtime/controller.ts';
import { LeadershipLost } from '../../runtime/drain-signal.ts';
import { EventRecorder } from '../../runtime/recorder.ts';
import { Informer } from '../cache/informer.ts';
import { Reflector } from '../cache/reflector.ts';
import type { ApiClient } from '../http/api.ts';
import { makeClient } from '../http/client.ts';
import { GuardedClient } from '../http/guarded-client.ts';
import { makeApply } from '../write/apply.ts';
import { podsBoundTo } from '../write/bound-pods.ts';
import { makeEventSink } from '../write/events.ts';
import { PodEvictor } from '../write/evictor.ts';
import { makeObjectAccess } from '../write/object-access.ts';
import { BackgroundPodMarker } from '../write/pod-marker.ts';
import { PodKeeper } from '../write/pod-store.ts';
import { makeNodeReadings } from './node-readings.ts';

const log = recordingLog();
const clock = { now: () => 0 };
const node: ObjectRef = { resource: NODE, name: 'n', uid: 'n1' };
const pod: ObjectRef = { resource: POD, namespace: 'shop', name: 'p', uid: 'p1' };
const secret: ObjectRef = { resource: SECRET, namespace: 'own', name: 's', uid: 's1' };
const identity = { namespace: 'shop', name: 'p', uid: 'p1' };
const event = {
  do: 'recordEvent',
  regarding: pod,
  type: 'Normal',
  reason: 'Drained',
  action: 'Drain',
  note: 'Done',
} as const;

type Work = (client: ApiClient) => Promise<unknown>;

const applied =
  (action: Action): Work =>
  (client) => {
    const recorder = { record: () => undefined };
    const keeper = new PodKeeper({ client, namespace: 'own', recorder, clock, onFailure: () => undefined });
    return makeApply({ client, recorder, clock, dryRun: false, keeper })([action], log);
  };
const objects = (client: ApiClient) => makeObjectAccess(client, { now: () => 0, dryRun: false });

const AWAITED: Readonly<Record<string, Work>> = {
  'a patch of metadata': applied({ do: 'patchMeta', target: node, labels: { a: 'b' } }),
  'a patch of a status': applied({ do: 'patchNodeStatus', target: node, annotations: {}, conditions: [] }),
  'a cordon': applied({
    do: 'setUnschedulable',
    target: node,
    resourceVersion: '1',
    unschedulable: true,
    annotations: {},
  }),
  'a Pod that is stored': applied({
    do: 'storePod',
    target: pod,
    as: { pod: identity, node: 'n', session: 's' } as never,
  }),
  'a Pod that is restored': applied({
    do: 'restorePod',
    target: secret,
    resourceVersion: '1',
    pod: identity,
    node: 'n',
  }),
  'a stored Pod that is discarded': applied({ do: 'discardStored', target: secret, resourceVersion: '1' }),
  'the Pods of a Node': (client) => podsBoundTo(client, 'n'),
  'a question about a Node': (client) => makeNodeReadings(() => client).hasVolumes('a/b', 'n'),
  'a request to a workload cluster': (client) =>
    new GuardedClient(client, {
      clock,
      timings: { requestTimeoutMs: 30_000, stallMs: 30_000 },
      onTrouble: () => undefined,
    }).request({ method: 'GET', path: '/api' }),
  'an object of any kind': (client) => objects(client).get(pod),
  'objects of any kind': (client) => objects(client).list(POD, { limit: 1 }),
  discovery: (client) => objects(client).resolve({ group: 'apps', kind: 'Deployment' }),
};

/** Each starts something that continues after the pass. */
const STARTED: Readonly<Record<string, (client: ApiClient, stop: AbortSignal) => void>> = {
  'an Event': (client) => {
    const sink = makeEventSink({ client, controller: 'tmm', instance: 'i' });
    new EventRecorder({ controller: 'tmm', sink, clock, log }).record(event);
  },
  'an eviction': (client, stop) => {
    const evictor = new PodEvictor({ client, clock, log, dryRun: false, onResult: () => undefined });
    void evictor.start(stop);
    evictor.want('n', [{ namespace: 'shop', name: 'p', uid: 'p1', lane: 'l', basis: '1' }]);
  },
  'a mark on a Pod': (client, stop) => {
    const marker = new BackgroundPodMarker({ client, clock, log, dryRun: false, onDue: () => undefined });
    void marker.start(stop);
    marker.want('n', [{ do: 'patchMeta', target: pod, annotations: { a: 'b' } }]);
  },
  'a list and its watch': (client, stop) => {
    const reflector = new Reflector({ client, resource: NODE, clock, log });
    void reflector.run(new Informer({ log }), stop);
  },
};

/** A server that never answers, and a controller whose pass does `work` and is ended as soon as its `count` requests have come. */
async function passOf(work: (client: ApiClient, stop: AbortSignal) => unknown, count = 1) {
  const closed: string[] = [];
  const server = await startScriptedServer((request) => {
    void request.closed.then(() => closed.push(request.path));
    return new Promise(() => undefined);
  });
  const client = makeClient(credentialsFor({ server: server.url }));
  const stop = new AbortController();
  const outcomes: string[] = [];
  const controller = new Controller({
    name: 'test',
    kind: 'Node',
    reconcile: async (_, { signal }) => {
      await work(client, stop.signal);
      // A pass that only starts such work stays open until it is ended.
      if (!signal.aborted) await new Promise<void>((end) => signal.addEventListener('abort', () => end()));
      throw new Error('over');
    },
    log,
    metrics: { observe: ({ outcome }) => outcomes.push(outcome), depth: () => undefined },
    isConflict: () => false,
  });
  controller.enqueue('n');
  const leading = new AbortController();
  const running = controller.start(leading.signal);
  await soon(() => expect(server.requests).toHaveLength(count));
  leading.abort(new LeadershipLost('over'));
  await soon(() => expect(outcomes).toEqual(['Aborted']));
  return {
    closed,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await server[Symbol.asyncDispose]();
      await running;
    },
  };
}

describe('the end of a pass', () => {
  // Long before any deadline of their own.
  it.each(Object.entries(AWAITED))('ends %s', async (_, work) => {
    await using pass = await passOf(work);
    await soon(() => expect(pass.closed).toHaveLength(1));
  });

  it.each(Object.entries(STARTED))('does not end %s', async (_, start) => {
    // The server has seen the end of the pass once it sees that of a request that the pass waits for.
    const awaited = '/version';
    await using pass = await passOf((client, stop) => {
      start(client, stop);
      return client.request({ method: 'GET', path: awaited });
    }, 2);
    await soon(() => expect(pass.closed).toContain(awaited));
    expect(pass.closed).toEqual([awaited]);
  });
});
