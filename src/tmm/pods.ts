/**
 * Which Pods of a Node are related to its maintenance, and what is known of each. First match wins:
 *
 * 1. Mirror Pods stay: the kubelet owns them, the API server cannot evict them.
 * 2. Finished Pods stay: nothing of them runs.
 * 3. Pods labelled `cluster.x-k8s.io/drain: skip` stay: their owner said so (Cluster API's label).
 * 4. Pods that no entry of `tmm.pods` chooses stay.
 * 5. Pods that tolerate the taint stay, unless `tmm.toleratingPods` says otherwise.
 * 6. Pods of a DaemonSet stay, unless `tmm.daemonSetPods` is `delete`.
 * 7. All others are related.
 */
import { parseDuration } from '../core/duration.ts';
import { annotationOf, controllerOf, isFinished, keyOf, labelOf, tolerates } from '../core/meta.ts';
import type { Namespace, Pod, PodDisruptionBudget } from '../core/objects.ts';
import { matchesLabelSelector } from '../core/selectors.ts';
import type { MaintenanceTaint } from './names.ts';
import type { PodSelection, TmmSettings } from './settings.ts';

/** A StatefulSet whose Pods are held together by quorum alone. */
export interface StatefulSetFacts {
  /** `namespace/name` */
  readonly key: string;
  readonly replicas: number;
  /** Ready members anywhere. */
  readonly ready: number;
  /** Ready members on other Nodes that are being drained. */
  readonly promisedElsewhere: number;
  /** Those of them on Nodes that asked before this one. */
  readonly promisedBefore: number;
}

/** A Pod of the Node together with what the caches say around it. */
export interface PodFacts {
  readonly pod: Pod;
  /** Budgets that select it, by name. */
  readonly budgets: readonly PodDisruptionBudget[];
  /** It can run on this Node only: by a local volume, a hostname selector or affinity. */
  readonly isPinned: boolean;
  /** Where no budget protects it: the StatefulSet that it belongs to. */
  readonly statefulSet?: StatefulSetFacts;
  /** For namespace selectors; absent where none is configured. */
  readonly namespace?: Namespace;
}

export type Staying = 'Mirror' | 'Finished' | 'DrainSkipped' | 'NotSelected' | 'Tolerates' | 'DaemonSet';

/** What maintenance means for one Pod. */
export type Fate =
  | { readonly is: 'stays'; readonly why: Staying }
  | {
      readonly is: 'related';
      readonly toleratesTaint: boolean;
      readonly ofDaemonSet: boolean;
      readonly isSelfMoving: boolean;
      /** `cluster.x-k8s.io/drain: wait-completed`: it is not evicted, the drain waits for its end. */
      readonly waitsForCompletion: boolean;
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

/** Decides a Pod's fate by the rules above. */
export function fateOf(facts: PodFacts, taint: MaintenanceTaint, settings: TmmSettings): Fate {
  const { pod } = facts;
  const stays = (why: Staying): Fate => ({ is: 'stays', why });
  if (annotationOf(pod, MIRROR_ANNOTATION) !== undefined) return stays('Mirror');
  if (isFinished(pod)) return stays('Finished');
  if (labelOf(pod, DRAIN_LABEL) === 'skip') return stays('DrainSkipped');
  if (settings.pods.length > 0 && !settings.pods.some((selection) => isChosen(facts, selection)))
    return stays('NotSelected');
  const toleratesTaint = (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
  if (toleratesTaint && settings.toleratingPods === 'stay') return stays('Tolerates');
  const ofDaemonSet = controllerOf(pod)?.kind === 'DaemonSet';
  if (ofDaemonSet && settings.daemonSetPods === 'stay') return stays('DaemonSet');
  return {
    is: 'related',
    toleratesTaint,
    ofDaemonSet,
    isSelfMoving: settings.selfMovingWorkloads.some((workload) => isChosen(facts, workload)),
    waitsForCompletion: labelOf(pod, DRAIN_LABEL) === 'wait-completed',
  };
}

/** The related Pods in a stable order: by namespace and name. */
export function relatedPods(
  pods: readonly PodFacts[],
  taint: MaintenanceTaint,
  settings: TmmSettings,
): readonly RelatedPod[] {
  return pods
    .flatMap((facts): RelatedPod[] => {
      const fate = fateOf(facts, taint, settings);
      return fate.is === 'related' ? [{ ...facts, fate }] : [];
    })
    .sort((a, b) => (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1));
}

/**
 * The mark by which somebody forbids this Pod's eviction, as `key=value`; undefined where there is none.
 * Cluster Autoscaler's and Karpenter's marks; Karpenter's duration form forbids it for that long after the Pod's start.
 */
export function doNotEvictMark(pod: Pod, nowMs: number): string | undefined {
  const safeToEvict = 'cluster-autoscaler.kubernetes.io/safe-to-evict';
  if (annotationOf(pod, safeToEvict) === 'false') return `${safeToEvict}=false`;
  for (const key of ['karpenter.sh/do-not-disrupt', 'karpenter.sh/do-not-evict']) {
    const value = annotationOf(pod, key);
    if (value === undefined) continue;
    if (value === 'true') return `${key}=true`;
    const forMs = parseDuration(value);
    const startedMs = Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp ?? '');
    if (forMs !== undefined && nowMs < startedMs + forMs) return `${key}=${value}`;
  }
  return undefined;
}
