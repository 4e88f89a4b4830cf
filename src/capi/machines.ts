/** The state of a Machine as its own fields show it. */
import type { ClusterKey } from '../core/clusters.ts';
import {
  APPROVED,
  DRAIN_ANNOTATION,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  HOOK_TIMER_ANNOTATION,
  MAINTENANCE_LABEL,
  PAUSED_ANNOTATION,
  RELEASED_ANNOTATION,
  REQUESTED,
} from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting, labelOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import { REASON_OF_RELEASE, type Release } from './names.ts';
import type { CapiSettings } from './settings.ts';

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

/** Whether a Node takes part, by the label of `capi.requireNodeLabel`. */
export function isSelected(node: KubeObject, { requireNodeLabel }: Pick<CapiSettings, 'requireNodeLabel'>): boolean {
  return requireNodeLabel === '' || labelOf(node, requireNodeLabel) !== undefined;
}

/** The start of `capi.hookTimeout`, in milliseconds since the epoch; undefined before the Node was labelled. */
export function timerOf(machine: Machine): number | undefined {
  const ms = Date.parse(annotationOf(machine, HOOK_TIMER_ANNOTATION) ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** Why the hook was removed from this Machine under deletion, by whichever process; undefined if it was not, or if it is not known. */
export function releasedBy(machine: Machine): Release | undefined {
  const value = annotationOf(machine, RELEASED_ANNOTATION) ?? '';
  const isKnown = Object.hasOwn(REASON_OF_RELEASE, value);
  return isKnown && isDeleting(machine) && !hasHook(machine) ? (value as Release) : undefined;
}

/** `none` for every other value too: an unknown value is not a request. */
export function maintenanceOf(machine: Machine): 'requested' | 'approved' | 'none' {
  const value = labelOf(machine, MAINTENANCE_LABEL);
  return value === REQUESTED || value === APPROVED ? value : 'none';
}

/** The Cluster that a Machine belongs to: in its own namespace, by `spec.clusterName` alone. */
export function clusterOf({ metadata, spec }: Machine): ClusterKey | undefined {
  return spec.clusterName === undefined ? undefined : `${metadata.namespace}/${spec.clusterName}`;
}

/** When the deletion was requested, in milliseconds since the epoch; Machines have no grace period. */
export function deletedAtMs({ metadata }: Machine): number | undefined {
  const ms = Date.parse(metadata.deletionTimestamp ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** Whether we must see the Machine's Node: it takes part, or our marks on the Machine show that its Node is not cleaned up yet. */
export function needsCluster(machine: Machine): boolean {
  return isEnabled(machine) || hasHook(machine) || annotationOf(machine, DRAIN_ANNOTATION) !== undefined;
}
