/** Works that outlive their purpose: their application, or the configuration of their cluster. */
import type { RecordEvent } from '../core/action.ts';
import type { ObjectAccess } from '../core/object-access.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Seen } from '../core/ports.ts';
import { applicationGone } from './events.ts';
import type { BridgeMeter } from './metrics.ts';
import { applicationOf, DR_PLACEMENT_CONTROL, type ManifestWork } from './objects.ts';

export interface OrphanPorts {
  readonly hub: ObjectAccess;
  /** DRPlacementControls of the hub. */
  readonly applications: { get(key: string): Seen<KubeObject> };
  readonly record: (event: RecordEvent) => void;
  readonly meter: BridgeMeter;
}

/**
 * Reports and counts a work that outlives its application, because that was deleted while this cluster could not be asked.
 *
 * @returns the application that is gone, as `namespace/name`; undefined if it exists, or none is named.
 */
export async function tellOfGone(
  { hub, applications, record, meter }: OrphanPorts,
  key: string,
  work: ManifestWork,
): Promise<string | undefined> {
  const application = applicationOf(work);
  if (application === undefined) return undefined;
  if (applications.get(application).is !== 'absent') {
    meter.orphan(key, false);
    return undefined;
  }
  // A work may arrive before its application: the cache is not enough to conclude that it is gone.
  const [namespace = '', name = ''] = application.split('/');
  const answer = await hub.get({ resource: DR_PLACEMENT_CONTROL, namespace, name });
  const isGone = answer.is === 'refused' && answer.reason === 'NotFound';
  meter.orphan(key, isGone);
  if (!isGone) return undefined;
  record(applicationGone(work, application));
  return application;
}
