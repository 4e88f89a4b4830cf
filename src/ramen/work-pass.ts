/** The dependencies and the state of a pass over a work. */
import type { Clock, Known, Log, Seen } from '../core/ports.ts';
import type { ClusterPorts, Settling } from './clusters.ts';
import type { BadManifest, Manifest } from './manifest.ts';
import { WORK_FINALIZER } from './names.ts';
import type { ManifestWork, ResourceMeta } from './objects.ts';
import type { WorkMemory } from './work-memory.ts';
import type { OrphanPorts } from './work-orphans.ts';
import type { WorkWriter } from './work-writer.ts';

export interface WorkPorts extends ClusterPorts, OrphanPorts {
  readonly works: { get(key: string): Seen<ManifestWork> };
  /** Works of a cluster that name an object, by `claimKey`. */
  readonly claimants: (claim: string) => Known<readonly ManifestWork[]>;
  /** Enqueues another pass over a work. */
  readonly enqueue: (key: string) => void;
  /** Who serves the cluster of a namespace that is not among ours: this installation did last, another one does, or it is unknown. */
  readonly servedBy: (namespace: string) => Promise<'us' | 'others' | 'unknown'>;
  readonly memory: WorkMemory;
  readonly settling: Settling;
  readonly clock: Clock;
}

/** One pass over one work. */
export interface WorkPass {
  readonly ports: WorkPorts;
  readonly work: ManifestWork;
  /** `namespace/name` */
  readonly key: string;
  readonly log: Log;
  readonly writer: WorkWriter;
}

/** The interval of further looks, even if a watch reports changes. */
export const LOOK_AGAIN_MS = 30_000;

/** The owner under which a work is notified of changes on its cluster. */
export function ownerOfWork(key: string): string {
  return `work ${key}`;
}

/** Whether our finalizer is on the work. */
export function isHeld({ metadata }: ManifestWork): boolean {
  return metadata.finalizers?.includes(WORK_FINALIZER) ?? false;
}

export function metaOf({ ordinal, group, version, kind, name, namespace }: Manifest | BadManifest): ResourceMeta {
  return { ordinal, group, version, kind, resource: '', name, namespace };
}
