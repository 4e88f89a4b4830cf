/** The facts that a command reads from a Node: the request, and the controller's progress. Pure. */
import { annotationOf, conditionOf, formatTaint, isSameTaint } from '../../core/meta.ts';
import type { Node, Taint } from '../../core/objects.ts';
import { parseReport, type Report } from '../../tmm/model/report.ts';
import { askingTaintOrFence } from '../../tmm/model/taints.ts';
import { type MaintenanceTaint, REPORT_ANNOTATION } from '../../tmm/names.ts';

export interface NodeFacts {
  /** The taint that asks for maintenance, also if it is that of machine drain. */
  readonly asking: MaintenanceTaint | undefined;
  /** The controller's report; undefined if there is none, or none that can be read. */
  readonly report: Report | undefined;
  /** Whether the machine may be worked on: the taint is set, the phase permits it, and the condition has not been withdrawn. */
  readonly isDrained: boolean;
  readonly isRejected: boolean;
  readonly isReady: boolean;
  /** There is no request, and nothing is under way. */
  readonly isAtRest: boolean;
  /** The taint has gone, but the report is still that of a request: the controller has not noticed. */
  readonly isExitUnnoticed: boolean;
}

export function factsOf(node: Node, taints: readonly MaintenanceTaint[]): NodeFacts {
  const asking = askingTaintOrFence(node, taints);
  const annotation = annotationOf(node, REPORT_ANNOTATION);
  const seen = parseReport(annotation);
  const report = seen.is === 'valid' ? seen.report : undefined;
  const isTrue = (type: string): boolean => conditionOf(node.status.conditions, type)?.status === 'True';
  const isAsked = asking !== undefined;
  return {
    asking,
    report,
    isDrained: isAsked && report?.phase === 'InMaintenance' && isTrue('Drained'),
    isRejected: isAsked && report?.phase === 'Rejected',
    isReady: isTrue('Ready'),
    isAtRest: !isAsked && annotation === undefined,
    isExitUnnoticed: !isAsked && report !== undefined && report.phase !== 'Exiting',
  };
}

/** Like `factsOf()`, but cached per Node object: of thousands of Nodes few change. */
export function rememberingFacts(taints: readonly MaintenanceTaint[]): (node: Node) => NodeFacts {
  const known = new WeakMap<Node, NodeFacts>();
  return (node) => {
    const facts = known.get(node) ?? factsOf(node, taints);
    known.set(node, facts);
    return facts;
  };
}

/** A taint that prevents ours: it has the same key and effect, but another value. */
export function conflictingTaint(node: Node, wanted: Taint): Taint | undefined {
  return node.spec.taints?.find(
    (found) => found.key === wanted.key && found.effect === wanted.effect && !isSameTaint(found, wanted),
  );
}

/** The kubectl command that removes a taint. */
export const untaintCommand = (node: string, taint: Taint): string =>
  `kubectl taint node ${node} ${formatTaint(taint)}-`;
