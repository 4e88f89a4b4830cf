/** What the caches of one cluster hold, in the questions that this feature asks. */
import { annotationOf, conditionOf, controllerOf, keyOf } from '../core/meta.ts';
import type {
  CsiNode,
  KubeObject,
  Namespace,
  Node,
  NodeSelector,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StatefulSet,
  StorageClass,
} from '../core/objects.ts';
import type { Known, Lister, Seen } from '../core/ports.ts';
import type { StorageLookup } from '../core/scheduling/cluster.ts';
import { matchesLabelSelector } from '../core/selectors.ts';
import {
  ALL_NAMESPACES,
  ALL_NODES,
  BUDGETS_BY_NAMESPACE,
  NODES_IN_SESSION,
  PODS_BY_MARKER,
  PODS_BY_NODE,
  STORED_BY_NODE,
  UNREADY_PODS,
  VOLUMES_BY_CLASS,
} from './indexes.ts';
import { REPORT_ANNOTATION } from './names.ts';
import { demandsOf, isPinnedTo } from './pinning.ts';
import { parseReport, type Report } from './report.ts';

/** What is kept of one cluster. */
export interface TmmKinds {
  readonly nodes: Node;
  readonly pods: Pod;
  readonly budgets: PodDisruptionBudget;
  readonly statefulSets: StatefulSet;
  readonly claims: PersistentVolumeClaim;
  readonly volumes: PersistentVolume;
  readonly storageClasses: StorageClass;
  readonly csiNodes: CsiNode;
  /** Only where `needsNamespaces()` says so. */
  readonly namespaces?: Namespace;
  /** The metadata of the Secrets that hold Pods; only with `unmanagedPods: recreate`. */
  readonly stored?: KubeObject;
}

/** The caches of one cluster. */
export type TmmReaders = { readonly [K in keyof TmmKinds]: Lister<Exclude<TmmKinds[K], undefined>> };

/** A cache has not synced: nothing that depends on it is known. */
export class UnknownYet extends Error {}

function need<T>(known: Known<T>): T {
  if (known.is === 'unknown') throw new UnknownYet();
  return known.value;
}

function find<T>(seen: Seen<T>): T | undefined {
  if (seen.is === 'unknown') throw new UnknownYet();
  return seen.is === 'present' ? seen.object : undefined;
}

const byKey = (a: KubeObject, b: KubeObject): number => (keyOf(a) < keyOf(b) ? -1 : 1);

/** Answers are in a stable order. Every method throws `UnknownYet` where a cache that it needs has not synced. */
export class View {
  readonly #readers: TmmReaders;

  constructor(readers: TmmReaders) {
    this.#readers = readers;
  }

  node(name: string): Node | undefined {
    return find(this.#readers.nodes.get(name));
  }

  nodes(): readonly Node[] {
    return need(this.#readers.nodes.byIndex(ALL_NODES.name, ''));
  }

  /** Nodes with a report that can be read. */
  sessions(): readonly { readonly node: Node; readonly report: Report }[] {
    return [...need(this.#readers.nodes.byIndex(NODES_IN_SESSION.name, ''))].sort(byKey).flatMap((node) => {
      const seen = parseReport(annotationOf(node, REPORT_ANNOTATION));
      return seen.is === 'valid' ? [{ node, report: seen.report }] : [];
    });
  }

  /** As `podsOn`, in no particular order: for a look at every Node. */
  podsBoundTo(nodeName: string): readonly Pod[] {
    return need(this.#readers.pods.byIndex(PODS_BY_NODE.name, nodeName));
  }

  /** undefined where no setting needs them and they are not watched. */
  allNamespaces(): readonly Namespace[] | undefined {
    return this.#readers.namespaces && need(this.#readers.namespaces.byIndex(ALL_NAMESPACES.name, ''));
  }

  storage(): StorageLookup {
    const { claims, volumes, storageClasses, csiNodes } = this.#readers;
    return {
      claim: (key) => find(claims.get(key)),
      volume: (name) => find(volumes.get(name)),
      volumesOfClass: (className) => need(volumes.byIndex(VOLUMES_BY_CLASS.name, className)),
      storageClass: (name) => find(storageClasses.get(name)),
      csiNode: (name) => find(csiNodes.get(name)),
    };
  }

  podsOn(nodeName: string): readonly Pod[] {
    return [...need(this.#readers.pods.byIndex(PODS_BY_NODE.name, nodeName))].sort(byKey);
  }

  pod(key: string): Pod | undefined {
    return find(this.#readers.pods.get(key));
  }

  /** The Secrets that hold Pods of this Node. */
  storedFor(nodeName: string): readonly KubeObject[] {
    const { stored } = this.#readers;
    return stored === undefined ? [] : [...need(stored.byIndex(STORED_BY_NODE.name, nodeName))].sort(byKey);
  }

  markedBy(nodeName: string): readonly Pod[] {
    return [...need(this.#readers.pods.byIndex(PODS_BY_MARKER.name, nodeName))].sort(byKey);
  }

  unreadyIn(namespace: string): readonly Pod[] {
    return [...need(this.#readers.pods.byIndex(UNREADY_PODS.name, namespace))].sort(byKey);
  }

  namespaceOf(pod: Pod): Namespace | undefined {
    return this.#readers.namespaces && find(this.#readers.namespaces.get(pod.metadata.namespace ?? ''));
  }

  budgetsOf(pod: Pod): readonly PodDisruptionBudget[] {
    return need(this.#readers.budgets.byIndex(BUDGETS_BY_NAMESPACE.name, pod.metadata.namespace ?? ''))
      .filter((budget) => selects(budget, pod))
      .sort(byKey);
  }

  /** The StatefulSet that controls the Pod; undefined where none does, or a namesake has taken its place. */
  statefulSetOf(pod: Pod): StatefulSet | undefined {
    const controller = controllerOf(pod);
    if (controller?.kind !== 'StatefulSet') return undefined;
    const found = find(this.#readers.statefulSets.get(`${pod.metadata.namespace}/${controller.name}`));
    return found?.metadata.uid === controller.uid ? found : undefined;
  }

  /** Whether the Pod can run on this Node only. For a pinned Pod this looks at every Node: not a question for each event. */
  isPinned(pod: Pod, nodeName: string): boolean {
    return isPinnedTo(nodeName, demandsOf(pod, this.#volumeAffinities(pod)), this.nodes());
  }

  #volumeAffinities(pod: Pod): readonly NodeSelector[] {
    return (pod.spec.volumes ?? []).flatMap((volume): NodeSelector[] => {
      // The claim of a generic ephemeral volume goes with its Pod, and ties nobody down.
      const claimName = volume.persistentVolumeClaim?.claimName;
      if (claimName === undefined) return [];
      const claim = find(this.#readers.claims.get(`${pod.metadata.namespace}/${claimName}`));
      const volumeName = claim?.spec.volumeName;
      const volumeObject = volumeName === undefined ? undefined : find(this.#readers.volumes.get(volumeName));
      const affinity = volumeObject?.spec.requiredNodeAffinity;
      return affinity === undefined ? [] : [affinity];
    });
  }
}

export function selects({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean {
  return (
    metadata.namespace === pod.metadata.namespace &&
    spec.selector !== undefined &&
    matchesLabelSelector(spec.selector, pod.metadata.labels ?? {})
  );
}

/** The scheduler has tried and could not place it. A gated Pod has not been tried. */
export function isUnschedulable({ metadata, spec, status }: Pod): boolean {
  const scheduled = conditionOf(status.conditions, 'PodScheduled');
  if (metadata.deletionTimestamp !== undefined) return false;
  return spec.nodeName === undefined && scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
}
