/** Turns the desired state into ordered writes, and into the Events that report them. */
import { type Action, type PatchMeta, type RecordEvent, refOf } from '../core/action.ts';
import {
  APPROVED,
  HOOK_ANNOTATION,
  HOOK_TIMER_ANNOTATION,
  HOOK_VALUE,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
  RELEASED_ANNOTATION,
} from '../core/machine-keys.ts';
import { MACHINE, type Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting } from '../core/meta.ts';
import * as events from './events.ts';
import { deletedAtMs, hasHook, isEnabled, releasedBy, timerOf } from './machines.ts';
import type { Because, Completed, Release } from './names.ts';
import { type Marks, patchOfMarks } from './node-marks.ts';
import type { Observed } from './observed.ts';
import { isMarkedStale, KEYS, QUESTIONS, type Question } from './questions.ts';
import type { CapiSettings } from './settings.ts';

/** The state that the rules ask for; an absent part stays as it is. */
export interface Desired {
  readonly because: Because;
  readonly hook?: boolean;
  readonly approve?: boolean;
  readonly node?: Marks;
  /** Whether the Machine records that an approval existed before its question. */
  readonly stale?: Readonly<Record<Question, boolean>>;
  /** Questions whose approval exists already when they are asked. */
  readonly surprises?: readonly Question[];
}

/** What the process remembers of a Machine between passes, only to avoid repeated Events; a new process starts without it. */
export interface Memory {
  /** When the held deletion was last reported. */
  readonly toldAtMs?: number;
  /** Whether that report mentioned that the Node cannot be read. */
  readonly toldUnseen?: boolean;
  /**
   * Our hook is being removed from this Machine, for this reason. If the answer to the patch is lost and the Machine goes, this is used to
   * report the release.
   */
  readonly releasing?: { readonly what: Release; readonly machine: Machine };
  /** The removal of the hook was reported. */
  readonly toldReleased?: true;
}

/** Actions on one of the two clusters. */
export interface Step {
  readonly in: 'management' | 'workload';
  readonly actions: readonly Action[];
  /** Skipped if the workload cluster has refused the steps before. */
  readonly onceToldOnly?: boolean;
}

export interface CapiDecision {
  readonly because: Because;
  /**
   * Carry them out in this order. If a step in the management cluster fails, the later ones are left to the next pass; a step that the
   * workload cluster refuses holds up no other.
   */
  readonly steps: readonly Step[];
  /** Absent if no requeue is needed: an event of the Machine, the Cluster, the Node or the connection will come. */
  readonly requeueAfterMs?: number;
  readonly memory: Memory;
  /** Since when our hook holds the deletion, in milliseconds since the epoch; absent if it holds none. */
  readonly heldSinceMs?: number;
  readonly completed: readonly Completed[];
  /** Why this pass removes our hook from a Machine that is being deleted; see `Memory.releasing`. */
  readonly releasing?: Release;
  /** Why an earlier pass removed the hook, perhaps one of another process that did not report it. */
  readonly owed?: Release;
}

const TELL_AGAIN_MS = 3_600_000;

/**
 * Writes only what differs, with one patch per object.
 *
 * Order: a hook is added, and a stale approval recorded, before anything is written on the Node, so that the Node's answer never comes too
 * early; everything else is written on the Node first. A crash between the two leaves a Machine with a hook and a Node without its label,
 * or a labelled Node and a Machine that is not approved or released yet. Either way the next pass does the rest: while the hook is there,
 * the Machine is known to be unfinished even if it is not enabled any more.
 */
export function stepsFor(desired: Desired, observed: Observed, memory: Memory, settings: CapiSettings): CapiDecision {
  const { machine, node, ownsNode } = observed;
  const held = hold(desired, observed, memory, settings);
  const removesHook = desired.hook === false && hasHook(machine);
  const release = removesHook ? releaseOf(desired.because, machine) : undefined;
  const changes: MachineChanges = {
    addsHook: desired.hook === true && !hasHook(machine) && !isDeleting(machine),
    removesHook,
    release: release?.[0],
    approves: desired.approve === true,
    timer: held.startsTimer ? new Date(observed.nowMs).toISOString() : undefined,
    stale: desired.stale === undefined ? {} : markChanges(machine, desired.stale),
  };
  const onNode =
    desired.node === undefined || node.is !== 'present' || !ownsNode
      ? []
      : patchOfMarks(node.object, desired.node, settings.requireNodeLabel !== '');
  const management: Step = { in: 'management', actions: patchOfMachine(machine, changes) };
  const workload: Step = { in: 'workload', actions: onNode };
  const completed = [...(desired.approve === true ? (['MaintenanceApproved'] as const) : []), ...(release ?? [])];
  const released = releasedBy(machine);
  const isTold = release !== undefined || released !== undefined;
  const told: Step = {
    in: 'management',
    actions: onNode.flatMap((patch) => eventsOfNodePatch(machine, patch)),
    onceToldOnly: true,
  };
  const others: readonly RecordEvent[] = [
    ...completed.map((what) => events.completed(machine, what, observed)),
    ...surprisesOf(desired, machine, changes).map((question) => events.staleApproval(machine, question, settings)),
    ...held.events,
  ];
  const isMachineFirst = changes.addsHook || Object.values(changes.stale).includes('true');
  const ordered = isMachineFirst ? [management, workload] : [workload, management];
  return {
    because: desired.because,
    steps: [...ordered, told, { in: 'management', actions: others } as const].filter(
      ({ actions }) => actions.length > 0,
    ),
    ...held.timing,
    memory: { ...held.memory, ...(isTold && { toldReleased: true }) },
    ...(release !== undefined && { releasing: release[0] }),
    ...(released !== undefined && memory.toldReleased !== true && { owed: released }),
    completed,
  };
}

