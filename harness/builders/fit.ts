/** Builders for fit simulations: Nodes with room, Pods with requests, and the question whether they fit. */
import type { Pod, PodScheduling, ResourceAmounts, Taint } from '../../src/core/objects.ts';
import type { NodeState } from '../../src/core/scheduling/cluster.ts';
import { type FitInput, type FitResult, simulate } from '../../src/core/scheduling/fit.ts';
import { node, type PodPart, pod } from './objects.ts';
import { type StorageObjects, storageOf } from './storage.ts';

export const ZONE = 'topology.kubernetes.io/zone';
export const HOSTNAME = 'kubernetes.io/hostname';

export interface HostPart {
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
  readonly ready?: boolean;
  /** On top of 4 CPUs, 4000 of memory and ten Pods. */
  readonly allocatable?: ResourceAmounts;
  readonly pods?: readonly Pod[];
}

/** A Node with the Pods on it. */
export function host(name: string, part: HostPart = {}): NodeState {
  const { labels, taints, unschedulable, ready = true, allocatable, pods = [] } = part;
  const built = node(name, {
    meta: { labels: { [HOSTNAME]: name, ...labels } },
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    ...(taints !== undefined && { taints }),
    ...(unschedulable !== undefined && { unschedulable }),
  });
  const status = { ...built.status, allocatable: { cpu: 4000, memory: 4000, pods: 10, ...allocatable } };
  return { node: { ...built, status }, pods };
}

/** A Pod with `scheduling`, and the given `part`. */
export function asking(name: string, scheduling: PodScheduling = {}, part: PodPart = {}): Pod {
  return pod(name, { ...part, spec: { scheduling, ...part.spec } });
}

export interface FitPart extends Partial<Omit<FitInput, 'storage' | 'nodes' | 'pods'>> {
  readonly storage?: StorageObjects;
}

export function place(pods: readonly Pod[], nodes: readonly NodeState[], part: FitPart = {}): FitResult {
  return simulate({ ...part, pods, nodes, storage: storageOf(part.storage ?? {}) });
}

/** The Node that one Pod fits on, else why it fits nowhere. */
export function placeOne(one: Pod, nodes: readonly NodeState[], part: FitPart = {}): string {
  const { placements, unplaced } = place([one], nodes, part);
  return unplaced[0]?.why ?? [...placements.values()][0] ?? '';
}
