/**
 * Decides how a Machine's request leads to an empty Node and our approval, and back. Temporary Maintenance Mode does the drain: the fence
 * is a request to it. The inputs are the Machine's request and the recorded progress:
 *
 * | Request | Record so far | What is decided |
 * | --- | --- | --- |
 * | none | any | remove our approvals and the fence; once the session on the Node is over, remove the record |
 * | maintenance or deletion | none, `Waiting` | set the fence, or wait until it is allowed |
 * | the same | `Draining`, `Drained` | set a missing fence; approve if the Node is empty; record a rejection |
 * | the same | `Rejected` | remove the fence; judge again when something has changed, at most every 30 s |
 *
 * Further rules:
 *
 * - If the Machine is paused, or its Cluster is being deleted, nothing is written.
 * - The record is written before the Node is fenced, and removed after the last of our marks has left it: after a crash at any point, the
 *   next process finds the Node by its Machine, and counts its slot.
 * - While the Node, or anything that its verdict depends on, cannot be seen, nothing changes.
 * - Only requests on the Node itself are approved, and only if they are not approved already.
 * - A deletion is not approved while a maintenance is: somebody may be at the machine, and the hook's release would give back its host.
 */

import type { Action } from '../../core/action.ts';
import type { Decision } from '../../core/decision.ts';
import { DRAIN_LABEL } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { isDeleting, labelOf } from '../../core/meta.ts';
import type { KubeObject } from '../../core/objects.ts';
import { hasHook, isEnabled, isPausedItself, maintenanceOf } from '../machines.ts';
import { isTold, KEYS, QUESTIONS, type Question } from '../questions.ts';
import * as events from './events.ts';
import type { DrainBecause, Wait } from './names.ts';
import type { DrainObserved, DrainSession, NodeInDrain } from './observed.ts';
import { type DrainRecord, recordOf } from './record.ts';
import { approval, fence, forget, isMarked, record, unlabel, withdraw } from './writes.ts';

/** Actions on one of the two clusters. */
export interface DrainStep {
  readonly in: 'management' | 'workload';
  readonly actions: readonly Action[];
}

export interface DrainDecision extends Omit<Decision<DrainBecause>, 'actions'> {
  /** Carry them out in this order; the first that fails leaves the others to the next pass. */
  readonly steps: readonly DrainStep[];
  /** Whether the caches for drains have to be open in that cluster. */
  readonly needsCaches: boolean;
  /** Whether this pass begins the drain, so that the Machine holds a slot from now on. */
  readonly begins?: true;
}

/** The shortest time between two judgements of a rejected request. */
export const JUDGE_AGAIN_MS = 30_000;

export function decideDrain(observed: DrainObserved): DrainDecision {
  const { machine, cluster, node } = observed;
  if (cluster.is === 'unknown') return unseen(observed);
  const owner = cluster.is === 'present' ? cluster.object : undefined;
  const isFrozen = owner?.spec.paused === true || (owner !== undefined && isDeleting(owner));
  if (isFrozen || (machine !== undefined && isPausedItself(machine))) return nothing('Paused');
  if (node.is === 'unknown') return unseen(observed);
  if (machine !== undefined && isEnabled(machine) && isDeleting(machine) && !hasHook(machine)) {
    return nothing('Released');
  }
  if (node.is === 'absent') return withoutNode(machine);
  const asked = machine === undefined || !observed.isSelected ? undefined : askOf(machine);
  return machine === undefined || asked === undefined
    ? end(observed, node.object)
    : go(observed, machine, node.object, asked);
}

/** A deletion takes precedence over a maintenance, because it cannot be taken back. */
function askOf(machine: Machine): Question | undefined {
  if (!isEnabled(machine)) return undefined;
  if (isDeleting(machine)) return 'deletion';
  return maintenanceOf(machine) === 'none' ? undefined : 'maintenance';
}

const nothing = (because: DrainBecause): DrainDecision => ({ because, steps: [], needsCaches: false });

/** Retry interval while caches are stale, since no event shows that they are followed again. */
const LOOK_AGAIN_MS = 5000;

/** Caches that are open stay open: the missing part may become visible in a moment. */
function unseen({ machine, blindness }: DrainObserved): DrainDecision {
  const isUnderWay = machine !== undefined && recordOf(machine) !== undefined;
  const told = isUnderWay && blindness !== undefined ? [events.drainUnseen(machine, blindness)] : [];
  const again = isUnderWay ? { requeueAfterMs: LOOK_AGAIN_MS } : {};
  return { because: 'Unseen', steps: manage(told), needsCaches: isUnderWay, ...again };
}