/** Why a deletion that our hook has held continues. */
function releaseOf(because: Because, machine: Machine): readonly [Release] | undefined {
  if (!isDeleting(machine)) return undefined;
  switch (because) {
    case 'NotEnabled':
      return ['Disabled'];
    case 'DeletionApproved':
    case 'NodeGone':
    case 'NotSelected':
    case 'HookTimedOut':
      return [because];
    default:
      return undefined;
  }
}

/** Approvals that people should know of: when the question is asked, and when one removes the hook before any deletion. */
function surprisesOf(
  { because, surprises = [] }: Desired,
  machine: Machine,
  { removesHook }: MachineChanges,
): readonly Question[] {
  const isEarly = removesHook && because === 'DeletionApproved' && !isDeleting(machine);
  return isEarly ? ['deletion', ...surprises] : surprises;
}

function markChanges(
  machine: Machine,
  wanted: Readonly<Record<Question, boolean>>,
): Readonly<Record<string, string | null>> {
  const changed = QUESTIONS.filter((question) => wanted[question] !== isMarkedStale(question, machine));
  return Object.fromEntries(changed.map((question) => [KEYS[question].stale, wanted[question] ? 'true' : null]));
}

interface MachineChanges {
  readonly addsHook: boolean;
  readonly removesHook: boolean;
  /** Written in the same request that removes the hook, so that no crash comes between the two: the next process can report it. */
  readonly release: Release | undefined;
  readonly approves: boolean;
  /** RFC 3339; the value of the hook's timer if it starts now. */
  readonly timer: string | undefined;
  readonly stale: Readonly<Record<string, string | null>>;
}

function patchOfMachine(machine: Machine, changes: MachineChanges): readonly PatchMeta[] {
  const { addsHook, removesHook, release, approves, timer } = changes;
  const hasTimer = annotationOf(machine, HOOK_TIMER_ANNOTATION) !== undefined;
  const annotations = {
    ...((addsHook || removesHook) && { [HOOK_ANNOTATION]: addsHook ? HOOK_VALUE : null }),
    ...(release !== undefined && { [RELEASED_ANNOTATION]: release }),
    ...(removesHook && hasTimer && { [HOOK_TIMER_ANNOTATION]: null }),
    ...(timer !== undefined && { [HOOK_TIMER_ANNOTATION]: timer }),
    ...changes.stale,
  };
  const hasAnnotations = Object.keys(annotations).length > 0;
  if (!hasAnnotations && !approves) return [];
  return [
    {
      do: 'patchMeta',
      target: refOf(MACHINE, machine),
      // The rules read the whole Machine: no new hook may be set if a deletion has begun in the meantime.
      resourceVersion: machine.metadata.resourceVersion,
      ...(approves && { labels: { [MAINTENANCE_LABEL]: APPROVED } }),
      ...(hasAnnotations && { annotations }),
    },
  ];
}

function eventsOfNodePatch(machine: Machine, { labels = {} }: PatchMeta): readonly RecordEvent[] {
  switch (labels[MACHINE_MAINTENANCE_LABEL]) {
    case 'true':
      return [events.maintenanceRequested(machine)];
    case null:
      return [events.maintenanceEnded(machine)];
    default:
      return [];
  }
}

/** States in which Cluster API ignores hooks, or nobody may act. */
const HOLDS_NOTHING: ReadonlySet<Because> = new Set(['Paused', 'ClusterDeleting', 'NodePending']);

interface Hold {
  readonly timing: Pick<CapiDecision, 'heldSinceMs' | 'requeueAfterMs'>;
  readonly memory: Memory;
  readonly events: readonly RecordEvent[];
  /** The Node gets its deletion label in this pass, or cannot get it: `capi.hookTimeout` starts now. */
  readonly startsTimer: boolean;
}

/**
 * A deletion that our hook holds is reported once an hour, and released when its time is over. It is also reported once the Node becomes
 * visible: before that it was not known what it waits for.
 */
function hold({ because, hook }: Desired, observed: Observed, memory: Memory, { hookTimeoutMs }: CapiSettings): Hold {
  const { machine, node, nowMs } = observed;
  const heldSinceMs = deletedAtMs(machine);
  const isHeld = heldSinceMs !== undefined && isEnabled(machine) && hasHook(machine) && hook === true;
  if (!isHeld || HOLDS_NOTHING.has(because)) return { timing: {}, memory: {}, events: [], startsTimer: false };
  const isSeen = node.is === 'present';
  const isNews = memory.toldUnseen === true && isSeen;
  const isDue = memory.toldAtMs === undefined || nowMs - memory.toldAtMs >= TELL_AGAIN_MS || isNews;
  const toldAtMs = isDue ? nowMs : (memory.toldAtMs ?? nowMs);
  const timerMs = timerOf(machine);
  const timeoutAtMs = hookTimeoutMs > 0 ? (timerMs ?? nowMs) + hookTimeoutMs : Number.POSITIVE_INFINITY;
  return {
    timing: { heldSinceMs, requeueAfterMs: Math.max(0, Math.min(toldAtMs + TELL_AGAIN_MS, timeoutAtMs) - nowMs) },
    memory: { toldAtMs, ...((isDue ? !isSeen : memory.toldUnseen === true) && { toldUnseen: true }) },
    events: isDue ? [events.hookWaiting(observed, nowMs - heldSinceMs)] : [],
    startsTimer: hookTimeoutMs > 0 && timerMs === undefined,
  };
}
