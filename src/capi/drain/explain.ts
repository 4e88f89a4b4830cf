/** Explains how far the drain of a Machine's Node has come, from the Machine alone. */
import type { Explanation, Outlook } from '../../core/explanation.ts';
import { MAINTENANCE_LABEL } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { isDeleting } from '../../core/meta.ts';
import { clusterOf, maintenanceOf } from '../machines.ts';
import { recordOf } from './record.ts';

export interface DrainTelling extends Pick<Explanation, 'summary' | 'waitsFor' | 'release' | 'reason'> {
  readonly outlook: Outlook;
}

/** @returns undefined if machine drain adds nothing to the Machine's own state. */
export function tellDrain(machine: Machine): DrainTelling | undefined {
  const record = recordOf(machine);
  if (record === undefined) return undefined;
  const { message = '', reason = '' } = record;
  const node = `Node ${machine.status.nodeName ?? '(none)'} of cluster ${clusterOf(machine) ?? '(none)'}`;
  const end = `kubectl -n ${machine.metadata.namespace} label machine ${machine.metadata.name} ${MAINTENANCE_LABEL}-`;
  const withdraw = isDeleting(machine) ? {} : { release: end };
  switch (record.state) {
    case 'Waiting':
      return { summary: 'Its Node is to be drained', waitsFor: message, outlook: 'Waiting', ...withdraw };
    case 'Draining':
      return { summary: 'Its Node is being drained', waitsFor: `the Pods of ${node} to leave`, outlook: 'Moving' };
    case 'Rejected':
      return {
        summary: 'Its Node may not be drained',
        waitsFor: `a change in cluster ${clusterOf(machine) ?? ''}, upon which it is judged anew: ${message}`,
        reason,
        outlook: 'Stuck',
        ...withdraw,
      };
    case 'Drained': {
      const isHeld = isDeleting(machine) && maintenanceOf(machine) === 'approved';
      return isHeld
        ? {
            summary: 'The deletion is held while maintenance is approved: somebody may be at the machine',
            waitsFor: 'the user, who ends the maintenance',
            release: end,
            outlook: 'Waiting',
          }
        : undefined;
    }
    case 'Ending':
      return {
        summary: 'Its Node is given back',
        waitsFor: `what was displaced from ${node} to be ready again`,
        outlook: 'Moving',
      };
  }
}
