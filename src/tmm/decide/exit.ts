/** The taint has gone: remove what we set, wait for the displaced members, then remove the report. */

import { annotationOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import * as events from '../events.ts';
import type { Observed } from '../model/observed.ts';
import { forgetCommand, type Report } from '../model/report.ts';
import { keyOfPod } from '../model/stored-pods.ts';
import { describeMissing, type Missing, missingFrom } from '../model/workloads.ts';
import { CORDON_ANNOTATION } from '../names.ts';
import { forgetConditions, removeReport } from './node-status.ts';
import { describeAway, type Restoration, restoreStoredPods, withRestoration } from './restore.ts';
import { type Context, cordonHeldUntilMs, type Draft, enter, setUnschedulable, sweep } from './transition.ts';

export function decideWithoutTaint(observed: Observed, node: Node, context: Context): Draft {
  const { nowMs, report: seen } = observed;
  const cleaning = sweep({ observed });
  const heldMs = cordonHeldUntilMs(context.memory, nowMs);
  if (seen.is !== 'valid' && isCordoned(node) && heldMs === undefined) {
    return { because: 'Uncordoning', actions: [...cleaning, setUnschedulable(node, null)] };
  }
  const home = restoreStoredPods(observed, observed.kept.stored, context.memory.hereSinceMs, node);
  // No Pod comes back to a cordoned Node; once the session has given up on uncordoning, Pods find their place elsewhere.
  const isHeld = seen.is === 'valid' && isCordoned(node) && nowMs < exitDeadlineMs(seen.report, context, nowMs);
  const draft =
    seen.is === 'valid'
      ? exit(observed, node, context, seen.report, home)
      : {
          because: home.pending.length > 0 ? ('Restoring' as const) : ('Idle' as const),
          actions: [
            ...cleaning,
            ...(seen.is === 'invalid' ? removeReport(node, nowMs) : forgetConditions(node, nowMs)),
          ],
          ...(isCordoned(node) && heldMs !== undefined && { requeueAfterMs: heldMs - nowMs }),
        };
  return withRestoration(draft, isHeld ? { ...home, actions: [] } : home, context, nowMs);
}

/** The members that a session has displaced and that are still missing. */
export function stillMissing(report: Report | undefined, { members }: Observed): readonly Missing[] {
  return missingFrom(report?.workloads ?? [], ({ uid }) => members?.[uid]);
}

/**
 * Waits for the displaced members. If some are still missing at the deadline, this is reported and the slot is released; the report stays
 * until they are back or no longer wanted, since Nodes with other members of the same workloads have to wait. Everything else ends with the
 * deadline.
 */
function exit(observed: Observed, node: Node, context: Context, report: Report, home: Restoration): Draft {
  const { nowMs } = observed;
  const { settings, memory } = context;
  const missing = stillMissing(report, observed);
  const deadlineMs = exitDeadlineMs(report, context, nowMs);
  const cordon = isCordoned(node) ? 'the cordon that was set for the maintenance, which has to be lifted' : '';
  const awaited = [cordon, describeMissing(missing), describeAway(observed, home.pending)]
    .filter((text) => text !== '')
    .join(', ');
  const overdue = nowMs >= deadlineMs;
  // Only Nodes with other Pods of the workload wait for it: if it has no Pods, and it is not known how many its owner asks for, nobody
  // waits any more.
  const isAwaited = missing.some(({ workload: { uid } }) => {
    const { asked, isThere = false } = observed.members?.[uid] ?? {};
    return asked !== undefined || isThere;
  });
  const isTold = report.phase === 'Exiting' && report.overdue === true;
  const incomplete =
    awaited === '' || !overdue || isTold
      ? []
      : [events.maintenanceExitIncomplete(node, settings.exitTimeoutMs, awaited, isAwaited)];
  const maintenanceMs = nowMs - Date.parse(report.started);
  if (awaited === '' || (overdue && !isAwaited)) {
    return {
      because: 'Ended',
      actions: [
        ...sweep({ observed }),
        ...removeReport(node, nowMs),
        ...incomplete,
        events.maintenanceEnded(node, maintenanceMs, report.pods.gone),
      ],
      ...(!isTold && { completed: { maintenanceMs } }),
    };
  }
  // The report names them before they are created: their Secrets are deleted once they exist, and then only the report says which Pods to
  // wait for.
  const recreated = [
    ...new Set([...(report.recreated ?? []), ...home.pending.filter(({ wasReady }) => wasReady).map(keyOfPod)]),
  ];
  const waiting = cordon === '' ? `Waiting for Pods to be ready again: ${awaited}` : `Waiting for ${awaited}`;
  const message = overdue
    ? `${waiting}. The slot is free; Nodes with Pods of the same workloads wait. To forget it: ${forgetCommand(node.metadata.name)}`
    : waiting;
  const draft = enter({ observed, node, memory }, report, {
    because: 'Exiting',
    phase: 'Exiting',
    sinceMs: report.phase === 'Exiting' ? Date.parse(report.since) : nowMs,
    deadlineMs,
    message,
    pods: report.pods,
    notModelled: report.notModelled ?? [],
    recreated,
    overdue,
    event: events.maintenanceExiting(node, message),
  });
  const heldMs = cordon === '' ? undefined : cordonHeldUntilMs(context.memory, nowMs);
  const times = [overdue ? [] : deadlineMs, heldMs ?? []].flat();
  const next = {
    ...draft,
    actions: [...draft.actions, ...incomplete],
    ...(overdue && !isTold && { completed: { maintenanceMs } }),
    ...(times.length > 0 && { requeueAfterMs: Math.min(...times) - nowMs }),
  };
  // Uncordoning takes a pass of its own, after the phase and its deadline are written: if the right to uncordon was taken away meanwhile,
  // the deadline still ends the session, and with it the wait of the Nodes behind it.
  const hasWritten = draft.actions.some(({ do: kind }) => kind === 'patchNodeStatus');
  if (cordon === '' || hasWritten || heldMs !== undefined) return next;
  return { ...next, because: 'Uncordoning', actions: [...next.actions, setUnschedulable(node, null)] };
}

function exitDeadlineMs({ phase, deadline, since }: Report, { settings }: Context, nowMs: number): number {
  return phase === 'Exiting' ? Date.parse(deadline ?? since) : nowMs + settings.exitTimeoutMs;
}

/** Whether the Node carries a cordon that we set. */
function isCordoned(node: Node): boolean {
  return annotationOf(node, CORDON_ANNOTATION) !== undefined;
}
