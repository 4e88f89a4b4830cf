/**
 * `POST pods/NAME/eviction` (kubernetes `pkg/registry/core/pod/storage/eviction.go`):
 *
 * - A Pod that has ended, is Pending or is being deleted is evicted without checking budgets.
 * - More than one budget answers 500.
 * - A budget whose status has not caught up with its spec answers 429 with `Retry-After: 10`; one that allows nothing answers 429
 *   with cause `DisruptionBudget`.
 * - An allowed eviction first subtracts one from `disruptionsAllowed` and adds the Pod to `disruptedPods`, so that two
 *   successive evictions cannot use the same allowance.
 */
import { matchesLabelSelector } from '../../src/core/selectors.ts';
import { ApiError, type Stored } from '../api.ts';
import { type Context, timeText } from '../context.ts';
import { forbidden, notFound } from '../errors.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf, withField, withPath } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { selectorOf } from '../selectors/objects.ts';
import { keyFor } from '../store/collection.ts';
import { changeObject, type Target } from './change.ts';
import { deleteObject, deleteOptionsOf } from './delete.ts';

const BUDGETS = 'poddisruptionbudgets.policy';
/** The maximum number of entries of `disruptedPods`: the disruption controller clears them sooner, so more means that it does not run. */
const MAX_DISRUPTED_PODS = 2000;
const RETRY_AFTER_SECONDS = 10;

/** @param options `deleteOptions` of the Eviction, and `dryRun`. @throws ApiError 403, 404, 409, 429 or 500 */
export function evictPod(
  context: Context,
  pods: Resource,
  namespace: string,
  name: string,
  options: JsonObject = {},
): void {
  const pod = context.store.collection('pods').get(keyFor(namespace, name));
  if (pod === undefined) throw notFound(pods, name);
  const deletion = deleteOptionsOf(options);
  const budget = bypassesBudgets(pod) ? undefined : budgetOf(context, pod);
  if (budget !== undefined && !(isUnready(pod) && mayGoUnready(budget, pod))) {
    // Before the preconditions are checked: a failed one has used an allowance of the budget, as in the real server.
    const after = takeOne(context, pods, budget, name);
    if (!deletion.dryRun)
      context.store.put(context.store.collection(BUDGETS), keyFor(namespace, budget.metadata.name), after);
  }
  const { uid, resourceVersion } = deletion.preconditions ?? {};
  const isMeant =
    (uid === undefined || uid === pod.metadata.uid) &&
    (resourceVersion === undefined || resourceVersion === pod.metadata.resourceVersion);
  if (deletion.dryRun || !isMeant) {
    deleteObject(context, pods, namespace, name, deletion);
    return;
  }
  sayWhy(context, pods, pod);
  // The write of the condition has just replaced the requested version.
  const preconditions = { uid: pod.metadata.uid };
  deleteObject(context, pods, namespace, name, { ...deletion, preconditions });
}

/** The Pod's condition shows that an eviction removes it (KEP-3329). */
function sayWhy(context: Context, resource: Resource, { metadata }: Stored): void {
  const target: Target = { resource, namespace: metadata.namespace, name: metadata.name, subresource: 'status' };
  const claim = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: timeText(context.clock.now()),
  };
  const change = (pod: Stored): JsonObject => {
    const others = listOf(objectOf(pod.status).conditions).filter((one) => objectOf(one).type !== claim.type);
    return withPath(pod, ['status', 'conditions'], [...others, claim]);
  };
  changeObject(context, target, change, { manager: 'sandbox' });
}

function bypassesBudgets({ status, metadata }: Stored): boolean {
  const phase = textOf(objectOf(status).phase);
  return ['Succeeded', 'Failed', 'Pending'].includes(phase) || metadata.deletionTimestamp !== undefined;
}

const isUnready = ({ status }: Stored): boolean =>
  !listOf(objectOf(status).conditions).some((one) => objectOf(one).type === 'Ready' && objectOf(one).status === 'True');

function budgetOf({ store }: Context, pod: Stored): Stored | undefined {
  const labels = pod.metadata.labels ?? {};
  const budgets = store
    .collection(BUDGETS)
    .list(pod.metadata.namespace)
    .filter((budget) => matchesLabelSelector(selectorOf(objectOf(budget.spec).selector), labels));
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError(500, '', message);
  }
  return budgets[0];
}

/** Whether a running Pod that is not ready may be evicted without an allowance: `unhealthyPodEvictionPolicy`. */
function mayGoUnready({ spec, status, metadata }: Stored, pod: Stored): boolean {
  const { unhealthyPodEvictionPolicy } = objectOf(spec);
  const { currentHealthy, desiredHealthy, observedGeneration } = objectOf(status);
  if (textOf(objectOf(pod.status).phase) !== 'Running') return false;
  if (unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  if ((numberOf(observedGeneration) ?? 0) < (metadata.generation ?? 0)) return false;
  return (numberOf(currentHealthy) ?? 0) >= (numberOf(desiredHealthy) ?? 0) && (numberOf(desiredHealthy) ?? 0) > 0;
}

/** The budget with one allowed disruption less. */
function takeOne(context: Context, pods: Resource, budget: Stored, pod: string): Stored {
  const status = objectOf(budget.status);
  const { name, generation = 0 } = budget.metadata;
  const allowed = numberOf(status.disruptionsAllowed) ?? 0;
  const disrupted = objectOf(status.disruptedPods);
  if ((numberOf(status.observedGeneration) ?? 0) < generation) {
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, RETRY_AFTER_SECONDS);
  }
  if (allowed < 0) throw forbidden(pods, pod, 'pdb disruptions allowed is negative');
  if (Object.keys(disrupted).length > MAX_DISRUPTED_PODS) {
    throw forbidden(pods, pod, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) throw refusal(needs(name, status));
  const time = timeText(context.clock.now());
  const left = allowed - 1;
  const conditions = left > 0 ? status.conditions : exhausted(listOf(status.conditions), generation, time);
  return {
    ...budget,
    status: {
      ...withField(status, 'conditions', conditions),
      disruptionsAllowed: left,
      disruptedPods: { ...disrupted, [pod]: time },
    },
  };
}

function needs(name: string, { conditions, desiredHealthy = 0, currentHealthy = 0 }: JsonObject): string {
  const failed = listOf(conditions)
    .map(objectOf)
    .find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed');
  if (failed !== undefined)
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${textOf(failed.message)}`;
  return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}

function refusal(message: string, retryAfterSeconds?: number): ApiError {
  const causes = [{ reason: 'DisruptionBudget', message }];
  const details = { causes, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  return new ApiError(
    429,
    'TooManyRequests',
    "Cannot evict pod as it would violate the pod's disruption budget.",
    details,
  );
}

function exhausted(conditions: readonly unknown[], observedGeneration: number, time: string): readonly unknown[] {
  const isOther = (one: unknown): boolean => objectOf(one).type !== 'DisruptionAllowed';
  const before = conditions.map(objectOf).find((one) => !isOther(one));
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    observedGeneration,
    lastTransitionTime: before?.status === 'False' ? before.lastTransitionTime : time,
    reason: 'InsufficientPods',
    message: '',
  };
  if (before === undefined) return [...conditions, condition];
  return conditions.map((one) => (isOther(one) ? one : condition));
}
