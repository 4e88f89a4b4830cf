/** Answers this feature's questions from the caches of one cluster. */

import { conditionOf, controllerOf, keyOf } from '../../core/meta.ts';
import type {
  Job,
  KubeObject,
  Namespace,
  Node,
  NodeSelector,
  Pod,
  PodController,
  PodDisruptionBudget,
  StatefulSet,
} from '../../core/objects.ts';
import {
  type Hold,
  holdsOn,
  LOCKING_DAEMON_SETS,
  locksOf,
  NODES_IN_OTHER_HANDS,
  UPGRADE_JOBS,
  upgradesOf,
} from '../../core/other-tools.ts';
import type { StorageLookup } from '../../core/scheduling/cluster.ts';
import { selects } from '../model/budgets.ts';
import type { Controller } from '../model/report.ts';
import { controllerNamed } from '../model/workloads.ts';
import {
  ALL_NAMESPACES,
  ALL_NODES,
  BUDGETS_BY_NAMESPACE,
  NODES_IN_SESSION,
  PODS_BY_CONTROLLER,
  PODS_BY_MARKER,
  PODS_BY_NODE,
  REPLICA_SETS_BY_OWNER,
  STORED_BY_NODE,
  UNREADY_PODS,
  unreadyValue,
  VOLUMES_BY_CLASS,
} from './indexes.ts';
import { demandsOf, isPinnedTo } from './pinning.ts';
import { find, need, type TmmReaders } from './readers.ts';
import { type Session, sessionsAmong } from './sessions.ts';

/** The cache that holds the controllers of each built-in kind. */
const CONTROLLERS: Readonly<
  Record<string, 'statefulSets' | 'replicaSets' | 'daemonSets' | 'replicationControllers' | 'jobs'>
> = {
  StatefulSet: 'statefulSets',
  ReplicaSet: 'replicaSets',
  DaemonSet: 'daemonSets',
  ReplicationController: 'replicationControllers',
  Job: 'jobs',
};

const byKey = (a: KubeObject, b: KubeObject): number => (keyOf(a) < keyOf(b) ? -1 : 1);

/** Answers are in a stable order. Every method throws `UnknownYet` if a cache that it needs has not synced. */
export class ClusterView {
  readonly #readers: TmmReaders;
  /** Pods of one sort have the same pinning. Each observation has its own view, so nothing expires here. */
  readonly #pinned = new Map<string, boolean>();

  constructor(readers: TmmReaders) {
    this.#readers = readers;
  }

