/**
 * Predicts what would happen if Nodes were asked to go, without asking: each Pod's fate, the verdict, and which Nodes may go together. The
 * verdict is the controller's own (`judge`), on the same observation.
 */

import { keyOf } from '../../core/meta.ts';
import type { Node, Pod } from '../../core/objects.ts';
import type { Lister, Seen } from '../../core/ports.ts';
import { finish } from '../../core/scheduling/steps.ts';
import type { Observed } from '../model/observed.ts';
import {
  fateOf,
  isRecreated,
  type PodFacts,
  type RelatedPod,
  relatedPods,
  type Staying,
} from '../model/related-pods.ts';
import type { Blocked } from '../model/report.ts';
import { type ForeseenReturn, foreseenReturn } from '../model/returns.ts';
import type { Reservation } from '../model/slots.ts';
import { askingTaint } from '../model/taints.ts';
import { type FailureReason, type MaintenanceTaint, REPORT_ANNOTATION } from '../names.ts';
import { ClusterView } from '../observe/cluster-view.ts';
import { neighboursOf } from '../observe/neighbours.ts';
import { observe } from '../observe/observe.ts';
import { awayOf, placeElsewhere } from '../observe/placement.ts';
import type { TmmReaders } from '../observe/readers.ts';
import { movablePods } from '../observe/room.ts';
import { questionOf, type Verdict } from '../rules/rule.ts';
import { judge } from '../rules/verdict.ts';
import type { TmmSettings } from '../settings.ts';

export interface PodPlan {
  /** `namespace/name` */
  readonly pod: string;
  /**
   * - `Stays`: maintenance does not touch it.
   * - `Moves`: it is evicted, and its replacement fits on the Node `to`, where that could be foreseen.
   * - `Waits`: it is evicted and comes back with the Node, the only one where it can run, or has no controller and is created again then;
   *   or it is not evicted, and the drain waits for its end.
   * - `ComesBack`: it is evicted, and its controller puts it back on this Node: the maintenance would be rejected at its deadline.
   * - `Goes`: it is evicted, and what becomes of it is not foreseen (a DaemonSet's Pod, one that tolerates the taint).
   * - `Blocks`: because of it the maintenance would wait or be rejected.
   */
  readonly fate: 'Stays' | 'Moves' | 'Waits' | 'ComesBack' | 'Goes' | 'Blocks';
  /** Why it stays or blocks. */
  readonly why?: string;
  readonly to?: string;
}

export interface NodePlan {
  readonly node: string;
  /** `Proceed`: it may go now. `Wait`: not yet. `Reject`: it would be rejected. `NotFound`: there is no such Node. */
  readonly verdict: 'Proceed' | 'Wait' | 'Reject' | 'NotFound';
  /** With `Reject`: the reason. With `Wait`: the reason of the later rejection if nothing changes. */
  readonly reason?: FailureReason;
  readonly message: string;
  readonly pods: readonly PodPlan[];
  /** What the simulation left out, in favour of the Pods. */
  readonly notModelled: readonly string[];
}

export interface Plan {
  /** In the order in which they were requested. */
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
  Skipped: 'terminating for longer than tmm.skipWaitForDeleteTimeout',
};

const COMES_BACK: Readonly<Record<ForeseenReturn, string>> = {
  NamesNode: 'its template names the Node in spec.nodeName',
  Tolerates: 'it can run here only, and the taint does not keep it away',
};

/** @throws Error if a cache has not been filled, which is a bug of the caller. */
export function planNodes(names: readonly string[], readers: TmmReaders, settings: TmmSettings, nowMs: number): Plan {
  const [taint] = settings.taints;
  if (taint === undefined) throw new RangeError('Settings have at least one taint');
  const untouched = { ...readers, nodes: withoutReports(readers.nodes, new Set(names)) };
  const ask = (name: string, reservations: ReadonlyMap<string, Reservation>): Question | undefined => {
    const known = observe(untouched, name, {
      attempts: new Map(),
      reservations,
      settings,
      // Treats this Node as if it were asked to go, whatever its taints, and others only if they are.
      source: (node) => (node.metadata.name === name ? taint : askingTaint(node, settings.taints)),
      foresees: true,
      nowMs,
    });
    if (known.is === 'unknown') throw new Error('The caches are not filled');
    return known.value.node.is === 'absent' ? undefined : question(known.value, taint, settings);
  };
  const nodes = names.map((name) => planNode(name, ask(name, new Map()), taint, settings));
  const candidates = nodes.filter(({ verdict }) => verdict === 'Proceed').map(({ node }) => node);
  const view = new ClusterView(untouched);
  const holds = settings.honourOtherTools ? view.holds(nowMs) : [];
  const fitTogether: FitTogether = (node, reservations, movable, leaving) => {
    const away = awayOf(neighboursOf(node.metadata.name, view, reservations), holds);
    return finish(placeElsewhere(node, away, view, movable, [], leaving)).unplaced.length === 0;
  };
  return { nodes, batches: batchesOf(candidates, ask, fitTogether, settings) };
}

/** Whether Pods of several Nodes find room together while these Nodes are away. */
type FitTogether = (
  node: Node,
  reservations: ReadonlyMap<string, Reservation>,
  movable: readonly Pod[],
  leaving: readonly Pod[],
) => boolean;

/** One Node with the input of the rules. */
interface Question {
  readonly observed: Observed;
  readonly related: readonly RelatedPod[];
}

