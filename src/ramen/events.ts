/** The Events that this feature records, each made by a named function. */
import { type RecordEvent, refOf } from '../core/action.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { clip } from '../core/text.ts';
import { describe } from './manifest.ts';
import { MAINTENANCE_MODE, MANIFEST_WORK, type MaintenanceMode, type ManifestWork, POLICY } from './objects.ts';

export const EVENT_REASONS = [
  'ClusterNotConfigured',
  'KlusterletAtWork',
  'ManifestsFailed',
  'ApplicationGone',
  'ObjectsLeft',
  'PolicyNotCarried',
  'MaintenanceModeActivated',
  'MaintenanceModeEnded',
  'MaintenanceModeFailed',
] as const;
export type EventReason = (typeof EVENT_REASONS)[number];

export function eventOn(
  resource: Resource<unknown>,
  object: KubeObject,
  type: RecordEvent['type'],
  reason: EventReason,
  action: string,
  note: string,
): RecordEvent {
  return { do: 'recordEvent', regarding: refOf(resource, object), type, reason, action, note: clip(note) };
}

export function clusterNotConfigured(resource: Resource<unknown>, object: KubeObject): RecordEvent {
  const { namespace = '' } = object.metadata;
  const note = `Namespace ${namespace} is none of the clusters under ramen.bridge.clusters: it is left alone`;
  return eventOn(resource, object, 'Warning', 'ClusterNotConfigured', 'Reconcile', note);
}

export function klusterletAtWork(work: ManifestWork): RecordEvent {
  const note =
    'A klusterlet of Open Cluster Management looks after this work (its finalizer is there): it is left alone, since two writers would undo one another';
  return eventOn(MANIFEST_WORK, work, 'Warning', 'KlusterletAtWork', 'Reconcile', note);
}

export function manifestsFailed(work: ManifestWork, message: string): RecordEvent {
  return eventOn(MANIFEST_WORK, work, 'Warning', 'ManifestsFailed', 'Apply', message);
}

/** The application was deleted while this cluster could not be asked; the truthful answer to a view makes this case possible. */
export function applicationGone(work: ManifestWork, application: string): RecordEvent {
  const { namespace = '', name } = work.metadata;
  const note = `DRPlacementControl ${application} is gone and this work is not being deleted: its objects stay on cluster ${namespace}. Remove them with: kubectl delete manifestwork -n ${namespace} ${name}`;
  return eventOn(MANIFEST_WORK, work, 'Warning', 'ApplicationGone', 'Delete', note);
}

/** The cluster is no longer configured, and the work is deleted. */
export function objectsLeft(work: ManifestWork): RecordEvent {
  const { namespace = '' } = work.metadata;
  const names = work.status.manifests.map(({ resourceMeta }) => describe(resourceMeta));
  const note = `${namespace} is not under ramen.bridge.clusters any more: the work goes, and its objects stay on cluster ${namespace}: ${names.join(', ')}`;
  return eventOn(MANIFEST_WORK, work, 'Warning', 'ObjectsLeft', 'Delete', note);
}

/** Only the Policies for Secrets that Ramen is known to create are carried out in place of Open Cluster Management. */
export function policyNotCarried(policy: KubeObject, why: string): RecordEvent {
  const note = `Nothing is done for this Policy in the place of Open Cluster Management: ${why}`;
  return eventOn(POLICY, policy, 'Warning', 'PolicyNotCarried', 'Copy', note);
}

export function modeActivated(mode: MaintenanceMode): RecordEvent {
  const note = 'No Pod of the workloads is left: FailoverActivated is True';
  return eventOn(MAINTENANCE_MODE, mode, 'Normal', 'MaintenanceModeActivated', 'ScaleDown', note);
}

export function modeEnded(mode: MaintenanceMode): RecordEvent {
  return eventOn(MAINTENANCE_MODE, mode, 'Normal', 'MaintenanceModeEnded', 'Restore', 'What was changed is restored');
}

export function modeFailed(mode: MaintenanceMode, message: string): RecordEvent {
  return eventOn(MAINTENANCE_MODE, mode, 'Warning', 'MaintenanceModeFailed', 'ScaleDown', message);
}
