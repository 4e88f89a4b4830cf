/** Whatever happens on both sides, and in whatever order the events arrive: the result is that of the table. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bumped, MemoryClusters, MemoryManagement, merged } from '../../harness/builders/bridge.ts';
import { cluster, machine, workloadNode } from '../../harness/builders/machines.ts';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { writeAnswerOf } from '../app/capi.ts';
import { ENABLED_LABEL, HOOK_ANNOTATION, MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { Cluster, Machine } from '../core/machine-objects.ts';
import { isKubeError, KubeError } from '../kube/http/errors.ts';
import { ClusterReferences } from './cluster-references.ts';
import { reconcileClusters } from './known-clusters.ts';
import { CapiMeter } from './metrics.ts';
import { reconcileNodes } from './node-sweep.ts';
import { makeReconcile } from './reconcile.ts';
import { capiSettingsSchema } from './settings.ts';
import { setupWatches } from './watches.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';
const CLUSTER_KEY = 'metal/shop';
const KEYS = ['metal/a', 'metal/b'] as const;
const OURS = [`${P}/machine-deleted`, `${P}/machine-maintenance`] as const;

type Step =
  | { readonly do: 'labelMachine'; readonly of: number; readonly key: string; readonly value: string | null }
  | { readonly do: 'labelNode'; readonly of: number; readonly key: string; readonly value: string | null }
  | { readonly do: 'delete' | 'deleteNode' | 'stray'; readonly of: number }
  | { readonly do: 'connect'; readonly is: boolean }
  | { readonly do: 'pause'; readonly is: boolean }
  /** The workload cluster refuses every write, or takes them again. */
  | { readonly do: 'refuse'; readonly is: boolean }
  /** The answer to the next write on a Machine is lost. */
  | { readonly do: 'lose' }
  /** One pass over one of the waiting keys; the position is taken modulo their number. */
  | { readonly do: 'pass'; readonly at: number }
  /** The process is killed, and another one takes over. */
  | { readonly do: 'restart' };

const of = fc.nat(KEYS.length - 1);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('labelMachine' as const),
      of,
      key: fc.constant(ENABLED_LABEL),
      value: fc.constantFrom('true', 'false', null),
    }),
    fc.record({
      do: fc.constant('labelMachine' as const),
      of,
      key: fc.constant(MAINTENANCE_LABEL),
      value: fc.constantFrom('requested', 'requested', 'approved', 'other', null),
    }),
    fc.record({
      do: fc.constant('labelNode' as const),
      of,
      key: fc.constantFrom('approve-deletion', 'approve-maintenance', 'machine-deleted', 'machine-maintenance'),
      value: fc.constantFrom('true', 'false', null),
    }),
    fc.record({ do: fc.constantFrom('delete' as const, 'deleteNode' as const, 'stray' as const), of }),
    fc.record({ do: fc.constant('connect' as const), is: fc.boolean() }),
    fc.record({ do: fc.constant('pause' as const), is: fc.boolean() }),
    fc.record({ do: fc.constant('refuse' as const), is: fc.boolean() }),
    fc.record({ do: fc.constant('lose' as const) }),
    { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), at: fc.nat(7) }) },
    fc.record({ do: fc.constant('restart' as const) }),
  ),
  { maxLength: 60, size: 'max' },
);

const RELEASES = ['DeletionApproved', 'NodeGone', 'NotSelected', 'Disabled', 'HookTimedOut'];
const REFUSAL = new KubeError({ reason: 'Forbidden', code: 403, message: 'no' });

/** Two Machines of one cluster, and a bridge that makes a pass on request. */
class World {
  readonly management = new MemoryManagement();
  readonly workload = new MemoryClusters();
  /** Machines that had a hook while they took part: from then on it may not be missing. */
  readonly guarded = new Set<string>();
  readonly faults: string[] = [];
  /** Machines whose hook was removed during their deletion, which has to be reported, by whichever process. */
  readonly owed = new Set<string>();
  /** A Node may carry our labels although no process wrote them: a cluster without participating Machines is not watched. */
  #mayBeLeft = false;
  #queue = new Set<string>();
  #process = this.#start();

  constructor() {
    this.management.clusters.put(cluster('shop'));
    for (const key of KEYS) {
      const name = key.slice(6);
      this.workload.put(CLUSTER_KEY, workloadNode(name));
      this.management.machines.put(machine(name));
    }
  }

