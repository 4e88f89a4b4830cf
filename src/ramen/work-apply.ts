/** A pass over a work that has to be on its cluster. */
import type { Result } from '../core/decision.ts';
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import type { ObjectAddress } from '../core/object-access.ts';
import { applyManifest } from './apply-manifest.ts';
import { whyNot } from './clusters.ts';
import { manifestsFailed } from './events.ts';
import { type BadManifest, describe, identityKey, inApplyOrder, type Manifest, readManifests } from './manifest.ts';
import type { ObjectResult } from './object-result.ts';
import type { ManifestStatus, ManifestWork, ResourceMeta } from './objects.ts';
import type { WorkIdentity } from './ownership.ts';
import { sharersOf } from './work-claims.ts';
import { leftOver } from './work-decide.ts';
import { tellOfGone } from './work-orphans.ts';
import { isHeld, LOOK_AGAIN_MS, metaOf, ownerOfWork, type WorkPass } from './work-pass.ts';
import { removeOne } from './work-remove.ts';
import { type ManifestResult, observedGeneration } from './work-status.ts';

/** Applies the objects of a work, and writes the results into its status. */
export async function applyWork(
  pass: WorkPass,
  cluster: ManagedClusterAccess,
  identity: WorkIdentity,
): Promise<Result> {
  const { meter, memory, record } = pass.ports;
  if (!isHeld(pass.work)) {
    const answer = await pass.writer.addFinalizer();
    if (answer.is === 'refused') return pass.writer.after(answer);
  }
  const manifests = readManifests(pass.work.manifests);
  const leaving = leftOver(
    pass.work.status.manifests.map(({ resourceMeta }) => resourceMeta),
    manifests.filter(({ is }) => is === 'sound'),
  ).filter(({ name, kind }) => name !== '' && kind !== '');
  pass.writer.gone = await tellOfGone(pass.ports, pass.key, pass.work);
  if (await isSettledAndUnchanged(pass, cluster, manifests, leaving)) {
    meter.work(pass.key, 'Applied');
    // Only the existence of the application may have changed.
    const answer = await pass.writer.writeStatus(pass.work.status.manifests.map(toApplied));
    return answer.is === 'refused' ? pass.writer.after(answer) : {};
  }
  if (!isAnnounced(pass, manifests)) {
    const pending = [...manifests.map(toPending), ...leaving.map((meta) => toLeaving(meta, manifests.length))];
    const answer = await pass.writer.writeStatus(pending);
    if (answer.is === 'refused') return pass.writer.after(answer);
  }
  meter.work(pass.key, 'Pending');
  if (whyNot(cluster.condition()) !== undefined) return {}; // The connection triggers another pass.
  const why = await cluster.confirm();
  if (why !== undefined) return { requeueAfterMs: memory.failed(pass.key) };

  const results: ManifestResult[] = [];
  const watches: ObjectAddress[] = [];
  let isRetried = false;
  let afterMs = LOOK_AGAIN_MS;
  const note = (meta: ResourceMeta, result: ObjectResult, isLeaving: boolean): void => {
    results.push({ meta: { ...meta, resource: result.plural || meta.resource }, outcome: result.outcome, isLeaving });
    watches.push(...result.watch);
    isRetried ||= result.isRetried;
    afterMs = Math.min(afterMs, result.afterMs ?? LOOK_AGAIN_MS);
  };
  for (const manifest of inApplyOrder(manifests)) {
    const result = await applyOne(pass, cluster, manifest, identity);
    if (result.isDry === true) return {};
    note(metaOf(manifest), result, false);
  }
  for (const meta of leaving) {
    const result = await removeOne(pass, cluster, meta, identity);
    if (result.isDry === true) return {};
    if (result.outcome.is !== 'applied') note({ ...meta, ordinal: manifests.length }, result, true);
  }
  cluster.watch(ownerOfWork(pass.key), watches);
  // Another cluster may have answered since: its answers are not recorded.
  if ((await cluster.confirm()) !== undefined) {
    memory.forgetApplied(pass.key);
    return { requeueAfterMs: memory.failed(pass.key) };
  }
  const sorted = results.toSorted((a, b) => a.meta.ordinal - b.meta.ordinal);
  const answer = await pass.writer.writeStatus(sorted);
  if (answer.is === 'refused') return pass.writer.after(answer);
  const faults = sorted.flatMap(({ outcome }) => ('message' in outcome ? [outcome.message] : []));
  if (faults.length === 0) {
    meter.work(pass.key, 'Applied');
    memory.succeeded(pass.key);
    return {};
  }
  record(manifestsFailed(pass.work, faults[0] ?? ''));
  pass.log.debug('Manifests not applied', { reason: 'ManifestsFailed', detail: faults[0] });
  meter.work(pass.key, 'Failed');
  return { requeueAfterMs: isRetried ? Math.min(afterMs, memory.failed(pass.key)) : afterMs };
}

