/** From what is wished for to what must be written, in which order, and what people are told of it. */
import { type Action, type PatchMeta, type RecordEvent, refOf } from '../core/action.ts';
import {
  APPROVED,
  HOOK_ANNOTATION,
  HOOK_VALUE,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
} from '../core/machine-keys.ts';
import { MACHINE, type Machine } from '../core/machine-objects.ts';
import { isDeleting, labelOf } from '../core/meta.ts';
import { type KubeObject, NODE } from '../core/objects.ts';
import * as events from './events.ts';
import { deletedAtMs, hasHook, isEnabled } from './machines.ts';
import type { Because, Completed } from './names.ts';
import type { Observed } from './observed.ts';
import type { CapiSettings } from './settings.ts';

/** What the rules ask for; an absent part is left as it is. */
export interface Wish {
  readonly because: Because;
  readonly hook?: boolean;
  readonly approve?: boolean;
  readonly node?: { readonly deleted: boolean; readonly maintenance: boolean };
}

/** What the process remembers of a Machine between passes, only to be calm; a new process starts without it. */
export interface Memory {
  /** When people were last told that the deletion is held. */
  readonly toldAtMs?: number;
  /** Whether they were told then that the Node cannot be seen. */
  readonly toldUnseen?: boolean;
}

/** Actions on one of the two clusters. */
export interface Step {
  readonly in: 'management' | 'workload';
  readonly actions: readonly Action[];
}

export interface CapiDecision {
  readonly because: Because;
  /** To be carried out in this order; a step that fails leaves the later ones to the next pass. */
  readonly steps: readonly Step[];
  /** Absent: no requeue needed, an event of the Machine, the Cluster, the Node or the connection will come. */
  readonly requeueAfterMs?: number;
  readonly memory: Memory;
  /** Since when our hook holds the deletion, in milliseconds since the epoch; absent where it holds nothing. */
  readonly heldSinceMs?: number;
  readonly completed: readonly Completed[];
}

const TELL_AGAIN_MS = 3_600_000;

/**
 * Writes only what differs, one patch per object.
 *
 * Order: a hook is added before the Node hears of anything, so that the Node's answer never comes too early; everything
 * else is told to the Node first. A crash between the two leaves a Machine with a hook and a Node that was not told, or a
 * Node that was told and a Machine that is not approved or released yet. Either way the next pass does the rest: while
 * the hook is there, the Machine is known to be unfinished even if it is not enabled any more.
 */
export function stepsFor(wish: Wish, observed: Observed, memory: Memory, settings: CapiSettings): CapiDecision {
  const { machine, node, speaksForNode } = observed;
  const addsHook = wish.hook === true && !hasHook(machine) && !isDeleting(machine);
  const removesHook = wish.hook === false && hasHook(machine);
  const onMachine = patchOfMachine(machine, { addsHook, removesHook, approves: wish.approve === true });
  const onNode =
    wish.node === undefined || node.is !== 'present' || !speaksForNode
      ? []
      : patchOfNode(node.object, wish.node, settings);
  const management: Step = { in: 'management', actions: onMachine };
  const workload: Step = { in: 'workload', actions: onNode };
  const completed = completedBy(wish, machine, removesHook);
  const held = hold(wish, observed, memory, settings);
  const told: readonly RecordEvent[] = [
    ...onNode.flatMap((patch) => eventsOfNodePatch(machine, patch)),
    ...completed.map((what) => events.completed(machine, what, observed.nowMs)),
    ...held.events,
  ];
  const ordered = addsHook ? [management, workload] : [workload, management];
  return {
    because: wish.because,
    steps: [...ordered, { in: 'management', actions: told } as const].filter(({ actions }) => actions.length > 0),
    ...held.timing,
    memory: held.memory,
    completed,
  };
}

interface MachineChanges {
  readonly addsHook: boolean;
  readonly removesHook: boolean;
  readonly approves: boolean;
}

