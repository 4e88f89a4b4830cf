/**
 * Row 2: whether a Node may go now or has to wait for others. Slots are taken by Nodes that are being drained, are in
 * maintenance, or are coming back; whoever asked first goes first; and a Node goes only when what the others have
 * displaced is ready again, for at most `tmm.exitTimeout`.
 */
import type { Phase } from './names.ts';
import type { Observed, OtherSession } from './observed.ts';
import type { Report } from './report.ts';
import type { TmmSettings } from './settings.ts';

const TAKES_SLOT: readonly Phase[] = ['Draining', 'InMaintenance', 'Exiting'];

/**
 * Whether the Node of this session is away, or is about to be. One that is judged anew for a Pod that has come during its
 * maintenance keeps its slot: what it has displaced tells it from a Node that nobody has touched.
 */
export function holdsSlot({ phase, workloads = [] }: Pick<Report, 'phase' | 'workloads'>): boolean {
  return TAKES_SLOT.includes(phase) || (phase === 'Checking' && workloads.length > 0);
}

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
  const active = others.filter((other) => other.holdsSlot);
  const ahead = others.filter((other) => other.phase === 'Queued' && isBefore(other, { started, nodeName }));
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

/** Whether the Node of `a` asked before that of `b`; of the same moment, names decide. */
export function isBefore(a: Asked, b: Asked): boolean {
  return a.started < b.started || (a.started === b.started && a.nodeName < b.nodeName);
}

type Asked = Pick<OtherSession, 'started' | 'nodeName'>;

const named = (other: OtherSession | undefined): string =>
  other === undefined ? 'another Node' : `Node ${other.nodeName} (${other.phase})`;
