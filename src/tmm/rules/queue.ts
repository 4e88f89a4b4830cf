/**
 * Row 2: whether a Node may go now or has to wait for others. Slots are taken by Nodes that are being drained, are in
 * maintenance, or are coming back; whoever asked first goes first; and a Node goes only when what the others have
 * displaced is ready again, for at most `tmm.exitTimeout`. After that, only Nodes with Pods of the same workload go on waiting,
 * so that no workload is taken down to nothing. Nodes that other tools have in hand take slots as well, and one that is in
 * such hands itself is not entered until they let go.
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
  /** What is waited for, for people. */
  readonly message: string;
  /** When time alone would end it. */
  readonly nextAtMs?: number;
  /** Which Node is first at this moment, for whoever asks now. */
  readonly first?: string;
}

/** @returns undefined where the Node may go. */
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
    // Who is first changes all the time, and hundreds may wait: what the report says of one does not change with the others.
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

/** What other tools have in hand beside this Node and those that our own sessions hold, one for each Node. */
function holdsElsewhere({ nodeName, others, holds = [] }: Observed): ReadonlyMap<string, Hold> {
  const ours = new Set(others.filter(({ holdsSlot }) => holdsSlot).map((other) => other.nodeName));
  const found = holds.filter((hold) => hold.nodeName !== nodeName && !ours.has(hold.nodeName));
  return new Map(found.map((hold) => [hold.nodeName, hold]));
}

/**
 * What another tool does to this very Node, before anything of ours. One that removes the Node in the end is not waited for where the
 * Node's Machine is being deleted already: its deletion waits for us, and each would wait for the other.
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

/** Room that is about to be there again: a Node on its way out, whose cordon we have yet to lift. */
export function waitForRoom({ others }: Observed): QueuePlace | undefined {
  const reopening = others.find(({ isReopening }) => isReopening === true);
  return reopening && { message: `Waiting for room on Node ${reopening.nodeName}, whose cordon is about to be lifted` };
}

/** As the settings say it: how many a share of all Nodes is changes with each Node that comes. */
function atATime({ maxConcurrentNodes }: TmmSettings): string {
  if (typeof maxConcurrentNodes === 'string') return `${maxConcurrentNodes} of all Nodes at a time`;
  return maxConcurrentNodes === 1 ? 'one Node at a time' : `${maxConcurrentNodes} Nodes at a time`;
}
