/** Observe, decide, apply: one pass over one Node. */

import { type Action, isPodMark } from '../core/action.ts';
import type { Result } from '../core/decision.ts';
import { messageOf } from '../core/error-message.ts';
import type { Node } from '../core/objects.ts';
import type { Apply, Clock, EvictionAttempt, EvictionProbe, Evictor, Log, PodMarker, PodStore } from '../core/ports.ts';
import { finish, type Steps } from '../core/scheduling/steps.ts';
import { decide } from './decide/decide.ts';
import { CORDON_RETRY_MS, type TmmDecision } from './decide/transition.ts';
import { cordonRefused, reportRefused } from './events.ts';
import type { TmmMetrics } from './metrics.ts';
import type { Observed } from './model/observed.ts';
import type { RequestSource } from './model/taints.ts';
import type { NodeMemory } from './node-memory.ts';
import { type FoundRoom, look, type RoomSearch } from './observe/observe.ts';
import type { TmmReaders } from './observe/readers.ts';
import type { TmmSettings } from './settings.ts';

/** One cluster whose Nodes are reconciled. */
export interface TmmCluster {
  readonly readers: TmmReaders;
  /** Whether this process is responsible for a Node: machine drain and users' taints of one cluster may be handled by two processes. */
  readonly isOurs: (node: Node) => boolean;
  /** Finds what asks for the maintenance of a Node. */
  readonly source: RequestSource;
  /** Names of the kinds whose caches may be stale, for people; empty while all are being watched. */
  readonly unseen: () => readonly string[];
  /** The UIDs of the Pods that are bound to the Node according to the API server itself. @throws KubeError */
  readonly podsBoundTo: (nodeName: string) => Promise<readonly string[]>;
  /** Called when a Node has given back a slot that possibly no cache has ever shown: others may have been queued behind it. */
  readonly slotChanged: () => void;
  readonly apply: Apply;
  readonly evictor: Evictor;
  /** Asks admission about evictions before the first one. */
  readonly probe: EvictionProbe;
  /** Writes rejections on Pods and takes them off again. */
  readonly marker: PodMarker;
  /** What `apply` stores and restores Pods with; only with `unmanagedPods: recreate`. */
  readonly keeper?: PodStore;
  readonly memory: NodeMemory;
  readonly meter: Pick<TmmMetrics, 'record' | 'forget'>;
}

/** After this many searches for room whose results came too late, one runs without a pause and holds up everything else. */
const MAX_SEARCHES = 5;

/** The result of the first look of a pass. */
type Pass =
  | { readonly is: 'known'; readonly observed: Observed; readonly attempts: ReadonlyMap<string, EvictionAttempt> }
  /** The verdict depends on room elsewhere, which has to be searched for first. */
  | { readonly is: 'open'; readonly search: RoomSearch }
  | { readonly is: 'stale'; readonly kinds: readonly string[] }
  | { readonly is: 'unknown' }
  /** Another process is responsible for the Node. */
  | { readonly is: 'foreign' };

/** Dependencies that are the same for every cluster. */
export interface TmmPorts {
  /** Whether the error is a refusal by the API server that concerns this one write, so that others may succeed. */
  readonly isRefusal: (error: unknown) => boolean;
  readonly clock: Clock;
  /** Runs long work in steps, and lets other work proceed between them. */
  readonly inSteps: <T>(steps: Steps<T>) => Promise<T>;
  readonly settings: TmmSettings;
  /** `namespace/name` of the Pod that this process runs in. */
  readonly ownPod?: string;
  /** The namespace in which this process stores Pods. */
  readonly storesIn?: string;
}

export type ReconcileNode = (cluster: TmmCluster, nodeName: string, context: { readonly log: Log }) => Promise<Result>;