/** The Node has gone, and everything that was on it. */
function withoutNode(machine: Machine | undefined): DrainDecision {
  return { ...nothing('Idle'), steps: manage(machine === undefined ? [] : forget(machine)) };
}

/** The request has gone: the Node is released. */
function end(observed: DrainObserved, node: KubeObject): DrainDecision {
  const { machine, inDrain, blindness } = observed;
  if (labelOf(node, DRAIN_LABEL) === undefined) return withoutNode(machine);
  if (inDrain === undefined) {
    const told = machine !== undefined && blindness !== undefined ? [events.drainUnseen(machine, blindness)] : [];
    return { because: 'Ending', steps: manage(told), needsCaches: true, requeueAfterMs: LOOK_AGAIN_MS };
  }
  const { session } = inDrain;
  if (!isMarked(inDrain) && session === undefined) {
    const steps = [...inWorkload([unlabel(node)]), ...manage(machine === undefined ? [] : forget(machine))];
    return { because: 'Ending', steps, needsCaches: false };
  }
  // Late members hold no slot; the Node stays labelled until Temporary Maintenance Mode is done with it.
  const isLate = !isMarked(inDrain) && session?.isOverdue === true;
  const noted = machine === undefined ? [] : isLate ? forget(machine) : record(machine, observed, { state: 'Ending' });
  const steps = [...manage(noted), ...(isMarked(inDrain) ? inWorkload(withdraw(node, inDrain)) : [])];
  return { because: 'Ending', steps, needsCaches: true };
}

function go(observed: DrainObserved, machine: Machine, node: KubeObject, asked: Question): DrainDecision {
  const { inDrain } = observed;
  const before = recordOf(machine);
  const isUnderWay = before?.state === 'Draining' || before?.state === 'Drained';
  // Somebody else has approved, perhaps before machine drain was enabled: the machine may be off, and there is nothing to drain.
  if (!isUnderWay && maintenanceOf(machine) === 'approved') {
    if (asked === 'maintenance') return nothing('Idle');
    return { ...nothing('MaintenanceFirst'), steps: manage([events.deletionHeldByMaintenance(machine)]) };
  }
  if (!isUnderWay) {
    const isCarrying = labelOf(node, DRAIN_LABEL) !== undefined;
    if (before?.state === 'Rejected') return judgeAgain(observed, machine, node, before, asked);
    // The Machine was asked to go again before its Node had come back: it still holds its slot.
    if (before?.state === 'Ending' && isCarrying) return begin(observed, machine, node, asked);
    return beginInTurn(observed, machine, node, asked);
  }
  if (inDrain === undefined) return { ...unseen(observed), needsCaches: true };
  if (!inDrain.isFenced) return { because: before.state, steps: inWorkload([fence(node)]), needsCaches: true };
  const { session } = inDrain;
  switch (session?.phase) {
    case 'InMaintenance':
      return approve(observed, machine, node, inDrain, session);
    case 'Rejected':
      return reject(observed, machine, node, inDrain, session);
    default: {
      const steps = manage(record(machine, observed, { state: 'Draining' }));
      return { because: 'Draining', steps, needsCaches: true };
    }
  }
}

function beginInTurn(observed: DrainObserved, machine: Machine, node: KubeObject, asked: Question): DrainDecision {
  const { wait, opensAtMs, nowMs } = observed;
  if (wait.is === 'unknown') return { ...unseen(observed), needsCaches: false };
  if (wait.value === undefined) return begin(observed, machine, node, asked);
  const requeueAfterMs = wait.value === 'Window' && opensAtMs !== undefined ? opensAtMs - nowMs : undefined;
  const message = describeWait(wait.value);
  const noted = record(machine, observed, { state: 'Waiting', reason: wait.value, message });
  const steps = manage(noted.length === 0 ? [] : [...noted, events.drainWaiting(machine, message)]);
  return { because: 'Waiting', steps, needsCaches: false, ...(requeueAfterMs !== undefined && { requeueAfterMs }) };
}

function begin(observed: DrainObserved, machine: Machine, node: KubeObject, asked: Question): DrainDecision {
  const noted = record(machine, observed, { state: 'Draining' });
  const steps = [...manage(noted), ...inWorkload([fence(node)]), ...manage([events.drainStarted(machine, asked)])];
  return { because: 'Draining', steps, needsCaches: true, begins: true };
}

