/** Explains the state of a Node to people, from the report that the last pass left on it. */
import type { Explanation, Outlook } from '../../core/explanation.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  DRAIN_LABEL,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
} from '../../core/machine-keys.ts';
import { annotationOf, formatTaint, labelOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { describeHold, type Hold, holdsOn, intentionsOn } from '../../core/other-tools.ts';
import { taintNotConfigured, unrecognisedTaint } from '../events.ts';
import { type Blocked, forgetCommand, parseReport, type Report, reportOf } from '../model/report.ts';
import { holdsSlot, isBefore } from '../model/slots.ts';
import { askingTaintOrFence, heldTaint, isOfMachine, nearMisses } from '../model/taints.ts';
import { type MaintenanceTaint, type Phase, REPORT_ANNOTATION } from '../names.ts';
import { formatBlockers } from './blockers.ts';
import { withRoll } from './roll.ts';

/**
 * @param taints those that ask for maintenance, to name the one that would have to be removed.
 * @param heldElsewhere describes the other tools that hold the Node, if the Node itself does not show it.
 * @param others the Nodes of the cluster, to name those that are ahead of a waiting Node at present: its report does not name them.
 */
export function explainNode(
  node: Node,
  taints: readonly MaintenanceTaint[],
  heldElsewhere: readonly Hold[] = [],
  others: readonly Node[] = [],
): Explanation {
  return withRoll(node, explainMaintenance(node, taints, heldElsewhere, others));
}

function explainMaintenance(
  node: Node,
  taints: readonly MaintenanceTaint[],
  heldElsewhere: readonly Hold[],
  others: readonly Node[],
): Explanation {
  const taint = askingTaintOrFence(node, taints);
  const held = heldTaint(node);
  const ofMachine = taint !== undefined && isOfMachine(taint);
  const release = releaseOf(node, taints);
  const seen = parseReport(annotationOf(node, REPORT_ANNOTATION));
  const hints = [
    ...nearMisses(node, taints).map((each) => unrecognisedTaint(node, each).note),
    ...(taint === undefined && held !== undefined ? [taintNotConfigured(node, held).note] : []),
    ...(ofMachine ? [endedByMachine(node)] : askedByMachine(node)),
    ...[...holdsOn(node), ...heldElsewhere].map((hold) => `${describeHold(hold)} has this Node in hand`),
    ...intentionsOn(node),
  ];
  if (seen.is === 'valid') return tellReport(node, seen.report, { ofMachine, release, hints, others });
  return {
    kind: 'Node',
    name: node.metadata.name,
    state: taint === undefined ? 'Idle' : 'Unseen',
    outlook: taint === undefined ? 'Idle' : 'Waiting',
    isUnderWay: taint !== undefined,
    summary: taint === undefined ? 'No taint asks for maintenance' : `Tainted ${formatTaint(taint)}, without a report`,
    ...(taint !== undefined && { waitsFor: 'the controller, which has not reported yet' }),
    ...(release !== undefined && { release }),
    details: [
      ...(seen.is === 'invalid' ? [`The report cannot be read: ${seen.why}`] : []),
      ...(taint === undefined ? [] : [NOT_REPORTED]),
      ...hints,
    ],
  };
}

/** What the Node and its cluster show beside the report. */
interface Beside {
  readonly ofMachine: boolean;
  readonly release: string | undefined;
  readonly hints: readonly string[];
  readonly others: readonly Node[];
}

function tellReport(
  { metadata: { name } }: Node,
  report: Report,
  { ofMachine, release, hints, others }: Beside,
): Explanation {
  const { total, gone, staying } = report.pods;
  const ending = release ?? (report.overdue === true ? forgetCommand(name) : undefined);
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
    ...waitsFor(report, ofMachine),
    ...(ending !== undefined && { release: ending }),
    ...(report.blockedBy.length > 0 && { blockedBy: report.blockedBy }),
    details: [
      `Pods: ${total} to leave, ${gone} gone, ${staying} may stay`,
      `Session since ${report.started}`,
      ...(report.storedIn === undefined
        ? []
        : [`Pods without a controller were stored in Secrets of namespace ${report.storedIn}`]),
      ...formatBlockers(report.blockedBy),
      ...(report.phase === 'Queued'
        ? [
            ...nodesBefore(name, report, others),
            `It is judged when its turn comes; what the verdict would be today: maintenance-bridge plan ${name}`,
          ]
        : []),
      ...hints,
    ],
  };
}

const NOT_REPORTED =
  'Where this lasts, the API server refuses its report (a Warning on the Node says so), or no controller acts here: look at its Lease and its log';

/** Whether the Node waits for others. */
export function isQueued(node: Node): boolean {
  const seen = reportOf(node);
  return seen.is === 'valid' && seen.report.phase === 'Queued';
}

const MAX_NAMED = 3;

