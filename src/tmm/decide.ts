/**
 * What happens next to one Node. The taint asks, the report on the Node says how far the last pass came:
 *
 * | Taint | Phase so far | What is decided |
 * | --- | --- | --- |
 * | yes | none, `Exiting`, `Checking`, `InMaintenance` with related Pods | the verdict: `Draining`, `InMaintenance`, `Checking` or `Rejected` |
 * | yes | `Draining` | evictions; `InMaintenance` when all have gone; `Rejected` at the deadline |
 * | yes | `InMaintenance`, `Rejected` | nothing new, except that Pods which appear on a rejected Node are told |
 * | no | any | what we set goes; what was removed is awaited; then the report goes |
 *
 * A phase is written before what it allows is done, with the resourceVersion that the decision read: killed anywhere, or
 * beside a second process that believes to lead, the next pass reads the phase and goes on from there.
 */
import { isSameTaint } from '../core/meta.ts';
import type { Node, Taint } from '../core/objects.ts';
import { drain } from './draining.ts';
import { check } from './entering.ts';
import * as events from './events.ts';
import { decideWithoutTaint } from './exiting.ts';
import { REPORT_ANNOTATION } from './names.ts';
import type { Observed } from './observed.ts';
import { relatedPods } from './pods.ts';
import { unmark } from './rejection.ts';
import { type Context, cordon, type Draft, iso, markAll, type Request, sweep, type TmmDecision } from './request.ts';
import type { TmmSettings } from './settings.ts';

export function decide(observed: Observed, context: Context): TmmDecision {
  const complete = (draft: Draft): TmmDecision => ({ evictions: [], blockedBy: [], memory: context.memory, ...draft });
  if (observed.node.is === 'absent') {
    return complete({ because: 'NodeGone', actions: observed.marked.flatMap(unmark) });
  }
  const node = observed.node.object;
  const taint = context.settings.taints.find((wanted) => node.spec.taints?.some((found) => isSameTaint(wanted, found)));
  const decision = complete(
    taint === undefined
      ? decideWithoutTaint(observed, node, context)
      : decideWithTaint({
          ...context,
          observed,
          node,
          taint,
          related: relatedPods(observed.pods, taint, context.settings),
        }),
  );
  return withHint(decision, observed, node, context.settings);
}

function decideWithTaint(request: Request): Draft {
  const { observed, node, related } = request;
  const now = iso(observed.nowMs);
  const report = observed.report.is === 'valid' ? observed.report.report : undefined;
  switch (report?.phase) {
    case undefined:
    case 'Exiting': {
      const session = `${observed.nowMs.toString(36)}-${node.metadata.uid.slice(0, 8)}`;
      return check(request, { session, started: now, since: now });
    }
    case 'Checking':
      return check(request, report);
    case 'Draining':
      return drain(request, report);
    case 'InMaintenance':
      // A Pod that was bound while the taint was set, or bound by hand: it is judged like any other.
      return related.length > 0
        ? check(request, { ...report, since: now })
        : {
            because: 'InMaintenance',
            phase: 'InMaintenance',
            actions: [...sweep(request), ...cordon(request, report)],
          };
    case 'Rejected':
      return {
        because: 'RejectionHeld',
        phase: 'Rejected',
        actions: [...sweep(request, report), ...markAll(request, report)],
        blockedBy: report.blockedBy,
      };
  }
}

/** Tells of taints that were probably meant for us and of a report that cannot be read: once per finding, not per pass. */
function withHint(decision: TmmDecision, { report }: Observed, node: Node, { taints }: TmmSettings): TmmDecision {
  const nearMisses = (node.spec.taints ?? []).flatMap((found: Taint) => {
    const meant = taints.find(({ key }) => key === found.key);
    const isRequest = taints.some((wanted) => isSameTaint(wanted, found));
    return meant === undefined || isRequest ? [] : [events.unrecognisedTaint(node, found, meant)];
  });
  const unreadable = report.is === 'invalid' ? [events.reportUnreadable(node, REPORT_ANNOTATION, report.why)] : [];
  const hints = [...nearMisses, ...unreadable];
  const hint = hints.map(({ note }) => note).join('\n');
  if (hint === (decision.memory.hint ?? '')) return decision;
  return { ...decision, actions: [...decision.actions, ...hints], memory: { ...decision.memory, hint } };
}