async function applyOne(
  pass: WorkPass,
  cluster: ManagedClusterAccess,
  manifest: Manifest | BadManifest,
  identity: WorkIdentity,
): Promise<ObjectResult> {
  const { memory, clock } = pass.ports;
  if (manifest.is === 'bad') {
    return { outcome: { is: 'failed', message: manifest.message }, plural: '', watch: [], isRetried: false };
  }
  const object = identityKey(manifest);
  const before = await compare(pass, cluster, manifest, object);
  if (before.is === 'unchanged') return before.result;
  const pauseMs = before.is === 'changed' ? memory.pauseMs(pass.key, object, clock.now()) : 0;
  if (before.is === 'changed' && pauseMs > 0) return undone(manifest, before.at, pauseMs);
  pass.log.debug('Applying manifest', { kind: manifest.kind, key: `${manifest.namespace}/${manifest.name}` });
  const sharers = sharersOf(pass, cluster.name, manifest);
  const isExpected = pass.work.status.conditions.length > 0 || sharers.size > 0;
  const result = await applyManifest(cluster, manifest, identity, { sharers, isExpected });
  memory.remember(pass.key, object, result.object && cluster.fingerprintOf(result.object));
  if (before.is === 'changed' && result.outcome.is === 'applied') memory.restored(pass.key, object, clock.now());
  return result;
}

/** The message has no time in it: the status would change with each look. */
function undone(manifest: Manifest, at: ObjectAddress, afterMs: number): ObjectResult {
  const message = `${describe(manifest)} is changed or deleted by somebody each time it is applied; this is repeated with growing pauses`;
  return { outcome: { is: 'waiting', message }, plural: at.resource.plural, watch: [at], isRetried: false, afterMs };
}

type Comparison =
  /** Nothing is known about it. */
  | { readonly is: 'unknown' }
  | { readonly is: 'unchanged'; readonly result: ObjectResult }
  /** Somebody has changed or deleted it since it was applied. */
  | { readonly is: 'changed'; readonly at: ObjectAddress };

/** Compares an object, according to the watch, with the one to which this generation was applied. */
async function compare(
  pass: WorkPass,
  cluster: ManagedClusterAccess,
  manifest: Manifest,
  object: string,
): Promise<Comparison> {
  const before = pass.ports.memory.applied(pass.key, object);
  if (before === undefined) return { is: 'unknown' };
  const { group, version, kind, namespace, name } = manifest;
  const resolution = await cluster.objects.resolve({ group, version, kind });
  if (resolution.is !== 'served') return { is: 'unknown' };
  const at = { resource: resolution.resource, ...(namespace !== '' && { namespace }), name };
  const seen = cluster.seen(at);
  if (seen === undefined) return { is: 'unknown' };
  if (seen === 'absent' || seen.fingerprint !== before) return { is: 'changed', at };
  const { plural } = resolution.resource;
  return { is: 'unchanged', result: { outcome: { is: 'applied' }, plural, watch: [at], isRetried: false } };
}

/** The frequent case: an object of the work has a new status, and nothing else has changed. */
async function isSettledAndUnchanged(
  pass: WorkPass,
  cluster: ManagedClusterAccess,
  manifests: readonly (Manifest | BadManifest)[],
  leaving: readonly ResourceMeta[],
): Promise<boolean> {
  if (leaving.length > 0 || !isSettled(pass.work) || !isAnnounced(pass, manifests)) return false;
  if (cluster.condition().is !== 'connected') return false;
  for (const manifest of manifests) {
    if (manifest.is === 'bad') return false;
    if ((await compare(pass, cluster, manifest, identityKey(manifest))).is !== 'unchanged') return false;
  }
  return true;
}

/** Whether the status lists every object of this generation already. */
function isAnnounced(pass: WorkPass, manifests: readonly (Manifest | BadManifest)[]): boolean {
  const { status, metadata } = pass.work;
  if (observedGeneration(status) !== (metadata.generation ?? 0)) return false;
  const recorded = new Set(status.manifests.map(({ resourceMeta }) => identityKey(resourceMeta)));
  return manifests.every((each) => each.is === 'bad' || recorded.has(identityKey(each)));
}

function isSettled({ status, metadata }: ManifestWork): boolean {
  const applied = status.conditions.find(({ type }) => type === 'Applied');
  return applied?.status === 'True' && applied.observedGeneration === metadata.generation;
}

function toApplied({ resourceMeta: meta }: ManifestStatus): ManifestResult {
  return { meta, outcome: { is: 'applied' }, isLeaving: false };
}

function toPending(manifest: Manifest | BadManifest): ManifestResult {
  return { meta: metaOf(manifest), outcome: { is: 'pending' }, isLeaving: false };
}

function toLeaving(meta: ResourceMeta, ordinal: number): ManifestResult {
  return { meta: { ...meta, ordinal }, outcome: { is: 'pending' }, isLeaving: true };
}
