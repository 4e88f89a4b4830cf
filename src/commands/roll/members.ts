/** The Nodes of a roll, as the process that carries it out knows them. */

import { isUnderWay, type RollRecord, type RollState } from '../../core/roll-record.ts';
import type { Phase } from '../../tmm/names.ts';
import type { CommandView, RollResult } from './decide.ts';
import type { RollCounts } from './events.ts';
import type { Work } from './work.ts';

/** One Node of the roll. */
export interface RollMember {
  readonly name: string;
  readonly uid: string;
  readonly record: RollRecord;
}

/** A Node of the roll with what the process remembers of it. What it counts as changes by `RollMembers.change()` alone. */
export interface Member extends RollMember {
  /** Why this process leaves the Node alone. A new Node under the name of one that is gone is another Node. */
  readonly dropped?: 'Gone' | 'Lost' | 'Excluded';
  /** A write of ours is in flight, or its command is being started. */
  readonly isBusy: boolean;
  /** After a rejection, the earliest time of the next request. */
  readonly retryAtMs?: number;
  /** Whether our last write left the taint on it; absent before the first. */
  isTainted?: boolean;
  command: CommandView;
  work?: Work;
  countsSinceMs: number;
  retries: number;
  phase?: Phase;
}

export type MemberChange = Partial<Pick<Member, 'record' | 'dropped' | 'isBusy' | 'retryAtMs'>>;

type Count = Exclude<keyof RollCounts, 'total'>;

const COUNTS: Readonly<Record<RollState, Count>> = {
  Pending: 'pending',
  Entering: 'underWay',
  Working: 'underWay',
  Returning: 'underWay',
  Done: 'done',
  Rejected: 'rejected',
  TimedOut: 'timedOut',
  Failed: 'failed',
  Skipped: 'skipped',
};
const COUNTS_IF_DROPPED = { Gone: 'gone', Lost: 'failed', Excluded: 'skipped' } as const;

/**
 * Keeps the Nodes under way, those whose turn has not come, and the counts up to date with each change, so that no event of one Node is
 * work on all of them.
 */
export class RollMembers {
  readonly #byName: ReadonlyMap<string, Member>;
  readonly #place: ReadonlyMap<Member, number>;
  readonly #active = new Set<Member>();
  /** In the order of the roll. */
  readonly #untouched = new Set<Member>();
  /** Pending again after a first step, so that their position in a set is not their place. */
  readonly #again = new Set<Member>();
  readonly #counts: Record<keyof RollCounts, number>;
  #isLost = false;

  /** @param found in the order of the roll. */
  constructor(found: readonly RollMember[], nowMs: number) {
    const members = found.map(
      (each): Member => ({ ...each, command: { is: 'none' }, isBusy: false, retries: 0, countsSinceMs: nowMs }),
    );
    this.#byName = new Map(members.map((member) => [member.name, member]));
    this.#place = new Map(members.map((member, place) => [member, place]));
    const none = { done: 0, rejected: 0, failed: 0, timedOut: 0, skipped: 0, gone: 0, underWay: 0, pending: 0 };
    this.#counts = { total: members.length, ...none };
    for (const member of members) {
      this.#counts[countOf(member)] += 1;
      if (isPending(member)) this.#untouched.add(member);
      else if (isActive(member)) this.#active.add(member);
    }
  }

  get(name: string): Member | undefined {
    return this.#byName.get(name);
  }

  /** In the order of the roll. */
  all(): readonly Member[] {
    return [...this.#byName.values()];
  }

  /** The Nodes under way, and those with a write in flight. */
  active(): readonly Member[] {
    return [...this.#active];
  }

  /** The Nodes whose turn has not come, in the order of the roll. */
  *pending(): Iterable<Member> {
    const again = [...this.#again].sort((a, b) => this.#placeOf(a) - this.#placeOf(b));
    let next = 0;
    for (const member of this.#untouched) {
      for (let other = again[next]; other && this.#placeOf(other) < this.#placeOf(member); other = again[++next]) {
        yield other;
      }
      yield member;
    }
    yield* again.slice(next);
  }

  get hasPending(): boolean {
    return this.#untouched.size + this.#again.size > 0;
  }

  /** @returns undefined if no pending Node was rejected before. */
  nextRetryMs(nowMs: number): number | undefined {
    const times = [...this.#again].flatMap(({ retryAtMs }) =>
      retryAtMs !== undefined && retryAtMs > nowMs ? [retryAtMs] : [],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  results(): ReadonlySet<RollResult> {
    const { rejected, timedOut, failed } = this.#counts;
    const found = new Set<RollResult>();
    if (this.#isLost) found.add('Lost');
    if (failed > 0) found.add('Failed');
    if (timedOut > 0) found.add('TimedOut');
    if (rejected > 0) found.add('Rejected');
    return found;
  }

  /** @returns the counts at this moment. */
  counts(): RollCounts {
    return { ...this.#counts };
  }

  change(member: Member, change: MemberChange): void {
    this.#counts[countOf(member)] -= 1;
    Object.assign(member, change);
    this.#counts[countOf(member)] += 1;
    if (member.dropped === 'Lost') this.#isLost = true;
    if (isActive(member)) this.#active.add(member);
    else this.#active.delete(member);
    if (!isPending(member)) {
      this.#untouched.delete(member);
      this.#again.delete(member);
    } else if (!this.#untouched.has(member)) this.#again.add(member);
  }

  #placeOf(member: Member): number {
    return this.#place.get(member) ?? 0;
  }
}

function countOf({ record, dropped }: Member): Count {
  return dropped === undefined ? COUNTS[record.state] : COUNTS_IF_DROPPED[dropped];
}

function isActive({ record, dropped, isBusy }: Member): boolean {
  return dropped === undefined && (isBusy || isUnderWay(record.state));
}

function isPending({ record, dropped, isBusy }: Member): boolean {
  return dropped === undefined && !isBusy && record.state === 'Pending';
}