function question(observed: Observed, taint: MaintenanceTaint, settings: TmmSettings): Question {
  return { observed, related: relatedPods(observed.pods, taint, settings, observed.nowMs) };
}

/** @param isFirst judges as if it were the Node's turn, whatever the maintenance of other Nodes. */
function answer({ observed, related }: Question, settings: TmmSettings, isFirst: boolean): Verdict {
  return judge({ ...questionOf(observed, related, settings), isFirst });
}

function planNode(name: string, asked: Question | undefined, taint: MaintenanceTaint, settings: TmmSettings): NodePlan {
  if (asked === undefined) {
    return { node: name, verdict: 'NotFound', message: 'There is no such Node', pods: [], notModelled: [] };
  }
  const { observed } = asked;
  const verdict = answer(asked, settings, false);
  // The controller judges a waiting Node when its turn comes; a plan needs the answer for today.
  const outlook = verdict.is === 'queue' ? answer(asked, settings, true) : verdict;
  const refused = outlook.is === 'later' || outlook.is === 'never' ? outlook : undefined;
  const blocked = refused?.blockedBy ?? [];
  const pods = [...observed.pods]
    .sort((a, b) => (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1))
    .map((facts) => podPlan(facts, taint, settings, blocked, observed));
  const notModelled = observed.room?.notModelled ?? [];
  switch (verdict.is) {
    case 'proceed':
      return { node: name, verdict: 'Proceed', message: summary(pods), pods, notModelled };
    case 'queue': {
      const waiting = verdict.first === undefined ? verdict.message : `${verdict.message}, at present ${verdict.first}`;
      if (refused === undefined) return { node: name, verdict: 'Wait', message: waiting, pods, notModelled };
      const { reason } = refused;
      const message = `${waiting}. As things are it would then be rejected: ${refused.message}`;
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
  { room, members, nodeName, nowMs }: Observed,
): PodPlan {
  const pod = keyOf(facts.pod);
  const fate = fateOf(facts, taint, settings, nowMs);
  if (fate.is === 'stays') return { pod, fate: 'Stays', why: STAYS[fate.why] };
  const blocker = blocked.find((each) => each.pod === pod);
  if (blocker !== undefined) return { pod, fate: 'Blocks', why: `${blocker.detail}. ${blocker.remedy}` };
  if (fate.waitsForCompletion === 'Label')
    return { pod, fate: 'Waits', why: 'the drain waits for its end, as its label asks' };
  if (fate.waitsForCompletion === 'FinalJob') {
    return { pod, fate: 'Waits', why: 'the drain waits for its end: evicted, its Job would fail for good' };
  }
  if (isRecreated(facts.pod, settings)) {
    return { pod, fate: 'Waits', why: 'it has no controller, and is created again when the maintenance is over' };
  }
  const { workload, isPinned } = facts;
  const { tolerations = [] } = facts.pod.spec;
  const template = { ...members?.[workload?.uid ?? '']?.template, tolerations };
  const foreseen = workload && foreseenReturn(template, isPinned || fate.ofDaemonSet, nodeName, taint);
  if (foreseen !== undefined) {
    const owner = `${workload?.kind} ${workload?.namespace}/${workload?.name}`;
    return { pod, fate: 'ComesBack', why: `${owner} puts it back on this Node: ${COMES_BACK[foreseen]}` };
  }
  if (isPinned) return { pod, fate: 'Waits', why: 'it can run on this Node only' };
  const to = room?.placements[pod];
  return to === undefined ? { pod, fate: 'Goes' } : { pod, fate: 'Moves', to };
}

function summary(pods: readonly PodPlan[]): string {
  const staying = pods.filter(({ fate }) => fate === 'Stays').length;
  const leaving = pods.length - staying;
  const text = `${leaving} ${leaving === 1 ? 'Pod' : 'Pods'} would leave, ${staying} would stay`;
  const [first, ...more] = pods.filter(({ fate }) => fate === 'ComesBack');
  if (first === undefined) return text;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return `${text}. It would be rejected at the deadline of the drain, since Pod ${first.pod}${others} comes back: ${first.why}`;
}

/**
 * Fills sets first-fit in the given order: a Node joins a set if the verdict still lets it go while the others of the set are being
 * drained, and the Pods of all of them find room together.
 */
function batchesOf(
  names: readonly string[],
  ask: (name: string, reservations: ReadonlyMap<string, Reservation>) => Question | undefined,
  fitTogether: FitTogether,
  settings: TmmSettings,
): readonly (readonly string[])[] {
  const unlimited: TmmSettings = { ...settings, maxConcurrentNodes: Number.MAX_SAFE_INTEGER };
  const mayJoin = (batch: readonly string[], name: string): boolean => {
    const reservations = new Map(batch.map((other) => [other, RESERVED]));
    const asked = ask(name, reservations);
    if (asked?.observed.node.is !== 'present' || answer(asked, unlimited, false).is !== 'proceed') return false;
    const together = [asked, ...batch.flatMap((other) => ask(other, new Map()) ?? [])];
    return fitTogether(
      asked.observed.node.object,
      reservations,
      together.flatMap(({ related }) => movablePods(related)),
      together.flatMap(({ related }) => related.map(({ pod }) => pod)),
    );
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

/** The Nodes without their sessions: a plan assumes a new request. */
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
