/** Asks the Node for the conditions of switching off its host: the only part of an observation that takes a request. */
import type { NodeReadings } from '../core/clusters.ts';
import type { Machine } from '../core/machine-objects.ts';
import { isHeld, isNotedFor, obstacleOf } from './hosts.ts';
import { wantsOff } from './machines.ts';
import { clusterOf } from './observe.ts';
import type { Observed } from './observed.ts';
import type { Metal3Settings } from './settings.ts';

/** The same observation after the Node was asked, if its answer decides. */
export async function gated(
  observed: Observed,
  settings: Metal3Settings,
  nodes: NodeReadings | undefined,
): Promise<Observed> {
  const hasGate = settings.requireDrained || settings.waitForVolumeDetach;
  return hasGate && isAboutToSwitchOff(observed)
    ? { ...observed, ...(await ask(observed.machine, settings, nodes)) }
    : observed;
}

function isAboutToSwitchOff({ machine, claim, isPaused }: Observed): boolean {
  if (claim.is !== 'host' || isPaused || !wantsOff(machine)) return false;
  const { host } = claim;
  return !isHeld(host) && !isNotedFor(host, machine) && obstacleOf(host) === undefined;
}

async function ask(
  machine: Machine,
  { requireDrained, stayingPods, waitForVolumeDetach }: Metal3Settings,
  nodes: NodeReadings | undefined,
): Promise<Pick<Observed, 'gate' | 'gateDetail'>> {
  const { nodeName } = machine.status;
  if (nodes === undefined || nodeName === undefined) return UNKNOWN;
  const cluster = clusterOf(machine);
  if (requireDrained) {
    const isDrained = await nodes.isDrained(cluster, nodeName);
    if (isDrained.is === 'unknown') return UNKNOWN;
    if (!isDrained.value) return { gate: 'NodeNotDrained' };
  }
  if (requireDrained && stayingPods === 'wait') {
    // The condition only covers Pods that had to go. Pods that tolerate the taint or were skipped would end with the power.
    const left = await nodes.stayingPods(cluster, nodeName);
    if (left.is === 'unknown') return UNKNOWN;
    if (left.value.length > 0) return { gate: 'NodeNotEmpty', gateDetail: someOf(left.value) };
  }
  if (waitForVolumeDetach) {
    const hasVolumes = await nodes.hasVolumes(cluster, nodeName);
    if (hasVolumes.is === 'unknown') return UNKNOWN;
    if (hasVolumes.value) return { gate: 'VolumesAttached' };
  }
  return { gate: 'open' };
}

const UNKNOWN = { gate: 'NodeUnknown' } as const;
const NAMED = 3;

/** Lists the first few by name, and the number of the others. */
function someOf(pods: readonly string[]): string {
  const more = pods.length - NAMED;
  const named = [...pods].sort().slice(0, NAMED).join(', ');
  return more > 0 ? `Pods ${named} and ${more} more` : `Pods ${named}`;
}