/** @returns a reconciler of Nodes. It throws what `Apply` throws; the runtime retries. */
export function makeReconcile({ isRefusal, clock, inSteps, settings, ownPod, storesIn }: TmmPorts): ReconcileNode {
  const lastTurn = new WeakMap<TmmCluster, Promise<void>>();
  return async (cluster, nodeName, { log }) => {
    const { evictor, probe, marker, memory, meter } = cluster;
    let pass = lookNow(cluster, nodeName);
    for (let searches = 0; pass.is === 'open'; searches += 1) {
      // If Pods came or went during each search so far, run the next one without a pause, or there might never be an answer.
      if (searches >= MAX_SEARCHES) {
        pass = lookNow(cluster, nodeName, finish(pass.search.steps()));
        continue;
      }
      const endTurn = await takeTurn(cluster);
      try {
        pass = lookNow(cluster, nodeName);
        if (pass.is === 'open') pass = lookNow(cluster, nodeName, await inSteps(pass.search.steps()));
      } finally {
        endTurn();
      }
    }
    if (pass.is === 'stale') return leaveAlone(cluster, nodeName, pass.kinds, log);
    if (pass.is === 'foreign') return letGo(cluster, nodeName);
    if (pass.is === 'unknown') return {}; // The missing cache enqueues everything once it has synced.
    const { observed, attempts } = pass;
    const decision = decide(observed, {
      settings,
      memory: memory.memoryOf(nodeName),
      ...(ownPod !== undefined && { ownPod }),
      ...(storesIn !== undefined && { storesIn }),
    });
    const isRepeated = memory.isWithdrawn(nodeName);
    memory.forgetWithdrawal(nodeName);
    // Once we report `Drained`, someone may open the machine, so confirm with the API server first.
    if (decision.because === 'Drained' && (await hasMore(cluster, observed))) {
      if (isRepeated) memory.withdraw(nodeName);
      return leaveAlone(cluster, nodeName, ['pods'], log);
    }
    memory.staleCaches.isOver(nodeName);
    // In the same turn as the decision: another Node that is judged while this one is being written sees its slot taken. If the write
    // fails, the next pass decides again, and gives the slot back unless it is admitted again.
    if (memory.reserve(nodeName, decision.admitted)) cluster.slotChanged();
    // Withdraw unwanted evictions before anything that takes time; wanted evictions wait for the phase to be written.
    if (decision.evictions.length === 0) evictor.want(nodeName, []);
    const { actions } = decision;
    if (actions.length > 0) log.info('Applying decision', { reason: decision.because, actions: actions.length });
    const isCordonRefused = await carryOut(cluster, decision, observed, log).catch((error: unknown) => {
      if (isRepeated) memory.withdraw(nodeName);
      throw error;
    });
    // Marks are written after the Node, and not awaited: a mark on a Pod is only valid, and cleaned up, according to the Node's report.
    marker.want(nodeName, actions.filter(isPodMark));
    probe.want(nodeName, decision.questions);
    // Answers that arrived while the phase was being written are judged by the next pass, which each answer triggers.
    const answered = evictor.attempts(nodeName);
    const stillOpen = decision.evictions.filter(({ uid }) => answered.get(uid) === attempts.get(uid));
    if (decision.evictions.length > 0) evictor.want(nodeName, stillOpen);
    remember(cluster, observed, isCordonRefused ? withRefusedCordon(decision, observed) : decision);
    meter.record(nodeName, decision, phaseSinceMs(observed, decision));
    const times = [decision.requeueAfterMs ?? [], isCordonRefused ? CORDON_RETRY_MS : []].flat();
    return times.length === 0 ? {} : { requeueAfterMs: Math.min(...times) };
  };

  /**
   * Searches of one cluster run one after another: side by side they would take as long, and more memory, and the Node that is decided first
   * often answers what the others ask.
   *
   * @returns a function that ends the turn.
   */
  async function takeTurn(cluster: TmmCluster): Promise<() => void> {
    const before = lastTurn.get(cluster);
    const turn = Promise.withResolvers<void>();
    lastTurn.set(cluster, turn.promise);
    await before;
    return turn.resolve;
  }

  /** Nothing may be awaited between a look and its decision: another Node may take the slot, or a Pod may come. */
  function lookNow(cluster: TmmCluster, nodeName: string, found?: FoundRoom): Pass {
    const { readers, source, evictor, probe, keeper, memory } = cluster;
    const kinds = cluster.unseen();
    if (kinds.length > 0) return { is: 'stale', kinds };
    const node = readers.nodes.get(nodeName);
    if (node.is === 'present' && !cluster.isOurs(node.object)) return { is: 'foreign' };
    const attempts = new Map(evictor.attempts(nodeName));
    const seen = look(readers, nodeName, {
      attempts,
      probed: probe.answers(nodeName),
      ...(keeper !== undefined && { keeping: keeper.attempts(nodeName) }),
      reservations: memory.reservations,
      settings,
      source,
      ...(found !== undefined && { found }),
      isRepeated: memory.isWithdrawn(nodeName),
      nowMs: clock.now(),
    });
    if (seen.is === 'unknown') return seen;
    const { observed, search } = seen.value;
    return search === undefined ? { is: 'known', observed, attempts } : { is: 'open', search };
  }

  /** @returns whether the API server refuses to set or to lift the cordon: the session does not depend on it. */
  async function carryOut(
    { apply }: TmmCluster,
    { actions }: TmmDecision,
    { node }: Observed,
    log: Log,
  ): Promise<boolean> {
    const writes = actions.filter((action) => !isPodMark(action));
    const isReport = (action: Action): boolean => action.do === 'patchNodeStatus';
    try {
      await apply(writes.filter(isReport), log);
    } catch (error) {
      // Nothing else on the Node would show why the request is not followed.
      if (node.is === 'present' && isRefusal(error)) await apply([reportRefused(node.object, messageOf(error))], log);
      throw error;
    }
    await apply(
      writes.filter((action) => !isReport(action) && action.do !== 'setUnschedulable'),
      log,
    );
    const cordons = writes.filter((action) => action.do === 'setUnschedulable');
    const [cordon] = cordons;
    if (cordon === undefined) return false;
    try {
      await apply(cordons, log);
    } catch (error) {
      // The right may have been removed together with the setting. The session has a deadline, which the backoff of a failure would miss.
      if (node.is === 'absent' || !isRefusal(error)) throw error;
      log.warn(cordon.unschedulable ? 'Cordoning was refused' : 'Lifting the cordon was refused', { err: error });
      await apply([cordonRefused(node.object, cordon.unschedulable, messageOf(error))], log);
      return true;
    }
    return false;
  }
}

