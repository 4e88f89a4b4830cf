/**
 * The scheduler: binds Pods to Nodes by the rules of the fit simulation (`core/scheduling`).
 *
 * - The waiting Pods are placed in one pass, those of higher priority first, then the older ones.
 * - A Pod that fits nowhere gets the reason in its condition `PodScheduled`, and is retried when a change could help: of a Node, of a Pod
 *   that leaves or is bound, or of storage. There is no timed retry.
 * - A Pod with scheduling gates waits for their removal. Pods of other schedulers are left alone.
 * - Claims that wait for their first consumer are handled first: a volume is bound, or their Node is written on them for the provisioner.
 *   The Pod is bound in the pass after that.
 * - There is no preemption.
 */
import { keyOf } from '../../../src/core/meta.ts';
import type { Pod as CorePod } from '../../../src/core/objects.ts';
import { Cluster } from '../../../src/core/scheduling/cluster.ts';
import { type Kind, type Mover, moversOf } from '../../../src/core/scheduling/mover.ts';
import type { FitNode } from '../../../src/core/scheduling/node.ts';
import { Placement } from '../../../src/core/scheduling/placement.ts';
import { finish } from '../../../src/core/scheduling/steps.ts';
import { withConditions } from '../base/conditions.ts';
import type { Node, Pod } from '../base/kinds.ts';
import { isFinished, isTerminating, podsByController } from '../base/pods.ts';
import { isSame, type World } from '../base/world.ts';
import { settleClaims } from './claims.ts';
import { ownerOf, Siblings, scoreOf } from './score.ts';
import { missingClaim, snapshotOf, toPod } from './snapshot.ts';
import { whyNot } from './why-not.ts';

const SCHEDULER = 'default-scheduler';
const PASS = 'all';
/** A longer pass would keep requests waiting. */
const MAX_PER_PASS = 500;

export function startScheduler(world: World): void {
  new Scheduler(world).start();
}

class Scheduler {
  readonly #world: World;
  /** Keys of Pods for the next pass. */
  readonly #due = new Set<string>();
  /** Keys of Pods that fitted nowhere at the last attempt. */
  readonly #waiting = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    const world = this.#world;
    const work = world.controller('Scheduler', () => {
      if (this.#pass()) work.add(PASS);
    });
    const retry = (): void => {
      if (this.#waiting.size === 0) return;
      for (const key of this.#waiting) this.#due.add(key);
      this.#waiting.clear();
      work.add(PASS);
    };
    world.mirror('pods').onChange(({ type, object, before }) => {
      const key = keyOf(object);
      if (type === 'DELETED') {
        this.#due.delete(key);
        this.#waiting.delete(key);
      } else if (isOurs(object)) {
        if (
          before !== undefined &&
          isSame(before.spec, object.spec) &&
          isSame(before.metadata.labels, object.metadata.labels)
        )
          return;
        this.#waiting.delete(key);
        this.#due.add(key);
        work.add(PASS);
        return;
      }
      if (object.spec.nodeName !== undefined && changesRoom(type, object, before)) retry();
    });
    world.mirror('nodes').onChange(({ object, before }) => {
      if (before === undefined || !isSameForPods(before, object)) retry();
    });
    world.mirror('persistentvolumeclaims').onChange(retry);
    world.mirror('persistentvolumes').onChange(retry);
    world.mirror('storageclasses.storage.k8s.io').onChange(retry);
  }

  /** @returns whether there is more to do at once. */
  #pass(): boolean {
    const world = this.#world;
    const pods = [...this.#due].flatMap((key) => world.mirror('pods').get(key) ?? []).filter(isOurs);
    const ordered = pods.sort(byQueue);
    const batch = ordered.slice(0, MAX_PER_PASS);
    this.#due.clear();
    for (const pod of ordered.slice(MAX_PER_PASS)) this.#due.add(keyOf(pod));
    const gated = batch.filter(isGated);
    for (const pod of gated)
      this.#say(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates');
    const ready = batch.filter((pod) => !isGated(pod));
    if (ready.length > 0) this.#place(ready);
    return this.#due.size > 0;
  }

  #place(pods: readonly Pod[]): void {
    const world = this.#world;
    const cluster = finish(Cluster.prepare(snapshotOf(world), pods.map(toPod)));
    const movers = finish(moversOf(cluster));
    const placement = new Placement();
    const families = new Families(world, cluster.nodes);
    const full = new Map<Kind, string>();
    for (const mover of movers) {
      const { kind, pod } = mover;
      const missing = missingClaim(pod, world);
      const node = missing === undefined && !full.has(kind) ? best(mover, families) : undefined;
      if (node !== undefined) {
        placement.put(mover, node);
        families.of(pod)?.add(node);
        this.#bind(mover, node, cluster);
        // The placed Pods may make room for Pods of another kind, for instance by affinity.
        for (const other of full.keys()) if (other.canBeHelped) full.delete(other);
        continue;
      }
      const why =
        missing === undefined
          ? (full.get(kind) ?? whyNot(mover, cluster.nodes, undefined))
          : whyNot(mover, cluster.nodes, missing);
      if (missing === undefined) full.set(kind, why);
      this.#waiting.add(mover.key);
      const present = world.mirror('pods').get(mover.key);
      if (present !== undefined) this.#say(present, 'Unschedulable', why);
    }
  }

  #bind({ key, pod }: Mover, node: FitNode, cluster: Cluster): void {
    const world = this.#world;
    if (!settleClaims(world, pod, node.name, cluster.takenVolumes)) {
      this.#waiting.add(key);
      return;
    }
    const present = world.fresh('pods', key);
    if (present === undefined || !isOurs(present)) return;
    world.bind(present, node.name);
    const message = `Successfully assigned ${key} to ${node.name}`;
    world.record({ about: present, type: 'Normal', source: SCHEDULER, reason: 'Scheduled', message });
  }

