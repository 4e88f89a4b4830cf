/**
 * The cluster's reaction to the state of Nodes (pkg/controller/nodelifecycle).
 *
 * - For a Node whose Lease is not renewed within the grace time, every condition that its kubelet reports becomes `Unknown`.
 * - Taints follow the conditions (not ready, unreachable, pressure) and the cordon.
 * - The Pods of a Node that is not ready are not ready either.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import { conditionIn, withConditions } from '../base/conditions.ts';
import type { Node, NodeTaint } from '../base/kinds.ts';
import { isReady, podsByNode } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import type { Timing } from '../options.ts';

const LEASES = 'leases.coordination.k8s.io';
const KEY = 'node.kubernetes.io';
const PRESSURES: Readonly<Record<string, string>> = {
  MemoryPressure: 'memory-pressure',
  DiskPressure: 'disk-pressure',
  PIDPressure: 'pid-pressure',
  NetworkUnavailable: 'network-unavailable',
};
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];
const OWN_KEYS = ['not-ready', 'unreachable', 'unschedulable', ...Object.values(PRESSURES)].map(
  (name) => `${KEY}/${name}`,
);

export function startNodeLifecycle(world: World, timing: Timing): void {
  const work = world.controller('NodeLifecycle', (name) => {
    const node = world.fresh('nodes', name);
    if (node === undefined) return;
    const leftMs = heardOfMs(world, node) + timing.nodeMonitorGraceMs - world.nowMs();
    if (leftMs > 0) work.addAfter(name, leftMs);
    else giveUp(world, node);
    const present = world.fresh('nodes', name);
    if (present === undefined) return;
    taint(world, present);
    markPods(world, present);
  });
  world.mirror('nodes').onChange(({ type, object }) => {
    if (type !== 'DELETED') work.add(object.metadata.name);
  });
}

function heardOfMs(world: World, { metadata }: Node): number {
  const lease = world.mirror(LEASES).get(`kube-node-lease/${metadata.name}`);
  return msOf(lease?.spec?.renewTime) ?? msOf(metadata.creationTimestamp) ?? world.nowMs();
}

function giveUp(world: World, node: Node): void {
  const present = node.status?.conditions;
  if (conditionIn(present, 'Ready')?.status === 'Unknown') return;
  const message = 'Kubelet stopped posting node status.';
  const claims = REPORTED.map((type) => ({ type, status: 'Unknown', reason: 'NodeStatusUnknown', message }));
  world.patch('nodes', node, { status: { conditions: withConditions(present, claims, world.now()) } }, 'status');
}

function taint(world: World, node: Node): void {
  const present = node.spec?.taints ?? [];
  const wanted = wantedTaints(node);
  const isWanted = (taint: NodeTaint): boolean => wanted.some((each) => isSameEntry(each, taint));
  const isObsolete = (each: NodeTaint): boolean => OWN_KEYS.includes(each.key) && !isWanted(each);
  const missing = wanted.filter((each) => !present.some((taint) => isSameEntry(each, taint)));
  if (missing.length === 0 && !present.some(isObsolete)) return;
  const now = world.now();
  const kept = present.filter((each) => !isObsolete(each));
  const taints = [...kept, ...missing.map((each) => ({ ...each, timeAdded: now }))];
  world.patch('nodes', node, { spec: { taints: taints.length === 0 ? null : taints } });
}

function wantedTaints({ spec, status }: Node): readonly NodeTaint[] {
  const ready = conditionIn(status?.conditions, 'Ready')?.status;
  const taints: NodeTaint[] = [];
  const name = ready === 'Unknown' ? 'unreachable' : 'not-ready';
  if (ready !== 'True') taints.push({ key: `${KEY}/${name}`, effect: 'NoSchedule' });
  // A Node without a report has no Pods that would have to leave.
  if (ready !== 'True' && ready !== undefined) taints.push({ key: `${KEY}/${name}`, effect: 'NoExecute' });
  if (spec?.unschedulable === true) taints.push({ key: `${KEY}/unschedulable`, effect: 'NoSchedule' });
  for (const [type, key] of Object.entries(PRESSURES)) {
    const is = conditionIn(status?.conditions, type)?.status;
    if (is === 'True') taints.push({ key: `${KEY}/${key}`, effect: 'NoSchedule' });
  }
  return taints;
}

function isSameEntry(a: NodeTaint, b: NodeTaint): boolean {
  return a.key === b.key && a.effect === b.effect;
}

function markPods(world: World, node: Node): void {
  const ready = conditionIn(node.status?.conditions, 'Ready')?.status;
  if (ready === 'True' || ready === undefined) return;
  for (const pod of podsByNode(world).get(node.metadata.name)) {
    if (!isReady(pod)) continue;
    const present = world.fresh('pods', keyOf(pod));
    if (present === undefined) continue;
    const claim = { type: 'Ready', status: 'False' };
    const conditions = withConditions(present.status?.conditions, [claim], world.now());
    world.patch('pods', present, { status: { conditions } }, 'status');
    world.record({
      about: present,
      type: 'Warning',
      source: 'node-controller',
      reason: 'NodeNotReady',
      message: 'Node is not ready',
    });
  }
}
