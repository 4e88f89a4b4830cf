import { describe, expect, it } from 'vitest';
import { MemorySource } from '../../harness/builders/bridge.ts';
import { budget, controlledBy, node, pod, replicaSet, statefulSet, TAINT } from '../../harness/builders/objects.ts';
import { DRAINED_BY_MEDIK8S, kured, upgrade } from '../../harness/builders/other-tools.ts';
import type { KubeObject } from '../core/objects.ts';
import { formatReport, type Workload } from './model/report.ts';
import { CORDON_ANNOTATION, REPORT_ANNOTATION } from './names.ts';
import { tmmSettingsSchema } from './settings.ts';
import { setupWatches, type TmmSources } from './watches.ts';

function setUp(settings: object = {}) {
  const source = <T extends KubeObject>() => new MemorySource<T>();
  const sources = {
    nodes: source(),
    pods: source(),
    budgets: source(),
    statefulSets: source(),
    replicaSets: source(),
    daemonSets: source(),
    replicationControllers: source(),
    jobs: source(),
    claims: source(),
    volumes: source(),
    storageClasses: source(),
    csiNodes: source(),
    namespaces: source(),
  };
  const enqueued = new Set<string>();
  const withdrawn: string[] = [];
  setupWatches(
    sources as unknown as TmmSources,
    tmmSettingsSchema.parse(settings),
    (name) => enqueued.add(name),
    (name) => withdrawn.push(name),
  );
  /** The Nodes that a change enqueues. */
  const by = (change: () => void): readonly string[] => {
    enqueued.clear();
    change();
    return [...enqueued].sort();
  };
  return { sources, withdrawn, by };
}

const inPhase = (name: string, phase: 'Exiting' | 'Queued', workloads: readonly Workload[] = []) => {
  const time = '2026-11-21T02:00:00.000Z';
  const pods = { total: 0, gone: 0, staying: 0 };
  const report = { session: 's', phase, started: time, since: time, message: '', pods, blockedBy: [], workloads };
  return node(name, { meta: { annotations: { [REPORT_ANNOTATION]: formatReport(report) } } });
};

