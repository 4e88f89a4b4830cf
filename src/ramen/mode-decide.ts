/**
 * Decides the next step for a MaintenanceMode. The hub believes the first `FailoverActivated=True` that it sees and ignores its generation,
 * so a stale True is dangerous:
 *
 * - `False` is written before anything else at the beginning of a request, for a new generation, and at the end; the next step follows only
 *   when the API server has accepted it.
 * - `True` is written only if no workload asks for a Pod, none of their Pods is left, and every marker is present; all of this observed in
 *   the same pass. If this changes, True is withdrawn and the work begins again.
 * - Every change is recorded before it is made (finalizer and record in one write), so the end can always restore it.
 *
 * Each pass that writes the MaintenanceMode takes one step: a crash between two steps leaves a state that one of the branches here handles.
 */
import { formatDuration } from '../core/duration.ts';
import { isDeleting } from '../core/meta.ts';
import { clip } from '../core/text.ts';
import {
  isActive,
  isHeld,
  type ObservedMode,
  providerFor,
  recordOf,
  type SeenAnnotated,
  type SeenWorkload,
} from './mode-observed.ts';
import {
  type Annotated,
  annotatedKey,
  MAX_ANNOTATED,
  MAX_WORKLOADS,
  type ModeRecord,
  type Workload,
  workloadKey,
} from './mode-record.ts';
import {
  FAILOVER,
  isAnnounced,
  type ModeBecause,
  type ModeStatus,
  type Subject,
  saysAlready,
  saysTrue,
  statusOf,
} from './mode-status.ts';
import type { MaintenanceMode } from './objects.ts';
import type { MaintenanceModeSettings, Provider } from './settings.ts';

type SetStatus = { readonly do: 'setStatus'; readonly status: ModeStatus };

export type ModeAction =
  | SetStatus
  /** Adds finalizer and record, in one write. */
  | { readonly do: 'hold'; readonly record: ModeRecord }
  /** Sets replicas to 0 and their former number in the annotation, in one write. */
  | { readonly do: 'scaleDown'; readonly at: Workload; readonly resourceVersion: string; readonly former: number }
  /** Removes the annotation; `replicas` is absent if somebody has changed them meanwhile. */
  | { readonly do: 'restore'; readonly at: Workload; readonly resourceVersion: string; readonly replicas?: number }
  | { readonly do: 'annotate'; readonly at: Annotated; readonly resourceVersion: string; readonly value: string | null }
  /** Removes finalizer and record, in one write. */
  | { readonly do: 'release' };

export interface ModeDecision {
  readonly because: ModeBecause;
  readonly actions: readonly ModeAction[];
  /** Absent if only the next change of the MaintenanceMode matters. */
  readonly requeueAfterMs?: number;
}

/**
 * Poll interval while something is under way, and while the mode is held; only without a watch. Episodes are short: Ramen deletes a mode
 * within seconds.
 */
const POLL_MS = 250;
const SLOW_POLL_MS = 1000;
const RETRY_MS = 2000;
const TOO_MANY = `The provider selects more than ${MAX_WORKLOADS} workloads or ${MAX_ANNOTATED} annotations`;

export function decideMode(observed: ObservedMode, settings: MaintenanceModeSettings): ModeDecision {
  const { mode } = observed;
  const provider = providerFor(mode, settings);
  if (isActive(mode, settings) && provider !== undefined) return activate(observed, provider);
  if (!isHeld(mode)) return { because: 'NotOurs', actions: [] };
  return deactivate(observed);
}

/** The decision after the API server has refused an action. */
export function failedMode(mode: MaintenanceMode, nowMs: number, message: string): ModeDecision {
  return fail({ mode, nowMs }, 'Failed', message);
}

