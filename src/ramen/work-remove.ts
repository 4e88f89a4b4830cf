/** A pass over a work that is being deleted, and the removal of single objects. */
import type { Result } from '../core/decision.ts';
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import type { ObjectAddress } from '../core/object-access.ts';
import { whyNot } from './clusters.ts';
import { objectsLeft } from './events.ts';
import { identityKey, inApplyOrder, readManifests } from './manifest.ts';
import type { ObjectResult } from './object-result.ts';
import type { ResourceMeta } from './objects.ts';
import type { WorkIdentity } from './ownership.ts';
import { removeObject } from './remove-object.ts';
import { claimantOf } from './work-claims.ts';
import { leftOver } from './work-decide.ts';
import { isHeld, LOOK_AGAIN_MS, metaOf, ownerOfWork, type WorkPass } from './work-pass.ts';
import type { ManifestResult } from './work-status.ts';

/** Removes the objects of a work; the work goes when they have gone. */
export async function removeWork(
  pass: WorkPass,
  cluster: ManagedClusterAccess,
  identity: WorkIdentity,
): Promise<Result> {
  const { meter, memory } = pass.ports;
  if (!isHeld(pass.work)) return {};
  meter.work(pass.key, 'Deleting');
  if (whyNot(cluster.condition()) !== undefined) return {};
  if ((await cluster.confirm()) !== undefined) return { requeueAfterMs: memory.failed(pass.key) };
  const recorded = pass.work.status.manifests.map(({ resourceMeta }) => resourceMeta);
  const sound = readManifests(pass.work.manifests).filter((each) => each.is === 'sound');
  const all = [
    ...recorded.filter(({ name, kind }) => name !== '' && kind !== ''),
    ...leftOver(sound.map(metaOf), recorded),
  ];
  const left: ManifestResult[] = [];
  const watches: ObjectAddress[] = [];
  let isRetried = false;
  // In reverse order, so Namespaces come last.
  for (const meta of inApplyOrder(all).toReversed()) {
    const result = await removeOne(pass, cluster, meta, identity);
    if (result.isDry === true) return {};
    if (result.outcome.is === 'applied') continue;
    left.push({
      meta: { ...meta, resource: result.plural || meta.resource },
      outcome: result.outcome,
      isLeaving: true,
    });
    watches.push(...result.watch);
    isRetried ||= result.isRetried;
  }
  cluster.watch(ownerOfWork(pass.key), watches);
  if (left.length === 0 && (await cluster.confirm()) === undefined) {
    const answer = await pass.writer.removeFinalizer();
    if (answer.is === 'refused' && answer.reason !== 'NotFound') return pass.writer.after(answer);
    return {};
  }
  return { requeueAfterMs: isRetried || left.length === 0 ? memory.failed(pass.key) : LOOK_AGAIN_MS };
}

/** Removes one object that the work no longer names, or gives up its ownership. */
export async function removeOne(
  pass: WorkPass,
  cluster: ManagedClusterAccess,
  meta: ResourceMeta,
  identity: WorkIdentity,
): Promise<ObjectResult> {
  const claimant = claimantOf(pass, cluster.name, meta, identity);
  pass.ports.memory.remember(pass.key, identityKey(meta), undefined);
  const result = await removeObject(cluster, meta, { policy: pass.work.deletePolicy, claimant }, identity);
  if (claimant !== undefined) pass.ports.enqueue(`${claimant.cluster}/${claimant.name}`);
  return result;
}

/** The cluster has left the configuration: if the work is deleted now, nobody else would remove our finalizer. */
export async function partWith(pass: WorkPass): Promise<Result> {
  const { servedBy, record } = pass.ports;
  if ((await servedBy(pass.work.metadata.namespace ?? '')) !== 'us') return { requeueAfterMs: LOOK_AGAIN_MS };
  const answer = await pass.writer.removeFinalizer();
  if (answer.is === 'refused') return pass.writer.after(answer);
  record(objectsLeft(pass.work));
  return {};
}
