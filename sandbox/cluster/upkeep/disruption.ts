/**
 * The status of PodDisruptionBudgets (pkg/controller/disruption), by which evictions are judged.
 *
 * - With `minAvailable` as a number, that many of the existing Pods must be healthy. With a percentage, and with `maxUnavailable`, the base
 *   is the sum of the replicas that the Pods' controllers want.
 * - A Pod of a controller without a scale, such as a DaemonSet or a Job, makes the budget impossible to judge: no disruption is allowed,
 *   with reason `SyncFailed`. Pods without a controller are left out of the sum, with an Event.
 * - A Pod is healthy if it is ready, is not being deleted, and had no eviction allowed in the last two minutes.
 * - An absent selector selects no Pods, an empty one all Pods of the namespace.
 */
import { controllerOf, keyOf } from '../../../src/core/meta.ts';
import type { LabelSelector } from '../../../src/core/objects.ts';
import { matchesLabelSelector } from '../../../src/core/selectors.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import { withConditions } from '../base/conditions.ts';
import type { Pod, PodDisruptionBudget } from '../base/kinds.ts';
import { controllerKey, isReady, isTerminating, selectPods } from '../base/pods.ts';
import { shareOf } from '../base/share.ts';
import { isSame, type World } from '../base/world.ts';
import { inNamespace } from '../workloads/claim-pods.ts';

const RESOURCE = 'poddisruptionbudgets.policy';
const DELETION_TIMEOUT_MS = 120_000;
/** Plurals of controllers without a scale, as the message names them. */
const UNSCALED: Readonly<Record<string, string>> = { DaemonSet: 'daemonsets.apps', Job: 'jobs.batch', Node: 'nodes' };

interface Expectation {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
  readonly unmanaged: readonly Pod[];
}

