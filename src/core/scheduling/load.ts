/** The resources that the Pods of one Node hold together. */
import { isFinished } from '../meta.ts';
import type { Pod, ResourceAmounts } from '../objects.ts';

export interface Load {
  /** Finished ones are left out: they hold nothing. */
  readonly pods: readonly Pod[];
  readonly requested: ReadonlyMap<string, number>;
  /** Pods with anti-affinity, which keep others away. */
  readonly keepers: readonly Pod[];
}

/** A cache returns the same array until one of its Pods changes, and most Nodes have not changed since the last simulation. */
const known = new WeakMap<readonly Pod[], Load>();

/** @param all an array that is never changed. */
export function loadOf(all: readonly Pod[]): Load {
  const found = known.get(all);
  if (found !== undefined) return found;
  const pods = all.some(isFinished) ? all.filter((pod) => !isFinished(pod)) : all;
  const requested = new Map<string, number>();
  for (const { spec } of pods) add(requested, spec.scheduling?.held ?? spec.scheduling?.requests);
  const keepers = pods.filter(({ spec }) => spec.scheduling?.podAntiAffinity !== undefined);
  const load = { pods, requested, keepers };
  known.set(all, load);
  return load;
}

function add(sums: Map<string, number>, amounts: ResourceAmounts | undefined): void {
  for (const resource in amounts) sums.set(resource, (sums.get(resource) ?? 0) + (amounts[resource] ?? 0));
}
