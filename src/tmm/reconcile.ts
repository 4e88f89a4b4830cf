/** Observe, decide, apply: one pass over one Node. */
import type { Action } from '../core/action.ts';
import { Blindness } from '../core/blindness.ts';
import type { Result } from '../core/decision.ts';
import type { Apply, Clock, Evictor, Keeper, Log } from '../core/ports.ts';
import { decide } from './decide.ts';
import type { TmmMeter } from './metrics.ts';
import { observe } from './observe.ts';
import type { Observed } from './observed.ts';
import { isMark, Refusals } from './refusals.ts';
import type { Memory, TmmDecision } from './request.ts';
import type { TmmSettings } from './settings.ts';
import type { Reservation } from './surroundings.ts';
import type { TmmReaders } from './view.ts';

export interface TmmPorts {
  readonly readers: TmmReaders;
  /** Kinds whose caches may be old, for people; empty while all are followed. */
  readonly unseen: () => readonly string[];
  /** The UIDs of the Pods that the API server itself says are bound to the Node. @throws KubeError */
  readonly podsBoundTo: (nodeName: string) => Promise<readonly string[]>;
  /** Called when a Node has given back a slot that no cache may ever have shown: others may have been queued behind it. */
  readonly slotChanged: () => void;
  readonly apply: Apply;
  /** Whether the API server has refused the one write that failed so, and may take others. */
  readonly isRefusal: (error: unknown) => boolean;
  readonly evictor: Evictor;
  /** What `apply` stores and restores Pods with; only with `unmanagedPods: recreate`. */
  readonly keeper?: Keeper;
  readonly clock: Clock;
  readonly meter: TmmMeter;
  readonly settings: TmmSettings;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
}

/** @returns a reconciler whose keys are Node names. It throws what `Apply` throws; the runtime retries. */
export function makeReconcile(ports: TmmPorts): (nodeName: string, context: { readonly log: Log }) => Promise<Result> {
  const { readers, unseen, podsBoundTo, slotChanged, apply, isRefusal } = ports;
  const { evictor, keeper, clock, meter, settings, ownPod } = ports;
  const memories = new Map<string, Memory>();
  const reservations = new Map<string, Reservation>();
  const blindness = new Blindness();
  const refusals = new Refusals();

  return async (nodeName, { log }) => {
    const kinds = unseen();
    if (kinds.length > 0) return leaveAlone(nodeName, kinds, log);
    const attempts = new Map(evictor.attempts(nodeName));
    const observed = observe(readers, nodeName, {
      attempts,
      ...(keeper !== undefined && { keeping: keeper.attempts(nodeName) }),
      reservations,
      failureDomainLabels: settings.failureDomainLabels,
      nowMs: clock.now(),
    });
    if (observed.is === 'unknown') return {}; // The cache that is missing enqueues everything once it has synced.
    const memory = memories.get(nodeName) ?? {};
    const decision = decide(observed.value, { settings, memory, ...(ownPod !== undefined && { ownPod }) });
    // Somebody may take the machine apart upon this word: it is not said on a cache's alone.
    if (decision.because === 'Drained' && (await hasMore(observed.value))) return leaveAlone(nodeName, ['pods'], log);
    blindness.isOver(nodeName);
    // In the same turn as the decision: another Node that is judged while this one is being written sees its slot taken. If
    // the write fails, the next pass decides again, and gives the slot back unless it is admitted anew.
    if (decision.admitted !== undefined) reservations.set(nodeName, decision.admitted);
    else if (reservations.delete(nodeName)) slotChanged();
    // What is no longer wanted is withdrawn before anything that takes time; what is wanted waits for the phase to be written.
    if (decision.evictions.length === 0) evictor.want(nodeName, []);
    const { due, againAfterMs } = refusals.hold(nodeName, decision.actions, observed.value.nowMs);
    if (due.length > 0) log.info('Applying decision', { reason: decision.because, actions: due.length });
    const refused = await carryOut(nodeName, due, log);
    // What was answered while the phase was being written is for the next pass to judge, which the answer brings about.
    const answered = evictor.attempts(nodeName);
    const stillOpen = decision.evictions.filter(({ uid }) => answered.get(uid) === attempts.get(uid));
    if (decision.evictions.length > 0) evictor.want(nodeName, stillOpen);
    const { stored, unreadable } = observed.value.kept;
    if (decision.phase === undefined && stored.length + unreadable.length === 0) keeper?.forget(nodeName);
    meter.record(nodeName, decision, phaseSinceMs(observed.value, decision));
    remember(nodeName, decision);
    if (refused !== undefined) throw refused;
    const times = [decision.requeueAfterMs ?? [], againAfterMs ?? []].flat();
    return times.length === 0 ? {} : { requeueAfterMs: Math.min(...times) };
  };

  /**
   * A Pod that must not be touched (a policy, a webhook) is told later, and keeps neither the others from being told nor its
   * Node from going on: the passes of a drain are many, and its deadlines are not those of a failure.
   *
   * @returns the first refusal of that kind; to be thrown when all else is done.
   */
  async function carryOut(nodeName: string, actions: readonly Action[], log: Log): Promise<unknown> {
    let refused: unknown;
    for (const some of marksApart(actions)) {
      try {
        await apply(some, log);
      } catch (error) {
        const [mark] = some.filter(isMark);
        if (mark === undefined || !isRefusal(error)) throw error;
        refused ??= error;
        refusals.add(nodeName, mark, clock.now());
      }
    }
    return refused;
  }

  /** Whether there are Pods on the Node that the cache has not heard of. */
  async function hasMore({ nodeName, pods }: Observed): Promise<boolean> {
    const seen = new Set(pods.map(({ pod }) => pod.metadata.uid));
    return (await podsBoundTo(nodeName)).some((uid) => !seen.has(uid));
  }

  /** Pods may have come to the Node, and the taint may have gone: nothing is concluded, and nothing more evicted. */
  function leaveAlone(nodeName: string, kinds: readonly string[], log: Log): Result {
    evictor.want(nodeName, []);
    return blindness.leaveAlone(nodeName, kinds, log);
  }

  function remember(nodeName: string, decision: TmmDecision): void {
    if (decision.phase === undefined) evictor.forget(nodeName);
    const { hint = '', progressAtMs, stall, hereSinceMs } = decision.memory;
    const isWorthKeeping =
      hint !== '' ||
      hereSinceMs !== undefined ||
      (decision.phase !== undefined && (progressAtMs !== undefined || stall !== undefined));
    if (isWorthKeeping) memories.set(nodeName, decision.memory);
    else memories.delete(nodeName);
  }
}

/** The actions in their order: each mark on a Pod by itself, what is between them together. */
function marksApart(actions: readonly Action[]): readonly (readonly Action[])[] {
  const parts: Action[][] = [];
  for (const action of actions) {
    const last = parts.at(-1);
    if (last === undefined || isMark(action) || last.some(isMark)) parts.push([action]);
    else last.push(action);
  }
  return parts;
}

/** A phase that goes on began when the report says; any other begins with this decision. */
function phaseSinceMs({ report, nowMs }: Observed, { phase }: TmmDecision): number {
  return report.is === 'valid' && report.report.phase === phase ? Date.parse(report.report.since) : nowMs;
}