export function startDisruption(world: World): void {
  const work = world.controller('PodDisruptionBudget', (key) => {
    const budget = world.fresh(RESOURCE, key);
    if (budget === undefined) return;
    const waitMs = reconcile(world, budget);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  world.mirror(RESOURCE).onChange(({ object }) => work.add(keyOf(object)));
  const budgets = inNamespace(world, RESOURCE);
  world.mirror('pods').onChange(({ type, object, before }) => {
    if (type === 'MODIFIED' && before !== undefined && isSameForBudgets(before, object)) return;
    for (const budget of budgets.get(object.metadata.namespace ?? '')) {
      if (selects(budget, object) || (before !== undefined && selects(budget, before))) work.add(keyOf(budget));
    }
  });
}

function selects({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return matchesLabelSelector(spec.selector, metadata.labels);
}

function isSameForBudgets(before: Pod, after: Pod): boolean {
  return (
    isReady(before) === isReady(after) &&
    isTerminating(before) === isTerminating(after) &&
    isSame(before.metadata.labels, after.metadata.labels) &&
    isSame(before.metadata.ownerReferences, after.metadata.ownerReferences)
  );
}

/** @returns after how many milliseconds an allowed eviction no longer counts. */
function reconcile(world: World, budget: PodDisruptionBudget): number | undefined {
  const pods = selectPods(world, budget.metadata.namespace ?? '', budget.spec.selector);
  if (pods.length === 0) note(world, budget, 'Normal', 'NoPods', 'No matching pods found');
  const expectation = expect(world, budget, pods);
  if (typeof expectation === 'string') {
    const message = `Failed to calculate the number of expected pods: ${expectation}`;
    note(world, budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
    failSafe(world, budget, expectation);
    return undefined;
  }
  if (expectation.unmanaged.length > 0) note(world, budget, 'Warning', 'UnmanagedPods', unmanagedMessage(budget));
  const { disruptedPods, waitMs } = stillDisrupted(world, budget, pods);
  const currentHealthy = pods.filter(
    (pod) => isReady(pod) && !isTerminating(pod) && disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const { expectedPods, desiredHealthy } = expectation;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const observedGeneration = budget.metadata.generation ?? 0;
  const claim = {
    type: 'DisruptionAllowed',
    status: disruptionsAllowed > 0 ? 'True' : 'False',
    reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration,
  };
  const gone = Object.keys(budget.status?.disruptedPods ?? {}).filter((name) => disruptedPods[name] === undefined);
  world.patchStatus(RESOURCE, budget, {
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    observedGeneration,
    disruptedPods:
      Object.keys(disruptedPods).length === 0
        ? null
        : { ...disruptedPods, ...Object.fromEntries(gone.map((name) => [name, null])) },
    conditions: withConditions(budget.status?.conditions, [claim], world.now()),
  });
  return waitMs;
}

/** @returns the reason if it cannot be determined. */
function expect(world: World, { spec }: PodDisruptionBudget, pods: readonly Pod[]): Expectation | string {
  const { minAvailable, maxUnavailable } = spec;
  if (maxUnavailable === undefined && typeof minAvailable === 'number') {
    return { expectedPods: pods.length, desiredHealthy: minAvailable, unmanaged: [] };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) {
    return { expectedPods: 0, desiredHealthy: 0, unmanaged: [] };
  }
  const scale = scaleOf(world, pods);
  if (typeof scale === 'string') return scale;
  const { total, unmanaged } = scale;
  const desiredHealthy =
    maxUnavailable === undefined
      ? shareOf(minAvailable ?? 0, total, 'up')
      : Math.max(0, total - shareOf(maxUnavailable, total, 'up'));
  return { expectedPods: total, desiredHealthy, unmanaged };
}

function scaleOf(
  world: World,
  pods: readonly Pod[],
): { readonly total: number; readonly unmanaged: readonly Pod[] } | string {
  const scales = new Map<string, number>();
  const unmanaged: Pod[] = [];
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) unmanaged.push(pod);
    else if (!scales.has(owner.uid)) {
      const found = controllerScale(world, pod);
      if (found === undefined) {
        const unscaled = UNSCALED[owner.kind];
        return unscaled === undefined
          ? `found no controllers for pod "${pod.metadata.name}"`
          : `${unscaled} does not implement the scale subresource`;
      }
      scales.set(found.uid === owner.uid ? owner.uid : `${owner.uid} of ${found.uid}`, 0);
      scales.set(found.uid, found.replicas);
    }
  }
  const total = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  return { total, unmanaged };
}

interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

/** The owning Deployment counts instead of its ReplicaSet. */
function controllerScale(world: World, pod: Pod): Scale | undefined {
  const uid = controllerOf(pod)?.uid;
  const replicaSetKey = controllerKey(pod, 'ReplicaSet');
  if (replicaSetKey !== undefined) {
    const replicaSet = world.mirror('replicasets.apps').get(replicaSetKey);
    if (replicaSet === undefined || replicaSet.metadata.uid !== uid) return undefined;
    const deploymentKey = controllerKey(replicaSet, 'Deployment');
    if (deploymentKey === undefined) return { uid: replicaSet.metadata.uid, replicas: replicaSet.spec.replicas ?? 1 };
    const deployment = world.mirror('deployments.apps').get(deploymentKey);
    if (deployment?.metadata.uid !== controllerOf(replicaSet)?.uid || deployment === undefined) return undefined;
    return { uid: deployment.metadata.uid, replicas: deployment.spec.replicas ?? 1 };
  }
  const setKey = controllerKey(pod, 'StatefulSet');
  const set = setKey === undefined ? undefined : world.mirror('statefulsets.apps').get(setKey);
  return set?.metadata.uid === uid && set !== undefined
    ? { uid: set.metadata.uid, replicas: set.spec.replicas ?? 1 }
    : undefined;
}

/** Allowed evictions whose Pods still exist; after two minutes the eviction is considered lost. */
function stillDisrupted(world: World, budget: PodDisruptionBudget, pods: readonly Pod[]) {
  const disruptedPods: Record<string, string> = {};
  let waitMs: number | undefined;
  for (const pod of pods) {
    const { name } = pod.metadata;
    const since = budget.status?.disruptedPods?.[name];
    if (since === undefined || isTerminating(pod)) continue;
    const leftMs = (msOf(since) ?? 0) + DELETION_TIMEOUT_MS - world.nowMs();
    if (leftMs > 0) {
      disruptedPods[name] = since;
      waitMs = Math.min(waitMs ?? leftMs, leftMs);
    } else {
      const message = `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't`;
      world.record({ about: pod, type: 'Warning', source: 'controllermanager', reason: 'NotDeleted', message });
    }
  }
  return { disruptedPods, waitMs };
}

/** A budget that cannot be judged allows no disruption. */
function failSafe(world: World, budget: PodDisruptionBudget, message: string): void {
  const { conditions, observedGeneration = 0 } = budget.status ?? {};
  const said = { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message };
  const claim = observedGeneration === 0 ? said : { ...said, observedGeneration };
  const present = conditions?.find(({ type }) => type === 'DisruptionAllowed');
  if (isSame({ ...present, ...claim }, present) && budget.status?.disruptionsAllowed === 0) return;
  world.patchStatus(RESOURCE, budget, {
    disruptionsAllowed: 0,
    conditions: withConditions(conditions, [claim], world.now()),
  });
}

function unmanagedMessage({ spec }: PodDisruptionBudget): string {
  return `Pods selected by this PodDisruptionBudget (selector: ${goText(spec.selector ?? {})}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
}

/** As Go prints a selector. */
function goText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const text = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${text}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}

function note(
  world: World,
  about: PodDisruptionBudget,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): void {
  world.record({ about, type, source: 'controllermanager', reason, message });
}