function patchOfMachine(machine: Machine, { addsHook, removesHook, approves }: MachineChanges): readonly PatchMeta[] {
  if (!addsHook && !removesHook && !approves) return [];
  return [
    {
      do: 'patchMeta',
      target: refOf(MACHINE, machine),
      // The rules read the whole Machine: a deletion that begins meanwhile must not be met by a new hook.
      resourceVersion: machine.metadata.resourceVersion,
      ...(approves && { labels: { [MAINTENANCE_LABEL]: APPROVED } }),
      ...((addsHook || removesHook) && { annotations: { [HOOK_ANNOTATION]: addsHook ? HOOK_VALUE : null } }),
    },
  ];
}

function patchOfNode(
  node: KubeObject,
  wanted: NonNullable<Wish['node']>,
  { requireNodeLabel }: CapiSettings,
): readonly PatchMeta[] {
  const labels = {
    ...labelChange(node, MACHINE_DELETED_LABEL, wanted.deleted),
    ...labelChange(node, MACHINE_MAINTENANCE_LABEL, wanted.maintenance),
  };
  if (Object.keys(labels).length === 0) return [];
  const target = refOf(NODE, node);
  // Nodes change all the time: only where another label of the Node was read does it matter that it is still there.
  const isConditional = requireNodeLabel !== '';
  const { resourceVersion } = node.metadata;
  return [{ do: 'patchMeta', target, ...(isConditional && { resourceVersion }), labels }];
}

function labelChange(node: KubeObject, key: string, isWanted: boolean): Readonly<Record<string, string | null>> {
  const value = labelOf(node, key);
  if (isWanted) return value === 'true' ? {} : { [key]: 'true' };
  return value === undefined ? {} : { [key]: null };
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

function completedBy({ because, approve }: Wish, machine: Machine, removesHook: boolean): readonly Completed[] {
  const released = removesHook && isDeleting(machine) ? because : undefined;
  return [
    ...(approve === true ? (['MaintenanceApproved'] as const) : []),
    ...(released === 'DeletionApproved' || released === 'NodeGone' || released === 'HookTimedOut' ? [released] : []),
  ];
}

/** States in which Cluster API does not look at hooks, or nobody may act. */
const HOLDS_NOTHING: ReadonlySet<Because> = new Set(['Paused', 'ClusterDeleting', 'NodePending']);

interface Hold {
  readonly timing: Pick<CapiDecision, 'heldSinceMs' | 'requeueAfterMs'>;
  readonly memory: Memory;
  readonly events: readonly RecordEvent[];
}

/**
 * A deletion that our hook holds is told of once an hour, and let go when its time is over. It is told of anew, too, once the
 * Node can be seen: before that nobody could say what it waits for.
 */
function hold({ because, hook }: Wish, observed: Observed, memory: Memory, { hookTimeoutMs }: CapiSettings): Hold {
  const { machine, node, nowMs } = observed;
  const heldSinceMs = deletedAtMs(machine);
  const isHeld = heldSinceMs !== undefined && isEnabled(machine) && hasHook(machine) && hook === true;
  if (!isHeld || HOLDS_NOTHING.has(because)) return { timing: {}, memory: {}, events: [] };
  const isSeen = node.is === 'present';
  const isNews = memory.toldUnseen === true && isSeen;
  const isDue = memory.toldAtMs === undefined || nowMs - memory.toldAtMs >= TELL_AGAIN_MS || isNews;
  const toldAtMs = isDue ? nowMs : (memory.toldAtMs ?? nowMs);
  const timeoutAtMs = hookTimeoutMs > 0 ? heldSinceMs + hookTimeoutMs : Number.POSITIVE_INFINITY;
  return {
    timing: { heldSinceMs, requeueAfterMs: Math.max(0, Math.min(toldAtMs + TELL_AGAIN_MS, timeoutAtMs) - nowMs) },
    memory: { toldAtMs, ...((isDue ? !isSeen : memory.toldUnseen === true) && { toldUnseen: true }) },
    events: isDue ? [events.hookWaiting(observed, nowMs - heldSinceMs)] : [],
  };
}
