/**
 * What happens next to one Node. The taint asks, the report on the Node says how far the last pass came:
 *
 * | Taint | Phase so far | What is decided |
 * | --- | --- | --- |
 * | yes | none, `Exiting`, `Checking`, `Queued`, `InMaintenance` with related Pods | the verdict: `Draining`, `InMaintenance`, `Checking`, `Queued` or `Rejected` |
 * | yes | `Draining` | evictions; `InMaintenance` when all have gone; `Rejected` at the deadline |
 * | yes | `InMaintenance`, `Rejected` | nothing new, except that Pods which appear on a rejected Node are told |
 * | no | any | what we set goes; what was removed is created again or awaited; then the report goes |
 *
 * A phase is written before what it allows is done, with the resourceVersion that the decision read: killed anywhere, or
 * beside a second process that believes to lead, the next pass reads the phase and goes on from there.
 */
import { keyOf } from '../core/meta.ts';
import type { Node } from '../core/objects.ts';
import { drain } from './draining.ts';
import { check } from './entering.ts';
import * as events from './events.ts';
import { decideWithoutTaint } from './exiting.ts';
import { REPORT_ANNOTATION } from './names.ts';
import type { Observed } from './observed.ts';
import { relatedPods } from './pods.ts';
import { bringHome, withHomecoming } from './recreating.ts';
import { unmark } from './rejection.ts';
import { type Context, cordon, type Draft, iso, markAll, type Request, sweep, type TmmDecision } from './request.ts';
import type { TmmSettings } from './settings.ts';
import { askingTaint, nearMisses } from './taints.ts';

export function decide(observed: Observed, context: Context): TmmDecision {
  const complete = (draft: Draft): TmmDecision => ({ evictions: [], blockedBy: [], memory: context.memory, ...draft });
  if (observed.node.is === 'absent') {
    const home = bringHome(observed, observed.kept.stored, context.memory.hereSinceMs);
    const draft: Draft = { because: 'NodeGone', actions: observed.marked.flatMap(unmark) };
    return complete(withHomecoming(draft, home, context, observed.nowMs));
  }
  const node = observed.node.object;
  const taint = askingTaint(node, context.settings.taints);
  const decision = complete(
    taint === undefined
      ? decideWithoutTaint(observed, node, context)
      : withEarlierHome(
          decideWithTaint({
            ...context,
            observed,
            node,
            taint,
            related: relatedPods(observed.pods, taint, context.settings),
          }),
          observed,
          node,
          context,
        ),
  );
  return withHint(decision, observed, node, context.settings);
}

/** What an earlier session has stored comes back although there is a new one; the scheduler finds it a place. */
function withEarlierHome(draft: Draft, observed: Observed, node: Node, context: Context): Draft {
  const session = observed.report.is === 'valid' ? observed.report.report.session : undefined;
  // Those that are still here may be evicted by the new session, which stores them anew.
  const over = observed.kept.stored.filter((each) => each.session !== session && each.is !== 'here');
  const home = bringHome(observed, over, undefined, node);
  return withHomecoming(draft, home, context, observed.nowMs);
}

function decideWithTaint(request: Request): Draft {
  const { observed, node, related } = request;
  const now = iso(observed.nowMs);
  const report = observed.report.is === 'valid' ? observed.report.report : undefined;
  switch (report?.phase) {
    case undefined:
    case 'Exiting': {
      const session = `${observed.nowMs.toString(36)}-${node.metadata.uid.slice(0, 8)}`;
      return check(request, { session, started: now });
    }
    case 'Checking':
    case 'Queued':
      return check(request, report);
    case 'Draining':
      return drain(request, report);
    case 'InMaintenance':
      // A Pod that was bound while the taint was set, or bound by hand: it is judged like any other.
      return related.length > 0
        ? check(request, report)
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

/** Tells of taints that were probably meant for us, of a report and of Secrets that cannot be read: once per finding, not per pass. */
function withHint(decision: TmmDecision, { report, kept }: Observed, node: Node, { taints }: TmmSettings): TmmDecision {
  const unrecognised = nearMisses(node, taints).map((each) => events.unrecognisedTaint(node, each));
  const unreadable = report.is === 'invalid' ? [events.reportUnreadable(node, REPORT_ANNOTATION, report.why)] : [];
  const secrets = kept.unreadable.map((secret) => events.storedPodUnreadable(node, keyOf(secret)));
  const hints = [...unrecognised, ...unreadable, ...secrets];
  const hint = hints.map(({ note }) => note).join('\n');
  if (hint === (decision.memory.hint ?? '')) return decision;
  return { ...decision, actions: [...decision.actions, ...hints], memory: { ...decision.memory, hint } };
}
