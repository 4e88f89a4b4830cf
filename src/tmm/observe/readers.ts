/** The caches of one cluster, and reads of them that fail while a cache has not synced. */
import type {
  Job,
  KubeObject,
  Namespace,
  Node,
  Pod,
  PodController,
  PodDisruptionBudget,
  StatefulSet,
} from '../../core/objects.ts';
import type { Known, Lister, Seen } from '../../core/ports.ts';
import type { CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../core/storage-objects.ts';

/** The kinds that are cached for one cluster. */
export interface TmmKinds {
  readonly nodes: Node;
  readonly pods: Pod;
  readonly budgets: PodDisruptionBudget;
  readonly statefulSets: StatefulSet;
  readonly replicaSets: PodController;
  readonly daemonSets: PodController;
  readonly replicationControllers: PodController;
  readonly jobs: Job;
  readonly claims: PersistentVolumeClaim;
  readonly volumes: PersistentVolume;
  readonly storageClasses: StorageClass;
  readonly csiNodes: CsiNode;
  /** Only if `needsNamespaces()` returns true. */
  readonly namespaces?: Namespace;
  /** The metadata of the Secrets that hold Pods; only with `unmanagedPods: recreate`. */
  readonly stored?: KubeObject;
}

/** The caches of one cluster. */
export type TmmReaders = { readonly [K in keyof TmmKinds]: Lister<Exclude<TmmKinds[K], undefined>> };

/** Thrown if a cache has not synced: nothing that depends on it is known. */
export class UnknownYet extends Error {}

/** @throws UnknownYet */
export function need<T>(known: Known<T>): T {
  if (known.is === 'unknown') throw new UnknownYet();
  return known.value;
}

/** @throws UnknownYet */
export function find<T>(seen: Seen<T>): T | undefined {
  if (seen.is === 'unknown') throw new UnknownYet();
  return seen.is === 'present' ? seen.object : undefined;
}
