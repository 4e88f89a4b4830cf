/**
 * Pods that come back to the Node that they were evicted from: a template names the Node or tolerates the taint, or a custom controller
 * puts them there. Some returns can be predicted; the others are counted per controller and session and kept in the report, so that a new
 * process does not start again.
 */
import { type Backoff, backoffMs } from '../../core/backoff.ts';
import { controllerOf, keyOf, tolerates } from '../../core/meta.ts';
import type { Pod, PodTemplate } from '../../core/objects.ts';
import type { MaintenanceTaint } from '../names.ts';
import type { Report, ReturnsReport } from './report.ts';

export interface Returns {
  /** UIDs of its related Pods when the last of them came. */
  readonly uids: readonly string[];
  /** How many Pods have come since the first look. */
  readonly count: number;
  /** When the last of them came. */
  readonly atMs: number;
}

/** By `ownerKeyOf`. */
export type ReturnsByOwner = Readonly<Record<string, Returns>>;

/** This many returns may be chance: a Pod that was bound before the scheduler saw the taint. */
const RETURNS_BY_CHANCE = 1;
const PATIENCE: Backoff = { baseMs: 10_000, maxMs: 300_000 };

/**
 * The controller's UID; for a Pod without one its namespace, since whoever creates it again may give it another name. All Pods without a
 * controller in that namespace are then evicted together, which costs the others at most one pause.
 */
export function ownerKeyOf(pod: Pod): string {
  return controllerOf(pod)?.uid ?? pod.metadata.namespace ?? keyOf(pod);
}

/** @param pods the related Pods of the Node now. */
export function noteReturns(before: ReturnsByOwner, pods: readonly Pod[], nowMs: number): ReturnsByOwner {
  const now = new Map<string, string[]>();
  for (const pod of pods) now.set(ownerKeyOf(pod), [...(now.get(ownerKeyOf(pod)) ?? []), pod.metadata.uid].sort());
  const noted = [...now].flatMap(([owner, uids]): [string, Returns][] => {
    const seen = before[owner];
    if (seen === undefined) return [[owner, { uids, count: 0, atMs: nowMs }]];
    const come = uids.filter((uid) => !seen.uids.includes(uid)).length;
    return come === 0 ? [] : [[owner, { uids, count: seen.count + come, atMs: nowMs }]];
  });
  return { ...before, ...Object.fromEntries(noted) };
}

/** @returns until when the owner's Pods are not evicted again; undefined for an owner whose Pods do not come back. */
export function heldUntilMs({ count, atMs }: Returns): number | undefined {
  return count <= RETURNS_BY_CHANCE ? undefined : atMs + backoffMs(PATIENCE, count - RETURNS_BY_CHANCE - 1);
}

/** The returns that an earlier process has counted. */
export function returnsOf({ returns = [] }: Pick<Report, 'returns'>): ReturnsByOwner {
  return Object.fromEntries(
    returns.map(({ owner, count, at, uids }) => [owner, { count, atMs: Date.parse(at), uids }]),
  );
}

/** The part that the report keeps: owners with at least one Pod that has come back. */
export function reportOf(returns: ReturnsByOwner): readonly ReturnsReport[] {
  return Object.entries(returns)
    .filter(([, { count }]) => count > 0)
    .map(([owner, { count, atMs, uids }]) => ({ owner, count, at: new Date(atMs).toISOString(), uids }))
    .sort((a, b) => (a.owner < b.owner ? -1 : 1));
}

/**
 * Why a controller will put its Pod back on the Node:
 *
 * - `NamesNode`: its template names the Node, and no scheduler is asked.
 * - `Tolerates`: it can run on this Node only, and the taint does not keep it away.
 */
export type ForeseenReturn = 'NamesNode' | 'Tolerates';

/**
 * @param template that of its controller; its own if it has none.
 * @param isBound the Pod is pinned to the Node, or belongs to a DaemonSet.
 * @returns undefined if a return cannot be predicted.
 */
export function foreseenReturn(
  template: PodTemplate,
  isBound: boolean,
  nodeName: string,
  taint: MaintenanceTaint,
): ForeseenReturn | undefined {
  if (template.nodeName === nodeName) return 'NamesNode';
  return isBound && !keepsAway(taint, template) ? 'Tolerates' : undefined;
}

/** A soft taint does not keep a Pod away that has no other place. */
function keepsAway(taint: MaintenanceTaint, { tolerations = [] }: PodTemplate): boolean {
  return taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint));
}
