/** Removes an object that no manifest names any more from its managed cluster, or gives up its ownership. */
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import {
  type Answer,
  type AnyObject,
  done,
  type JsonPatchOperation,
  type ObjectAddress,
  pointer,
  unlessChanged,
} from '../core/object-access.ts';
import { locate, look } from './locate-object.ts';
import { isOfAnother, nothingOf, replaceManagedFields } from './managed-fields.ts';
import { describe } from './manifest.ts';
import { OWNED_BY } from './names.ts';
import { type ObjectResult, refused } from './object-result.ts';
import { isNamespace, type ResourceMeta } from './objects.ts';
import { creatorOf, formatMark, managerOf, upgradedManagedFields, type WorkIdentity } from './ownership.ts';
import { decideRemove, type Leaving } from './work-decide.ts';

/** Limit for the case that another client creates and deletes the object repeatedly. */
const MAX_ROUNDS = 4;
/** Field manager of changes to marks alone. */
const MARKER = 'maintenance-bridge';

/** Removes one object, or gives up its ownership. The outcome `applied` means that nothing is left to do. */
export async function removeObject(
  cluster: ManagedClusterAccess,
  meta: ResourceMeta,
  leaving: Pick<Leaving, 'policy' | 'claimant'>,
  work: WorkIdentity,
): Promise<ObjectResult> {
  // The object may exist in a later version of its kind.
  const named = await locate(cluster, meta);
  const located = 'cannotExist' in named ? await locate(cluster, { ...meta, version: undefined }) : named;
  if ('outcome' in located) {
    // A kind that is not served any more has no objects.
    return located.cannotExist ? { ...located, outcome: { is: 'applied' }, watch: [] } : located;
  }
  const { at } = located;
  const plural = at.resource.plural;
  const gone: ObjectResult = { outcome: { is: 'applied' }, plural, watch: [], isRetried: false };
  for (let round = 1; ; round += 1) {
    const found = await look(cluster, at);
    const step = decideRemove({ meta: { ...meta, resource: plural }, found, ...leaving }, work);
    switch (step.do) {
      case 'nothing':
        return gone;
      case 'fail':
        return refused(meta, at, step.refusal);
      case 'wait':
        return { outcome: { is: 'waiting', message: step.why }, plural, watch: [at], isRetried: false };
      case 'unmark':
      case 'release':
      case 'handOver': {
        const answer =
          step.do === 'release'
            ? await release(cluster, at, step.object, work)
            : await changeOwner(cluster, at, step.object, work, step.do === 'handOver' ? step.to : undefined);
        if (answer.is === 'done' || answer.reason === 'NotFound') return gone;
        if (!isOfAnother(answer) || round >= MAX_ROUNDS) return refused(meta, at, answer);
        continue;
      }
      case 'delete': {
        const answer = await cluster.objects.remove(at, step.uid);
        if (answer.is === 'refused' && answer.reason !== 'NotFound' && answer.reason !== 'Conflict') {
          return refused(meta, at, answer);
        }
        if (round >= MAX_ROUNDS) {
          return {
            outcome: { is: 'waiting', message: `${describe(meta)} is being deleted` },
            plural,
            watch: [at],
            isRetried: true,
          };
        }
      }
    }
  }
}

/** Transfers an object of this work to another work, or to none. */
async function changeOwner(
  cluster: ManagedClusterAccess,
  at: ObjectAddress,
  object: AnyObject,
  work: WorkIdentity,
  to: WorkIdentity | undefined,
): Promise<Answer<AnyObject>> {
  const { managedFields = [], resourceVersion } = object.metadata;
  const isOfKindNamespace = isNamespace({ group: at.resource.group, kind: at.resource.kind });
  if (isOfKindNamespace) {
    const manager = to === undefined ? MARKER : creatorOf(to);
    const renamed = managedFields.map((entry) => (entry.manager === creatorOf(work) ? { ...entry, manager } : entry));
    const answer = await replaceManagedFields(cluster, at, object, renamed);
    if (answer.is === 'refused' || to === undefined) return answer;
    return release(cluster, at, answer.value, work);
  }
  const path = `/metadata/annotations/${pointer(OWNED_BY)}`;
  const change: JsonPatchOperation =
    to === undefined ? { op: 'remove', path } : { op: 'replace', path, value: formatMark(to) };
  const answer = await cluster.objects.patch(at, [unlessChanged(resourceVersion), change], { fieldManager: MARKER });
  if (answer.is === 'refused' || to === undefined) return answer;
  return release(cluster, at, answer.value, work);
}

/** Gives up the fields that only this work has set; those that the other work names stay. */
async function release(
  cluster: ManagedClusterAccess,
  at: ObjectAddress,
  object: AnyObject,
  work: WorkIdentity,
): Promise<Answer<AnyObject>> {
  const upgrade = upgradedManagedFields(object.metadata.managedFields, work);
  if (upgrade !== undefined) {
    const answer = await replaceManagedFields(cluster, at, object, upgrade);
    if (answer.is === 'refused') return answer;
  }
  const answer = await cluster.objects.apply(at, nothingOf(object), { fieldManager: managerOf(work), force: true });
  // If the object would be invalid without them, the fields stay.
  return answer.is === 'refused' && answer.reason === 'Invalid' && !isOfAnother(answer) ? done(object) : answer;
}