describe('`setupWatches()`', () => {
  it('tells of a request that has gone, also where it is back before anybody looks', () => {
    const { sources, withdrawn } = setUp();
    const tainted = node('a', { taints: [TAINT] });
    sources.nodes.put(tainted);
    sources.nodes.put({ ...tainted, metadata: { ...tainted.metadata, labels: { changed: 'yes' } } });
    expect(withdrawn).toEqual([]);
    sources.nodes.put(node('a'));
    sources.nodes.put(tainted);
    expect(withdrawn).toEqual(['a']);
  });

  it('enqueues the Nodes that wait for others when one is reported anew, or our cordon on it is lifted', () => {
    const { sources, by } = setUp();
    const exiting = inPhase('a', 'Exiting');
    const { annotations } = exiting.metadata;
    const meta = { annotations: { ...annotations, [CORDON_ANNOTATION]: 's' } };
    sources.nodes.put(inPhase('b', 'Queued'));
    expect(by(() => sources.nodes.put(node('a', { meta, unschedulable: true })))).toEqual(['a', 'b']);
    expect(
      by(() => sources.nodes.put(node('a', { meta: { ...meta, labels: { x: 'y' } }, unschedulable: true }))),
    ).toEqual(['a']);
    expect(by(() => sources.nodes.put(exiting))).toEqual(['a', 'b']);
    expect(by(() => sources.nodes.put(node('a')))).toEqual(['a', 'b']);
  });

  it.each([
    ['30%', ['b']],
    [2, []],
  ])(
    'enqueues the Nodes that wait when one is added, where that may give another slot: %s',
    (maxConcurrentNodes, found) => {
      const { sources, by } = setUp({ maxConcurrentNodes });
      sources.nodes.put(inPhase('b', 'Queued'));
      expect(by(() => sources.nodes.put(node('new')))).toEqual(found);
      expect(by(() => sources.nodes.put(node('new', { meta: { labels: { x: 'y' } } })))).toEqual([]);
    },
  );

  it('enqueues a Node in a session when the labels of a Namespace change whose Pods it has', () => {
    const { sources, by } = setUp();
    const { metadata } = pod('x', { node: 'a' });
    sources.pods.put(pod('x', { node: 'a' }));
    sources.nodes.put(inPhase('a', 'Queued'));
    sources.nodes.put(inPhase('empty', 'Queued'));
    const labelled = (name: string) => ({ metadata: { name, uid: name, resourceVersion: '1', labels: { team: 'x' } } });
    expect(by(() => sources.namespaces.put(labelled(metadata.namespace ?? '')))).toEqual(['a']);
    expect(by(() => sources.namespaces.put(labelled('another')))).toEqual([]);
  });

  it.each<[string, (sources: ReturnType<typeof setUp>['sources'], isHeld: boolean) => void]>([
    ['a taint', ({ nodes }, isHeld) => nodes.put(node('a', { taints: isHeld ? [DRAINED_BY_MEDIK8S] : [] }))],
    ['a lock of kured', ({ daemonSets }, isHeld) => daemonSets.put(kured(isHeld ? '{"nodeID":"a"}' : undefined))],
    ['a Job of the system-upgrade-controller', ({ jobs }, isHeld) => jobs.put(upgrade('a', !isHeld))],
  ])('enqueues a Node that another tool takes or lets go of, and those that wait: %s', (_, put) => {
    const { sources, by } = setUp();
    put(sources, false);
    sources.nodes.put(inPhase('b', 'Queued'));
    expect(by(() => put(sources, true))).toEqual(['a', 'b']);
    expect(by(() => put(sources, true))).toEqual([]);
    expect(by(() => put(sources, false))).toEqual(['a', 'b']);
  });

  it('enqueues of those that wait the one that may go next, and one that stands otherwise than before', () => {
    const { sources, by } = setUp();
    for (const name of ['b', 'c', 'd']) sources.nodes.put(inPhase(name, 'Queued'));
    expect(by(() => sources.nodes.put(inPhase('a', 'Exiting')))).toEqual(['a', 'b']);
    expect(by(() => sources.nodes.remove('b'))).toEqual(['b', 'c']);
    expect(by(() => sources.nodes.put(inPhase('b', 'Queued')))).toEqual(['b', 'c']);
  });

  it('asks nobody who is behind others because of a budget, nor of a controller with Pods there', () => {
    const { sources, by } = setUp();
    const owner = statefulSet('db', 2);
    const member = (name: string, nodeName: string) =>
      pod(name, { node: nodeName, meta: controlledBy(owner, 'StatefulSet') });
    for (const name of ['b', 'c']) sources.nodes.put(inPhase(name, 'Queued'));
    sources.pods.put(member('db-0', 'b'));
    sources.pods.put(member('db-1', 'c'));
    expect(by(() => sources.budgets.put(budget('db', { allowed: 1 })))).toEqual(['b']);
    expect(by(() => sources.statefulSets.put(owner))).toEqual(['b']);
    // Its own Pods may all have gone.
    expect(by(() => sources.pods.remove('shop/db-1'))).toEqual(['b', 'c']);
  });

  describe('enqueues the Node that awaits a workload, and those that wait behind it, when', () => {
    const awaits = (kind: string, name: string, uid: string) => [{ kind, namespace: 'shop', name, uid, here: 0 }];
    const ofDeployment = replicaSet('web-1', 2, {
      meta: controlledBy(statefulSet('web', 1, { meta: { uid: 'uid-of-web' } }), 'Deployment'),
    });

    it('its ReplicaSet changes, or another of its Deployment comes', () => {
      const { sources, by } = setUp();
      sources.nodes.put(inPhase('a', 'Exiting', awaits('Deployment', 'web', 'uid-of-web')));
      sources.nodes.put(inPhase('b', 'Queued'));
      expect(by(() => sources.replicaSets.put(ofDeployment))).toEqual(['a', 'b']);
      expect(by(() => sources.replicaSets.put(replicaSet('other', 1)))).toEqual([]);
      const member = pod('x', { meta: controlledBy(ofDeployment, 'ReplicaSet') });
      expect(by(() => sources.pods.put(member))).toEqual(['a', 'b']);
    });

    it.each(['statefulSets', 'daemonSets', 'replicationControllers', 'jobs'] as const)(
      'one of its %s changes or goes',
      (kind) => {
        const { sources, by } = setUp();
        const owner = statefulSet('x', 1);
        sources.nodes.put(inPhase('a', 'Exiting', awaits('Any', 'x', owner.metadata.uid)));
        sources.nodes.put(inPhase('b', 'Queued'));
        expect(by(() => sources[kind].put(owner))).toEqual(['a', 'b']);
        expect(by(() => sources[kind].remove('shop/x'))).toEqual(['a', 'b']);
      },
    );
  });
});
