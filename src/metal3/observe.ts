/** Reads all that one pass over a Machine needs. */
import type { NodeReadings } from '../core/clusters.ts';
import { PAUSED_ANNOTATION } from '../core/machine-keys.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import type { Lister } from '../core/ports.ts';
import { type Metal3Readers as ClaimReaders, claimOf } from './claims.ts';
import { isHeld, isNotedFor, obstacleOf } from './hosts.ts';
import { wantsOff } from './machines.ts';
import type { Gate, Observed } from './observed.ts';
import type { Metal3Settings } from './settings.ts';

export interface Metal3Readers extends ClaimReaders {
  readonly clusters: Lister<Cluster>;
}

/** @returns undefined where the cache of Clusters has not synced: whether the Machine is paused is not known then. */
export function observe(readers: Metal3Readers, machine: Machine, nowMs: number): Observed | undefined {
  const cluster = readers.clusters.get(clusterOf(machine));
  if (cluster.is === 'unknown') return undefined;
  const isClusterPaused = cluster.is === 'present' && cluster.object.spec.paused === true;
  return {
    machine,
    isPaused: isClusterPaused || annotationOf(machine, PAUSED_ANNOTATION) !== undefined,
    claim: claimOf(machine, readers),
    gate: 'open',
    nowMs,
  };
}

/** The same observation after the Node was asked, where its answer decides. */
export async function gated(
  observed: Observed,
  settings: Metal3Settings,
  nodes: NodeReadings | undefined,
): Promise<Observed> {
  const hasGate = settings.requireDrained || settings.waitForVolumeDetach;
  return hasGate && isAboutToSwitchOff(observed)
    ? { ...observed, gate: await ask(observed.machine, settings, nodes) }
    : observed;
}

function isAboutToSwitchOff({ machine, claim, isPaused }: Observed): boolean {
  if (claim.is !== 'host' || isPaused || !wantsOff(machine)) return false;
  const { host } = claim;
  return !isHeld(host) && !isNotedFor(host, machine) && obstacleOf(host) === undefined;
}

async function ask(
  machine: Machine,
  { requireDrained, waitForVolumeDetach }: Metal3Settings,
  nodes: NodeReadings | undefined,
): Promise<Gate> {
  const { nodeName } = machine.status;
  if (nodes === undefined || nodeName === undefined) return 'NodeUnknown';
  const cluster = clusterOf(machine);
  if (requireDrained) {
    const isDrained = await nodes.isDrained(cluster, nodeName);
    if (isDrained.is === 'unknown') return 'NodeUnknown';
    if (!isDrained.value) return 'NodeNotDrained';
  }
  if (waitForVolumeDetach) {
    const hasVolumes = await nodes.hasVolumes(cluster, nodeName);
    if (hasVolumes.is === 'unknown') return 'NodeUnknown';
    if (hasVolumes.value) return 'VolumesAttached';
  }
  return 'open';
}

/** The key of its Cluster; one that cannot exist where it names none. */
function clusterOf({ metadata, spec }: Machine): string {
  return `${metadata.namespace}/${spec.clusterName ?? ''}`;
}
