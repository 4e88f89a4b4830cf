/**
 * Which Pods of a Node are related to its maintenance, and what is known about each. First match wins:
 *
 * 1. Mirror Pods stay: the kubelet owns them, the API server cannot evict them.
 * 2. Finished Pods stay, unless they are being deleted: nothing of them runs, but a finalizer or a volume may hold a Pod that is being
 *    deleted.
 * 3. Pods labelled `cluster.x-k8s.io/drain: skip` stay, in any spelling that Cluster API accepts: their owner asked for it.
 * 4. Pods that no entry of `tmm.pods` selects stay.
 * 5. Pods that tolerate the taint stay, unless `tmm.toleratingPods` says otherwise.
 * 6. Pods of a DaemonSet stay, unless `tmm.daemonSetPods` is `delete`.
 * 7. Pods that have been terminating for longer than `tmm.skipWaitForDeleteTimeout` are skipped.
 * 8. All others are related.
 */
import { parseDuration } from '../../core/duration.ts';
import { annotationOf, controllerOf, isDeleting, isFinished, keyOf, labelOf, tolerates } from '../../core/meta.ts';
import type { Namespace, Pod, PodDisruptionBudget } from '../../core/objects.ts';
import { matchesLabelSelector } from '../../core/selectors.ts';
import type { MaintenanceTaint } from '../names.ts';
import type { PodSelection, TmmSettings } from '../settings.ts';
import { finalFailureOf, type JobFacts } from './jobs.ts';
import type { Controller } from './report.ts';

/** A StatefulSet whose Pods are protected by quorum alone. */
export interface StatefulSetFacts {
  /** `namespace/name` */
  readonly key: string;
  readonly replicas: number;
  /** Ready members anywhere. */
  readonly ready: number;
  /** Members that are not ready because of other Nodes' maintenance. */
  readonly missingByMaintenance: number;
  /** Ready members on other Nodes that are being drained. */
  readonly promisedElsewhere: number;
  /** The part of `promisedElsewhere` on Nodes that asked before this one. */
  readonly promisedBefore: number;
}

/** A Pod of the Node together with the cached data about it. */
export interface PodFacts {
  readonly pod: Pod;
  /** Budgets that select it, by name. */
  readonly budgets: readonly PodDisruptionBudget[];
  /** It can run on this Node only: because of a local volume, a hostname selector or affinity. */
  readonly isPinned: boolean;
  /** The workload whose member it is; absent if it has none, or if only its placement is asked for. */
  readonly workload?: Controller;
  /** The StatefulSet that it belongs to, if no budget protects it. */
  readonly statefulSet?: StatefulSetFacts;
  /** The Job that it belongs to; absent if its eviction would not cost a Job anything. */
  readonly job?: JobFacts;
  /** For namespace selectors; absent if none is configured. */
  readonly namespace?: Namespace;
}

/** `Skipped`: it has been terminating for longer than `tmm.skipWaitForDeleteTimeout`. */
export type Staying = 'Mirror' | 'Finished' | 'DrainSkipped' | 'NotSelected' | 'Tolerates' | 'DaemonSet' | 'Skipped';

/** What maintenance means for one Pod. */
export type Fate =
  | { readonly is: 'stays'; readonly why: Staying }
  | {
      readonly is: 'related';
      readonly toleratesTaint: boolean;
      readonly ofDaemonSet: boolean;
      readonly isSelfMoving: boolean;
      /** The Pod moves only once the Node is cordoned. */
      readonly needsCordon: boolean;
      /**
       * The Pod is not evicted and the drain waits for its end: because of the label `cluster.x-k8s.io/drain: wait-completed`, or because
       * its eviction would fail its Job permanently, with `tmm.finalJobs: wait`.
       */
      readonly waitsForCompletion: false | 'Label' | 'FinalJob';
    };

export type RelatedPod = PodFacts & { readonly fate: Extract<Fate, { is: 'related' }> };

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const DRAIN_LABEL = 'cluster.x-k8s.io/drain';

function isChosen({ pod, namespace }: PodFacts, selection: PodSelection): boolean {
  if (selection.namespaces !== undefined && !selection.namespaces.includes(pod.metadata.namespace ?? '')) return false;
  if (
    selection.namespaceSelector !== undefined &&
    !matchesLabelSelector(selection.namespaceSelector, namespace?.metadata.labels ?? {})
  ) {
    return false;
  }
  return selection.selector === undefined || matchesLabelSelector(selection.selector, pod.metadata.labels ?? {});
}

/**
 * The label's meaning, compared as Cluster API does: in any case, and `WaitCompleted` without the first dash as well (`drainLabelFilter` of
 * its drain helper; the values are those of its MachineDrainRules).
 */
