/** Reads everything that one pass over a Machine needs. */
import { PAUSED_ANNOTATION } from '../core/machine-keys.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { annotationOf } from '../core/meta.ts';
import type { Lister } from '../core/ports.ts';
import { type Metal3Readers as ClaimReaders, claimOf } from './claims.ts';
import type { Observed } from './observed.ts';

export interface Metal3Readers extends ClaimReaders {
  readonly clusters: Lister<Cluster>;
}

/** @returns undefined if the cache of Clusters has not synced: whether the Machine is paused is not known then. */
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

/** The key of its Cluster; a key that cannot exist if it names none. */
export function clusterOf({ metadata, spec }: Machine): string {
  return `${metadata.namespace}/${spec.clusterName ?? ''}`;
}