/** Whether the API server knows of Pods on the Node that the cache has not seen. */
async function hasMore({ podsBoundTo }: TmmCluster, { nodeName, pods }: Observed): Promise<boolean> {
  const seen = new Set(pods.map(({ pod }) => pod.metadata.uid));
  return (await podsBoundTo(nodeName)).some((uid) => !seen.has(uid));
}

/** The caches may be stale: Pods may have come to the Node and the taint may have gone, so conclude nothing and evict nothing more. */
function leaveAlone(
  { evictor, probe, marker, memory }: TmmCluster,
  nodeName: string,
  kinds: readonly string[],
  log: Log,
): Result {
  evictor.want(nodeName, []);
  probe.want(nodeName, []);
  marker.want(nodeName, []);
  return memory.staleCaches.leaveAlone(nodeName, kinds, log);
}

/** Releases the Node: the process that has taken it over continues from its report. */
function letGo({ evictor, probe, marker, memory, meter, slotChanged }: TmmCluster, nodeName: string): Result {
  evictor.forget(nodeName);
  probe.forget(nodeName);
  marker.want(nodeName, []);
  memory.remember(nodeName, {});
  memory.forgetWithdrawal(nodeName);
  if (memory.reserve(nodeName, undefined)) slotChanged();
  meter.forget(nodeName);
  return {};
}

function withRefusedCordon(decision: TmmDecision, { nowMs }: Observed): TmmDecision {
  return { ...decision, memory: { ...decision.memory, cordonRefusedAtMs: nowMs } };
}

/** Keeps the memory that the decision returned, and forgets what was asked and answered for a session that is over. */
function remember(
  { evictor, probe, keeper, memory }: TmmCluster,
  { nodeName, kept }: Observed,
  decision: TmmDecision,
): void {
  const isOver = decision.phase === undefined;
  if (isOver) evictor.forget(nodeName);
  if (isOver) probe.forget(nodeName);
  if (isOver && kept.stored.length + kept.unreadable.length === 0) keeper?.forget(nodeName);
  memory.remember(nodeName, decision.memory);
}

/** A continued phase began at the time in the report; any other begins with this decision. */
function phaseSinceMs({ report, nowMs }: Observed, { phase }: TmmDecision): number {
  return report.is === 'valid' && report.report.phase === phase ? Date.parse(report.report.since) : nowMs;
}
