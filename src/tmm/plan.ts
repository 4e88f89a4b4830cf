/**
 * What would happen if Nodes were asked to go, without asking: each Pod's fate, the verdict, and which Nodes may go together.
 * The verdict is the controller's own (`judge`), over the same observation.
 */
import { keyOf } from '../core/meta.ts';
import type { Node } from '../core/objects.ts';
import type { Lister, Seen } from '../core/ports.ts';
import { fitOf, movablePods } from './fit.ts';
import { type FailureReason, type MaintenanceTaint, REPORT_ANNOTATION } from './names.ts';
import { observe } from './observe.ts';
import type { Observed } from './observed.ts';
import { fateOf, type PodFacts, type RelatedPod, relatedPods, type Staying } from './pods.ts';
import { isRecreated } from './recreating.ts';
import type { Blocked } from './report.ts';
import type { Verdict } from './rule.ts';
import type { TmmSettings } from './settings.ts';
import type { Reservation } from './surroundings.ts';
import { judge } from './verdict.ts';
import type { TmmReaders } from './view.ts';

export interface PodPlan {
  /** `namespace/name` */
  readonly pod: string;
  /**
   * - `Stays`: maintenance does not touch it.
   * - `Moves`: it is evicted, and its replacement fits on the Node `to`, where that could be foreseen.
   * - `Waits`: it is evicted and comes back with the Node, the only one where it can run, or has no controller and is created again then.
   * - `Goes`: it is evicted, and what becomes of it is not foreseen (a DaemonSet's Pod, one that tolerates the taint).
   * - `Blocks`: because of it the maintenance would wait or be rejected.
   */
  readonly fate: 'Stays' | 'Moves' | 'Waits' | 'Goes' | 'Blocks';
  /** Why it stays or blocks. */
  readonly why?: string;
  readonly to?: string;
}

export interface NodePlan {
  readonly node: string;
  /** `Proceed`: it may go now. `Wait`: not yet. `Reject`: it would be rejected. `NotFound`: there is no such Node. */
  readonly verdict: 'Proceed' | 'Wait' | 'Reject' | 'NotFound';
  /** With `Reject`, and with `Wait` what it would be rejected for if nothing changes. */
  readonly reason?: FailureReason;
  readonly message: string;
  readonly pods: readonly PodPlan[];
  /** What the simulation left out in favour of the Pods. */
  readonly notModelled: readonly string[];
}

export interface Plan {
  /** In the order in which they were asked for. */
  readonly nodes: readonly NodePlan[];
  /** Sets of Nodes that may go together, one set after another; Nodes that may not go are in none. */
  readonly batches: readonly (readonly string[])[];
}

const STAYS: Readonly<Record<Staying, string>> = {
  Mirror: 'a mirror Pod of the kubelet',
  Finished: 'it has finished',
  DrainSkipped: 'labelled cluster.x-k8s.io/drain=skip',
  NotSelected: 'not chosen by tmm.pods',
  Tolerates: 'it tolerates the taint',
  DaemonSet: 'of a DaemonSet',
};

/** @throws Error where a cache has not been filled, which is a bug of the caller. */
export function planNodes(names: readonly string[], readers: TmmReaders, settings: TmmSettings, nowMs: number): Plan {
  const [taint] = settings.taints;
  if (taint === undefined) throw new RangeError('Settings have at least one taint');
  const untouched = { ...readers, nodes: withoutReports(readers.nodes, new Set(names)) };
  const ask = (name: string, reservations: ReadonlyMap<string, Reservation>): Question | undefined => {
    const known = observe(untouched, name, {
      attempts: new Map(),
      reservations,
      failureDomainLabels: settings.failureDomainLabels,
      nowMs,
    });
    if (known.is === 'unknown') throw new Error('The caches are not filled');
    return known.value.node.is === 'absent' ? undefined : question(known.value, taint, settings);
  };
  const nodes = names.map((name) => planNode(name, ask(name, new Map()), taint, settings));
  const candidates = nodes.filter(({ verdict }) => verdict === 'Proceed').map(({ node }) => node);
  return { nodes, batches: batchesOf(candidates, ask, settings) };
}

/** One Node with what the rules look at. */
interface Question {
  readonly observed: Observed;
  readonly related: readonly RelatedPod[];
}

function question(observed: Observed, taint: MaintenanceTaint, settings: TmmSettings): Question {
  return { observed, related: relatedPods(observed.pods, taint, settings) };
}

/** @param asFirst as if it were the Node's turn, whatever other Nodes' maintenance says. */
function answer({ observed, related }: Question, settings: TmmSettings, asFirst: boolean): Verdict {
  return judge({ related, settings, observed, started: new Date(observed.nowMs).toISOString(), holdsSlot: asFirst });
}

