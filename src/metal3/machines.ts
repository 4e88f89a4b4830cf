/** The requests of a Machine that concern Metal3. */
import {
  APPROVED,
  HOOK_ANNOTATION,
  MAINTENANCE_LABEL,
  SKIP_REMEDIATION_ANNOTATION,
  SKIP_REMEDIATION_OWNER,
} from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { annotationOf, isDeleting, labelOf } from '../core/meta.ts';

/**
 * Whether its host has to be off now. While our own hook holds the deletion of the Machine, somebody may still be at the machine: the
 * approval stands until the hook is removed. A deletion that we do not hold releases the host.
 */
export function wantsOff(machine: Machine): boolean {
  return labelOf(machine, MAINTENANCE_LABEL) === APPROVED && (!isDeleting(machine) || isHeldByHook(machine));
}

function isHeldByHook(machine: Machine): boolean {
  return annotationOf(machine, HOOK_ANNOTATION) !== undefined;
}

/** Whether we have suspended remediation. */
export function holdsRemediation(machine: Machine): boolean {
  return annotationOf(machine, SKIP_REMEDIATION_OWNER) !== undefined;
}

/** Whether anybody, including us, has suspended remediation. */
export function skipsRemediation(machine: Machine): boolean {
  return annotationOf(machine, SKIP_REMEDIATION_ANNOTATION) !== undefined;
}

/** Whether there is anything to do or to watch for; for most Machines there is not. */
export function needsAttention(machine: Machine): boolean {
  return wantsOff(machine) || holdsRemediation(machine);
}
