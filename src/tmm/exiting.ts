/** Without the taint: what we set goes, what was removed is awaited, then the report goes. */
import { annotationOf } from '../core/meta.ts';
import type { Node } from '../core/objects.ts';
import * as events from './events.ts';
import { CORDON_ANNOTATION } from './names.ts';
import type { Observed } from './observed.ts';
import { unmark } from './rejection.ts';
import type { Report } from './report.ts';
import { type Context, type Draft, iso, setUnschedulable } from './request.ts';
import { describeMissing, missingFrom } from './returning.ts';
import { removeReport, writeReport } from './status.ts';

export function decideWithoutTaint(observed: Observed, node: Node, { settings }: Context): Draft {
  const { nowMs, report: seen } = observed;
  const cleaning = observed.marked.flatMap(unmark);
  if (annotationOf(node, CORDON_ANNOTATION) !== undefined) {
    return {
      because: 'Uncordoning',
      ...(seen.is === 'valid' && { phase: seen.report.phase }),
      actions: [...cleaning, setUnschedulable(node, null)],
    };
  }
  if (seen.is !== 'valid') {
    return { because: 'Idle', actions: [...cleaning, ...(seen.is === 'invalid' ? removeReport(node, nowMs) : [])] };
  }
  const { report } = seen;
  const missing = missingFrom(report.returning ?? [], observed.pods);
  const deadlineMs =
    report.phase === 'Exiting' ? Date.parse(report.deadline ?? report.since) : nowMs + settings.exitTimeoutMs;
  if (missing.length === 0 || nowMs >= deadlineMs) {
    const maintenanceMs = nowMs - Date.parse(report.started);
    const incomplete =
      missing.length === 0
        ? []
        : [events.maintenanceExitIncomplete(node, settings.exitTimeoutMs, describeMissing(missing))];
    return {
      because: 'Ended',
      actions: [
        ...cleaning,
        ...removeReport(node, nowMs),
        ...incomplete,
        events.maintenanceEnded(node, maintenanceMs, report.pods.gone),
      ],
      completed: { maintenanceMs },
    };
  }
  const isNew = report.phase !== 'Exiting';
  const awaited = describeMissing(missing);
  const { reason: _, ...kept } = report;
  const exiting: Report = {
    ...kept,
    phase: 'Exiting',
    since: isNew ? iso(nowMs) : report.since,
    deadline: iso(deadlineMs),
    message: `Waiting for Pods to run here again: ${awaited}`,
    blockedBy: [],
  };
  return {
    because: 'Exiting',
    phase: 'Exiting',
    actions: [
      ...cleaning,
      ...writeReport(node, exiting, nowMs),
      ...(isNew ? [events.maintenanceExiting(node, awaited)] : []),
    ],
    requeueAfterMs: deadlineMs - nowMs,
  };
}
