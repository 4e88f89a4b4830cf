/** The additions of the server to Pods: those of the admission plugins that every cluster runs. */
import { parseQuantity } from '../../src/core/quantity.ts';
import { type Context, timeText } from '../context.ts';
import { forbidden } from '../errors.ts';
import { type JsonObject, listOf, objectOf, textOf, withPath } from '../json.ts';
import type { Resource } from '../kinds/resource.ts';
import { containersOf, requestsFromLimits } from './defaults.ts';

/** A Pod's one address, and the list that it is the first of. */
export function withAddresses(pod: JsonObject): JsonObject {
  const { podIP, podIPs } = objectOf(pod.status);
  const isAlone = textOf(podIP) !== '' && listOf(podIPs).length === 0;
  return isAlone ? withPath(pod, ['status', 'podIPs'], [{ ip: podIP }]) : pod;
}

const EVICTING_TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const TOLERATION_SECONDS = 300;

export function admitPod(pod: JsonObject, context: Context, resource: Resource): JsonObject {
  const spec = podRequests(objectOf(pod.spec));
  const priority = priorityOf(spec, context, textOf(objectOf(pod.metadata).name), resource);
  const account = spec.serviceAccountName ?? 'default';
  return {
    ...pod,
    spec: {
      ...spec,
      ...(Number(spec.terminationGracePeriodSeconds) < 0 && { terminationGracePeriodSeconds: 1 }),
      serviceAccountName: account,
      serviceAccount: account,
      enableServiceLinks: spec.enableServiceLinks ?? true,
      tolerations: withEvictingTolerations(listOf(spec.tolerations)),
      ...priority,
    },
    status: { phase: 'Pending', ...gated(spec, context), qosClass: qosClassOf(spec) },
  };
}

/** The condition that the server itself sets on a Pod with scheduling gates. */
function gated({ schedulingGates }: JsonObject, { clock }: Context): JsonObject {
  if (listOf(schedulingGates).length === 0) return {};
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
    lastTransitionTime: timeText(clock.now()),
  };
  return { conditions: [condition] };
}

export function podRequests(spec: JsonObject): JsonObject {
  let result = spec;
  for (const field of ['containers', 'initContainers']) {
    const list = listOf(spec[field]);
    const complete = list.map((container) => requestsFromLimits(objectOf(container)));
    if (complete.some((container, index) => container !== list[index])) result = { ...result, [field]: complete };
  }
  return result;
}

/** Admission plugin DefaultTolerationSeconds. */
function withEvictingTolerations(tolerations: readonly unknown[]): readonly unknown[] {
  const missing = EVICTING_TAINTS.filter(
    (key) =>
      !tolerations.some((one) => {
        const { key: found = '', effect = '' } = objectOf(one);
        return (found === key || found === '') && (effect === 'NoExecute' || effect === '');
      }),
  );
  const added = missing.map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: TOLERATION_SECONDS,
  }));
  return added.length === 0 ? tolerations : [...tolerations, ...added];
}

/** Admission plugin Priority. */
function priorityOf(spec: JsonObject, { store }: Context, pod: string, resource: Resource): JsonObject {
  const classes = store.collection('priorityclasses.scheduling.k8s.io').list();
  const wanted = spec.priorityClassName;
  const found =
    typeof wanted === 'string' && wanted !== ''
      ? classes.find(({ metadata }) => metadata.name === wanted)
      : classes.find(({ globalDefault }) => globalDefault === true);
  if (typeof wanted === 'string' && wanted !== '' && found === undefined) {
    throw forbidden(resource, pod, `no PriorityClass with name ${wanted} was found`);
  }
  return {
    priority: found?.value ?? 0,
    preemptionPolicy: found?.preemptionPolicy ?? 'PreemptLowerPriority',
    ...(found !== undefined && { priorityClassName: found.metadata.name }),
  };
}

function qosClassOf(spec: JsonObject): string {
  const all = containersOf(spec).map((container) => objectOf(container.resources));
  const amount = (resources: JsonObject, of: string, name: string) =>
    parseQuantity(textOf(objectOf(resources[of])[name])) ?? 0n;
  const names = ['cpu', 'memory'];
  const isEmpty = all.every((one) =>
    names.every((name) => amount(one, 'limits', name) + amount(one, 'requests', name) === 0n),
  );
  if (isEmpty) return 'BestEffort';
  const isFull = all.every((one) =>
    names.every(
      (name) => amount(one, 'limits', name) > 0n && amount(one, 'limits', name) === amount(one, 'requests', name),
    ),
  );
  return isFull ? 'Guaranteed' : 'Burstable';
}
