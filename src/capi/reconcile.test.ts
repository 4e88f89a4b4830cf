/** Passes over Machines of clusters in memory, with everything between the caches and the API servers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { bumped, MemoryClusters, MemoryManagement, merged } from '../../harness/builders/bridge.ts';
import { cluster, type MachinePart, machine, workloadNode } from '../../harness/builders/machines.ts';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { writeAnswerOf } from '../app/capi.ts';
import { ALL_METRICS } from '../app/metrics.ts';
import { ENABLED_LABEL, HOOK_ANNOTATION, HOOK_VALUE, MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { KubeObject } from '../core/objects.ts';
import { KubeError } from '../kube/http/errors.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { ClusterReferences } from './cluster-references.ts';
import { reconcileClusters } from './known-clusters.ts';
import { CapiMeter } from './metrics.ts';
import { reconcileNodes } from './node-sweep.ts';
import { makeReconcile } from './reconcile.ts';
import { capiSettingsSchema } from './settings.ts';
import { type ClusterListener, setupWatches } from './watches.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';
const SHOP = 'metal/shop';
const DELETED = '2026-11-21T10:00:00Z';
const NOW = Date.parse(DELETED) + 60_000;

let management: MemoryManagement;
let workload: MemoryClusters;
let registry: MetricRegistry;
let listener: ClusterListener;
let meter: CapiMeter;
let queue: Set<string>;
let nodeQueue: Set<string>;
let clusterQueue: Set<string>;
let clusterPass: ReturnType<typeof reconcileClusters>;
let trustedAnew: string[];
let nodePass: ReturnType<typeof reconcileNodes>;
let log: ReturnType<typeof recordingLog>;
let reconcile: ReturnType<typeof makeReconcile>;

beforeEach(() => setUp());

/** A new process; on the same clusters if they are passed. */
function setUp(
  settings: object = {},
  guardsScaleDown = false,
  before = new MemoryManagement(),
  stored = new MemoryClusters(),
): void {
  management = before;
  workload = stored;
  management.machines.dropHandlers();
  management.clusters.dropHandlers();
  workload.want(new Set());
  registry = new MetricRegistry(ALL_METRICS);
  log = recordingLog();
  queue = new Set();
  nodeQueue = new Set();
  clusterQueue = new Set();
  trustedAnew = [];
  nodePass = reconcileNodes({ readers: management, clusters: workload });
  meter = new CapiMeter(registry);
  const references = new ClusterReferences(
    workload,
    () => true,
    (cluster) => clusterQueue.add(cluster),
  );
  listener = setupWatches(management, {
    references,
    enqueue: (key) => queue.add(key),
    enqueueNode: (key) => nodeQueue.add(key),
    enqueueCluster: (key) => clusterQueue.add(key),
    trustAnew: (key) => trustedAnew.push(key),
    nodesOf: (cluster) => workload.nodes(cluster),
    tell: (events) => management.events.push(...events.map(({ reason, regarding }) => `${regarding.name} ${reason}`)),
  });
  clusterPass = reconcileClusters({
    readers: management,
    clusters: workload,
    references,
    apply: management.apply,
    answerOf: writeAnswerOf,
  });
  reconcile = makeReconcile({
    readers: management,
    clusters: workload,
    apply: management.apply,
    references,
    clock: { now: () => NOW },
    meter,
    guardsScaleDown,
    answerOf: writeAnswerOf,
    tellOnce: management.tellOnce,
    settings: capiSettingsSchema.parse(settings),
  });
}

