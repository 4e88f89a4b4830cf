/**
 * The verdict on a Node before its first eviction: all or nothing. The rules are asked in their order and the first that
 * has something to say wins; rows are those of the design's table. A verdict of `later` is possible only where a
 * missing member may become ready again, or where the disruption controller has yet to speak.
 */
import { controllerOf, isDeleting, isReady, keyOf } from '../core/meta.ts';
import type { PodDisruptionBudget } from '../core/objects.ts';
import { describeBudget, hasSyncFailed, isExempt, isObserved, mostEverAllowed, numbersOf } from './budgets.ts';
import { movablePods } from './fit.ts';
import type { FailureReason } from './names.ts';
import type { BudgetSurroundings, Observed } from './observed.ts';
import { doNotEvictMark, type RelatedPod } from './pods.ts';
import { type Waiting, waitForOthers } from './queue.ts';
import { isRecreated } from './recreating.ts';
import type { Blocked } from './report.ts';
import type { TmmSettings } from './settings.ts';

export type Verdict =
  | { readonly is: 'proceed'; readonly because: string }
  | ({ readonly is: 'queue' } & Waiting)
  | {
      readonly is: 'later' | 'never';
      readonly reason: FailureReason;
      readonly message: string;
      readonly blockedBy: readonly Blocked[];
    };

export interface VerdictInput {
  readonly related: readonly RelatedPod[];
  readonly settings: TmmSettings;
  readonly observed: Observed;
  /** When the session began (RFC 3339): who asked first goes first. */
  readonly started: string;
  /** The Node is in maintenance already, and only judged again for Pods that have come since. */
  readonly holdsSlot: boolean;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
}

/** A budget with the related Pods of this Node that it selects. */
interface BudgetHere {
  readonly budget: PodDisruptionBudget;
  readonly pods: readonly RelatedPod[];
  /** Those whose eviction the budget counts. */
  readonly counted: readonly RelatedPod[];
}

type Rule = (input: VerdictInput) => Verdict | undefined;

/** Groups the related Pods by the budgets that select them, ordered by the budget's key. */
function budgetsHere(related: readonly RelatedPod[]): readonly BudgetHere[] {
  const byKey = new Map<string, { budget: PodDisruptionBudget; pods: RelatedPod[] }>();
  for (const facts of related) {
    for (const budget of facts.budgets) {
      const entry = byKey.get(keyOf(budget)) ?? { budget, pods: [] };
      entry.pods.push(facts);
      byKey.set(keyOf(budget), entry);
    }
  }
  return [...byKey.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { budget, pods }]) => ({ budget, pods, counted: pods.filter(({ pod }) => !isExempt(pod, budget)) }));
}

const judged = ({ budget, counted }: BudgetHere): boolean =>
  counted.length > 0 && isObserved(budget) && !hasSyncFailed(budget);

/** Row 1. */
const nothingRelated: Rule = ({ related }) =>
  related.length === 0 ? { is: 'proceed', because: 'no related Pod' } : undefined;

/**
 * Row 2: slots are used up, or everything that is missing is missing because of our own maintenance of other Nodes, and
 * comes back with them.
 */
const othersFirst: Rule = ({ related, settings, observed, started, holdsSlot }) => {
  if (holdsSlot) return undefined;
  const waiting = waitForOthers(observed, started, settings);
  if (waiting !== undefined) return { is: 'queue', ...waiting };
  const explained = budgetsHere(related)
    .filter(judged)
    .find(({ budget }) => {
      const { missingInDomain, missingByMaintenance } = surroundingsOf(budget, observed);
      const { allowed, expected, healthy } = numbersOf(budget);
      const missingElsewhere = expected - healthy - missingInDomain;
      return allowed < 1 && missingElsewhere > 0 && missingByMaintenance >= missingElsewhere;
    });
  if (explained === undefined) return undefined;
  return {
    is: 'queue',
    message: `Waiting for other Nodes' maintenance, which explains what is missing: ${describeBudget(explained.budget)}`,
  };
};

/** Row 3: the Pods that have to move do not all fit together on other Nodes, by the scheduler's own rules. */
const noRoom: Rule = ({ related, observed }) => {
  const movable = movablePods(related);
  if (movable.length === 0 || observed.fit === undefined) return undefined;
  const { unplaced } = observed.fit(
    movable,
    related.map(({ pod }) => pod),
  );
  return refusal(
    'never',
    'NotEnoughResources',
    unplaced.map(({ pod, why }) => ({
      pod,
      cause: 'NoRoom' as const,
      detail: `It does not fit elsewhere together with the others: ${why}`,
      remedy: 'Add room on other Nodes, then taint again',
    })),
  );
};

