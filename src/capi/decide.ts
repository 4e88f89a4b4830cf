/**
 * Decides what to write from the state of a Machine, its Node, and the requests of people on both sides. The four outputs:
 *
 * | Output | Set while | Otherwise |
 * | --- | --- | --- |
 * | the Machine's hook | enabled, and the Node does not approve the deletion | removed |
 * | Node label `machine-deleted` | enabled, and the Machine is being deleted | removed |
 * | Node label `machine-maintenance` | enabled, and maintenance is requested or approved | removed |
 * | Machine label `maintenance: approved` | enabled, it was `requested`, and the Node approves | unchanged |
 *
 * Further rules:
 *
 * - If the Machine is paused, or its Cluster is being deleted, nothing is written. Cluster API skips hooks while it deletes a whole
 *   Cluster.
 * - A hook is never added to a Machine that is being deleted. It may have been released before, or the drain may have begun; another hook
 *   would stop Cluster API in the middle (it looks for hooks in each pass). So a Machine that is enabled only after its deletion began is
 *   not held; its Node gets the labels nevertheless.
 * - If two Machines name one Node, the younger one owns it. The older one's deletion proceeds as if the Node were gone; an approval that
 *   exists before the younger one is deleted was meant for the older one.
 * - An approval that existed before the question (`StaleApproval`) is reported, and with `capi.staleApprovals: ignore` it has to be removed
 *   and given again.
 * - While the Node is unknown, nothing is removed. A Node that is gone can never approve, so its deletion is released.
 * - A key that a template forces is left to the template as long as it can force it, which is until the deletion begins.
 */

import { HOOK_ANNOTATION, MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import { type CapiDecision, type Desired, type Memory, stepsFor } from './desired.ts';
import * as events from './events.ts';
import { hasHook, isEnabled, isPausedItself, isSelected, maintenanceOf, timerOf } from './machines.ts';
import type { Because } from './names.ts';
import { NO_MARKS } from './node-marks.ts';
import type { Observed } from './observed.ts';
import { answerOf, isAsked, isTold, QUESTIONS, type Question } from './questions.ts';
import type { CapiSettings } from './settings.ts';

export interface Context {
  /**
   * Whether Nodes under maintenance are protected from the cluster autoscaler: where machines are switched off, it would choose them first.
   */
  readonly guardsScaleDown?: boolean;
  readonly settings: CapiSettings;
  readonly memory: Memory;
}

export function decide(observed: Observed, context: Context): CapiDecision {
  const { settings, memory } = context;
  const { desired, forced } = respectForcedKeys(desiredFor(observed, context), observed.machine);
  const decision = stepsFor(desired, observed, memory, settings);
  // The recorder repeats it once an hour at most; a forced key stays until somebody changes the template.
  return forced.length === 0
    ? decision
    : {
        ...decision,
        steps: [
          ...decision.steps,
          { in: 'management', actions: forced.map((key) => events.keyForcedByTemplate(observed.machine, key)) },
        ],
      };
}

/** The rules of the table, and nothing else. */
function desiredFor(observed: Observed, context: Context): Desired {
  const { settings } = context;
  const { machine, cluster, node } = observed;
  if (isPausedItself(machine) || cluster?.spec.paused === true) return { because: 'Paused' };
  if (cluster !== undefined && isDeleting(cluster)) return { because: 'ClusterDeleting' };
  if (!isEnabled(machine)) return { because: 'NotEnabled', ...NOTHING };
  if (node.is === 'present' && !isSelected(node.object, settings)) return { because: 'NotSelected', ...NOTHING };
  if (isOverdue(observed, settings)) return { because: 'HookTimedOut', hook: false };
  const isReleased = isDeleting(machine) && !hasHook(machine);
  switch (node.is) {
    case 'none':
      return { because: isReleased ? 'Released' : 'NodePending', hook: true };
    case 'unknown':
      return { because: isReleased ? 'Released' : 'NodeUnknown', hook: true };
    case 'absent':
    case 'taken':
      return { because: isReleased ? 'Released' : 'NodeGone', hook: !isDeleting(machine) };
    case 'present':
      return desiredWithNode(observed, node.object, context);
  }
}

/** The desired state of a Machine that does not take part. */
const NOTHING = {
  hook: false,
  node: NO_MARKS,
  stale: { deletion: false, maintenance: false },
} as const;

function desiredWithNode(
  { machine, hasPredecessor }: Observed,
  node: KubeObject,
  { settings, guardsScaleDown = false }: Context,
): Desired {
  const isIgnored = settings.staleApprovals === 'ignore';
  const maintenance = maintenanceOf(machine);
  const answers = {
    deletion: answerOf('deletion', machine, node),
    maintenance: answerOf('maintenance', machine, node),
  };
  const counts = (question: Question): boolean =>
    answers[question] === 'given' || (answers[question] === 'stale' && !isIgnored);
  const staysStale = (question: Question): boolean =>
    isIgnored && answers[question] === 'stale' && isAsked(question, machine);
  const approve = maintenance === 'requested' && counts('maintenance');
  const isForPredecessor = hasPredecessor && !isDeleting(machine);
  const hook = !counts('deletion') || isForPredecessor;
  return {
    because: stateWithNode(machine, hook, approve ? 'approved' : maintenance),
    hook,
    approve,
    node: {
      deleted: isDeleting(machine),
      maintenance: maintenance !== 'none',
      guard: maintenance !== 'none' && guardsScaleDown,
    },
    stale: { deletion: staysStale('deletion'), maintenance: staysStale('maintenance') },
    surprises: QUESTIONS.filter(
      (question) => answers[question] === 'stale' && isAsked(question, machine) && !isTold(question, node),
    ),
  };
}

function stateWithNode(machine: Machine, hook: boolean, maintenance: 'requested' | 'approved' | 'none'): Because {
  if (isDeleting(machine) && !hasHook(machine)) return 'Released';
  if (!hook) return 'DeletionApproved';
  if (isDeleting(machine)) return 'DeletionWaiting';
  if (maintenance === 'none') return 'Guarded';
  return maintenance === 'approved' ? 'MaintenanceApproved' : 'MaintenanceRequested';
}

function isOverdue({ machine, nowMs }: Observed, { hookTimeoutMs }: CapiSettings): boolean {
  const sinceMs = timerOf(machine);
  const isHeld = isDeleting(machine) && hasHook(machine);
  return hookTimeoutMs > 0 && isHeld && sinceMs !== undefined && nowMs - sinceMs >= hookTimeoutMs;
}

/** Drops changes that a template would only undo. @returns the keys that keep the template's value as well. */
function respectForcedKeys(
  desired: Desired,
  machine: Machine,
): { readonly desired: Desired; readonly forced: readonly string[] } {
  const isForced = (key: string): boolean => machine.forcedKeys?.includes(key) === true;
  if (machine.forcedKeys === undefined || isDeleting(machine)) return { desired, forced: [] };
  const hook =
    desired.hook === false && isForced(HOOK_ANNOTATION) && annotationOf(machine, HOOK_ANNOTATION) !== undefined;
  const approval = desired.approve === true && isForced(MAINTENANCE_LABEL);
  return {
    desired: {
      ...desired,
      ...(hook && { hook: true }),
      ...(approval && { approve: false, because: 'MaintenanceRequested' }),
    },
    forced: [...(hook ? [HOOK_ANNOTATION] : []), ...(approval ? [MAINTENANCE_LABEL] : [])],
  };
}
