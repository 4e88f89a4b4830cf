/** Applies one manifest of a work to its managed cluster. */
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import { type Answer, type AnyObject, done, type ObjectAddress, type Refusal } from '../core/object-access.ts';
import { settleEmptyClaims } from './empty-claims.ts';
import { locate, look } from './locate-object.ts';
import { isOfAnother, nothingOf, replaceManagedFields } from './managed-fields.ts';
import type { Manifest, ManifestBody } from './manifest.ts';
import { applied, type ObjectResult, refused } from './object-result.ts';
import { isNamespace } from './objects.ts';
import { managerOf, type WorkIdentity, workOfManager } from './ownership.ts';
import { decideApply, type Found } from './work-decide.ts';

/** Other works that name the object and are not being deleted: their names, by UID. */
export type Sharers = ReadonlyMap<string, string>;

/** Limit for the case that another client creates and deletes the object repeatedly. */
const MAX_ROUNDS = 4;

/**
 * Brings one object to the state in its manifest.
 *
 * @param isExpected whether it may exist already. For a new work the object is not read first: a creation cannot change an existing object.
 */
export async function applyManifest(
  cluster: ManagedClusterAccess,
  manifest: Manifest,
  work: WorkIdentity,
  { sharers, isExpected }: { readonly sharers: Sharers; readonly isExpected: boolean },
): Promise<ObjectResult> {
  const located = await locate(cluster, manifest);
  if ('outcome' in located) return located;
  const { at } = located;
  for (let round = 1; ; round += 1) {
    const found: Found = isExpected || round > 1 ? await look(cluster, at) : { is: 'absent' };
    const step = decideApply(manifest, found, work);
    switch (step.do) {
      case 'fail':
        return refused(manifest, at, step.refusal);
      case 'wait':
        return {
          outcome: { is: 'waiting', message: step.why },
          plural: at.resource.plural,
          watch: [at],
          isRetried: false,
        };
      case 'create': {
        const answer = await cluster.objects.create(at, step.body, step.fieldManager ?? managerOf(work));
        if (answer.is === 'refused') {
          if (answer.reason === 'AlreadyExists' && round < MAX_ROUNDS) continue;
          return refused(manifest, at, answer);
        }
        // A Namespace is created bare, so another round applies the manifest to it.
        if (isNamespace(manifest) && round < MAX_ROUNDS) continue;
        return applied(at, answer.value);
      }
      case 'apply': {
        const { body, upgrade } = step;
        const live =
          upgrade === undefined ? done(step.live) : await replaceManagedFields(cluster, at, step.live, upgrade);
        const answer =
          live.is === 'refused' ? live : await applyBody(cluster, at, { body, live: live.value }, work, sharers);
        if (answer.is === 'done') return applied(at, answer.value);
        if (isOfAnother(answer) && round < MAX_ROUNDS) continue;
        return refused(manifest, at, answer);
      }
    }
  }
}

/** Without force first, so that fields of another work of ours are not taken from it. */
async function applyBody(
  cluster: ManagedClusterAccess,
  at: ObjectAddress,
  { body: wanted, live }: { readonly body: ManifestBody; readonly live: AnyObject },
  work: WorkIdentity,
  sharers: Sharers,
): Promise<Answer<AnyObject>> {
  const fieldManager = managerOf(work);
  const { uid, resourceVersion } = live.metadata;
  // Never applied to another object of that name, nor to one that has gone: it would be created without a mark.
  const body = withMeta(wanted, { uid });
  const gentle = await cluster.objects.apply(at, body, { fieldManager, force: false });
  const answer = await (async () => {
    if (gentle.is === 'done' || gentle.reason !== 'FieldConflict') return gentle;
    const rival = rivalIn(gentle, work, sharers);
    if (rival === undefined) return cluster.objects.apply(at, body, { fieldManager, force: true });
    const peace = settleEmptyClaims(body, live, gentle.causes);
    if (peace.is === 'contested')
      return { ...gentle, message: `set otherwise by the work ${rival}: ${gentle.causes.slice(0, 3).join('; ')}` };
    const { force } = peace;
    return cluster.objects.apply(at, force ? withMeta(peace.body, { resourceVersion }) : peace.body, {
      fieldManager,
      force,
    });
  })();
  if (answer.is === 'done') await releaseFormer(cluster, at, answer.value, work, sharers);
  return answer;
}

function withMeta(body: ManifestBody, meta: Readonly<Record<string, string>>): ManifestBody {
  return { ...body, metadata: { ...body.metadata, ...meta } };
}

/** The name of a work that shares the object and owns the conflicting fields; undefined if there is none. */
function rivalIn({ causes }: Refusal, work: WorkIdentity, sharers: Sharers): string | undefined {
  for (const cause of causes) {
    const manager = /conflict with "([^"]+)"/.exec(cause)?.[1];
    const uid = workOfManager(manager);
    const name = uid === undefined || uid === work.uid ? undefined : sharers.get(uid);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** A work that no longer names the object, or that vanished without its finalizer, may have left fields that nothing else would remove. */
async function releaseFormer(
  cluster: ManagedClusterAccess,
  at: ObjectAddress,
  object: AnyObject,
  work: WorkIdentity,
  sharers: Sharers,
): Promise<void> {
  for (const { manager, operation, subresource } of object.metadata.managedFields ?? []) {
    const uid = workOfManager(manager);
    if (uid === undefined || uid === work.uid || sharers.has(uid) || operation !== 'Apply' || subresource) continue;
    await cluster.objects.apply(at, nothingOf(object), { fieldManager: manager ?? '', force: true });
  }
}