/** Before any budget can be judged: a budget that was just created or changed is counted within moments. */
const budgetNotObserved: Rule = ({ related }) => {
  const waiting = budgetsHere(related).filter(({ budget, counted }) => counted.length > 0 && !isObserved(budget));
  return refusal(
    'later',
    'GenericFailure',
    waiting.flatMap(({ budget, counted }) =>
      counted.map(({ pod }) => ({
        pod: keyOf(pod),
        cause: 'BudgetNotObserved' as const,
        detail: `The disruption controller has not yet judged PodDisruptionBudget ${keyOf(budget)}`,
        remedy: 'Wait; if it lasts, look at kube-controller-manager',
      })),
    ),
  );
};

/**
 * Row 5: the budget allows fewer disruptions than the ready Pods that it has pinned here (they cannot be ready elsewhere
 * before the next one must go), those of other Nodes that are being drained included, or it is short because of failures
 * elsewhere. What is missing on this Node or in its failure domain is not held against it (row 4, the repair case). It may
 * recover as long as Pods are missing and the budget would suffice with all of them healthy.
 */
const budgetShort: Rule = ({ related, observed }) => {
  let mayRecover = true;
  const blockedBy = budgetsHere(related)
    .filter(judged)
    .flatMap(({ budget, counted }): Blocked[] => {
      const numbers = numbersOf(budget);
      const { missingInDomain, promisedElsewhere } = surroundingsOf(budget, observed);
      const pinned = counted.filter((facts) => facts.isPinned && isReady(facts.pod) && !facts.fate.isSelfMoving).length;
      const missing = Math.max(0, numbers.expected - numbers.healthy);
      const failsElsewhere = numbers.allowed < 1 && missing > missingInDomain;
      const isTooSmall = pinned > 0 && pinned + promisedElsewhere > numbers.allowed;
      if (!failsElsewhere && !isTooSmall) return [];
      mayRecover &&= missing > 0 && mostEverAllowed(numbers) >= Math.max(1, pinned + promisedElsewhere);
      return counted.map(({ pod }) => ({
        pod: keyOf(pod),
        cause: failsElsewhere ? 'BudgetExhausted' : 'BudgetTooSmallForPinnedPods',
        detail: isTooSmall
          ? `${describeBudget(budget)}; ${pinned} ready Pods of it can run on this Node only`
          : describeBudget(budget),
        remedy: failsElsewhere
          ? 'Repair the Pods that are not healthy on other Nodes, then taint again'
          : 'Add members on other Nodes or widen the budget, then taint again',
      }));
    });
  return refusal(mayRecover ? 'later' : 'never', 'TooManyExistingFailures', blockedBy);
};

/**
 * Row 6: without a budget nothing but this holds the members of a StatefulSet together: of three or more, a majority stays
 * ready. Those of other Nodes that are being drained count as gone.
 */
const quorumLost: Rule = ({ related, settings }) => {
  if (settings.quorum === 'off') return undefined;
  let mayRecover = true;
  const members = related.filter(({ statefulSet }) => statefulSet !== undefined && statefulSet.replicas >= 3);
  const blockedBy = members.flatMap(({ pod, statefulSet }): Blocked[] => {
    if (statefulSet === undefined) return [];
    const leaving = members.filter((other) => other.statefulSet?.key === statefulSet.key && isReady(other.pod)).length;
    const { key, replicas, ready, promisedElsewhere } = statefulSet;
    const stay = ready - leaving - promisedElsewhere;
    if (stay >= majorityOf(replicas)) return [];
    mayRecover &&= replicas - leaving - promisedElsewhere >= majorityOf(replicas);
    return [
      {
        pod: keyOf(pod),
        cause: 'QuorumAtRisk',
        detail: `StatefulSet ${key} has no PodDisruptionBudget, and ${Math.max(0, stay)} of ${replicas} members would stay ready; a majority is ${majorityOf(replicas)}`,
        remedy: 'Repair or add members on other Nodes, or write a PodDisruptionBudget that says what is allowed',
      },
    ];
  });
  return refusal(mayRecover ? 'later' : 'never', 'TooManyExistingFailures', blockedBy);
};

