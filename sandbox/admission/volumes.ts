/**
 * The additions of the server to volumes and claims: protection from deletion while they are in use, and the time of their last phase
 * change.
 */
import { type Context, timeText } from '../context.ts';
import { type JsonObject, listOf, objectOf, withPath } from '../json.ts';

export const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection';
export const VOLUME_PROTECTION = 'kubernetes.io/pv-protection';

export function admitVolume(volume: JsonObject, { clock }: Context): JsonObject {
  const status = { phase: 'Pending', lastPhaseTransitionTime: timeText(clock.now()) };
  return { ...protectedBy(volume, VOLUME_PROTECTION), status };
}

export function admitClaim(claim: JsonObject, context: Context): JsonObject {
  const { storageClassName = defaultClass(context) } = objectOf(claim.spec);
  const complete = withPath(claim, ['spec', 'storageClassName'], storageClassName);
  return { ...protectedBy(complete, CLAIM_PROTECTION), status: { phase: 'Pending' } };
}

/** Admission plugin StorageObjectInUseProtection. */
function protectedBy(object: JsonObject, finalizer: string): JsonObject {
  const finalizers = listOf(objectOf(object.metadata).finalizers);
  if (finalizers.includes(finalizer)) return object;
  return withPath(object, ['metadata', 'finalizers'], [...finalizers, finalizer]);
}

/** A volume records the time of its last phase change. */
export function withTransition(volume: JsonObject, before: JsonObject, { clock }: Context): JsonObject {
  const [status, old] = [objectOf(volume.status), objectOf(before.status)];
  if (status.phase === old.phase) return volume;
  if (status.lastPhaseTransitionTime !== undefined && status.lastPhaseTransitionTime !== old.lastPhaseTransitionTime) {
    return volume;
  }
  return withPath(volume, ['status', 'lastPhaseTransitionTime'], timeText(clock.now()));
}

function defaultClass({ store }: Context): string | undefined {
  const classes = store.collection('storageclasses.storage.k8s.io').list();
  const marked = classes.filter(
    ({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true',
  );
  return marked.at(-1)?.metadata.name;
}
