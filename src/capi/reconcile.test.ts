/** Passes over Machines of clusters in memory, with everything between the caches and the API servers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { bumped, MemoryClusters, MemoryManagement, merged } from '../../test/build/bridge.ts';
import { cluster, type MachinePart, machine, workloadNode } from '../../test/build/machines.ts';
import { recordingLog } from '../../test/support/recording-log.ts';
import { ENABLED_LABEL, HOOK_ANNOTATION, HOOK_VALUE, MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import { ALL_METRICS } from '../metrics.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { CapiMeter } from './metrics.ts';
import { makeReconcile } from './reconcile.ts';
import { Roster } from './roster.ts';
import { capiSettingsSchema } from './settings.ts';
import { type ClusterListener, wire } from './wiring.ts';

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
let log: ReturnType<typeof recordingLog>;
let reconcile: ReturnType<typeof makeReconcile>;

beforeEach(() => setUp());

function setUp(settings: object = {}): void {
  management = new MemoryManagement();
  workload = new MemoryClusters();
  registry = new MetricRegistry(ALL_METRICS);
  log = recordingLog();
  queue = new Set();
  meter = new CapiMeter(registry);
  const roster = new Roster(workload);
  listener = wire(management, {
    roster,
    enqueue: (key) => queue.add(key),
    tell: (events) => management.events.push(...events.map(({ reason, regarding }) => `${regarding.name} ${reason}`)),
  });
  reconcile = makeReconcile({
    readers: management,
    clusters: workload,
    apply: management.apply,
    roster,
    clock: { now: () => NOW },
    meter,
    settings: capiSettingsSchema.parse(settings),
  });
}

/** Makes passes until nobody asks for one. @returns how many. */
async function settle(): Promise<number> {
  for (let passes = 0; ; passes += 1) {
    const [key] = queue;
    if (key === undefined) return passes;
    queue.delete(key);
    const nodesBefore = new Map(workload.nodes);
    await reconcile(key, { log });
    for (const [nodeKey, node] of workload.nodes) if (nodesBefore.get(nodeKey) !== node) heard(nodeKey);
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
  const node = workload.nodes.get(`${key}/${name}`);
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
    workload.nodes.clear();
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
