/** What a Machine says about itself. */
import type { ClusterKey } from '../core/clusters.ts';
import {
  APPROVED,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MAINTENANCE_LABEL,
  PAUSED_ANNOTATION,
  REQUESTED,
} from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { annotationOf, labelOf } from '../core/meta.ts';

/** Exactly `true`: any other spelling means no, as for the reference controller. */
export function isEnabled(machine: Machine): boolean {
  return labelOf(machine, ENABLED_LABEL) === 'true';
}

export function hasHook(machine: Machine): boolean {
  return annotationOf(machine, HOOK_ANNOTATION) !== undefined;
}

export function isPausedItself(machine: Machine): boolean {
  return annotationOf(machine, PAUSED_ANNOTATION) !== undefined;
}

/** `none` for every other value too: nobody is asked by a word that nobody knows. */
export function maintenanceOf(machine: Machine): 'requested' | 'approved' | 'none' {
  const value = labelOf(machine, MAINTENANCE_LABEL);
  return value === REQUESTED || value === APPROVED ? value : 'none';
}

/** The Cluster that a Machine belongs to: in its own namespace, by `spec.clusterName` alone. */
export function clusterOf({ metadata, spec }: Machine): ClusterKey | undefined {
  return spec.clusterName === undefined ? undefined : `${metadata.namespace}/${spec.clusterName}`;
}

/** When the deletion was asked for, in milliseconds since the epoch; Machines have no grace period. */
export function deletedAtMs({ metadata }: Machine): number | undefined {
  const ms = Date.parse(metadata.deletionTimestamp ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** Whether we must see the Machine's Node: it takes part, or our hook says that it did and is not cleaned up yet. */
export function needsCluster(machine: Machine): boolean {
  return isEnabled(machine) || hasHook(machine);
}
