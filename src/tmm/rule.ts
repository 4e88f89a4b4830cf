/** What a rule of the verdict is asked, and what it may answer. */
import type { FailureReason } from './names.ts';
import type { Observed } from './observed.ts';
import type { RelatedPod } from './pods.ts';
import type { Waiting } from './queue.ts';
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

/** undefined: the rule has nothing to say. */
export type Rule = (input: VerdictInput) => Verdict | undefined;

/** @returns undefined where nothing blocks. The message is the first blocker's, as the one that a person should look at first. */
export function refusal(
  is: 'later' | 'never',
  reason: FailureReason,
  blockedBy: readonly Blocked[],
): Verdict | undefined {
  const [first] = blockedBy;
  if (first === undefined) return undefined;
  const more = blockedBy.length - 1;
  const others = more === 0 ? '' : ` (and ${more} more ${more === 1 ? 'Pod' : 'Pods'})`;
  return { is, reason, message: `Pod ${first.pod}: ${first.detail}${others}`, blockedBy };
}
