/** Which works, views and MaintenanceModes a change concerns. The work per event does not grow with their number. */
import { keyOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import { applicationOf, type MaintenanceMode, type ManagedClusterView, type ManifestWork } from './objects.ts';
import { identitiesOf } from './trim.ts';
import { claimKey } from './work-claims.ts';

export const WORKS_BY_CLUSTER = 'cluster';
export const WORKS_BY_CLAIM = 'claim';
export const WORKS_BY_APPLICATION = 'application';
export const VIEWS_BY_CLUSTER = 'cluster';

export interface BridgeSources {
  readonly works: Source<ManifestWork>;
  readonly views: Source<ManagedClusterView>;
  readonly applications: Source<KubeObject>;
}

export interface WatchPorts {
  readonly enqueueWork: (key: string) => void;
  readonly enqueueView: (key: string) => void;
  /** Whether we wrote that version of a view ourselves. */
  readonly isOwnWrite: (key: string, view: ManagedClusterView) => boolean;
}

/** Declares the indexes, and enqueues the works and views that a change on the hub concerns. */
export function setupBridgeWatches({ works, views, applications }: BridgeSources, ports: WatchPorts): void {
  works.addIndex(WORKS_BY_CLUSTER, ({ metadata }) => [metadata.namespace ?? '']);
  works.addIndex(WORKS_BY_CLAIM, (work) =>
    identitiesOf(work).map((each) => claimKey(work.metadata.namespace ?? '', each)),
  );
  works.addIndex(WORKS_BY_APPLICATION, (work) => {
    const application = applicationOf(work);
    return application === undefined ? [] : [application];
  });
  views.addIndex(VIEWS_BY_CLUSTER, ({ metadata }) => [metadata.namespace ?? '']);

  /** Enqueues works that name the same objects: one of them may proceed now. */
  const enqueueRivals = (work: ManifestWork): void => {
    for (const each of identitiesOf(work)) {
      const found = works.byIndex(WORKS_BY_CLAIM, claimKey(work.metadata.namespace ?? '', each));
      for (const rival of found.is === 'known' ? found.value : []) ports.enqueueWork(keyOf(rival));
    }
  };
  works.addHandler({
    onAdd: (work) => ports.enqueueWork(keyOf(work)),
    onUpdate: (old, now) => {
      // Our own status comes back as a change: the pass compares it, without a request.
      ports.enqueueWork(keyOf(now));
      if (old.metadata.generation !== now.metadata.generation) enqueueRivals(old);
    },
    onDelete: (last) => {
      ports.enqueueWork(keyOf(last));
      enqueueRivals(last);
    },
  });
  const look = (view: ManagedClusterView): void => ports.enqueueView(keyOf(view));
  views.addHandler({
    onAdd: look,
    onUpdate: (_, now) => {
      // Our own answer comes back: it needs no request.
      if (!ports.isOwnWrite(keyOf(now), now)) look(now);
    },
    onDelete: look,
  });
  applications.addHandler({
    onDelete: (last) => {
      const found = works.byIndex(WORKS_BY_APPLICATION, keyOf(last));
      for (const work of found.is === 'known' ? found.value : []) ports.enqueueWork(keyOf(work));
    },
    onAdd: (application) => {
      const found = works.byIndex(WORKS_BY_APPLICATION, keyOf(application));
      for (const work of found.is === 'known' ? found.value : []) ports.enqueueWork(keyOf(work));
    },
  });
}

/** Enqueues the MaintenanceModes that a change concerns. */
export function setupModeWatches(modes: Source<MaintenanceMode>, enqueue: (key: string) => void): void {
  const look = (mode: MaintenanceMode): void => enqueue(keyOf(mode));
  modes.addHandler({ onAdd: look, onUpdate: (_, now) => look(now), onDelete: look });
}
