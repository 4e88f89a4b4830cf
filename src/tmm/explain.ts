/** Tells people how a Node stands, by the report that the last pass left on it. */
import type { Explanation, Outlook } from '../core/explanation.ts';
import { annotationOf, formatTaint, isSameTaint } from '../core/meta.ts';
import type { Node } from '../core/objects.ts';
import { type MaintenanceTaint, type Phase, REPORT_ANNOTATION } from './names.ts';
import { type Blocked, parseReport, type Report } from './report.ts';

/** @param taints those that ask for maintenance, to name the one that would have to go. */
export function explainNode(node: Node, taints: readonly MaintenanceTaint[]): Explanation {
  const { name } = node.metadata;
  const taint = taintOf(node, taints);
  const release = releaseOf(node, taints);
  const seen = parseReport(annotationOf(node, REPORT_ANNOTATION));
  if (seen.is !== 'valid') {
    return {
      kind: 'Node',
      name,
      state: taint === undefined ? 'Idle' : 'Unseen',
      outlook: taint === undefined ? 'Idle' : 'Waiting',
      isUnderWay: taint !== undefined,
      summary: taint === undefined ? 'Nobody asks for maintenance' : `Tainted ${formatTaint(taint)}, without a report`,
      ...(taint !== undefined && { waitsFor: 'the controller, which has not reported yet' }),
      ...(release !== undefined && { release }),
      details: seen.is === 'invalid' ? [`The report cannot be read: ${seen.why}`] : [],
    };
  }
  const { report } = seen;
  const { total, gone, staying } = report.pods;
  return {
    kind: 'Node',
    name,
    state: report.phase,
    outlook: outlookOf(report),
    isUnderWay: true,
    since: report.since,
    ...(report.deadline !== undefined && { deadline: report.deadline }),
    progress: { done: gone, total },
    ...(report.reason !== undefined && { reason: report.reason }),
    summary: report.message,
    ...waitsFor(report),
    ...(release !== undefined && { release }),
    ...(report.blockedBy.length > 0 && { blockedBy: report.blockedBy }),
    details: [
      `Pods: ${total} to leave, ${gone} gone, ${staying} may stay`,
      `Session since ${report.started}${report.deadline === undefined ? '' : `, this phase until ${report.deadline}`}`,
      ...report.blockedBy.map(formatBlocked),
    ],
  };
}

/** The command that ends the request; absent where the Node carries none of the taints. */
export function releaseOf(node: Node, taints: readonly MaintenanceTaint[]): string | undefined {
  const taint = taintOf(node, taints);
  return taint === undefined ? undefined : `kubectl taint node ${node.metadata.name} ${formatTaint(taint)}-`;
}

/** One line on a Pod that is in the way. */
export function formatBlocked({ pod, cause, detail, remedy }: Blocked): string {
  return `${pod}: ${cause}, ${detail}. ${remedy}`;
}

function taintOf(node: Node, taints: readonly MaintenanceTaint[]): MaintenanceTaint | undefined {
  return taints.find((wanted) => node.spec.taints?.some((found) => isSameTaint(wanted, found)));
}

function waitsFor({ phase, blockedBy }: Report): Pick<Explanation, 'waitsFor'> {
  const [first] = blockedBy;
  if (first !== undefined) return { waitsFor: blockers(first, blockedBy.length) };
  const waiting = USUALLY[phase];
  return waiting === undefined ? {} : { waitsFor: waiting };
}

function blockers({ pod, cause }: Blocked, count: number): string {
  return `Pod ${pod} (${cause})${count === 1 ? '' : ` and ${count - 1} more`}`;
}

const USUALLY: Partial<Readonly<Record<Phase, string>>> = {
  Draining: 'Pods that are leaving',
  InMaintenance: 'the user, who ends the maintenance by removing the taint',
  Rejected: 'the user, who removes the taint',
  Exiting: 'Pods that come back',
};

function outlookOf({ phase, blockedBy }: Report): Outlook {
  switch (phase) {
    case 'InMaintenance':
      return 'Ready';
    case 'Rejected':
      return 'Stuck';
    case 'Queued':
      return 'Waiting';
    case 'Checking':
    case 'Draining':
    case 'Exiting':
      return blockedBy.length > 0 ? 'Waiting' : 'Moving';
  }
}
