/** What a kubelet reports of a Pod. */
import { type Claim, withConditions } from '../base/conditions.ts';
import type { Container, Pod, PodStatus } from '../base/kinds.ts';

const CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

export interface Report {
  /** RFC 3339. */
  readonly now: string;
  readonly hostIP: string;
  readonly podIP: string;
  readonly isReady: boolean;
  /** How many times its containers have been restarted. */
  readonly restarts: number;
}

export function runningStatus(pod: Pod, { now, hostIP, podIP, isReady, restarts }: Report): Partial<PodStatus> {
  const unready = {
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${namesOf(pod).join(' ')}]`,
  };
  const claims = CONDITIONS.map((type): Claim => {
    const isSo = isReady || (type !== 'Ready' && type !== 'ContainersReady');
    return { type, status: isSo ? 'True' : 'False', ...(isSo ? SILENT : unready) };
  });
  const startTime = pod.status?.startTime ?? now;
  return {
    phase: 'Running',
    conditions: withConditions(pod.status?.conditions, claims, now).map(withoutSilence),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime,
    qosClass: pod.status?.qosClass ?? qosOf(pod),
    ...statusesOf(pod, (container, isInit) =>
      isInit && container.restartPolicy !== 'Always'
        ? { ready: true, started: false, state: terminated(pod, container, 0, now), restartCount: 0 }
        : { ready: isReady, started: true, state: { running: { startedAt: startTime } }, restartCount: restarts },
    ),
  };
}

/** All containers have ended, with this code. */
export function endedStatus(pod: Pod, exitCode: number, now: string): Partial<PodStatus> {
  const reason = exitCode === 0 ? 'PodCompleted' : 'PodFailed';
  const claims = CONDITIONS.map((type): Claim => {
    const hasEnded = type === 'Ready' || type === 'ContainersReady';
    if (hasEnded) return { type, status: 'False', reason, message: '' };
    const status = type === 'PodReadyToStartContainers' ? 'False' : 'True';
    return { type, status, ...(type === 'Initialized' && exitCode === 0 ? { reason, message: '' } : SILENT) };
  });
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: withConditions(pod.status?.conditions, claims, now).map(withoutSilence),
    ...statusesOf(pod, (container) => ({
      ready: false,
      started: false,
      state: terminated(pod, container, exitCode, now),
      restartCount: 0,
    })),
  };
}

/** Removes the text of an earlier claim of the same condition. */
const SILENT = { reason: '', message: '' };

function withoutSilence(condition: NonNullable<PodStatus['conditions']>[number]) {
  const { reason, message, ...rest } = condition;
  return { ...rest, ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
}

function statusesOf(pod: Pod, of: (container: Container, isInit: boolean) => object): Partial<PodStatus> {
  const { containers, initContainers = [] } = pod.spec;
  const full = (container: Container, isInit: boolean) => ({
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    containerID: `sandbox://${pod.metadata.uid}/${container.name}`,
    lastState: {},
    ready: false,
    ...of(container, isInit),
  });
  return {
    containerStatuses: containers.map((container) => full(container, false)),
    ...(initContainers.length > 0 && {
      initContainerStatuses: initContainers.map((container) => full(container, true)),
    }),
  };
}

function terminated({ metadata, status }: Pod, { name }: Container, exitCode: number, now: string): object {
  const containerID = `sandbox://${metadata.uid}/${name}`;
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return { terminated: { containerID, exitCode, reason, startedAt: status?.startTime ?? now, finishedAt: now } };
}

function namesOf({ spec }: Pod): readonly string[] {
  return spec.containers.map(({ name }) => name);
}

function qosOf({ spec }: Pod): string {
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => {
    return (resources ?? {}) as {
      readonly requests?: Readonly<Record<string, string>>;
      readonly limits?: Readonly<Record<string, string>>;
    };
  });
  if (all.every(({ requests, limits }) => requests === undefined && limits === undefined)) return 'BestEffort';
  const isGuaranteed = all.every(({ requests, limits }) =>
    ['cpu', 'memory'].every(
      (name) => limits?.[name] !== undefined && (requests?.[name] ?? limits[name]) === limits[name],
    ),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}