function drainLabelOf(pod: Pod): 'Skip' | 'WaitCompleted' | undefined {
  const value = labelOf(pod, DRAIN_LABEL)?.toLowerCase();
  if (value === 'skip') return 'Skip';
  return value?.replace('-', '') === 'waitcompleted' ? 'WaitCompleted' : undefined;
}

/** Decides a Pod's fate by the rules at the top of this file. */
export function fateOf(facts: PodFacts, taint: MaintenanceTaint, settings: TmmSettings, nowMs: number): Fate {
  const { pod } = facts;
  const stays = (why: Staying): Fate => ({ is: 'stays', why });
  if (annotationOf(pod, MIRROR_ANNOTATION) !== undefined) return stays('Mirror');
  if (isFinished(pod) && !isDeleting(pod)) return stays('Finished');
  if (drainLabelOf(pod) === 'Skip') return stays('DrainSkipped');
  if (settings.pods.length > 0 && !settings.pods.some((selection) => isChosen(facts, selection)))
    return stays('NotSelected');
  const toleratesTaint = (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
  if (toleratesTaint && settings.toleratingPods === 'stay') return stays('Tolerates');
  const ofDaemonSet = controllerOf(pod)?.kind === 'DaemonSet';
  if (ofDaemonSet && settings.daemonSetPods === 'stay') return stays('DaemonSet');
  if (isPassedOver(pod, settings, nowMs)) return stays('Skipped');
  const selfMoving = settings.selfMovingWorkloads.filter((workload) => isChosen(facts, workload));
  return {
    is: 'related',
    toleratesTaint,
    ofDaemonSet,
    isSelfMoving: selfMoving.length > 0,
    needsCordon: selfMoving.some((workload) => workload.needsCordon === true),
    waitsForCompletion: waitsForCompletion(facts, settings),
  };
}

function waitsForCompletion({ pod, job }: PodFacts, { finalJobs }: TmmSettings): false | 'Label' | 'FinalJob' {
  if (drainLabelOf(pod) === 'WaitCompleted') return 'Label';
  return finalJobs === 'wait' && finalFailureOf(job) !== undefined ? 'FinalJob' : false;
}

/** Like `kubectl drain --skip-wait-for-delete-timeout`, but counted from the end of the grace period. */
function isPassedOver({ metadata }: Pod, { skipWaitForDeleteTimeoutMs }: TmmSettings, nowMs: number): boolean {
  if (skipWaitForDeleteTimeoutMs === 0) return false;
  return nowMs >= Date.parse(metadata.deletionTimestamp ?? '') + skipWaitForDeleteTimeoutMs;
}

/** The related Pods in a stable order: by namespace and name. */
export function relatedPods(
  pods: readonly PodFacts[],
  taint: MaintenanceTaint,
  settings: TmmSettings,
  nowMs: number,
): readonly RelatedPod[] {
  return pods
    .flatMap((facts): RelatedPod[] => {
      const fate = fateOf(facts, taint, settings, nowMs);
      return fate.is === 'related' ? [{ ...facts, fate }] : [];
    })
    .sort((a, b) => (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1));
}

/** A mark that forbids the eviction of a Pod. */
export interface DoNotEvictMark {
  /** `key=value` */
  readonly mark: string;
  /** Absent if the mark forbids the eviction until it is removed. */
  readonly endsAtMs?: number;
}

/**
 * The annotation that forbids this Pod's eviction; undefined if there is none. These are Cluster Autoscaler's and Karpenter's marks;
 * Karpenter's duration form forbids the eviction for that long after the Pod's start.
 */
export function doNotEvictMark(pod: Pod, nowMs: number): DoNotEvictMark | undefined {
  const safeToEvict = 'cluster-autoscaler.kubernetes.io/safe-to-evict';
  if (annotationOf(pod, safeToEvict) === 'false') return { mark: `${safeToEvict}=false` };
  for (const key of ['karpenter.sh/do-not-disrupt', 'karpenter.sh/do-not-evict']) {
    const value = annotationOf(pod, key);
    if (value === undefined) continue;
    if (value === 'true') return { mark: `${key}=true` };
    const forMs = parseDuration(value);
    const startedMs = Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp ?? '');
    if (forMs !== undefined && nowMs < startedMs + forMs)
      return { mark: `${key}=${value}`, endsAtMs: startedMs + forMs };
  }
  return undefined;
}

/** Whether the Pod, once evicted, would only be created again by us. */
export function isRecreated(pod: Pod, { unmanagedPods }: TmmSettings): boolean {
  return unmanagedPods === 'recreate' && controllerOf(pod) === undefined;
}
