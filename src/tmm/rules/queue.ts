/**
 * Row 2: whether a Node may go now or has to wait for others. Slots are taken by Nodes that are being drained, are in maintenance, or are
 * coming back; the Node that asked first goes first; and a Node goes only when the members displaced by the others are ready again, for at
 * most `tmm.exitTimeout`. After that, only Nodes with Pods of the same workload keep waiting, so that no workload loses all of its members.
 * Nodes that other tools hold take slots as well, and maintenance of such a Node does not begin until they release it.
 */
import { MACHINE_DELETED_LABEL } from '../../core/machine-keys.ts';
import { labelOf } from '../../core/meta.ts';
import { describeHold, type Hold } from '../../core/other-tools.ts';
import { countOf } from '../../core/share.ts';
import { clip } from '../../core/text.ts';
import type { Observed, OtherSession } from '../model/observed.ts';
import { isBefore } from '../model/slots.ts';
import type { TmmSettings } from '../settings.ts';

export interface QueuePlace {
  /** Describes for users what the Node waits for. */
  readonly message: string;
  /** When the passing of time alone would end the wait. */
  readonly nextAtMs?: number;
  /** The Node that is first at this moment. It changes often, so `message` does not name it. */
  readonly first?: string;
}

/** @returns undefined if the Node may go. */
export function waitForOthers(observed: Observed, started: string, settings: TmmSettings): QueuePlace | undefined {
  const { others, nodeCount, nodeName, nowMs } = observed;
  const slots = countOf(settings.maxConcurrentNodes, nodeCount);
  const active = others.filter((other) => other.holdsSlot);
  const inOtherHands = holdsElsewhere(observed);
  const ahead = others.filter(
    (other) =>
      other.phase === 'Queued' &&
      other.isHeld !== true &&
      !inOtherHands.has(other.nodeName) &&
      isBefore(other, { started, nodeName }),
  );
  if (active.length + inOtherHands.size + ahead.length >= slots) {
    const [hold] = inOtherHands.values();
    // The first Node changes all the time, and hundreds may wait: the report of one must not change with the others.
    const [first] = [...active, ...ahead];
    if (first !== undefined || hold === undefined) {
      return {
        message: `Waiting for its turn: ${atATime(settings)}`,
        ...(first !== undefined && { first: `Node ${first.nodeName} (${first.phase})` }),
      };
    }
    return {
      message: `Waiting for Node ${hold.nodeName}, which ${clip(describeHold(hold))} has in hand: ${atATime(settings)}`,
      ...(hold.untilMs !== undefined && { nextAtMs: hold.untilMs }),
    };
  }
  const unsettled = active.find(({ phase, unsettled: what, since }) => {
    return what !== undefined && phase !== 'Draining' && nowMs < Date.parse(since) + settings.exitTimeoutMs;
  });
  if (unsettled?.unsettled !== undefined) {
    const nextAtMs = Date.parse(unsettled.since) + settings.exitTimeoutMs;
    return { message: waitingFor(unsettled, unsettled.unsettled), nextAtMs };
  }
  const shared = others.find(({ phase, unsettledHere }) => unsettledHere !== undefined && phase !== 'Draining');
  if (shared?.unsettledHere !== undefined) return { message: waitingFor(shared, shared.unsettledHere) };
  if (observed.unsettledHere === undefined) return undefined;
  return {
    message: `Waiting for what the last maintenance has displaced to be ready again: ${observed.unsettledHere}`,
  };
}

/** Nodes that other tools hold, apart from this Node and those that our own sessions hold; one hold for each Node. */
function holdsElsewhere({ nodeName, others, holds = [] }: Observed): ReadonlyMap<string, Hold> {
  const ours = new Set(others.filter(({ holdsSlot }) => holdsSlot).map((other) => other.nodeName));
  const found = holds.filter((hold) => hold.nodeName !== nodeName && !ours.has(hold.nodeName));
  return new Map(found.map((hold) => [hold.nodeName, hold]));
}

/**
 * What another tool does to this very Node comes before anything of ours. A tool that will remove the Node is not waited for if the Node's
 * Machine is being deleted already: the deletion waits for us, and each would wait for the other.
 */
export function waitForOtherTool({ nodeName, node, holds = [] }: Observed): QueuePlace | undefined {
  const isGoing = node.is === 'present' && labelOf(node.object, MACHINE_DELETED_LABEL) === 'true';
  const here = holds.filter((each) => each.nodeName === nodeName && !(isGoing && each.removesNode === true));
  if (here.length === 0) return undefined;
  const nextAtMs = Math.min(...here.map(({ untilMs = Number.POSITIVE_INFINITY }) => untilMs));
  return {
    message: `Waiting for ${clip(here.map(describeHold).join(' and '))}, which ${here.length === 1 ? 'has' : 'have'} this Node in hand`,
    ...(nextAtMs < Number.POSITIVE_INFINITY && { nextAtMs }),
  };
}

const waitingFor = (other: OtherSession, missing: string): string =>
  `Waiting for what Node ${other.nodeName} has displaced to be ready again: ${missing}`;

/** Waits for room that is about to be available again: an exiting Node whose cordon we have yet to lift. */
export function waitForRoom({ others }: Observed): QueuePlace | undefined {
  const reopening = others.find(({ isReopening }) => isReopening === true);
  return reopening && { message: `Waiting for room on Node ${reopening.nodeName}, whose cordon is about to be lifted` };
}

/** The limit as the settings spell it: the number that a percentage stands for changes with each Node that joins. */
function atATime({ maxConcurrentNodes }: TmmSettings): string {
  if (typeof maxConcurrentNodes === 'string') return `${maxConcurrentNodes} of all Nodes at a time`;
  return maxConcurrentNodes === 1 ? 'one Node at a time' : `${maxConcurrentNodes} Nodes at a time`;
}