/** The least number of members that is more than half of them. */
export function majorityOf(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/** Row 7: the budget can never allow a disruption, and nobody is known to open it or to move the Pod. */
const budgetImpossible: Rule = ({ related }) =>
  refusal(
    'never',
    'TooManyExistingFailures',
    budgetsHere(related)
      .filter(
        (here) => judged(here) && numbersOf(here.budget).expected > 0 && mostEverAllowed(numbersOf(here.budget)) === 0,
      )
      .flatMap(({ budget, counted }) =>
        counted
          .filter(({ fate }) => !fate.isSelfMoving)
          .map(({ pod }) => ({
            pod: keyOf(pod),
            cause: 'BudgetImpossible' as const,
            detail: `${describeBudget(budget)}: it can never allow one`,
            remedy: 'Raise the replicas or widen the budget, then taint again',
          })),
      ),
  );

/** Row 8: what the Eviction API refuses, what would be lost for good, and what somebody forbade. One entry a Pod, in this order. */
const unevictable: Rule = ({ related, settings, observed: { nowMs }, ownPod }) =>
  refusal(
    'never',
    'GenericFailure',
    related
      .filter(({ pod }) => !isDeleting(pod))
      .flatMap((facts) => unevictableBy(facts, settings, nowMs, ownPod) ?? []),
  );

/** Why one Pod must not be evicted whatever its budget allows (row 8); undefined where nothing speaks against it. */
export function unevictableBy(
  { pod, budgets, fate }: RelatedPod,
  settings: TmmSettings,
  nowMs: number,
  ownPod?: string,
): Blocked | undefined {
  const blocked = (cause: Blocked['cause'], detail: string, remedy: string): Blocked => ({
    pod: keyOf(pod),
    cause,
    detail,
    remedy,
  });
  if (budgets.length > 1 && pod.status.phase !== 'Pending') {
    const names = budgets.map((budget) => keyOf(budget)).join(', ');
    return blocked(
      'MultipleBudgets',
      `More than one PodDisruptionBudget selects it: ${names}`,
      'Leave one budget, then taint again',
    );
  }
  const failed = budgets.find((budget) => isObserved(budget) && hasSyncFailed(budget) && !isExempt(pod, budget));
  if (failed !== undefined) {
    return blocked(
      'BudgetSyncFailed',
      `The disruption controller cannot judge PodDisruptionBudget ${keyOf(failed)}`,
      `See the budget's condition DisruptionAllowed: kubectl -n ${failed.metadata.namespace} describe pdb ${failed.metadata.name}`,
    );
  }
  // We could store ourselves, but would not be there to bring us back.
  const isLost = !isRecreated(pod, settings) || keyOf(pod) === ownPod;
  if (controllerOf(pod) === undefined && isLost && !fate.waitsForCompletion) {
    return blocked(
      'NoController',
      'No controller would create it again',
      'Delete the Pod yourself or give it a controller, then taint again',
    );
  }
  const mark = settings.honourDoNotEvict ? doNotEvictMark(pod, nowMs) : undefined;
  if (mark !== undefined) return blocked('DoNotEvict', `It is marked ${mark}`, 'Remove the mark, then taint again');
  if (settings.emptyDir === 'reject' && (pod.spec.volumes ?? []).some((volume) => volume.emptyDir !== undefined)) {
    return blocked(
      'EmptyDir',
      'It has an emptyDir volume, whose data would be lost',
      'Move the data or set tmm.emptyDir: evict',
    );
  }
  if (fate.toleratesTaint && settings.toleratingPods === 'reject') {
    return blocked(
      'ToleratesTaint',
      'It tolerates the maintenance taint and would come back',
      'Remove the toleration, then taint again',
    );
  }
  return undefined;
}

/**
 * In the order of the table. Row 4, the repair case, is how `budgetShort` counts. Row 9, a pinned Pod whose budget allows its
 * absence, is what remains when no rule speaks: proceed.
 */
const RULES: readonly Rule[] = [
  nothingRelated,
  othersFirst,
  noRoom,
  budgetNotObserved,
  budgetShort,
  quorumLost,
  budgetImpossible,
  unevictable,
];

/** Judges all related Pods of one Node together. */
export function judge(input: VerdictInput): Verdict {
  for (const rule of RULES) {
    const verdict = rule(input);
    if (verdict !== undefined) return verdict;
  }
  return { is: 'proceed', because: 'every related Pod may leave' };
}

const NOTHING_AROUND: BudgetSurroundings = { missingInDomain: 0, missingByMaintenance: 0, promisedElsewhere: 0 };

function surroundingsOf(budget: PodDisruptionBudget, { budgets }: Observed): BudgetSurroundings {
  return budgets.get(keyOf(budget)) ?? NOTHING_AROUND;
}

/** @returns undefined where nothing blocks. The message is the first blocker's, as the one that a person should look at first. */
function refusal(is: 'later' | 'never', reason: FailureReason, blockedBy: readonly Blocked[]): Verdict | undefined {
  const [first] = blockedBy;
  if (first === undefined) return undefined;
  const others = blockedBy.length > 1 ? ` (and ${blockedBy.length - 1} more Pods)` : '';
  return { is, reason, message: `Pod ${first.pod}: ${first.detail}${others}`, blockedBy };
}