function planNode(name: string, asked: Question | undefined, taint: MaintenanceTaint, settings: TmmSettings): NodePlan {
  if (asked === undefined) {
    return { node: name, verdict: 'NotFound', message: 'There is no such Node', pods: [], notModelled: [] };
  }
  const { observed, related } = asked;
  const verdict = answer(asked, settings, false);
  // The controller judges a Node that waits when its turn comes; whoever plans wants to know today.
  const outlook = verdict.is === 'queue' ? answer(asked, settings, true) : verdict;
  const refused = outlook.is === 'later' || outlook.is === 'never' ? outlook : undefined;
  const blocked = refused?.blockedBy ?? [];
  const fit = fitOf(observed, related, settings);
  const pods = [...observed.pods]
    .sort((a, b) => (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1))
    .map((facts) => podPlan(facts, taint, settings, blocked, fit?.placements ?? new Map()));
  const notModelled = fit?.notModelled ?? [];
  switch (verdict.is) {
    case 'proceed':
      return { node: name, verdict: 'Proceed', message: summary(pods), pods, notModelled };
    case 'queue': {
      if (refused === undefined) return { node: name, verdict: 'Wait', message: verdict.message, pods, notModelled };
      const { reason } = refused;
      const message = `${verdict.message}. As things are it would then be rejected: ${refused.message}`;
      return { node: name, verdict: 'Wait', reason, message, pods, notModelled };
    }
    case 'later':
      return { node: name, verdict: 'Wait', reason: verdict.reason, message: verdict.message, pods, notModelled };
    case 'never':
      return { node: name, verdict: 'Reject', reason: verdict.reason, message: verdict.message, pods, notModelled };
  }
}

function podPlan(
  facts: PodFacts,
  taint: MaintenanceTaint,
  settings: TmmSettings,
  blocked: readonly Blocked[],
  placements: ReadonlyMap<string, string>,
): PodPlan {
  const pod = keyOf(facts.pod);
  const fate = fateOf(facts, taint, settings);
  if (fate.is === 'stays') return { pod, fate: 'Stays', why: STAYS[fate.why] };
  const blocker = blocked.find((each) => each.pod === pod);
  if (blocker !== undefined) return { pod, fate: 'Blocks', why: `${blocker.detail}. ${blocker.remedy}` };
  if (isRecreated(facts.pod, settings)) {
    return { pod, fate: 'Waits', why: 'it has no controller, and is created again when the maintenance is over' };
  }
  if (facts.isPinned) return { pod, fate: 'Waits', why: 'it can run on this Node only' };
  const to = placements.get(pod);
  return to === undefined ? { pod, fate: 'Goes' } : { pod, fate: 'Moves', to };
}

function summary(pods: readonly PodPlan[]): string {
  const staying = pods.filter(({ fate }) => fate === 'Stays').length;
  const leaving = pods.length - staying;
  return `${leaving} ${leaving === 1 ? 'Pod' : 'Pods'} would leave, ${staying} would stay`;
}

/**
 * Fills sets first-fit in the given order: a Node joins a set where the verdict still lets it go while the others of the set
 * are being drained, and the Pods of all of them find room together.
 */
function batchesOf(
  names: readonly string[],
  ask: (name: string, reservations: ReadonlyMap<string, Reservation>) => Question | undefined,
  settings: TmmSettings,
): readonly (readonly string[])[] {
  const unlimited: TmmSettings = { ...settings, maxConcurrentNodes: Number.MAX_SAFE_INTEGER };
  const mayJoin = (batch: readonly string[], name: string): boolean => {
    const reservations = new Map(batch.map((other) => [other, RESERVED]));
    const asked = ask(name, reservations);
    if (asked === undefined || answer(asked, unlimited, false).is !== 'proceed') return false;
    const together = [asked, ...batch.flatMap((other) => ask(other, new Map()) ?? [])];
    const fit = asked.observed.placeElsewhere?.(
      together.flatMap(({ related }) => movablePods(related)),
      together.flatMap(({ related }) => related.map(({ pod }) => pod)),
    );
    return fit === undefined || fit.unplaced.length === 0;
  };
  const batches: string[][] = [];
  for (const name of names) {
    const home = batches.find((batch) => mayJoin(batch, name));
    if (home === undefined) batches.push([name]);
    else home.push(name);
  }
  return batches;
}

const RESERVED: Reservation = { session: 'planned', started: '', since: new Date(0).toISOString() };

/** Nodes as they would be without a session of their own: a plan is about asking anew. */
function withoutReports(nodes: Lister<Node>, names: ReadonlySet<string>): Lister<Node> {
  const strip = (node: Node): Node => {
    if (!names.has(node.metadata.name)) return node;
    const { [REPORT_ANNOTATION]: _, ...annotations } = node.metadata.annotations ?? {};
    return { ...node, metadata: { ...node.metadata, annotations } };
  };
  return {
    get: (key): Seen<Node> => {
      const seen = nodes.get(key);
      return seen.is === 'present' ? { is: 'present', object: strip(seen.object) } : seen;
    },
    byIndex: (index, value) => {
      const known = nodes.byIndex(index, value);
      return known.is === 'known' ? { is: 'known', value: known.value.map(strip) } : known;
    },
  };
}
