/** Works that outlive what they are for: their application, or that their cluster is looked after. */
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
 * A work outlives its application where that was deleted while this cluster could not be asked: it is told and counted.
 *
 * @returns the application that is gone, as `namespace/name`; undefined where it is there, or none is named.
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
  // A work may be heard of before its application: the cache is not enough to say that it is gone.
  const [namespace = '', name = ''] = application.split('/');
  const answer = await hub.get({ resource: DR_PLACEMENT_CONTROL, namespace, name });
  const isGone = answer.is === 'refused' && answer.reason === 'NotFound';
  meter.orphan(key, isGone);
  if (!isGone) return undefined;
  record(applicationGone(work, application));
  return application;
}