/** Makes passes until none is requested. @returns how many. */
async function settle(): Promise<number> {
  for (let passes = 0; ; passes += 1) {
    const [key]: Iterable<string> = queue;
    const [nodeKey]: Iterable<string> = nodeQueue;
    const [clusterKey]: Iterable<string> = clusterQueue;
    const nodesBefore = new Map(workload.stored);
    if (key !== undefined) {
      queue.delete(key);
      await reconcile(key, { log });
    } else if (nodeKey !== undefined) {
      nodeQueue.delete(nodeKey);
      await nodePass(nodeKey, { log });
    } else if (clusterKey !== undefined) {
      clusterQueue.delete(clusterKey);
      await clusterPass(clusterKey, { log });
      // This pass does not count as one over a Machine.
      passes -= 1;
    } else return passes;
    for (const [nodeKey, node] of workload.stored) if (nodesBefore.get(nodeKey) !== node) heard(nodeKey);
  }
}

const heard = (nodeKey: string): void => {
  const [namespace = '', name = '', node = ''] = nodeKey.split('/');
  listener.onNodeChange(`${namespace}/${name}`, node);
};

function add(name: string, part: MachinePart = {}, nodeLabels: Readonly<Record<string, string>> = {}): void {
  const object = machine(name, part);
  if (part.node !== null) {
    workload.put(
      `${object.metadata.namespace}/${object.spec.clusterName}`,
      workloadNode(part.node ?? name, prefixed(nodeLabels)),
    );
  }
  management.machines.put(object);
}

