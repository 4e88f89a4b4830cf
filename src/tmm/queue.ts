/**
 * Row 2: whether a Node may go now or has to wait for others. Slots are taken by Nodes that are being drained, are in
 * maintenance, or are coming back; whoever asked first goes first; and a Node goes only when what the others have
 * displaced is ready again, for at most `tmm.exitTimeout`.
 */
import type { Phase } from './names.ts';
import type { Observed, OtherSession } from './observed.ts';
import type { TmmSettings } from './settings.ts';

const TAKES_SLOT: readonly Phase[] = ['Draining', 'InMaintenance', 'Exiting'];

export interface Waiting {
  /** What is waited for, for people. */
  readonly message: string;
  /** When time alone would end it. */
  readonly nextAtMs?: number;
}

/** How many Nodes may be in maintenance at once; at least one. */
export function slotsOf(maxConcurrentNodes: TmmSettings['maxConcurrentNodes'], nodeCount: number): number {
  if (typeof maxConcurrentNodes === 'number') return maxConcurrentNodes;
  return Math.max(1, Math.floor((Number.parseInt(maxConcurrentNodes, 10) / 100) * nodeCount));
}

/** @returns undefined where the Node may go. */
export function waitForOthers(observed: Observed, started: string, settings: TmmSettings): Waiting | undefined {
  const { others, nodeCount, nodeName, nowMs } = observed;
  const slots = slotsOf(settings.maxConcurrentNodes, nodeCount);
  const active = others.filter(({ phase }) => TAKES_SLOT.includes(phase));
  const ahead = others.filter((other) => other.phase === 'Queued' && isBefore(other, started, nodeName));
  if (active.length + ahead.length >= slots) {
    const [first] = [...active, ...ahead];
    return { message: `Waiting for ${named(first)}: ${slots === 1 ? 'one Node' : `${slots} Nodes`} at a time` };
  }
  const unsettled = active.find(({ phase, unsettled: what, since }) => {
    return what !== undefined && phase !== 'Draining' && nowMs < Date.parse(since) + settings.exitTimeoutMs;
  });
  if (unsettled === undefined) return undefined;
  return {
    message: `Waiting for what ${named(unsettled)} has displaced to be ready again: ${unsettled.unsettled}`,
    nextAtMs: Date.parse(unsettled.since) + settings.exitTimeoutMs,
  };
}

function isBefore(other: OtherSession, started: string, nodeName: string): boolean {
  return other.started < started || (other.started === started && other.nodeName < nodeName);
}

const named = (other: OtherSession | undefined): string =>
  other === undefined ? 'another Node' : `Node ${other.nodeName} (${other.phase})`;