  #start() {
    const { management, workload } = this;
    management.machines.dropHandlers();
    management.clusters.dropHandlers();
    workload.want(new Set());
    const queue = new Set<string>();
    const references = new ClusterReferences(
      workload,
      () => true,
      (key) => queue.add(`${key}/`),
    );
    this.#queue = queue;
    const listener = setupWatches(management, {
      references,
      enqueue: (key) => queue.add(key),
      enqueueNode: (key) => queue.add(key),
      enqueueCluster: (key) => queue.add(`${key}/`),
      trustAnew: () => {},
      nodesOf: (cluster) => workload.nodes(cluster),
      tell: () => {},
    });
    const reconcile = makeReconcile({
      readers: management,
      clusters: workload,
      apply: management.apply,
      references,
      clock: { now: () => 0 },
      meter: new CapiMeter({ increment: () => {}, set: () => {}, observe: () => {} }),
      answerOf: writeAnswerOf,
      tellOnce: management.tellOnce,
      settings: capiSettingsSchema.parse({}),
    });
    const clusters = reconcileClusters({
      readers: management,
      clusters: workload,
      references,
      apply: management.apply,
      answerOf: writeAnswerOf,
    });
    return { listener, reconcile, clusters, sweep: reconcileNodes({ readers: management, clusters: workload }) };
  }

  async take(step: Step): Promise<void> {
    const isOurs = step.do === 'labelNode' && step.key.startsWith('machine-');
    // Killed before the Cluster records that we have written to its workload cluster.
    const isForgotten = step.do === 'restart' && this.#cluster().knownNodes === undefined;
    // A process that may not clean a cluster, and has nothing else to do there, leaves it to the next one.
    const isRefused = step.do === 'refuse' && step.is;
    if (isForgotten || isOurs || isRefused) this.#mayBeLeft = true;
    switch (step.do) {
      case 'labelMachine':
        this.#edit(step.of, (object) => ({ labels: merged(object.metadata.labels, { [step.key]: step.value }) }));
        break;
      case 'labelNode':
        this.#labelNode(step.of, { [`${P}/${step.key}`]: step.value });
        break;
      case 'delete':
        this.#edit(step.of, () => ({ deletionTimestamp: '1970-01-01T00:00:00Z' }));
        break;
      case 'deleteNode':
        this.workload.stored.delete(`${CLUSTER_KEY}/${this.#name(step.of)}`);
        this.#process.listener.onNodeChange(CLUSTER_KEY, this.#name(step.of));
        break;
      case 'stray':
        // An event without a change.
        this.#process.listener.onNodeChange(CLUSTER_KEY, this.#name(step.of));
        break;
      case 'connect':
        this.workload.states.set(CLUSTER_KEY, step.is ? 'Connected' : 'Unreachable');
        this.#process.listener.onStateChange(CLUSTER_KEY, { state: step.is ? 'Connected' : 'Unreachable', sinceMs: 0 });
        break;
      case 'pause':
        this.management.clusters.put({ ...this.#cluster(), spec: { paused: step.is } });
        break;
      case 'refuse':
        if (step.is) this.workload.refusals.set(CLUSTER_KEY, REFUSAL);
        else this.workload.refusals.clear();
        break;
      case 'lose':
        this.management.losesAnswer = true;
        break;
      case 'pass':
        await this.#pass(step.at);
        break;
      case 'restart':
        this.#process = this.#start();
    }
  }

  /** Ends outages and pauses, one after the other, so that each has to be noticed by itself. */
  async settle(): Promise<void> {
    this.workload.refusals.clear();
    this.management.losesAnswer = false;
    await this.#drain();
    await this.take({ do: 'connect', is: true });
    await this.#drain();
    await this.take({ do: 'pause', is: false });
    await this.#drain();
  }

  async #drain(): Promise<void> {
    for (let passes = 0; this.#queue.size > 0; passes += 1) {
      if (passes > 100) throw new Error('It never settles');
      await this.#pass(0);
    }
  }

  #cluster(): Cluster {
    return this.management.clusters.objects.get(CLUSTER_KEY) ?? cluster('shop');
  }

  #name(index: number): string {
    return (KEYS[index] ?? KEYS[0]).slice(6);
  }

  #edit(index: number, change: (object: Machine) => Partial<Machine['metadata']>): void {
    const key = KEYS[index] ?? KEYS[0];
    const before = this.#isHeldBack(key);
    this.management.edit(key, (object) => ({ ...object, metadata: { ...object.metadata, ...change(object) } }));
    // Another party's action may end the obligation, or begin it again.
    if (!before || !this.#isHeldBack(key)) this.guarded.delete(key);
  }

  #labelNode(index: number, changes: Readonly<Record<string, string | null>>): void {
    const name = this.#name(index);
    const node = this.workload.stored.get(`${CLUSTER_KEY}/${name}`);
    if (node === undefined) return;
    const metadata = { ...bumped(node.metadata), labels: merged(node.metadata.labels, changes) };
    this.workload.put(CLUSTER_KEY, { ...node, metadata });
    if (!this.#isHeldBack(`metal/${name}`)) this.guarded.delete(`metal/${name}`);
    this.#process.listener.onNodeChange(CLUSTER_KEY, name);
  }

  async #pass(at: number): Promise<void> {
    const key = [...this.#queue][at % Math.max(1, this.#queue.size)];
    if (key === undefined) return;
    this.#queue.delete(key);
    const before = new Map(this.workload.stored);
    const wasReleased = this.#isReleased(key);
    const wasHeld = this.#isHeld(key);
    try {
      const isNode = key.split('/').length === 3;
      if (key.endsWith('/')) await this.#process.clusters(key.slice(0, -1), { log: recordingLog() });
      else await this.#process[isNode ? 'sweep' : 'reconcile'](key, { log: recordingLog() });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      this.#queue.add(key);
    }
    for (const [nodeKey, node] of this.workload.stored) {
      if (before.get(nodeKey) !== node)
        this.#process.listener.onNodeChange(CLUSTER_KEY, nodeKey.split('/').at(-1) ?? '');
    }
    if (wasHeld && this.#isReleased(key)) this.owed.add(key);
    if (wasReleased && this.isHooked(key)) this.faults.push(`${key} was held again`);
    for (const each of KEYS) this.#watch(each);
  }

  #isHeld(key: string): boolean {
    const object = this.management.machines.objects.get(key);
    return object?.metadata.deletionTimestamp !== undefined && this.isHooked(key);
  }

  #isReleased(key: string): boolean {
    const object = this.management.machines.objects.get(key);
    return object?.metadata.deletionTimestamp !== undefined && !this.isHooked(key);
  }

  /** Enabled, unapproved and not being deleted: once the hook is there, it stays. */
  #isHeldBack(key: string): boolean {
    const object = this.management.machines.objects.get(key);
    const isApproved = this.#node(key)?.[`${P}/approve-deletion`] === 'true';
    return (
      object?.metadata.labels?.[ENABLED_LABEL] === 'true' &&
      object.metadata.deletionTimestamp === undefined &&
      !isApproved
    );
  }

  #watch(key: string): void {
    if (!this.#isHeldBack(key)) return;
    if (this.isHooked(key)) this.guarded.add(key);
    else if (this.guarded.has(key)) this.faults.push(`${key} lost its hook`);
  }

  #node(key: string): Readonly<Record<string, string>> | undefined {
    return this.workload.stored.get(`${CLUSTER_KEY}/${key.slice(6)}`)?.metadata.labels;
  }

  isHooked(key: string): boolean {
    return this.management.machines.objects.get(key)?.metadata.annotations?.[HOOK_ANNOTATION] !== undefined;
  }

  isTold(key: string): boolean {
    return RELEASES.some((reason) => this.management.told.includes(`${key} ${reason}`));
  }

  /** The four outputs as they are. */
  outputs(key: string): object {
    const labels = this.#node(key);
    return {
      hook: this.isHooked(key),
      ...Object.fromEntries(OURS.map((label) => [label, labels?.[label]])),
      maintenance: this.management.machines.objects.get(key)?.metadata.labels?.[MAINTENANCE_LABEL],
    };
  }

  /** The four outputs according to the table, given what everybody else wrote. */
  table(key: string): object {
    const metadata = this.management.machines.objects.get(key)?.metadata;
    const labels = this.#node(key);
    const isEnabled = metadata?.labels?.[ENABLED_LABEL] === 'true';
    const isDeleting = metadata?.deletionTimestamp !== undefined;
    const maintenance = metadata?.labels?.[MAINTENANCE_LABEL];
    const isAsked = maintenance === 'requested' || maintenance === 'approved';
    const isApproved = labels === undefined ? isDeleting : labels[`${P}/approve-deletion`] === 'true';
    // On a Machine that is being deleted a missing hook is never added, so its past counts.
    const mayHaveHook = !isDeleting || this.isHooked(key);
    const isForgotten = this.#mayBeLeft && !isEnabled && !this.workload.wanted.has(CLUSTER_KEY);
    const label = (key: (typeof OURS)[number], isWanted: boolean): string | undefined => {
      if (isForgotten) return labels?.[key];
      return labels !== undefined && isEnabled && isWanted ? 'true' : undefined;
    };
    return {
      hook: isEnabled && !isApproved && mayHaveHook,
      [OURS[0]]: label(OURS[0], isDeleting),
      [OURS[1]]: label(OURS[1], isAsked),
      maintenance:
        isEnabled && maintenance === 'requested' && labels?.[`${P}/approve-maintenance`] === 'true'
          ? 'approved'
          : maintenance,
    };
  }
}

it('the bridge ends where the table says, and no hook is ever missing in between', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = new World();
      for (const step of all) await world.take(step);
      await world.settle();
      for (const key of KEYS) expect(world.outputs(key)).toEqual(world.table(key));
      expect(world.faults).toEqual([]);
      expect([...world.owed].filter((key) => !world.isTold(key))).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
