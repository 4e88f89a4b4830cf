/** What a Machine asks for, as far as Metal3 is concerned. */
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
 * Whether its host is to be off now. While our own hook holds the deletion of the Machine, somebody may still be at the
 * machine: the approval stands until the hook goes. A deletion that we do not hold gives the host back.
 */
export function wantsOff(machine: Machine): boolean {
  return labelOf(machine, MAINTENANCE_LABEL) === APPROVED && (!isDeleting(machine) || isHeldByHook(machine));
}

function isHeldByHook(machine: Machine): boolean {
  return annotationOf(machine, HOOK_ANNOTATION) !== undefined;
}

/** Whether remediation is held off by us. */
export function holdsRemediation(machine: Machine): boolean {
  return annotationOf(machine, SKIP_REMEDIATION_OWNER) !== undefined;
}

/** Whether anybody, we included, holds remediation off. */
export function skipsRemediation(machine: Machine): boolean {
  return annotationOf(machine, SKIP_REMEDIATION_ANNOTATION) !== undefined;
}

/** Whether there is anything to do or to watch for; of most Machines there is not. */
export function needsAttention(machine: Machine): boolean {
  return wantsOff(machine) || holdsRemediation(machine);
}
