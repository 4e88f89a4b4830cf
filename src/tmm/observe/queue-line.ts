/**
 * Which of the waiting Nodes may go next, computed once for each change, so that a thousand waiting Nodes are not reconciled one by one.
 *
 * A Node may go only while fewer than `slots` others that nothing holds up asked before it. Slots that are taken, by our sessions or other
 * tools, only reduce the number of Nodes that may go: this computation may ignore them, and the pass of each Node takes them into account.
 */
import { countOf } from '../../core/share.ts';
import type { TmmSettings } from '../settings.ts';
import { ClusterView } from './cluster-view.ts';
import { memberCounter } from './members.ts';
import { heldNodes, neighboursOf } from './neighbours.ts';
import { type TmmReaders, UnknownYet } from './readers.ts';

/**
 * - `next`: it may go as soon as a slot is free.
 * - `held`: it has Pods of a workload that another Node has displaced and that is not ready again.
 * - `behind`: enough others are before it, whatever happens to its own Pods.
 */
export type Standing = 'next' | 'held' | 'behind';

/** @returns the standing by the Node's name; undefined while a cache has not synced. */
export function standings(readers: TmmReaders, settings: TmmSettings): ReadonlyMap<string, Standing> | undefined {
  try {
    return standingsIn(new ClusterView(readers), settings);
  } catch (error) {
    if (error instanceof UnknownYet) return undefined;
    throw error;
  }
}

function standingsIn(view: ClusterView, settings: TmmSettings): ReadonlyMap<string, Standing> {
  const sessions = neighboursOf('', view, new Map());
  const queued = sessions.filter(({ phase }) => phase === 'Queued');
  const found = new Map<string, Standing>();
  if (queued.length === 0) return found;
  const slots = countOf(settings.maxConcurrentNodes, view.nodes().length);
  const held = heldNodes(sessions, memberCounter(view), view);
  let before = 0;
  for (const { nodeName } of queued) {
    const holders = [...(held.get(nodeName) ?? [])];
    // What the Node's own last session has displaced is taken into account by its own pass.
    if (holders.some((holder) => holder !== nodeName)) found.set(nodeName, 'held');
    else found.set(nodeName, before < slots ? 'next' : 'behind');
    if (holders.length === 0) before += 1;
  }
  return found;
}