/** Nodes that are away, and Nodes that asked earlier. */
function nodesBefore(name: string, { started }: Report, others: readonly Node[]): readonly string[] {
  const before = others
    .flatMap((node) => {
      const seen = node.metadata.name === name ? undefined : reportOf(node);
      return seen?.is === 'valid' ? [{ ...seen.report, nodeName: node.metadata.name }] : [];
    })
    .filter((each) => holdsSlot(each) || (each.phase === 'Queued' && isBefore(each, { started, nodeName: name })))
    .sort((a, b) => Number(holdsSlot(b)) - Number(holdsSlot(a)) || (isBefore(a, b) ? -1 : 1));
  if (before.length === 0) return [];
  const named = before.slice(0, MAX_NAMED).map(({ nodeName, phase }) => `Node ${nodeName} (${phase})`);
  const more = before.length - named.length;
  return [`Before it at present: ${named.join(', ')}${more === 0 ? '' : ` and ${more} more`}`];
}

/** The command that ends the request; absent if the Node carries none of the taints, or if its Machine asks. */
export function releaseOf(node: Node, taints: readonly MaintenanceTaint[]): string | undefined {
  const taint = askingTaintOrFence(node, taints) ?? heldTaint(node);
  return taint === undefined || isOfMachine(taint)
    ? undefined
    : `kubectl taint node ${node.metadata.name} ${formatTaint(taint)}-`;
}

/** The fence is no user's to remove: the host may be off. Cluster API records on a Node which Machine it belongs to. */
function endedByMachine(node: Node): string {
  const names = [annotationOf(node, MACHINE_NAMESPACE_ANNOTATION), annotationOf(node, MACHINE_NAME_ANNOTATION)];
  const isNamed = names.every((each) => each !== undefined && OBJECT_NAME.test(each));
  const where = isNamed ? `: maintenance-bridge why machine/${names.join('/')}` : '';
  return `Its Machine asks for the maintenance, and the maintenance ends there${where}`;
}

const MACHINE_NAMESPACE_ANNOTATION = 'cluster.x-k8s.io/cluster-namespace';
const MACHINE_NAME_ANNOTATION = 'cluster.x-k8s.io/machine';
/** Anybody who may write the Node may write these annotations, and the command is there to be copied. */
const OBJECT_NAME = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/;

/** Open requests of the Cluster API bridge for the Node; names the users who have to prepare it, with the command. */
function askedByMachine(node: Node): readonly string[] {
  if (labelOf(node, DRAIN_LABEL) !== undefined) return [];
  const { name, labels } = node.metadata;
  return MACHINE_QUESTIONS.flatMap(({ asked, answer, what }) =>
    labels?.[asked] === 'true' && labels[answer] !== 'true'
      ? [`${what}; without machine drain, when the Node is ready for it: kubectl label node ${name} ${answer}=true`]
      : [],
  );
}

const MACHINE_QUESTIONS = [
  { asked: MACHINE_DELETED_LABEL, answer: APPROVE_DELETION_LABEL, what: 'Its Machine is being deleted' },
  {
    asked: MACHINE_MAINTENANCE_LABEL,
    answer: APPROVE_MAINTENANCE_LABEL,
    what: 'Maintenance of its Machine is requested',
  },
] as const;

function waitsFor({ phase, message, blockedBy }: Report, ofMachine: boolean): Pick<Explanation, 'waitsFor'> {
  const [first] = blockedBy;
  const inTheWay = first && blockers(first, blockedBy.length);
  // After a rejection, removing the cause changes nothing before the user asks again.
  if (inTheWay !== undefined) return { waitsFor: phase === 'Rejected' ? `the user, because of ${inTheWay}` : inTheWay };
  if (message.startsWith(WAITING)) return { waitsFor: message.slice(WAITING.length) };
  const waiting = (ofMachine ? OF_MACHINE : USUALLY)[phase];
  return waiting === undefined ? {} : { waitsFor: waiting };
}

/** The prefix of the messages of `Queued` and `Exiting`, before what the Node waits for. */
const WAITING = 'Waiting for ';

function blockers({ pod, cause }: Blocked, count: number): string {
  return `Pod ${pod} (${cause})${count === 1 ? '' : ` and ${count - 1} more`}`;
}

const USUALLY: Partial<Readonly<Record<Phase, string>>> = {
  Draining: 'Pods that are leaving',
  InMaintenance: 'the user, who ends the maintenance by removing the taint',
  Rejected: 'the user, who removes the taint',
  Exiting: 'Pods that come back',
};

const OF_MACHINE: typeof USUALLY = {
  ...USUALLY,
  InMaintenance: 'the user, who ends the maintenance of its Machine',
  Rejected: 'machine drain, which takes the Node back into service',
};

function outlookOf({ phase, overdue, blockedBy }: Report): Outlook {
  switch (phase) {
    case 'InMaintenance':
      return blockedBy.length > 0 ? 'Waiting' : 'Ready';
    case 'Rejected':
      return 'Stuck';
    case 'Queued':
      return 'Waiting';
    case 'Checking':
    case 'Draining':
    case 'Exiting':
      if (overdue === true) return 'Stuck';
      return blockedBy.length > 0 ? 'Waiting' : 'Moving';
  }
}
