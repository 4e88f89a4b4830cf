/** Which Machines may be away at once: per cluster, MachineDeployment and control plane, and in total. */
import type { ClusterKey } from '../../core/clusters.ts';
import { CONTROL_PLANE_LABEL, DEPLOYMENT_LABEL, POOL_LABEL } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { isDeleting, keyOf, labelOf } from '../../core/meta.ts';
import type { Index, Known, Lister } from '../../core/ports.ts';
import { countOf, type Share } from '../../core/share.ts';
import { MACHINES_BY_CLUSTER } from '../indexes.ts';
import { clusterOf, maintenanceOf } from '../machines.ts';
import type { Wait } from './names.ts';
import { holdsSlot, recordOf } from './record.ts';
import type { DrainSettings } from './settings.ts';

/** Machines in a drain, by whether they hold a slot (`held`) or wait for one (`waiting`). */
export const MACHINES_IN_DRAIN: Index<Machine> = {
  name: 'drain',
  of: (machine) => {
    if (holdsSlot(machine)) return ['held'];
    return recordOf(machine)?.state === 'Waiting' ? ['waiting'] : [];
  },
};

/** Indexed by the group of `groupOf`. */
export const MACHINES_BY_GROUP: Index<Machine> = {
  name: 'group',
  of: (machine) => {
    const group = groupOf(machine);
    return group === undefined ? [] : [group];
  },
};

export interface SlotReaders {
  readonly machines: Lister<Machine>;
  /** Machines whose drain began a moment ago, which the cache may not show yet. */
  readonly reserved: ReadonlyMap<string, Machine>;
}

export interface SlotLimits extends Pick<DrainSettings, 'maxUnavailable' | 'maxConcurrentMachines'> {
  /** `tmm.maxConcurrentNodes` */
  readonly maxConcurrentNodes: Share;
  readonly nodesOf: (cluster: ClusterKey) => number;
}

/** The slots that a request has to wait for, in the order in which they are checked. */
type SlotWait = Extract<Wait, 'ControlPlane' | 'Cluster' | 'MachineDeployment' | 'AllMachines'>;

/**
 * The Machine that asked first goes first: of those that wait for the same slots, the earlier ones count as if they held one.
 *
 * @returns undefined if a cache cannot answer.
 */
export function slotToWaitFor(
  machine: Machine,
  { machines, reserved }: SlotReaders,
  limits: SlotLimits,
): Known<SlotWait | undefined> {
  const cluster = clusterOf(machine);
  const found = ['held', 'waiting'].map((value) => machines.byIndex(MACHINES_IN_DRAIN.name, value));
  const group = groupOf(machine);
  const members = group === undefined ? undefined : machines.byIndex(MACHINES_BY_GROUP.name, group);
  const neighbours = machines.byIndex(MACHINES_BY_CLUSTER.name, cluster ?? '');
  const [held, waiting] = found;
  if (held?.is !== 'known' || waiting?.is !== 'known') return { is: 'unknown' };
  if (members?.is === 'unknown' || neighbours.is === 'unknown') return { is: 'unknown' };
  const key = keyOf(machine);
  const holders = [
    ...new Map([...held.value, ...reserved.values()].map((each) => [keyOf(each), each])).values(),
  ].filter((each) => keyOf(each) !== key);
  const isAhead = (other: Machine): boolean => keyOf(other) !== key && isBefore(other, machine);
  const ahead = waiting.value.filter(isAhead);
  const isFull = (wait: SlotWait, limit: number, isMeant: (other: Machine) => boolean): boolean => {
    const first = ahead.filter((other) => recordOf(other)?.reason === wait);
    return new Set([...holders, ...first].filter(isMeant).map(keyOf)).size >= limit;
  };
  const isHere = (other: Machine): boolean => clusterOf(other) === cluster;
  const waits: readonly (readonly [SlotWait, boolean])[] = [
    [
      'ControlPlane',
      isOfControlPlane(machine) && neighbours.value.some((other) => isAwayBeside(machine, other, holders)),
    ],
    ['Cluster', isFull('Cluster', countOf(limits.maxConcurrentNodes, limits.nodesOf(cluster ?? '')), isHere)],
    [
      'MachineDeployment',
      members !== undefined &&
        isFull(
          'MachineDeployment',
          countOf(limits.maxUnavailable, members.value.length),
          (other) => groupOf(other) === group,
        ),
    ],
    [
      'AllMachines',
      limits.maxConcurrentMachines > 0 && isFull('AllMachines', limits.maxConcurrentMachines, () => true),
    ],
  ];
  return { is: 'known', value: waits.find(([, isWaiting]) => isWaiting)?.[0] };
}

function isOfControlPlane(machine: Machine): boolean {
  return labelOf(machine, CONTROL_PLANE_LABEL) !== undefined;
}

/**
 * Whether another Machine of the same control plane is away, is about to be, or is unhealthy. A controller that deletes a control-plane
 * Machine has checked the others' health already; a maintenance requires all of them.
 *
 * Of several that are being deleted, the oldest deletion goes first: Cluster API's control plane provider removes the members from etcd in
 * that order. A younger Machine that was drained first would hold the slot and wait for the older one, which waits for the slot.
 */
function isAwayBeside(machine: Machine, other: Machine, holders: readonly Machine[]): boolean {
  if (keyOf(other) === keyOf(machine) || !isOfControlPlane(other)) return false;
  if (holders.some((holder) => keyOf(holder) === keyOf(other)) || maintenanceOf(other) === 'approved') return true;
  if (isDeleting(machine)) return isDeleting(other) && deletionOf(other) < deletionOf(machine);
  return isDeleting(other) || other.status.nodeReady === false;
}

/** For comparison: by time, in whole seconds, then by name. */
const deletionOf = ({ metadata }: Machine): string => `${metadata.deletionTimestamp ?? ''} ${metadata.name}`;

/** The MachineDeployment or MachinePool, with what distinguishes it from others of the same name. */
function groupOf(machine: Machine): string | undefined {
  const deployment = labelOf(machine, DEPLOYMENT_LABEL);
  const pool = labelOf(machine, POOL_LABEL);
  const cluster = clusterOf(machine) ?? '';
  if (deployment !== undefined) return `${cluster}/deployment/${deployment}`;
  return pool === undefined ? undefined : `${cluster}/pool/${pool}`;
}

/** Ordered by the time at which they began to wait, then by name; one that has not waited yet comes last. */
function isBefore(a: Machine, b: Machine): boolean {
  const sinceOf = (machine: Machine): string => {
    const record = recordOf(machine);
    return record?.state === 'Waiting' ? record.since : '9999';
  };
  const [sinceA, sinceB] = [sinceOf(a), sinceOf(b)];
  return sinceA === sinceB ? keyOf(a) < keyOf(b) : sinceA < sinceB;
}
