/** Writes to the Node's status: the report and the conditions of KEP-5683, together in one request. */
import { type PatchNodeStatus, refOf } from '../../core/action.ts';
import { annotationOf, conditionOf } from '../../core/meta.ts';
import { type Condition, NODE, type Node } from '../../core/objects.ts';
import { boundReport, formatReport, type Report } from '../model/report.ts';
import { CONDITIONS, type ConditionType, type Phase, REPORT_ANNOTATION } from '../names.ts';

/** The phases in which each condition is `True`, with its reason in the KEP's terms. */
const TRUE_IN: Readonly<Record<ConditionType, { readonly phases: readonly Phase[]; readonly reason: string }>> = {
  MaintenancePlanned: { phases: ['Checking', 'Queued'], reason: 'AdminRequested' },
  MaintenanceInProgress: { phases: ['Draining', 'InMaintenance', 'Exiting'], reason: 'AdminRequested' },
  DrainInProgress: { phases: ['Draining'], reason: 'AdminRequested' },
  Drained: { phases: ['InMaintenance'], reason: 'DrainCompleted' },
};

/**
 * Messages stay the same for a whole phase, so that progress does not churn conditions. A rejection explains why it happened, and a drained
 * Node names the Pods on it.
 */
const MESSAGES: Partial<Readonly<Record<Phase, string>>> = {
  Checking: 'The verdict on the Pods of this Node is being formed',
  Queued: 'Another Node has to be finished first',
  Draining: 'Pods are being evicted',
  Exiting: 'The taint has gone; Pods are being brought back',
};

/** Writes the report and the conditions that follow from it; nothing if the Node has them already. */
export function writeReport(node: Node, report: Report, nowMs: number): readonly PatchNodeStatus[] {
  const bounded = boundReport(report);
  const message = MESSAGES[report.phase] ?? bounded.message;
  const isDrained = report.pods.gone === report.pods.total;
  const conditions = CONDITIONS.map((type): Condition => {
    const { phases, reason } = TRUE_IN[type];
    const isTrue = phases.includes(report.phase) && (type !== 'Drained' || isDrained);
    return { type, status: isTrue ? 'True' : 'False', reason: isTrue ? reason : report.phase, message };
  });
  return write(node, formatReport(bounded), conditions, nowMs);
}

/** Removes the report; conditions that a session has set become `False`. */
export function removeReport(node: Node, nowMs: number): readonly PatchNodeStatus[] {
  const conditions = CONDITIONS.filter((type) => conditionOf(node.status.conditions, type) !== undefined).map(
    (type): Condition => ({
      type,
      status: 'False',
      reason: 'MaintenanceEnded',
      message: 'No maintenance is under way',
    }),
  );
  return write(node, null, conditions, nowMs);
}

/** Somebody has removed the report by hand: the conditions must no longer claim a maintenance under way. */
export function forgetConditions(node: Node, nowMs: number): readonly PatchNodeStatus[] {
  const isOurs = CONDITIONS.some((type) => {
    const { status, message = '' } = conditionOf(node.status.conditions, type) ?? {};
    return status === 'True' && Object.values(MESSAGES).includes(message);
  });
  return isOurs ? removeReport(node, nowMs) : [];
}

function write(
  node: Node,
  annotation: string | null,
  wanted: readonly Condition[],
  nowMs: number,
): readonly PatchNodeStatus[] {
  const conditions = wanted.flatMap((condition): Condition[] => {
    const current = conditionOf(node.status.conditions, condition.type);
    const isSame =
      current?.status === condition.status &&
      current.reason === condition.reason &&
      current.message === condition.message;
    if (isSame) return [];
    const sinceMs = current?.status === condition.status ? Date.parse(current.lastTransitionTime ?? '') : nowMs;
    return [{ ...condition, lastTransitionTime: new Date(Number.isNaN(sinceMs) ? nowMs : sinceMs).toISOString() }];
  });
  const isWritten = (annotationOf(node, REPORT_ANNOTATION) ?? null) === annotation;
  if (isWritten && conditions.length === 0) return [];
  return [
    {
      do: 'patchNodeStatus',
      target: refOf(NODE, node),
      resourceVersion: node.metadata.resourceVersion,
      annotations: isWritten ? {} : { [REPORT_ANNOTATION]: annotation },
      conditions,
    },
  ];
}
