/** One pass over a ManifestWork: finds who is responsible for it, and applies or removes it. */
import type { Result } from '../core/decision.ts';
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import { isDeleting } from '../core/meta.ts';
import type { Log } from '../core/ports.ts';
import { clusterNotConfigured, klusterletAtWork } from './events.ts';
import { KLUSTERLET_FINALIZER } from './names.ts';
import { MANIFEST_WORK, type ManifestWork } from './objects.ts';
import type { WorkIdentity } from './ownership.ts';
import { applyWork } from './work-apply.ts';
import { isHeld, ownerOfWork, type WorkPass, type WorkPorts } from './work-pass.ts';
import { partWith, removeWork } from './work-remove.ts';
import { WorkWriter } from './work-writer.ts';

/** @returns a reconciler whose keys are `namespace/name` of ManifestWorks. */
export function reconcileWorks(ports: WorkPorts): (key: string, context: { readonly log: Log }) => Promise<Result> {
  return async (key, { log }) => {
    const seen = ports.works.get(key);
    const [name = ''] = key.split('/');
    const cluster = ports.cluster(name);
    // Not tried yet: the pass follows when the cache has caught up.
    if (seen.is === 'present' && ports.memory.isReplaced(key, seen.object.metadata.resourceVersion)) return {};
    try {
      if (seen.is === 'present') return await reconcile(passOf(ports, seen.object, key, log), cluster);
      if (seen.is === 'absent') {
        ports.memory.forget(key);
        ports.meter.work(key, undefined);
        cluster?.unwatch(ownerOfWork(key));
      }
      return {};
    } finally {
      ports.settling.tried(name, key);
    }
  };
}

async function reconcile(pass: WorkPass, cluster: ManagedClusterAccess | undefined): Promise<Result> {
  const { ports, work, key } = pass;
  const { memory, record, meter } = ports;
  const { metadata } = work;
  if (metadata.finalizers?.includes(KLUSTERLET_FINALIZER) === true) {
    if (cluster !== undefined) record(klusterletAtWork(work));
    meter.work(key, 'NotOurs');
    return {};
  }
  if (cluster === undefined) {
    record(clusterNotConfigured(MANIFEST_WORK, work));
    meter.work(key, 'NotOurs');
    return isDeleting(work) && isHeld(work) ? partWith(pass) : {};
  }
  memory.enter(key, metadata.uid, metadata.generation ?? 0);
  const hub = ports.hubId();
  // It becomes known in a moment.
  if (hub === undefined) return { requeueAfterMs: 250 };
  const identity: WorkIdentity = { hub, cluster: cluster.name, name: metadata.name, uid: metadata.uid };
  return isDeleting(work) ? removeWork(pass, cluster, identity) : applyWork(pass, cluster, identity);
}

function passOf(ports: WorkPorts, work: ManifestWork, key: string, log: Log): WorkPass {
  const { hub, clock, memory } = ports;
  const writer = new WorkWriter(
    {
      hub,
      clock,
      log,
      failed: () => memory.failed(key),
      wrote: (before, now) => memory.wrote(key, before, now),
      writes: memory.writes,
    },
    work,
  );
  return { ports, work, key, log, writer };
}
