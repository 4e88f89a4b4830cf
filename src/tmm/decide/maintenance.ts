/**
 * A Node that was drained. The user may be working on the machine, so the session cannot be revoked any more: it keeps its phase and slot
 * until the taint goes. Related Pods that appear (bound while the taint was set, or by hand) make `Drained` False and are evicted within
 * their budgets, without a deadline; Pods that must not be evicted are reported and left alone.
 */
import { keyOf } from '../../core/meta.ts';
import * as events from '../events.ts';
import type { Report } from '../model/report.ts';
import { reportOf } from '../model/returns.ts';
import { drained, plannedEvictions } from './admission.ts';
import { stillThere } from './blockers.ts';
import type { DrainPlan } from './evictions.ts';
import { waitForReturn } from './return-wait.ts';
import { cordon, countPods, type Draft, enter, type Request, sweep } from './transition.ts';

/** A taint that the settings no longer name keeps the maintenance going, but evicts nothing. */
const NOTHING: DrainPlan = { wanted: [], questions: [], stores: [], blockedBy: [], terminating: 0 };

export function maintain(request: Request, before: Report): Draft {
  const { observed, node, related, memory } = request;
  const cordoning = cordon(request, before);
  if (cordoning.length > 0) {
    // The cordon takes a pass of its own: one write of the Node per resourceVersion. The watch event of the write triggers the next pass.
    return { because: 'InMaintenance', phase: 'InMaintenance', actions: [...sweep(request), ...cordoning] };
  }
  const { gone, total } = before.pods;
  if (related.length === 0) {
    const idle: Draft = { because: 'InMaintenance', phase: 'InMaintenance', actions: sweep(request) };
    if (total === gone) return idle;
    // The Pods that had appeared are gone: as with the first `Drained`, report it only if none is expected back, and once the API server
    // confirms it. Until then the report names the Pods that came.
    const wait = waitForReturn(request, before);
    return wait === undefined ? drained(request, before, total) : { ...idle, blockedBy: before.blockedBy, ...wait };
  }
  const plan = request.taint.isHeld ? NOTHING : plannedEvictions(request, before);
  const told = new Set(plan.blockedBy.map(({ pod }) => pod));
  const blockedBy = [
    ...plan.blockedBy,
    ...related.filter(({ pod }) => !told.has(keyOf(pod))).map(({ pod }) => stillThere(pod)),
  ].sort((a, b) => (a.pod < b.pod ? -1 : 1));
  const [first] = blockedBy;
  const isNew = total === gone;
  const { emptySinceMs: _, ...rest } = memory;
  const draft = enter(request, before, {
    because: 'InMaintenance',
    phase: 'InMaintenance',
    sinceMs: Date.parse(before.since),
    message: `Drained, but ${related.length === 1 ? '1 related Pod has' : `${related.length} related Pods have`} appeared since`,
    pods: countPods(request, Math.max(gone, total - related.length)),
    blockedBy,
    notModelled: before.notModelled ?? [],
    returns: reportOf(memory.returns?.owners ?? {}),
  });
  return {
    ...draft,
    actions: [
      ...draft.actions,
      ...(isNew && first !== undefined ? [events.nodeNotDrained(node, blockedBy.length, first)] : []),
      ...plan.stores,
    ],
    evictions: plan.wanted,
    questions: plan.questions,
    memory: rest,
    ...(plan.nextAtMs !== undefined && { requeueAfterMs: Math.max(0, plan.nextAtMs - observed.nowMs) }),
  };
}
