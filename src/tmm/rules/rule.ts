/** The input of the rules of the verdict, and their possible answers. */

import { clip } from '../../core/text.ts';
import type { Observed } from '../model/observed.ts';
import type { RelatedPod } from '../model/related-pods.ts';
import { type Blocked, sessionOf } from '../model/report.ts';
import type { FailureReason } from '../names.ts';
import type { TmmSettings } from '../settings.ts';
import type { QueuePlace } from './queue.ts';

export type Verdict =
  | { readonly is: 'proceed'; readonly because: string }
  | ({ readonly is: 'queue' } & QueuePlace)
  | {
      readonly is: 'later' | 'never';
      readonly reason: FailureReason;
      readonly message: string;
      readonly blockedBy: readonly Blocked[];
      /** Set if nothing is certain: a Node that is not rejected by the end of `tmm.admissionTimeout` may go. */
      readonly otherwise?: 'proceed';
      /** When the passing of time alone changes the answer before the end of `tmm.admissionTimeout`. */
      readonly nextAtMs?: number;
    };

export interface VerdictInput {
  readonly related: readonly RelatedPod[];
  readonly settings: TmmSettings;
  readonly observed: Observed;
  /** When the session began (RFC 3339): the Node that asked first goes first. */
  readonly started: string;
  /** Judges as if it were the Node's turn, regardless of other Nodes' maintenance. @default false */
  readonly isFirst?: boolean;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
}

/**
 * Builds the rules' input for a Node: a session that continues keeps its place, a new one begins now.
 *
 * @param related the related Pods among those that were observed.
 */
export function questionOf(
  observed: Observed,
  related: readonly RelatedPod[],
  settings: TmmSettings,
  ownPod?: string,
): VerdictInput {
  const session = sessionOf(observed.report);
  return {
    related,
    settings,
    observed,
    started: session?.started ?? new Date(observed.nowMs).toISOString(),
    ...(ownPod !== undefined && { ownPod }),
  };
}

/** The longest detail inside a longer sentence, in bytes. */
const MAX_DETAIL_BYTES = 600;

/** undefined: the rule does not apply. */
export type Rule = (input: VerdictInput) => Verdict | undefined;

/** @returns undefined if nothing blocks. The message is that of the first blocker, which a user should address first. */
export function refusal(
  is: 'later' | 'never',
  reason: FailureReason,
  blockedBy: readonly Blocked[],
): Verdict | undefined {
  const [first] = blockedBy;
  if (first === undefined) return undefined;
  const more = blockedBy.length - 1;
  const others = more === 0 ? '' : ` (and ${more} more ${more === 1 ? 'Pod' : 'Pods'})`;
  return { is, reason, message: clip(`Pod ${first.pod}: ${clip(first.detail, MAX_DETAIL_BYTES)}${others}`), blockedBy };
}
