/** Without the taint: what we set goes, what was removed is awaited, then the report goes. */
import { annotationOf } from '../core/meta.ts';
import type { Node } from '../core/objects.ts';
import * as events from './events.ts';
import { keyOfPod } from './kept.ts';
import { CORDON_ANNOTATION } from './names.ts';
import type { Observed } from './observed.ts';
import { bringHome, describeAway, type Homecoming, withHomecoming } from './recreating.ts';
import { unmark } from './rejection.ts';
import type { Report } from './report.ts';
import { type Context, type Draft, iso, setUnschedulable } from './request.ts';
import { removeReport, writeReport } from './status.ts';
import { describeMissing, missingFrom } from './workloads.ts';

export function decideWithoutTaint(observed: Observed, node: Node, context: Context): Draft {
  const { nowMs, report: seen } = observed;
  const cleaning = observed.marked.flatMap(unmark);
  if (annotationOf(node, CORDON_ANNOTATION) !== undefined) {
    return {
      because: 'Uncordoning',
      ...(seen.is === 'valid' && { phase: seen.report.phase }),
      actions: [...cleaning, setUnschedulable(node, null)],
    };
  }
  const home = bringHome(observed, observed.kept.stored, context.memory.hereSinceMs, node);
  const draft =
    seen.is === 'valid'
      ? exit(observed, node, context, seen.report, home)
      : {
          because: home.pending.length > 0 ? ('Restoring' as const) : ('Idle' as const),
          actions: [...cleaning, ...(seen.is === 'invalid' ? removeReport(node, nowMs) : [])],
        };
  return withHomecoming(draft, home, context, nowMs);
}

/** Waits for what was removed; in the end the report goes, whether all of it is back or not. */
function exit(observed: Observed, node: Node, { settings }: Context, report: Report, home: Homecoming): Draft {
  const { nowMs } = observed;
  const cleaning = observed.marked.flatMap(unmark);
  const missing = missingFrom(report.workloads ?? [], observed.pods, observed.unready);
  const deadlineMs =
    report.phase === 'Exiting' ? Date.parse(report.deadline ?? report.since) : nowMs + settings.exitTimeoutMs;
  const awaited = [describeMissing(missing), describeAway(observed, home.pending)]
    .filter((text) => text !== '')
    .join(', ');
  if (awaited === '' || nowMs >= deadlineMs) {
    const maintenanceMs = nowMs - Date.parse(report.started);
    const incomplete = awaited === '' ? [] : [events.maintenanceExitIncomplete(node, settings.exitTimeoutMs, awaited)];
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
  const { reason: _, ...rest } = report;
  // Written before they are created: their Secrets go with that, and nothing else would tell whom to wait for.
  const recreated = [
    ...new Set([...(report.recreated ?? []), ...home.pending.filter(({ wasReady }) => wasReady).map(keyOfPod)]),
  ];
  const exiting: Report = {
    ...rest,
    ...(recreated.length > 0 && { recreated }),
    phase: 'Exiting',
    since: isNew ? iso(nowMs) : report.since,
    deadline: iso(deadlineMs),
    message: `Waiting for Pods to be ready again: ${awaited}`,
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