function activate(observed: ObservedMode, { timeoutMs }: Provider): ModeDecision {
  const { mode } = observed;
  const generation = mode.metadata.generation ?? 0;
  const record = recordOf(mode);
  const unknown = mode.spec.modes.filter((each) => each !== FAILOVER);
  if (!isHeld(mode) || record === undefined || !isAnnounced(mode, generation)) {
    if (!isAnnounced(mode, generation) || saysTrue(mode)) {
      return {
        because: 'Announcing',
        actions: [set(observed, 'Progressing', 'False', 'Progressing', 'The request is being looked at')],
      };
    }
    return additions(observed, record) === 'tooMany' ? fail(observed, 'Failed', TOO_MANY) : hold(observed, record);
  }
  if (unknown.length > 0)
    return fail(observed, 'UnknownMode', `unknown mode ${clip(unknown.join(', '), 200)}; known is ${FAILOVER}`);
  const needed = additions(observed, record);
  if (needed !== undefined) return needed === 'tooMany' ? fail(observed, 'Failed', TOO_MANY) : hold(observed, record);
  if (record.generation !== generation) return hold(observed, record);

  const broken = faultOf(observed);
  if (broken !== undefined) return fail(observed, 'Failed', broken);
  const present = observed.workloads.filter((each) => each.is === 'present');
  const up = present.filter(({ replicas }) => replicas > 0);
  const unset = observed.annotated.filter((each) => each.is === 'present' && each.value !== each.at.value);
  if (up.length > 0 || unset.length > 0) {
    const message = `Scaling ${listed(up.map(({ at }) => `${at.kind} ${at.namespace}/${at.name}`))} to zero`;
    if (saysTrue(mode))
      return { because: 'ScalingDown', actions: [set(observed, 'Progressing', 'False', 'Progressing', message)] };
    // Somebody has scaled it up since: an operator that does so repeatedly must not be answered at once each time.
    const isFought = up.some(({ formerReplicas }) => formerReplicas !== undefined);
    const isLate = observed.nowMs - record.sinceMs > timeoutMs;
    const late = set(observed, 'Error', 'False', 'TimedOut', `${message}, and somebody scales it up again`);
    return {
      because: isFought && isLate ? 'TimedOut' : 'ScalingDown',
      actions: [
        ...(isFought && isLate ? unlessSaid(mode, late) : []),
        ...up.map(scaleDown),
        ...unset.flatMap((each) => (each.is === 'present' ? [annotate(each)] : [])),
      ],
      requeueAfterMs: isFought ? RETRY_MS : POLL_MS,
    };
  }
  const pods = observed.workloads.reduce((sum, each) => sum + (each.is === 'unknown' ? 0 : each.pods), 0);
  const unmarked = observed.annotated.filter((each) => each.is === 'present' && !each.isMarked).length;
  if (pods > 0 || unmarked > 0) {
    const waits = [pods > 0 ? `${pods} Pods to end` : '', unmarked > 0 ? `${unmarked} markers` : '']
      .filter(Boolean)
      .join(' and ');
    return wait(observed, record, timeoutMs, `Waiting for ${waits}`);
  }
  const completed = set(observed, 'Completed', 'True', 'Completed', 'No Pod of the workloads is left');
  return { because: 'Completed', actions: unlessSaid(mode, completed), ...next(observed, SLOW_POLL_MS) };
}

function deactivate(observed: ObservedMode): ModeDecision {
  const { mode, heldByOthers } = observed;
  const generation = mode.metadata.generation ?? 0;
  if (saysTrue(mode) || (!isDeleting(mode) && !isAnnounced(mode, generation))) {
    return {
      because: 'Deactivating',
      actions: [set(observed, 'Progressing', 'False', 'Deactivating', 'The former state is being restored')],
    };
  }
  const record = recordOf(mode) ?? { workloads: [], annotated: [] };
  const ours = new Set(record.workloads.map(workloadKey));
  const oursToo = new Set(record.annotated.map(annotatedKey));
  const seen = observed.workloads.filter(({ at }) => ours.has(workloadKey(at)) && !heldByOthers.has(workloadKey(at)));
  const marks = observed.annotated.filter(
    ({ at }) => oursToo.has(annotatedKey(at)) && !heldByOthers.has(annotatedKey(at)),
  );
  const unknown = [...seen, ...marks].filter((each) => each.is === 'unknown');
  const actions = [...seen.flatMap(restore), ...marks.flatMap(unannotate)];
  if (actions.length > 0) return { because: 'Restoring', actions, requeueAfterMs: 0 };
  if (unknown.length > 0) {
    const detail = unknown.map((each) => (each.is === 'unknown' ? each.detail : '')).join('; ');
    return fail(observed, 'Failed', `restoring: ${detail}`);
  }
  return { because: 'Releasing', actions: [{ do: 'release' }] };
}

function hold(observed: ObservedMode, record: ModeRecord | undefined): ModeDecision {
  const generation = observed.mode.metadata.generation ?? 0;
  const isSame = record !== undefined && record.generation === generation;
  const merged = merge(observed, record);
  return {
    because: 'Holding',
    actions: [{ do: 'hold', record: { ...merged, generation, sinceMs: isSame ? record.sinceMs : observed.nowMs } }],
  };
}

function merge(observed: ObservedMode, record: ModeRecord | undefined): Pick<ModeRecord, 'workloads' | 'annotated'> {
  const workloads = new Map((record?.workloads ?? []).map((each) => [workloadKey(each), each]));
  for (const each of observed.workloads) {
    if (each.is !== 'present') continue;
    const { at, uid, selector } = each;
    workloads.set(workloadKey(at), { ...at, ...(selector !== undefined && { uid, selector }) });
  }
  const annotated = new Map((record?.annotated ?? []).map((each) => [annotatedKey(each), each]));
  // An earlier value belongs to another client, and stays when we finish.
  for (const each of observed.annotated) {
    if (each.is === 'present' && each.value === undefined) annotated.set(annotatedKey(each.at), each.at);
  }
  return { workloads: [...workloads.values()], annotated: [...annotated.values()] };
}