  /** Reports once why the Pod is not placed. */
  #say(pod: Pod, reason: string, message: string): void {
    const world = this.#world;
    const conditions = pod.status?.conditions ?? [];
    const isSaid = conditions.some(
      (each) => each.type === 'PodScheduled' && each.reason === reason && each.message === message,
    );
    if (isSaid) return;
    const { generation } = pod.metadata;
    // The API server writes the condition of a gated Pod, without this field.
    const seen = reason === 'Unschedulable' && generation !== undefined ? { observedGeneration: generation } : {};
    const said = { type: 'PodScheduled', status: 'False', reason, message, ...seen };
    world.patch('pods', pod, { status: { conditions: withConditions(conditions, [said], world.now()) } }, 'status');
    if (reason !== 'Unschedulable') return;
    world.record({ about: pod, type: 'Warning', source: SCHEDULER, reason: 'FailedScheduling', message });
  }
}

/** The Nodes of the Pods whose owners have something to place, counted on demand. */
class Families {
  readonly #world: World;
  readonly #nodes: ReadonlyMap<string, FitNode>;
  readonly #known = new Map<string, Siblings>();

  constructor(world: World, nodes: readonly FitNode[]) {
    this.#world = world;
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
  }

  of(pod: CorePod): Siblings | undefined {
    const owner = ownerOf(pod);
    if (owner === undefined) return undefined;
    const known = this.#known.get(owner);
    if (known !== undefined) return known;
    const siblings = new Siblings();
    for (const { spec, metadata } of podsByController(this.#world).get(owner)) {
      const node = this.#nodes.get(spec.nodeName ?? '');
      if (node !== undefined && metadata.deletionTimestamp === undefined) siblings.add(node);
    }
    this.#known.set(owner, siblings);
    return siblings;
  }
}

function best({ pod, kind }: Mover, families: Families): FitNode | undefined {
  const siblings = families.of(pod);
  let found: FitNode | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const node of kind.candidates) {
    if (!kind.accepts(node)) continue;
    const score = scoreOf(pod, node, siblings);
    if (score <= most) continue;
    found = node;
    most = score;
  }
  return found;
}

function isOurs(pod: Pod): boolean {
  const { nodeName, schedulerName = SCHEDULER } = pod.spec;
  return nodeName === undefined && schedulerName === SCHEDULER && !isTerminating(pod) && !isFinished(pod);
}

function isGated({ spec }: Pod): boolean {
  return (spec.schedulingGates ?? []).length > 0;
}

function byQueue(a: Pod, b: Pod): number {
  const byPriority = (b.spec.priority ?? 0) - (a.spec.priority ?? 0);
  if (byPriority !== 0) return byPriority;
  const [made, other] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  // Sorting is stable: within a second, the order of arrival decides.
  return made === other ? 0 : made < other ? -1 : 1;
}

/** Whether the change of a bound Pod (new, gone, ended, other labels or size) can open a Node for another. */
function changesRoom(type: string, after: Pod, before: Pod | undefined): boolean {
  if (type === 'DELETED' || before === undefined || before.spec.nodeName === undefined) return true;
  return (
    isFinished(before) !== isFinished(after) ||
    !isSame(before.metadata.labels, after.metadata.labels) ||
    !isSame(before.spec.containers, after.spec.containers)
  );
}

/** Heartbeats and conditions do not matter to the scheduler. */
function isSameForPods(before: Node, after: Node): boolean {
  return (
    isSame(before.metadata.labels, after.metadata.labels) &&
    isSame(before.spec, after.spec) &&
    isSame(before.status?.allocatable, after.status?.allocatable)
  );
}
