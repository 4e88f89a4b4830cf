/**
 * Cluster API's drain of a Node (internal/controllers/machine/drain): one eviction for each Pod that has to go, tried whenever something
 * changes.
 *
 * - Left alone: Pods of DaemonSets, mirror Pods, finished ones, and those labelled `cluster.x-k8s.io/drain: skip`.
 * - Waited for, not evicted: those labelled `wait-completed`, and terminating ones.
 */
import { controllerOf, keyOf } from '../../../src/core/meta.ts';
import { ApiError } from '../../api.ts';
import type { Node, Pod } from '../base/kinds.ts';
import { isFinished, isTerminating, podsByNode } from '../base/pods.ts';
import type { World } from '../base/world.ts';

const DRAIN_LABEL = 'cluster.x-k8s.io/drain';
const MIRROR = 'kubernetes.io/config.mirror';
const OWN_BUDGET = "cannot evict pod as it would violate the pod's disruption budget.";

/** @returns the Pods that are not gone yet with the reason, a line each, in the order of their names; empty once the Node is drained. */
export function drain(workload: World, node: Node): readonly string[] {
  const pods = podsByNode(workload).get(node.metadata.name).filter(isToGo);
  return pods
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .flatMap((pod) => evict(workload, pod) ?? [])
    .map((line) => `* ${line}`);
}

function isToGo(pod: Pod): boolean {
  const { labels = {}, annotations = {} } = pod.metadata;
  return (
    labels[DRAIN_LABEL] !== 'skip' &&
    !(MIRROR in annotations) &&
    controllerOf(pod)?.kind !== 'DaemonSet' &&
    (!isFinished(pod) || isTerminating(pod))
  );
}

function evict(workload: World, pod: Pod): string | undefined {
  const name = `Pod ${keyOf(pod)}`;
  if (isTerminating(pod)) return `${name}: deletionTimestamp set, but still not removed from the Node`;
  if (pod.metadata.labels?.[DRAIN_LABEL] === 'wait-completed') return `${name}: waiting for completion`;
  try {
    workload.evict(pod);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 404) return undefined;
    return `${name}: ${error.code === 429 ? `${OWN_BUDGET} ${causeOf(error)}`.trim() : error.message}`;
  }
  return workload.mirror('pods').get(keyOf(pod)) === undefined
    ? undefined
    : `${name}: deletionTimestamp set, but still not removed from the Node`;
}

function causeOf({ details }: ApiError): string {
  const causes = details?.causes as readonly { readonly message?: string }[] | undefined;
  return causes?.[0]?.message ?? '';
}