/** Whether a change is not recorded yet; a change that no record can hold is not made. */
function additions(observed: ObservedMode, record: ModeRecord | undefined): 'some' | 'tooMany' | undefined {
  const { workloads, annotated } = merge(observed, record);
  if (workloads.length > MAX_WORKLOADS || annotated.length > MAX_ANNOTATED) return 'tooMany';
  const { workloads: known, annotated: knownToo } = record ?? { workloads: [], annotated: [] };
  return workloads.length > known.length || annotated.length > knownToo.length ? 'some' : undefined;
}

function faultOf({ workloads, annotated, unmatched, mode }: ObservedMode): string | undefined {
  const record = new Set(recordOf(mode)?.annotated.map(annotatedKey));
  const unknown = [...workloads, ...annotated].flatMap((each) => (each.is === 'unknown' ? [each.detail] : []));
  const foreign = annotated.flatMap((each) =>
    each.is === 'present' && each.value !== undefined && each.value !== each.at.value
      ? [
          `${each.at.kind} ${each.at.name} has ${each.at.key}=${clip(JSON.stringify(each.value), 100)}, which somebody else wrote`,
        ]
      : each.is === 'absent' && !record.has(annotatedKey(each.at))
        ? [`there is no ${each.at.kind} ${each.at.name}`]
        : [],
  );
  const faults = [...unknown, ...unmatched, ...foreign];
  return faults.length === 0 ? undefined : faults.join('; ');
}

function wait(observed: ObservedMode, { sinceMs }: ModeRecord, timeoutMs: number, message: string): ModeDecision {
  const { mode, nowMs } = observed;
  const leftMs = sinceMs + timeoutMs - nowMs;
  if (leftMs < 0) {
    const late = `${message}, for longer than ${formatDuration(timeoutMs)}`;
    const { because, actions } = fail(observed, 'TimedOut', late);
    return { because, actions, ...next(observed, SLOW_POLL_MS) };
  }
  // The status does not contain the number of Pods: each write wakes the hub.
  const action = set(observed, 'Progressing', 'False', 'Progressing', 'Waiting for the Pods of the workloads to end');
  return { because: 'WaitingForPods', actions: unlessSaid(mode, action), ...next(observed, POLL_MS, leftMs + 1) };
}

/** When to look again: at a change, or periodically if no watch reports one. Annotated objects may be of any kind, and are not watched. */
function next(
  { isTold, annotated }: ObservedMode,
  pollMs: number,
  deadlineMs?: number,
): Pick<ModeDecision, 'requeueAfterMs'> {
  if (!isTold || annotated.length > 0) return { requeueAfterMs: pollMs };
  return deadlineMs === undefined ? {} : { requeueAfterMs: deadlineMs };
}

function fail(observed: Subject, because: ModeBecause, message: string): ModeDecision {
  const action = set(observed, 'Error', 'False', because, message);
  return { because, actions: unlessSaid(observed.mode, action), requeueAfterMs: RETRY_MS };
}

function set(
  subject: Subject,
  state: ModeStatus['state'],
  activated: 'True' | 'False',
  reason: string,
  message: string,
): SetStatus {
  return { do: 'setStatus', status: statusOf(subject, { state, activated, reason, message }) };
}

function unlessSaid(mode: MaintenanceMode, action: SetStatus): readonly ModeAction[] {
  return saysAlready(mode, action.status) ? [] : [action];
}

type Present = Extract<SeenWorkload, { is: 'present' }>;

function scaleDown({ at, resourceVersion, replicas }: Present): ModeAction {
  // The number to restore is the last requested one.
  return { do: 'scaleDown', at, resourceVersion, former: replicas };
}

function restore(seen: SeenWorkload): readonly ModeAction[] {
  if (seen.is !== 'present' || seen.formerReplicas === undefined) return [];
  const { at, resourceVersion, replicas, formerReplicas } = seen;
  return [{ do: 'restore', at, resourceVersion, ...(replicas === 0 && { replicas: formerReplicas }) }];
}

function annotate({ at, resourceVersion }: Extract<SeenAnnotated, { is: 'present' }>): ModeAction {
  return { do: 'annotate', at, resourceVersion, value: at.value };
}

function unannotate(seen: SeenAnnotated): readonly ModeAction[] {
  if (seen.is !== 'present' || seen.value !== seen.at.value) return [];
  return [{ do: 'annotate', at: seen.at, resourceVersion: seen.resourceVersion, value: null }];
}

function listed(names: readonly string[]): string {
  const [first = 'nothing', ...others] = names;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