/** Approves if the Node is empty except for Pods that stay, and the approval was requested. */
function approve(
  observed: DrainObserved,
  machine: Machine,
  node: KubeObject,
  { approved }: NodeInDrain,
  { isEmpty }: DrainSession,
): DrainDecision {
  const isHeld = isDeleting(machine) && maintenanceOf(machine) === 'approved';
  const state = { because: isHeld ? 'MaintenanceFirst' : 'Drained', needsCaches: true } as const;
  const noted = record(machine, observed, { state: 'Drained' });
  const told = isHeld ? [events.deletionHeldByMaintenance(machine)] : [];
  const wanted = QUESTIONS.filter(
    (question) =>
      isTold(question, node) && isWanted(question, machine) && labelOf(node, KEYS[question].approval) !== 'true',
  );
  // A Pod that has come meanwhile is reported by the Node, and no approval is withdrawn.
  if (!isEmpty || wanted.length === 0) return { ...state, steps: manage([...noted, ...told]) };
  const steps = [
    ...manage(noted),
    ...inWorkload([approval(node, approved, wanted)]),
    ...manage([events.nodeDrained(machine, wanted), ...told]),
  ];
  return { ...state, steps };
}

function isWanted(question: Question, machine: Machine): boolean {
  if (question === 'deletion') return isDeleting(machine) && maintenanceOf(machine) !== 'approved';
  return !isDeleting(machine) && maintenanceOf(machine) === 'requested';
}

/** Records the rejection on the Machine and releases the Node: unlike with a user's taint, nobody would come to remove the fence. */
function reject(
  observed: DrainObserved,
  machine: Machine,
  node: KubeObject,
  inDrain: NodeInDrain,
  { reason = 'GenericFailure', message }: DrainSession,
): DrainDecision {
  const noted = record(machine, observed, { state: 'Rejected', reason, message });
  const steps = [
    ...manage([...noted, events.rejected(machine, reason, message)]),
    ...inWorkload(withdraw(node, inDrain)),
  ];
  return { because: 'Rejected', steps, needsCaches: true };
}

/** The caches stay open: their events show when something has changed. */
function judgeAgain(
  observed: DrainObserved,
  machine: Machine,
  node: KubeObject,
  before: DrainRecord,
  asked: Question,
): DrainDecision {
  const { inDrain, outlook, wait, nowMs, opensAtMs } = observed;
  const rest = { because: 'Rejected', needsCaches: true } as const;
  if (inDrain === undefined) return { ...unseen(observed), ...rest };
  if (isMarked(inDrain)) return { ...rest, steps: inWorkload(withdraw(node, inDrain)) };
  // The Pods that were evicted before the rejection are waited for first.
  if (inDrain.session !== undefined && !inDrain.session.isOverdue) return { ...rest, steps: [] };
  const dueMs = Date.parse(before.since) + JUDGE_AGAIN_MS;
  if (nowMs < dueMs) return { ...rest, steps: [], requeueAfterMs: dueMs - nowMs };
  if (outlook === undefined) return { ...rest, steps: [], requeueAfterMs: JUDGE_AGAIN_MS };
  if (outlook.is === 'refused') {
    const { reason, message } = outlook;
    const isNews = reason !== before.reason || message !== before.message;
    const noted = isNews ? record(machine, observed, { state: 'Rejected', reason, message }) : [];
    const told = reason === before.reason ? [] : [events.rejected(machine, reason, message)];
    return { ...rest, steps: manage([...noted, ...told]), requeueAfterMs: JUDGE_AGAIN_MS };
  }
  if (wait.is === 'known' && wait.value === undefined) return begin(observed, machine, node, asked);
  const afterMs = opensAtMs === undefined ? JUDGE_AGAIN_MS : opensAtMs - nowMs;
  return { ...rest, steps: [], requeueAfterMs: afterMs };
}

const manage = (actions: readonly Action[]): readonly DrainStep[] =>
  actions.length === 0 ? [] : [{ in: 'management', actions }];
const inWorkload = (actions: readonly Action[]): readonly DrainStep[] =>
  actions.length === 0 ? [] : [{ in: 'workload', actions }];

const WAIT_TEXTS: Readonly<Record<Wait, string>> = {
  Window: 'Waiting for capi.drain.window to open',
  MaintenanceController: 'Waiting for the maintenance-controller that is at work on the Node',
  Cluster: 'Waiting for other Machines of the cluster: tmm.maxConcurrentNodes',
  MachineDeployment: 'Waiting for other Machines of its MachineDeployment: capi.drain.maxUnavailable',
  ControlPlane: 'Waiting for other Machines of the control plane, of which one at a time may go',
  AllMachines: 'Waiting for Machines of all clusters: capi.drain.maxConcurrentMachines',
};

function describeWait(wait: Wait): string {
  return WAIT_TEXTS[wait];
}