  node(name: string): Node | undefined {
    return find(this.#readers.nodes.get(name));
  }

  nodes(): readonly Node[] {
    return need(this.#readers.nodes.byIndex(ALL_NODES.name, ''));
  }

  /** Nodes with a report that can be read, by the session's start, then by name; the same array until one of them changes. */
  sessions(): readonly Session[] {
    return sessionsAmong(need(this.#readers.nodes.byIndex(NODES_IN_SESSION.name, '')));
  }

  /** The Nodes that other tools hold at present, by the Node's name; a Node appears once for each sign. */
  holds(nowMs: number): readonly Hold[] {
    const { nodes, daemonSets, jobs } = this.#readers;
    return [
      ...need(nodes.byIndex(NODES_IN_OTHER_HANDS.name, '')).flatMap(holdsOn),
      ...need(daemonSets.byIndex(LOCKING_DAEMON_SETS.name, '')).flatMap(locksOf),
      ...need(jobs.byIndex(UPGRADE_JOBS.name, '')).flatMap(upgradesOf),
    ]
      .filter(({ untilMs = Number.POSITIVE_INFINITY }) => untilMs > nowMs)
      .sort((a, b) => (a.nodeName < b.nodeName ? -1 : a.nodeName > b.nodeName ? 1 : 0));
  }

  /** Like `podsOn`, in no particular order: for use on every Node. */
  podsBoundTo(nodeName: string): readonly Pod[] {
    return need(this.#readers.pods.byIndex(PODS_BY_NODE.name, nodeName));
  }

  /** undefined if no setting needs them and they are not watched. */
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

  /**
   * Pods that the budget counts and that are not ready or are terminating, in no particular order. Only the Pods with one of the labels
   * that the budget requires are examined, however many others of its namespace are not ready.
   */
  unreadyOf(budget: PodDisruptionBudget): readonly Pod[] {
    const { namespace = '' } = budget.metadata;
    const { matchLabels = {}, matchExpressions = [] } = budget.spec.selector ?? {};
    const found = (value: string): readonly Pod[] => need(this.#readers.pods.byIndex(UNREADY_PODS.name, value));
    const demands = [
      ...Object.entries(matchLabels).map(([key, value]) => ({ key, values: [value] })),
      ...matchExpressions.flatMap(({ key, operator, values = [] }) => (operator === 'In' ? [{ key, values }] : [])),
    ].map(({ key, values }) => [...new Set(values)].flatMap((value) => found(unreadyValue(namespace, key, value))));
    const fewest = demands.reduce<readonly Pod[] | undefined>(
      (least, pods) => (least === undefined || pods.length < least.length ? pods : least),
      undefined,
    );
    return (fewest ?? found(namespace)).filter((pod) => selects(budget, pod));
  }

  /** Pods that name this controller, without finished ones. */
  podsOf(uid: string): readonly Pod[] {
    return need(this.#readers.pods.byIndex(PODS_BY_CONTROLLER.name, uid));
  }

  /** Pods of a workload: those that name it, and those of its ReplicaSets. */
  membersOf(uid: string): readonly Pod[] {
    return [uid, ...this.replicaSetsOf(uid).map(({ metadata }) => metadata.uid)].flatMap((each) => this.podsOf(each));
  }

  replicaSetsOf(ownerUid: string): readonly PodController[] {
    return need(this.#readers.replicaSets.byIndex(REPLICA_SETS_BY_OWNER.name, ownerUid));
  }

  /** Whether controllers of this kind are cached: only then can `controller()` show that one has gone. */
  knowsKind({ kind }: Controller): boolean {
    return CONTROLLERS[kind] !== undefined;
  }

  /** undefined if it has gone, if another object has taken its name, or if its kind is not cached. */
  controller({ kind, namespace, name, uid }: Controller): PodController | Job | undefined {
    const readers = CONTROLLERS[kind];
    const found = readers && find<PodController>(this.#readers[readers].get(`${namespace}/${name}`));
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** The template of the Pod's controller; undefined if it has none, or if the controller is not known. */
  templateOf(pod: Pod): PodController['spec']['template'] {
    const owner = controllerNamed(pod);
    return owner && this.controller(owner)?.spec.template;
  }

  /** The workload whose member the Pod is: its controller or, if that is a ReplicaSet with an owner, the owner. */
  workloadOf(pod: Pod): Controller | undefined {
    const owner = controllerNamed(pod);
    if (owner?.kind !== 'ReplicaSet') return owner;
    const replicaSet = this.controller(owner);
    return (replicaSet && controllerNamed(replicaSet)) ?? owner;
  }

  namespaceOf(pod: Pod): Namespace | undefined {
    return this.#readers.namespaces && find(this.#readers.namespaces.get(pod.metadata.namespace ?? ''));
  }

  budgetsOf(pod: Pod): readonly PodDisruptionBudget[] {
    return need(this.#readers.budgets.byIndex(BUDGETS_BY_NAMESPACE.name, pod.metadata.namespace ?? ''))
      .filter((budget) => selects(budget, pod))
      .sort(byKey);
  }

  /** The StatefulSet that controls the Pod; undefined if none does, or if another object has taken its name. */
  statefulSetOf(pod: Pod): StatefulSet | undefined {
    const owner = controllerNamed(pod);
    return owner?.kind === 'StatefulSet' ? this.controller(owner) : undefined;
  }

  /** The Job that controls the Pod; undefined if none does, or if it has gone. */
  jobOf(pod: Pod): Job | undefined {
    const owner = controllerNamed(pod);
    return owner?.kind === 'Job' ? this.controller(owner) : undefined;
  }

  /** Whether the Pod can run on this Node only. For a pinned Pod this looks at every Node, so do not call it for each event. */
  isPinned(pod: Pod, nodeName: string): boolean {
    const demands = demandsOf(pod.spec, this.#volumeAffinities(pod));
    const identity = JSON.stringify([nodeName, demands]);
    const answer = this.#pinned.get(identity) ?? isPinnedTo(nodeName, demands, this.nodes());
    this.#pinned.set(identity, answer);
    return answer;
  }

  /** Like `isPinned`, for a Pod on this Node. A DaemonSet's Pod is always bound to its Node; other Nodes need not be examined. */
  isPinnedHere(pod: Pod, nodeName: string): boolean {
    return controllerOf(pod)?.kind !== 'DaemonSet' && this.isPinned(pod, nodeName);
  }

  #volumeAffinities(pod: Pod): readonly NodeSelector[] {
    return (pod.spec.volumes ?? []).flatMap((volume): NodeSelector[] => {
      // The claim of a generic ephemeral volume is deleted with its Pod, so it pins nothing.
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

/** Whether the scheduler has tried and could not place the Pod. It has not tried a gated Pod. */
export function isUnschedulable({ metadata, spec, status }: Pod): boolean {
  const scheduled = conditionOf(status.conditions, 'PodScheduled');
  if (metadata.deletionTimestamp !== undefined) return false;
  return spec.nodeName === undefined && scheduled?.status === 'False' && scheduled.reason === 'Unschedulable';
}
