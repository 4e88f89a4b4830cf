/** What is written on the Node: the report and the conditions of KEP-5683, together in one request. */
import { type PatchNodeStatus, refOf } from '../core/action.ts';
import { annotationOf, conditionOf } from '../core/meta.ts';
import { type Condition, NODE, type Node } from '../core/objects.ts';
import { CONDITIONS, type ConditionType, type Phase, REPORT_ANNOTATION } from './names.ts';
import { formatReport, type Report } from './report.ts';

/** Phases in which each condition is `True`, and its reason then (the KEP's words). */
const TRUE_IN: Readonly<Record<ConditionType, { readonly phases: readonly Phase[]; readonly reason: string }>> = {
  MaintenanceInProgress: { phases: ['Draining', 'InMaintenance', 'Exiting'], reason: 'AdminRequested' },
  DrainInProgress: { phases: ['Draining'], reason: 'AdminRequested' },
  Drained: { phases: ['InMaintenance'], reason: 'DrainCompleted' },
};

/** Messages stay the same for a whole phase, so that progress does not churn conditions; a rejection says why. */
const MESSAGES: Readonly<Record<Phase, string>> = {
  Checking: 'The verdict on the Pods of this Node is being formed',
  Queued: 'Another Node has to be finished first',
  Draining: 'Pods are being evicted',
  InMaintenance: 'No related Pod runs here',
  Rejected: 'The maintenance was rejected',
  Exiting: 'The taint has gone; Pods are being brought back',
};

/** Writes the report and what it means for the conditions; nothing where the Node says so already. */
export function writeReport(node: Node, report: Report, nowMs: number): readonly PatchNodeStatus[] {
  const message = report.phase === 'Rejected' ? report.message : MESSAGES[report.phase];
  const conditions = CONDITIONS.map((type): Condition => {
    const { phases, reason } = TRUE_IN[type];
    const isTrue = phases.includes(report.phase);
    return { type, status: isTrue ? 'True' : 'False', reason: isTrue ? reason : report.phase, message };
  });
  return write(node, formatReport(report), conditions, nowMs);
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
