/** Reads from the caches all that one pass over a Node needs. Anything unknown makes the whole observation unknown. */
import { annotationOf, keyOf } from '../core/meta.ts';
import type {
  KubeObject,
  Namespace,
  Node,
  NodeSelector,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
} from '../core/objects.ts';
import type { EvictionAttempt, Known, Lister, Seen } from '../core/ports.ts';
import { matchesLabelSelector } from '../core/selectors.ts';
import { ALL_NODES, BUDGETS_BY_NAMESPACE, PODS_BY_MARKER, PODS_BY_NODE, UNSCHEDULABLE_PODS } from './indexes.ts';
import { REPORT_ANNOTATION } from './names.ts';
import type { Observed } from './observed.ts';
import { demandsOf, isPinnedTo } from './pinning.ts';
import type { PodFacts } from './pods.ts';
import { parseReport, type ReportSeen } from './report.ts';

/** The caches of one cluster. */
export interface TmmReaders {
  readonly nodes: Lister<Node>;
  readonly pods: Lister<Pod>;
  readonly budgets: Lister<PodDisruptionBudget>;
  readonly claims: Lister<PersistentVolumeClaim>;
  readonly volumes: Lister<PersistentVolume>;
  /** Only where the settings have a namespace selector. */
  readonly namespaces?: Lister<Namespace>;
}

/** Thrown inside `observe` only, to leave it from any depth. */
class UnknownYet extends Error {}

function need<T>(known: Known<T>): T {
  if (known.is === 'unknown') throw new UnknownYet();
  return known.value;
}

function find<T>(seen: Seen<T>): T | undefined {
  if (seen.is === 'unknown') throw new UnknownYet();
  return seen.is === 'present' ? seen.object : undefined;
}

export function observe(
  readers: TmmReaders,
  nodeName: string,
  attempts: ReadonlyMap<string, EvictionAttempt>,
  nowMs: number,
): Known<Observed> {
  try {
    return { is: 'known', value: observeKnown(readers, nodeName, attempts, nowMs) };
  } catch (error) {
    if (error instanceof UnknownYet) return { is: 'unknown' };
    throw error;
  }
}

function observeKnown(
  readers: TmmReaders,
  nodeName: string,
  attempts: ReadonlyMap<string, EvictionAttempt>,
  nowMs: number,
): Observed {
  const node = find(readers.nodes.get(nodeName));
  const report = parseReport(node && annotationOf(node, REPORT_ANNOTATION));
  const pods = [...need(readers.pods.byIndex(PODS_BY_NODE.name, nodeName))].sort(byKey);
  const facts = pods.map((pod): PodFacts => {
    const namespace = find(readers.namespaces?.get(pod.metadata.namespace ?? '') ?? { is: 'absent' });
    return {
      pod,
      budgets: budgetsOf(pod, readers),
      isPinned: needsPinning(report) && isPinned(pod, nodeName, readers),
      ...(namespace !== undefined && { namespace }),
    };
  });
  return {
    nodeName,
    node: node === undefined ? { is: 'absent' } : { is: 'present', object: node },
    report,
    pods: facts,
    marked: [...need(readers.pods.byIndex(PODS_BY_MARKER.name, nodeName))].sort(byKey),
    unschedulable:
      report.is === 'valid' && report.report.phase === 'Draining'
        ? unschedulableBudgets(facts, nodeName, readers)
        : new Map(),
    attempts,
    nowMs,
  };
}

const byKey = (a: KubeObject, b: KubeObject): number => (keyOf(a) < keyOf(b) ? -1 : 1);

/** Only the verdict asks for it, and for a pinned Pod it looks at every Node: not a question for each event of a drain. */
function needsPinning(report: ReportSeen): boolean {
  return report.is !== 'valid' || report.report.phase === 'Checking' || report.report.phase === 'Exiting';
}

function budgetsOf(pod: Pod, { budgets }: TmmReaders): readonly PodDisruptionBudget[] {
  return need(budgets.byIndex(BUDGETS_BY_NAMESPACE.name, pod.metadata.namespace ?? ''))
    .filter(({ spec }) => spec.selector !== undefined && matchesLabelSelector(spec.selector, pod.metadata.labels ?? {}))
    .sort(byKey);
}

function isPinned(pod: Pod, nodeName: string, readers: TmmReaders): boolean {
  return isPinnedTo(
    nodeName,
    demandsOf(pod, volumeAffinities(pod, readers)),
    need(readers.nodes.byIndex(ALL_NODES.name, '')),
  );
}

function volumeAffinities(pod: Pod, { claims, volumes }: TmmReaders): readonly NodeSelector[] {
  return (pod.spec.volumes ?? []).flatMap((volume): NodeSelector[] => {
    const claimName =
      volume.persistentVolumeClaim?.claimName ??
      (volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`);
    if (claimName === undefined) return [];
    const claim = find(claims.get(`${pod.metadata.namespace}/${claimName}`));
    const volumeName = claim?.spec.volumeName;
    const affinity = volumeName === undefined ? undefined : find(volumes.get(volumeName))?.spec.requiredNodeAffinity;
    return affinity === undefined ? [] : [affinity];
  });
}

function unschedulableBudgets(
  facts: readonly PodFacts[],
  nodeName: string,
  readers: TmmReaders,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const budgets = new Map(facts.flatMap((each) => each.budgets.map((budget) => [keyOf(budget), budget] as const)));
  for (const [key, { metadata, spec }] of budgets) {
    const waiting = [...need(readers.pods.byIndex(UNSCHEDULABLE_PODS.name, metadata.namespace ?? ''))]
      .sort(byKey)
      .find(
        (pod) =>
          spec.selector !== undefined &&
          matchesLabelSelector(spec.selector, pod.metadata.labels ?? {}) &&
          !isPinned(pod, nodeName, readers),
      );
    if (waiting !== undefined) found.set(key, keyOf(waiting));
  }
  return found;
}
