/** The state of a Node of the roll, as the decision needs it. Pure. */
import { annotationOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { isUnderWay, parseRecord, ROLL_ANNOTATION, type RollRecord } from '../../core/roll-record.ts';
import type { MaintenanceTaint } from '../../tmm/names.ts';
import { conflictingTaint, type NodeFacts } from '../nodes/node-facts.ts';
import { hasTaint } from '../nodes/requests.ts';
import type { NodeView } from './decide.ts';
import type { RollMember } from './members.ts';

/** @param taint the one that the roll sets. */
export function viewOf(node: Node, facts: NodeFacts, { uid, record }: RollMember, taint: MaintenanceTaint): NodeView {
  const { report, asking, isRejected, isDrained, isReady, isExitUnnoticed } = facts;
  if (node.metadata.uid !== uid) return { is: 'replaced', isReady };
  const isTainted = hasTaint(node, taint);
  return {
    is: 'present',
    owner: ownerOf(node, record),
    isTainted,
    isTaken: !isTainted && (asking !== undefined || conflictingTaint(node, taint) !== undefined),
    leftover: isExitUnnoticed ? 'unnoticed' : report !== undefined && asking === undefined ? 'exiting' : 'none',
    isRejected,
    isDrained,
    isReady,
    detail: report === undefined ? 'the controller has not reported' : detailOf(report),
  };
}

function ownerOf(node: Node, { id, runner, state }: RollRecord): 'us' | 'nobody' | 'other' {
  const seen = parseRecord(annotationOf(node, ROLL_ANNOTATION));
  // While a Node is under way, our next write restores a removed record.
  if (seen.is !== 'valid') return isUnderWay(state) ? 'us' : 'nobody';
  return seen.record.id === id && seen.record.runner === runner ? 'us' : 'other';
}

function detailOf({ reason, message }: { readonly reason?: string; readonly message: string }): string {
  return reason === undefined ? message : `${reason}: ${message}`;
}