const prefixed = (labels: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${P}/${key}`, value]));

function labelNode(name: string, labels: Readonly<Record<string, string | null>>, key = SHOP): void {
  const node = workload.stored.get(`${key}/${name}`);
  if (node === undefined) throw new Error(`There is no Node ${name}`);
  const changes = Object.fromEntries(Object.entries(labels).map(([label, value]) => [`${P}/${label}`, value]));
  const metadata = { ...bumped(node.metadata), labels: merged(node.metadata.labels, changes) };
  workload.put(key, { ...node, metadata });
  heard(`${key}/${name}`);
}

function edit(name: string, labels: Readonly<Record<string, string | null>>, deletedAt?: string): void {
  management.edit(`metal/${name}`, (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: merged(object.metadata.labels, labels),
      ...(deletedAt !== undefined && { deletionTimestamp: deletedAt }),
    },
  }));
}

const hookOf = (name: string) =>
  management.machines.objects.get(`metal/${name}`)?.metadata.annotations?.[HOOK_ANNOTATION];
const maintenanceOf = (name: string) =>
  management.machines.objects.get(`metal/${name}`)?.metadata.labels?.[MAINTENANCE_LABEL];

async function gauge(line: string): Promise<string | undefined> {
  meter.collect(NOW, [
    { state: 'Connected', sinceMs: NOW - 9000 },
    { state: 'Connected', sinceMs: NOW - 1000 },
    { state: 'Refused', sinceMs: NOW - 5000 },
  ]);
  const { body } = await registry.exposition();
  return body
    .split('\n')
    .find((each) => each.startsWith(`maintenance_bridge_capi_${line} `))
    ?.split(' ')
    .at(-1);
}

function removeNode(name: string): void {
  workload.stored.delete(`${SHOP}/${name}`);
  heard(`${SHOP}/${name}`);
}

/** Samples of a counter by its only label. */
async function releases(): Promise<Readonly<Record<string, string>>> {
  const { body } = await registry.exposition();
  const found = body.matchAll(/^maintenance_bridge_capi_hook_releases_total\{reason="(\w+)"\} ([1-9]\d*)$/gm);
  return Object.fromEntries([...found].map(([, reason = '', count = '']) => [reason, count]));
}

const REFUSALS = [
  new KubeError({ reason: 'Forbidden', code: 403, message: 'nodes "a" is forbidden: User "shop" cannot patch' }),
  new KubeError({
    reason: 'BadRequest',
    code: 400,
    message: 'admission webhook "labels.example.org" denied the request',
  }),
  new KubeError({ reason: 'ServerError', code: 500, message: 'etcdserver: request timed out' }),
];

describe('a workload cluster that refuses every write', () => {
  const enter = async (refusal: KubeError, labels: Readonly<Record<string, string>>): Promise<void> => {
    add('a', { hook: true }, labels);
    workload.refusals.set(SHOP, refusal);
    edit('a', {}, DELETED);
    while (queue.size > 0) await settle().catch((error: unknown) => expect(error).toBe(refusal));
  };

  it.each(REFUSALS)('does not hold an approved deletion ($message)', async (refusal) => {
    await enter(refusal, { 'approve-deletion': 'true' });
    expect(hookOf('a')).toBeUndefined();
    expect(management.events).toContain('DeletionApproved');
    expect(await releases()).toEqual({ Approved: '1' });
    const warning = management.notes.find((note) => note.startsWith('Warning NodeWriteRefused'));
    expect(warning).toContain(refusal.message);
  });

  it.each(REFUSALS)('does not hold the deletion of a Machine that is disabled ($message)', async (refusal) => {
    await enter(refusal, { 'machine-maintenance': 'true' });
    expect(hookOf('a')).toBe(HOOK_VALUE);
    edit('a', { [ENABLED_LABEL]: null });
    await expect(settle()).rejects.toBe(refusal);
    expect(hookOf('a')).toBeUndefined();
    expect(await releases()).toEqual({ Disabled: '1' });
    // The Node is remembered until it can be cleaned.
    workload.refusals.clear();
    queue.add('metal/a');
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual({});
  });

  it('does not tell people that the Node was told', async () => {
    add('a', { hook: true, maintenance: 'requested' }, { 'approve-maintenance': 'true' });
    workload.refusals.set(SHOP, REFUSALS[0] as KubeError);
    await expect(settle()).rejects.toBe(REFUSALS[0]);
    expect(maintenanceOf('a')).toBe('approved');
    expect(management.events).not.toContain('MaintenanceRequested');
  });

  it('starts the time of capi.hookTimeout nevertheless', async () => {
    setUp({ hookTimeout: '1h' });
    await enter(REFUSALS[0] as KubeError, {});
    const { annotations = {} } = management.machines.objects.get('metal/a')?.metadata ?? {};
    expect(annotations['maintenance-bridge.io/hook-timer']).toBe(new Date(NOW).toISOString());
  });
});

describe('a hook that goes from a Machine that is deleted', () => {
  it.each([
    ['Approved', 'DeletionApproved', (): void => labelNode('a', { 'approve-deletion': 'true' })],
    ['NodeGone', 'NodeGone', (): void => removeNode('a')],
    ['Disabled', 'Disabled', (): void => edit('a', { [ENABLED_LABEL]: null })],
    ['NotSelected', 'NotSelected', (): void => labelNode('a', { gate: null })],
  ] as const)('is told and counted (%s)', async (reason, event, release) => {
    setUp({ requireNodeLabel: `${P}/gate` });
    add('a', { hook: true }, { gate: '' });
    edit('a', {}, DELETED);
    await settle();
    expect(hookOf('a')).toBe(HOOK_VALUE);
    release();
    await settle();
    expect(hookOf('a')).toBeUndefined();
    expect(management.notes.filter((note) => note.includes(` ${event}: ${reason}: `))).toHaveLength(1);
    expect(await releases()).toEqual({ [reason]: '1' });
  });

  it('stays where the API server still sees the label of capi.requireNodeLabel', async () => {
    setUp({ requireNodeLabel: `${P}/gate` });
    add('a', { hook: true }, { gate: '' });
    edit('a', {}, DELETED);
    await settle();
    workload.stale.set(`${SHOP}/a`, { is: 'present', object: workloadNode('a') });
    heard(`${SHOP}/a`);
    await settle();
    expect([hookOf('a'), workload.asked]).toEqual([HOOK_VALUE, [`${SHOP}/a`]]);
  });

  it('is told and counted once where the answer to its removal was lost', async () => {
    add('a', { hook: true });
    edit('a', {}, DELETED);
    await settle();
    management.losesAnswer = true;
    labelNode('a', { 'approve-deletion': 'true' });
    await expect(settle()).rejects.toThrow('reset');
    expect([hookOf('a'), management.events.includes('DeletionApproved')]).toEqual([undefined, false]);
    await settle();
    expect(management.events.filter((reason) => reason === 'DeletionApproved')).toHaveLength(1);
    expect(await releases()).toEqual({ Approved: '1' });
  });

  it.each([ENABLED_LABEL, undefined])(
    'is told and counted by the next process where the last one was killed at that moment (without %s)',
    async (label) => {
      add('a', { hook: true });
      edit('a', {}, DELETED);
      await settle();
      management.losesAnswer = true;
      if (label === undefined) labelNode('a', { 'approve-deletion': 'true' });
      else edit('a', { [label]: null });
      await expect(settle()).rejects.toThrow('reset');
      const [before, stored] = [management, workload];
      for (let process = 1; process <= 2; process += 1) {
        setUp({}, false, before, stored);
        await settle();
        expect(await releases()).toEqual(process === 1 ? { [label === undefined ? 'Approved' : 'Disabled']: '1' } : {});
      }
      const told = management.events.filter((reason) => ['DeletionApproved', 'Disabled'].includes(reason));
      expect(told).toEqual([label === undefined ? 'DeletionApproved' : 'Disabled']);
    },
  );

  it('is told and counted where the Machine went before the answer came', async () => {
    add('a', { hook: true });
    edit('a', {}, DELETED);
    await settle();
    management.losesAnswer = true;
    labelNode('a', { 'approve-deletion': 'true' });
    await expect(settle()).rejects.toThrow('reset');
    management.machines.remove('metal/a');
    await settle();
    expect(management.events).toContain('DeletionApproved');
    expect(await releases()).toEqual({ Approved: '1' });
  });
});

describe('a Node that carries what is ours', () => {
  const left = prefixed({ 'machine-deleted': 'true', 'machine-maintenance': 'false', 'approve-deletion': 'true' });
  const LEFT_TO_OTHERS = prefixed({ 'approve-deletion': 'true' });
  const connect = (key = SHOP): void => listener.onStateChange(key, { state: 'Connected', sinceMs: NOW });

  beforeEach(() => management.clusters.put(cluster('shop')));

  it('is cleaned when its cluster is connected and no enabled Machine names it', async () => {
    add('a');
    add('disabled', { enabled: false });
    for (const name of ['stray', 'disabled']) workload.put(SHOP, workloadNode(name, left));
    await settle();
    connect();
    await settle();
    expect(workload.labels(SHOP, 'stray')).toEqual(LEFT_TO_OTHERS);
    expect(workload.labels(SHOP, 'disabled')).toEqual(LEFT_TO_OTHERS);
  });

  it('is cleaned when the Machine names another one', async () => {
    add('a', { maintenance: 'requested' });
    workload.put(SHOP, workloadNode('b'));
    await settle();
    management.edit('metal/a', (object) => ({ ...object, status: { nodeName: 'b' } }));
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual({});
    expect(workload.labels(SHOP, 'b')).toEqual(prefixed({ 'machine-maintenance': 'true' }));
  });

  it('is cleaned when its Machine has gone by hand, before the last connection is closed', async () => {
    add('a', { maintenance: 'requested' });
    await settle();
    workload.states.set(SHOP, 'Unreachable');
    management.machines.remove('metal/a');
    await settle();
    expect([...workload.wanted]).toEqual([SHOP]);
    workload.states.set(SHOP, 'Connected');
    queue.add('metal/a');
    await settle();
    expect([workload.labels(SHOP, 'a'), [...workload.wanted]]).toEqual([{}, []]);
  });

  it('is given up where the cluster refuses to have it cleaned, and no connection is kept for it', async () => {
    add('a', { maintenance: 'requested' });
    await settle();
    workload.refusals.set(SHOP, REFUSALS[0] as KubeError);
    management.machines.remove('metal/a');
    while (queue.size + nodeQueue.size + clusterQueue.size > 0) await settle().catch(() => undefined);
    expect([...workload.wanted]).toEqual([]);
    const warning = log.lines.find(({ message }) => message.startsWith('Nodes keep our labels in a cluster where'));
    expect(warning?.fields).toMatchObject({ Cluster: SHOP, Node: 'a', reason: REFUSALS[0]?.message });
  });

  it('is left alone where another Cluster object leads to the same workload cluster', async () => {
    add('a', { maintenance: 'requested' });
    add('b', { cluster: 'other' });
    management.clusters.put(cluster('other'));
    const node = workloadNode('a', left);
    workload.put(SHOP, node);
    workload.put('metal/other', node);
    await settle();
    connect('metal/other');
    await settle();
    expect(workload.labels('metal/other', 'a')).toEqual(left);
    // It is not known whether this is the same cluster.
    workload.states.set(SHOP, 'Unreachable');
    connect('metal/other');
    await settle();
    expect(workload.labels('metal/other', 'a')).toEqual(left);
  });

  it('is left alone while its Cluster is paused', async () => {
    add('a');
    await settle();
    management.clusters.put(cluster('shop', { paused: true }));
    workload.put(SHOP, workloadNode('stray', left));
    connect();
    await settle();
    expect(workload.labels(SHOP, 'stray')).toEqual(left);
  });
});

describe('a Cluster', () => {
  const knownNodes = () => management.clusters.objects.get(SHOP)?.knownNodes;
  beforeEach(() => management.clusters.put(cluster('shop')));

  it('remembers by which Nodes it is known, and forgets them with its last Machine', async () => {
    add('a', { maintenance: 'requested' });
    await settle();
    expect(knownNodes()).toEqual(['uid-of-node-a']);
    edit('a', { [ENABLED_LABEL]: null });
    await settle();
    expect([workload.labels(SHOP, 'a'), knownNodes(), [...workload.wanted]]).toEqual([{}, undefined, []]);
    expect(trustedAnew).toEqual([SHOP]);
  });

  it('is cleaned by the next process where its last Machine was disabled, or went, while nobody ran', async () => {
    for (const end of [
      (): void => edit('a', { [ENABLED_LABEL]: null }),
      (): void => management.machines.remove('metal/a'),
    ]) {
      setUp();
      management.clusters.put(cluster('shop'));
      add('a', { maintenance: 'requested' });
      await settle();
      edit('a', { [ENABLED_LABEL]: null });
      end();
      const machines = management.machines.objects.get('metal/a');
      if (machines !== undefined) {
        const { [HOOK_ANNOTATION]: _, ...annotations } = machines.metadata.annotations ?? {};
        management.machines.objects.set('metal/a', { ...machines, metadata: { ...machines.metadata, annotations } });
      }
      setUp({}, false, management, workload);
      expect([...workload.wanted]).toEqual([SHOP]);
      listener.onStateChange(SHOP, { state: 'Connected', sinceMs: NOW });
      await settle();
      clusterQueue.add(SHOP);
      await settle();
      expect([workload.labels(SHOP, 'a'), knownNodes(), [...workload.wanted]]).toEqual([{}, undefined, []]);
    }
  });

  it('that is paused, or that refuses the annotation, holds up nothing', async () => {
    management.clusters.put(cluster('shop', { paused: true }));
    add('a');
    await settle();
    expect(knownNodes()).toBeUndefined();
    management.clusters.put(cluster('shop'));
    management.clusterRefusal = REFUSALS[0];
    await settle();
    expect([hookOf('a'), knownNodes()]).toEqual([HOOK_VALUE, undefined]);
    const told = log.lines.filter(
      ({ message }) => message === 'A workload cluster is known again by this process alone',
    );
    expect(told).toHaveLength(1);
  });
});

describe('the cluster autoscaler', () => {
  const DISABLED = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
  const OWNER = 'maintenance-bridge.io/scale-down-disabled';
  const annotationsOf = () => workload.stored.get(`${SHOP}/a`)?.metadata.annotations ?? {};

  it.each(['requested', 'approved'])('is kept away while maintenance is %s', async (value) => {
    setUp({}, true);
    add('a', { maintenance: value });
    await settle();
    expect(annotationsOf()).toEqual({ [DISABLED]: 'true', [OWNER]: '' });
    edit('a', { [MAINTENANCE_LABEL]: null });
    await settle();
    expect(annotationsOf()).toEqual({});
  });

  it('is let in again when the Machine is disabled, or names another Node', async () => {
    setUp({}, true);
    management.clusters.put(cluster('shop'));
    add('a', { maintenance: 'approved' });
    await settle();
    edit('a', { [ENABLED_LABEL]: null });
    await settle();
    expect(annotationsOf()).toEqual({});
  });

  it('is left to whoever else keeps it away', async () => {
    setUp({}, true);
    add('a', { maintenance: 'approved' });
    const node = workload.stored.get(`${SHOP}/a`) as KubeObject;
    workload.put(SHOP, { ...node, metadata: { ...node.metadata, annotations: { [DISABLED]: 'true' } } });
    await settle();
    edit('a', { [MAINTENANCE_LABEL]: null });
    await settle();
    expect(annotationsOf()).toEqual({ [DISABLED]: 'true' });
  });

  it('is none of our business where no machine is switched off', async () => {
    add('a', { maintenance: 'approved' });
    await settle();
    expect(annotationsOf()).toEqual({});
  });
});

describe('two Machines that name one Node', () => {
  it('lets the older one go, and keeps the younger one’s hook', async () => {
    add('older', { hook: true, node: 'n', createdAt: '2026-11-01T00:00:00Z' });
    await settle();
    edit('older', {}, DELETED);
    await settle();
    labelNode('n', { 'approve-deletion': 'true' });
    queue.clear();
    management.machines.put(machine('younger', { hook: true, node: 'n', createdAt: '2026-11-20T00:00:00Z' }));
    queue.add('metal/older');
    await settle();
    expect([hookOf('older'), hookOf('younger')]).toEqual([undefined, HOOK_VALUE]);
    expect(management.notes.find((note) => note.includes('NodeGone'))).toContain('belongs to Machine metal/younger');
  });
});

describe('a Machine', () => {
  it('goes through a whole maintenance with one request per object and step', async () => {
    add('a');
    await settle();
    expect(hookOf('a')).toBe(HOOK_VALUE);

    edit('a', { [MAINTENANCE_LABEL]: 'requested' });
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual(prefixed({ 'machine-maintenance': 'true' }));

    labelNode('a', { 'approve-maintenance': 'true' });
    await settle();
    expect(maintenanceOf('a')).toBe('approved');

    edit('a', { [MAINTENANCE_LABEL]: null });
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual(prefixed({ 'approve-maintenance': 'true' }));
    expect(management.patches).toHaveLength(2);
    expect(workload.patches).toHaveLength(2);
    expect(management.events).toEqual(['MaintenanceRequested', 'MaintenanceApproved', 'MaintenanceEnded']);
  });

  it('is held until its Node approves, and never again after that', async () => {
    add('a', { hook: true });
    edit('a', {}, DELETED);
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual(prefixed({ 'machine-deleted': 'true' }));
    expect(await gauge('machines{state="DeletionWaiting"}')).toBe('1');
    expect(await gauge('oldest_hook_wait_seconds')).toBe('60');

    labelNode('a', { 'approve-deletion': 'true' });
    await settle();
    expect(hookOf('a')).toBeUndefined();
    labelNode('a', { 'approve-deletion': null });
    await settle();
    expect(hookOf('a')).toBeUndefined();
    expect(await gauge('machines{state="Released"}')).toBe('1');
    expect(await gauge('oldest_hook_wait_seconds')).toBe('0');
    expect(await gauge('completed_total{what="DeletionApproved"}')).toBe('1');

    management.machines.remove('metal/a');
    await settle();
    expect(await gauge('machines{state="Released"}')).toBe('0');
    expect(workload.wanted).toEqual(new Set());
  });

  it('is not let go for a Node that only the cache has lost', async () => {
    add('a', { hook: true, deletedAt: DELETED });
    workload.stale.set(`${SHOP}/a`, { is: 'absent' });
    await settle();
    expect(workload.asked).toContain(`${SHOP}/a`);
    expect(hookOf('a')).toBe(HOOK_VALUE);
  });

  it('is not let go by an approval that was taken back and that only the cache still shows', async () => {
    add('a', { hook: true, deletedAt: DELETED }, { 'machine-deleted': 'true' });
    workload.stale.set(`${SHOP}/a`, {
      is: 'present',
      object: workloadNode('a', prefixed({ 'approve-deletion': 'true', 'machine-deleted': 'true' })),
    });
    await settle();
    expect(workload.asked).toContain(`${SHOP}/a`);
    expect(hookOf('a')).toBe(HOOK_VALUE);
  });

  it('is looked at again soon where the API server gives no answer to that question', async () => {
    add('a', { hook: true, deletedAt: DELETED }, { 'approve-deletion': 'true' });
    workload.confirmNode = async () => ({ is: 'unknown' });
    expect(await reconcile('metal/a', { log })).toEqual({ requeueAfterMs: 5000 });
    expect(hookOf('a')).toBe(HOOK_VALUE);
    workload.stale.set(`${SHOP}/a`, { is: 'absent' });
    expect(await reconcile('metal/a', { log })).toEqual({ requeueAfterMs: 5000 });
  });

  it('is let go when the API server itself says that the Node is gone', async () => {
    add('a', { hook: true, deletedAt: DELETED });
    workload.stored.clear();
    await settle();
    expect(workload.asked).toEqual([`${SHOP}/a`]);
    expect(hookOf('a')).toBeUndefined();
    expect(management.events).toEqual(['NodeGone']);
  });

  it('waits for a cluster that cannot be reached, and goes on when it can', async () => {
    workload.states.set(SHOP, 'Unreachable');
    add('a', { hook: true, deletedAt: DELETED }, { 'approve-deletion': 'true' });
    await settle();
    expect(hookOf('a')).toBe(HOOK_VALUE);
    expect(await gauge('machines{state="NodeUnknown"}')).toBe('1');

    workload.states.set(SHOP, 'Connected');
    listener.onStateChange(SHOP, { state: 'Connected', sinceMs: 0 });
    await settle();
    expect(hookOf('a')).toBeUndefined();
  });

  it('is cleaned up after it was disabled, and only then its cluster is let go', async () => {
    add('a', { hook: true, maintenance: 'requested' });
    await settle();
    edit('a', { [ENABLED_LABEL]: null });
    expect(workload.wanted).toEqual(new Set([SHOP]));
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual({});
    expect(hookOf('a')).toBeUndefined();
    expect(workload.wanted).toEqual(new Set());
    expect(await gauge('machines{state="NotEnabled"}')).toBe('0');
  });

  it('is free at once when it is disabled under an unreachable cluster; its Node is cleaned up when that is back', async () => {
    add('a', { hook: true, maintenance: 'requested' });
    await settle();
    workload.states.set(SHOP, 'Unreachable');
    edit('a', { [ENABLED_LABEL]: null });
    await settle();
    expect(hookOf('a')).toBeUndefined();
    expect(workload.wanted).toEqual(new Set([SHOP]));
    workload.states.set(SHOP, 'Connected');
    listener.onStateChange(SHOP, { state: 'Connected', sinceMs: 0 });
    await settle();
    expect(workload.labels(SHOP, 'a')).toEqual({});
    expect(workload.wanted).toEqual(new Set());
  });

  it('that was disabled while nobody looked is cleaned up by what is left: the hook', async () => {
    add('a', { enabled: false, hook: true }, { 'machine-maintenance': 'true' });
    await settle();
    expect(hookOf('a')).toBeUndefined();
    expect(workload.labels(SHOP, 'a')).toEqual({});
  });

  it('that takes no part is not even looked at', async () => {
    add('a', { enabled: false });
    expect(await settle()).toBe(0);
    expect(workload.wanted).toEqual(new Set());
  });

  it('is decided about only when it is known whether its Cluster is paused', async () => {
    management.clusters.isSynced = false;
    add('a');
    queue.clear();
    expect(await reconcile('metal/a', { log })).toEqual({ requeueAfterMs: 2000 });
    expect(management.patches).toEqual([]);
  });

  it('is left alone while its Cluster is paused, and caught up with afterwards', async () => {
    management.clusters.put(cluster('shop', { paused: true }));
    add('a');
    await settle();
    expect(hookOf('a')).toBeUndefined();
    management.clusters.put(cluster('shop', { paused: false }));
    await settle();
    expect(hookOf('a')).toBe(HOOK_VALUE);
  });

  it('is not troubled by Cluster API’s own changes to it', async () => {
    add('a', { hook: true });
    await settle();
    edit('a', {});
    expect(queue).toEqual(new Set());
  });
});

describe('clusters', () => {
  it('of one name in two namespaces are two', async () => {
    add('a', { namespace: 'metal', node: 'n', hook: true });
    add('b', { namespace: 'other', node: 'n', hook: true });
    await settle();
    expect(workload.wanted).toEqual(new Set([SHOP, 'other/shop']));
    labelNode('n', { 'approve-deletion': 'true' }, 'other/shop');
    await settle();
    expect(hookOf('a')).toBe(HOOK_VALUE);
    expect(management.machines.objects.get('other/b')?.metadata.annotations).toEqual({});
  });

  it('cannot steer a Machine of another one by a Node of the same name', async () => {
    add('a', { cluster: 'shop', node: 'n', hook: true });
    add('b', { cluster: 'bank', node: 'n', hook: true });
    await settle();
    labelNode('n', { 'approve-deletion': 'true' }, 'metal/bank');
    expect(queue).toEqual(new Set(['metal/b']));
    await settle();
    expect(hookOf('a')).toBe(HOOK_VALUE);
    expect(hookOf('b')).toBeUndefined();
  });

  it('are told of by an Event when they cannot be connected', () => {
    add('a');
    listener.onStateChange(SHOP, { state: 'Refused', sinceMs: 0, detail: 'exec is not allowed' });
    management.clusters.put(cluster('shop'));
    listener.onStateChange(SHOP, { state: 'Unreachable', sinceMs: 0 });
    listener.onStateChange(SHOP, { state: 'Connected', sinceMs: 0 });
    expect(management.events).toEqual(['a KubeconfigRefused', 'shop ClusterUnreachable']);
  });

  it('are counted by state, and the one that has been in it longest tells for how long', async () => {
    expect(await gauge('clusters{state="Connected"}')).toBe('2');
    expect(await gauge('clusters{state="Refused"}')).toBe('1');
    expect(await gauge('oldest_connection_state_seconds{state="Connected"}')).toBe('9');
    expect(await gauge('oldest_connection_state_seconds{state="Unreachable"}')).toBe('0');
  });
});

describe('two Machines that name one Node', () => {
  it('do not undo what the other writes: the younger one speaks', async () => {
    add('old', { node: 'n', deletedAt: DELETED, createdAt: '2026-01-01T00:00:00Z' });
    add('new', { node: 'n', createdAt: '2026-11-21T09:00:00Z' });
    await settle();
    expect(workload.labels(SHOP, 'n')).toEqual({});
    edit('new', { [MAINTENANCE_LABEL]: 'requested' });
    await settle();
    expect(workload.labels(SHOP, 'n')).toEqual(prefixed({ 'machine-maintenance': 'true' }));
    expect(workload.patches).toHaveLength(1);
  });
});
