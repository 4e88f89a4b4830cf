/**
 * What a Machine, its Node and the people at both ends have asked for, and what is therefore written. The four outputs:
 *
 * | Output | Set while | Otherwise |
 * | --- | --- | --- |
 * | the Machine's hook | enabled, and the Node does not approve the deletion | removed |
 * | Node label `machine-deleted` | enabled, and the Machine is being deleted | removed |
 * | Node label `machine-maintenance` | enabled, and maintenance is requested or approved | removed |
 * | Machine label `maintenance: approved` | enabled, it was `requested`, and the Node approves | left as it is |
 *
 * Rules on top:
 * - Paused, or the Cluster being deleted: nothing at all. Cluster API skips hooks while it deletes a whole Cluster.
 * - A hook is never added to a Machine that is being deleted. It may have been released before, or the drain may have
 *   begun; another hook would stop Cluster API in the middle (it looks for hooks in each pass). So a Machine that is
 *   enabled only after its deletion began is not held; its Node is told nevertheless.
 * - Not knowing the Node removes nothing. A Node that is gone can never approve, so a deletion is let go.
 * - What a template forces is not fought over while the template can do so, which is until the deletion begins.
 */

import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  HOOK_ANNOTATION,
  MAINTENANCE_LABEL,
} from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting, labelOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import * as events from './events.ts';
import { deletedAtMs, hasHook, isEnabled, isPausedItself, maintenanceOf } from './machines.ts';
import type { Because } from './names.ts';
import type { Observed } from './observed.ts';
import type { CapiSettings } from './settings.ts';
import { type CapiDecision, type Memory, stepsFor, type Wish } from './steps.ts';

export interface Context {
  readonly settings: CapiSettings;
  readonly memory: Memory;
}

export function decide(observed: Observed, { settings, memory }: Context): CapiDecision {
  const { wish, forced } = yieldToTemplate(wishFor(observed, settings), observed.machine);
  const decision = stepsFor(wish, observed, memory, settings);
  // The recorder says it once an hour at most; what is forced stays so until somebody changes the template.
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

/** The rules, and nothing else. */
function wishFor(observed: Observed, settings: CapiSettings): Wish {
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
      return { because: isReleased ? 'Released' : 'NodeGone', hook: !isDeleting(machine) };
    case 'present':
      return wishWithNode(machine, node.object);
  }
}

/** Of a Machine that does not take part. */
const NOTHING = { hook: false, node: { deleted: false, maintenance: false } } as const;

function wishWithNode(machine: Machine, node: KubeObject): Wish {
  const maintenance = maintenanceOf(machine);
  const approve = maintenance === 'requested' && labelOf(node, APPROVE_MAINTENANCE_LABEL) === 'true';
  const hook = labelOf(node, APPROVE_DELETION_LABEL) !== 'true';
  return {
    because: stateWithNode(machine, hook, approve ? 'approved' : maintenance),
    hook,
    approve,
    node: { deleted: isDeleting(machine), maintenance: maintenance !== 'none' },
  };
}

function stateWithNode(machine: Machine, hook: boolean, maintenance: 'requested' | 'approved' | 'none'): Because {
  if (isDeleting(machine) && !hasHook(machine)) return 'Released';
  if (!hook) return 'DeletionApproved';
  if (isDeleting(machine)) return 'DeletionWaiting';
  if (maintenance === 'none') return 'Guarded';
  return maintenance === 'approved' ? 'MaintenanceApproved' : 'MaintenanceRequested';
}

function isSelected(node: KubeObject, { requireNodeLabel }: CapiSettings): boolean {
  return requireNodeLabel === '' || labelOf(node, requireNodeLabel) !== undefined;
}

function isOverdue({ machine, nowMs }: Observed, { hookTimeoutMs }: CapiSettings): boolean {
  const deletedMs = deletedAtMs(machine);
  return hookTimeoutMs > 0 && deletedMs !== undefined && hasHook(machine) && nowMs - deletedMs >= hookTimeoutMs;
}

/** Takes back what a template would only undo. @returns the keys that stay as the template has them, too. */
function yieldToTemplate(wish: Wish, machine: Machine): { readonly wish: Wish; readonly forced: readonly string[] } {
  const isForced = (key: string): boolean => machine.forcedKeys?.includes(key) === true;
  if (machine.forcedKeys === undefined || isDeleting(machine)) return { wish, forced: [] };
  const hook = wish.hook === false && isForced(HOOK_ANNOTATION) && annotationOf(machine, HOOK_ANNOTATION) !== undefined;
  const approval = wish.approve === true && isForced(MAINTENANCE_LABEL);
  return {
    wish: {
      ...wish,
      ...(hook && { hook: true }),
      ...(approval && { approve: false, because: 'MaintenanceRequested' }),
    },
    forced: [...(hook ? [HOOK_ANNOTATION] : []), ...(approval ? [MAINTENANCE_LABEL] : [])],
  };
}
