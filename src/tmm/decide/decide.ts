/**
 * Decides the next step for one Node. The taint is the request, and the report on the Node records how far the last pass came:
 *
 * | Taint | Phase so far | What is decided |
 * | --- | --- | --- |
 * | yes | none, `Exiting`, `Checking`, `Queued` | the verdict: `Draining`, `InMaintenance`, `Checking`, `Queued` or `Rejected` |
 * | yes | `Draining` | evictions; `InMaintenance` when all have gone; `Rejected` at the deadline |
 * | yes | `InMaintenance` | nothing new, but related Pods that appear are reported, and evicted within their budgets |
 * | yes | `Rejected` | nothing new, but Pods that appear get the rejection too |
 * | no | any | what we set is removed; displaced Pods are created again or waited for; then the report is removed |
 *
 * A phase is written before the actions that it allows, with the resourceVersion that the decision read: after a crash at any point, or
 * beside a second process that believes it is the leader, the next pass reads the phase and continues from there.
 */
import type { Action } from '../../core/action.ts';
import { keyOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { pauseAfter, repeatedAt } from '../../core/repeated-writes.ts';
import * as events from '../events.ts';
import type { Observed } from '../model/observed.ts';
import { type RelatedPod, relatedPods } from '../model/related-pods.ts';
import { noteReturns, returnsOf } from '../model/returns.ts';
import { nearMisses } from '../model/taints.ts';
import { REPORT_ANNOTATION } from '../names.ts';
import { check } from './admission.ts';
import { drain } from './drain.ts';
import { decideWithoutTaint, stillMissing } from './exit.ts';
import { maintain } from './maintenance.ts';
import { unmark } from './pod-annotations.ts';
import { discardEnded, restoreStoredPods, withRestoration } from './restore.ts';
import { type Context, type Draft, iso, type Memory, markAll, type Request, type TmmDecision } from './transition.ts';

export function decide(observed: Observed, context: Context): TmmDecision {
  const decision = decideNext(observed, context);
  return { ...decision, memory: lasting(decision) };
}

/** Outside a session nothing is remembered that was about one. */
function lasting({ memory, phase }: TmmDecision): Memory {
  const { hint = '', begun, hereSinceMs, cordonRefusedAtMs, ...ofSession } = memory;
  return {
    ...(phase !== undefined && ofSession),
    ...(hint !== '' && { hint }),
    ...(begun !== undefined && { begun }),
    ...(hereSinceMs !== undefined && { hereSinceMs }),
    ...(cordonRefusedAtMs !== undefined && { cordonRefusedAtMs }),
  };
}

function decideNext(observed: Observed, context: Context): TmmDecision {
  const complete = (draft: Draft, memory = context.memory): TmmDecision => ({
    evictions: [],
    questions: [],
    blockedBy: [],
    memory,
    ...withProgress(draft, memory, observed.nowMs),
  });
  if (observed.node.is === 'absent') {
    const home = restoreStoredPods(observed, observed.kept.stored, context.memory.hereSinceMs);
    const draft: Draft = { because: 'NodeGone', actions: observed.marked.flatMap(unmark) };
    return complete(withRestoration(draft, home, context, observed.nowMs));
  }
  const node = observed.node.object;
  const taint = observed.asked;
  if (taint === undefined) {
    const { begun: _, ...memory } = context.memory;
    const draft = ofSession(decideWithoutTaint(observed, node, { ...context, memory }), observed);
    return withHint(complete(draft, memory), observed, node, context);
  }
  const related = relatedPods(observed.pods, taint, context.settings, observed.nowMs);
  const noted = { ...context, memory: withReturns(context.memory, observed, related) };
  const draft = decideWithTaint({ ...noted, observed, node, taint, related });
  const whole = withEarlierHome({ memory: noted.memory, ...draft }, observed, node, noted);
  const decision = complete(ofSession(whole, observed));
  return withHint(decision, observed, node, context);
}

/** Remembers when progress was written, and comes back when it may be. */
function withProgress({ progress, ...draft }: Draft, memory: Memory, nowMs: number): Omit<Draft, 'progress'> {
  if (progress === undefined) return draft;
  if ('writtenAtMs' in progress) {
    return { ...draft, memory: { ...(draft.memory ?? memory), progressAtMs: progress.writtenAtMs } };
  }
  const { requeueAfterMs = Number.POSITIVE_INFINITY } = draft;
  return { ...draft, requeueAfterMs: Math.min(requeueAfterMs, progress.dueAtMs - nowMs) };
}

/** Scopes Events to the session: the same Event is recorded again in the next session, even with the same wording. */
function ofSession(draft: Draft, { report }: Observed): Draft {
  const scope = report.is === 'valid' ? report.report.session : undefined;
  if (scope === undefined) return draft;
  const scoped = (action: Action): Action => (action.do === 'recordEvent' ? { scope, ...action } : action);
  return { ...draft, actions: draft.actions.map(scoped) };
}

/** Counts Pods that have come back to the Node while it is being drained or counts as drained. */
function withReturns(memory: Memory, { report, nowMs }: Observed, related: readonly RelatedPod[]): Memory {
  const current = report.is === 'valid' ? report.report : undefined;
  if (current?.phase !== 'Draining' && current?.phase !== 'InMaintenance') return memory;
  const { session } = current;
  const before = memory.returns?.session === session ? memory.returns.owners : returnsOf(current);
  return {
    ...memory,
    returns: {
      session,
      owners: noteReturns(
        before,
        related.map(({ pod }) => pod),
        nowMs,
      ),
    },
  };
}

/** Restores the Pods that an earlier session has stored although there is a new session; the scheduler finds them a place. */
function withEarlierHome(draft: Draft, observed: Observed, node: Node, context: Context): Draft {
  const session = observed.report.is === 'valid' ? observed.report.report.session : undefined;
  // Pods that are still here may be evicted by the new session, which stores them again.
  const over = observed.kept.stored.filter((each) => each.session !== session && each.is !== 'here');
  const home = restoreStoredPods(observed, over, undefined, node);
  const own = observed.kept.stored.filter((each) => each.session === session);
  const actions = [...draft.actions, ...discardEnded(own, node)];
  return withRestoration({ ...draft, actions }, home, context, observed.nowMs);
}

function decideWithTaint(request: Request): Draft {
  const { observed, node } = request;
  const now = iso(observed.nowMs);
  const report = observed.report.is === 'valid' ? observed.report.report : undefined;
  // What the previous, exiting session has not restored is still missing because of us.
  const begin = (): Draft =>
    check(request, {
      session: `${observed.nowMs.toString(36)}-${node.metadata.uid.slice(0, 8)}`,
      started: now,
      workloads: stillMissing(report, observed).map(({ workload }) => workload),
    });
  switch (report?.phase) {
    case undefined:
      return beginWithPauses(request, begin);
    case 'Exiting':
      return begin();
    case 'Checking':
    case 'Queued':
      return check(request, report);
    case 'Draining':
      return drain(request, report);
    case 'InMaintenance':
      return maintain(request, report);
    case 'Rejected':
      return {
        because: 'RejectionHeld',
        phase: 'Rejected',
        actions: markAll(request, report),
        blockedBy: report.blockedBy,
      };
  }
}

/**
 * Somebody may remove the report while the request stays. Each removal leads to a new session, with its Events and its evictions; where that
 * goes on, the pauses between them grow.
 */
function beginWithPauses({ observed: { nowMs }, node, memory }: Request, begin: () => Draft): Draft {
  const pauseMs = memory.begun === undefined ? 0 : pauseAfter(memory.begun, nowMs);
  if (pauseMs > 0) return { because: 'ReportRemoved', actions: [], requeueAfterMs: pauseMs };
  const draft = begin();
  const begun = repeatedAt(nowMs, memory.begun);
  const isFought = pauseAfter(begun, nowMs) > 0;
  return {
    ...draft,
    actions: isFought ? [...draft.actions, events.reportRemoved(node, REPORT_ANNOTATION)] : draft.actions,
    memory: { ...(draft.memory ?? memory), begun },
  };
}

/** Warns of taints that were probably meant for us, and of a report and Secrets that cannot be read: once per finding, not per pass. */
function withHint(decision: TmmDecision, observed: Observed, node: Node, context: Context): TmmDecision {
  const { report: seen, kept, asked } = observed;
  const { taints, unmanagedPods } = context.settings;
  const report = seen.is === 'valid' ? seen.report : undefined;
  const { storedIn } = report ?? {};
  const isElsewhere = context.storesIn !== undefined && storedIn !== context.storesIn;
  const isStranded = storedIn !== undefined && (unmanagedPods === 'reject' || isElsewhere);
  const unrecognised = nearMisses(node, taints).map((each) => events.unrecognisedTaint(node, each));
  const unreadable = seen.is === 'invalid' ? [events.reportUnreadable(node, REPORT_ANNOTATION, seen.why)] : [];
  const held = asked?.isHeld ? [events.taintNotConfigured(node, asked)] : [];
  const stranded = isStranded ? [events.storedPodsStranded(node, storedIn)] : [];
  const secrets = kept.unreadable.map((secret) => events.storedPodUnreadable(node, keyOf(secret)));
  const hints = [...unrecognised, ...unreadable, ...held, ...stranded, ...secrets];
  const hint = hints.map(({ note }) => note).join('\n');
  if (hint === (decision.memory.hint ?? '')) return decision;
  return { ...decision, actions: [...decision.actions, ...hints], memory: { ...decision.memory, hint } };
}
