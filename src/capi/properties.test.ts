/** Whatever happens at both ends, and in whatever order it is heard of: the end is the table's. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bumped, MemoryClusters, MemoryManagement, merged } from '../../test/build/bridge.ts';
import { cluster, machine, workloadNode } from '../../test/build/machines.ts';
import { recordingLog } from '../../test/support/recording-log.ts';
import { ENABLED_LABEL, HOOK_ANNOTATION, MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { Machine } from '../core/machine-objects.ts';
import { isKubeError } from '../kube/errors.ts';
import { CapiMeter } from './metrics.ts';
import { makeReconcile } from './reconcile.ts';
import { Roster } from './roster.ts';
import { capiSettingsSchema } from './settings.ts';
import { wire } from './wiring.ts';

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
  /** One pass over whatever waits; the position is taken modulo how many do. */
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
    { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), at: fc.nat(7) }) },
    fc.record({ do: fc.constant('restart' as const) }),
  ),
  { maxLength: 60, size: 'max' },
);

/** Two Machines of one cluster, and a bridge that makes a pass when it is told to. */
class World {
  readonly management = new MemoryManagement();
  readonly workload = new MemoryClusters();
  /** Machines that a hook was once seen on while they took part: from then on it may not be missing. */
  readonly guarded = new Set<string>();
  readonly faults: string[] = [];
  /** A Node may carry our labels although no process wrote them: nobody looks at a cluster in which nobody takes part. */
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
    const roster = new Roster(workload);
    const queue = new Set<string>();
    this.#queue = queue;
    const listener = wire(management, { roster, enqueue: (key) => queue.add(key), tell: () => {} });
    const reconcile = makeReconcile({
      readers: management,
      clusters: workload,
      apply: management.apply,
      roster,
      clock: { now: () => 0 },
      meter: new CapiMeter({ increment: () => {}, set: () => {}, observe: () => {} }),
      settings: capiSettingsSchema.parse({}),
    });
    return { listener, reconcile };
  }

  async take(step: Step): Promise<void> {
    const isOurs = step.do === 'labelNode' && step.key.startsWith('machine-');
    if (step.do === 'restart' || isOurs) this.#mayBeLeft = true;
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
        this.workload.nodes.delete(`${CLUSTER_KEY}/${this.#name(step.of)}`);
        this.#process.listener.onNodeChange(CLUSTER_KEY, this.#name(step.of));
        break;
      case 'stray':
        // An event that says nothing.
        this.#process.listener.onNodeChange(CLUSTER_KEY, this.#name(step.of));
        break;
      case 'connect':
        this.workload.states.set(CLUSTER_KEY, step.is ? 'Connected' : 'Unreachable');
        this.#process.listener.onStateChange(CLUSTER_KEY, { state: step.is ? 'Connected' : 'Unreachable', sinceMs: 0 });
        break;
      case 'pause':
        this.management.clusters.put(cluster('shop', { paused: step.is }));
        break;
      case 'pass':
        await this.#pass(step.at);
        break;
      case 'restart':
        this.#process = this.#start();
    }
  }

  /** Ends outages and pauses, one after the other, so that each must be heard of by itself. */
  async settle(): Promise<void> {
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

  #name(index: number): string {
    return (KEYS[index] ?? KEYS[0]).slice(6);
  }

  #edit(index: number, change: (object: Machine) => Partial<Machine['metadata']>): void {
    const key = KEYS[index] ?? KEYS[0];
    const before = this.#isHeldBack(key);
    this.management.edit(key, (object) => ({ ...object, metadata: { ...object.metadata, ...change(object) } }));
    // What somebody else does may end the obligation, or begin it anew.
    if (!before || !this.#isHeldBack(key)) this.guarded.delete(key);
  }

  #labelNode(index: number, changes: Readonly<Record<string, string | null>>): void {
    const name = this.#name(index);
    const node = this.workload.nodes.get(`${CLUSTER_KEY}/${name}`);
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
    const before = new Map(this.workload.nodes);
    const wasReleased = this.#isReleased(key);
    try {
      await this.#process.reconcile(key, { log: recordingLog() });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      this.#queue.add(key);
    }
    for (const [nodeKey, node] of this.workload.nodes) {
      if (before.get(nodeKey) !== node)
        this.#process.listener.onNodeChange(CLUSTER_KEY, nodeKey.split('/').at(-1) ?? '');
    }
    if (wasReleased && this.isHooked(key)) this.faults.push(`${key} was held again`);
    for (const each of KEYS) this.#watch(each);
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
    return this.workload.nodes.get(`${CLUSTER_KEY}/${key.slice(6)}`)?.metadata.labels;
  }

  isHooked(key: string): boolean {
    return this.management.machines.objects.get(key)?.metadata.annotations?.[HOOK_ANNOTATION] !== undefined;
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

  /** The four outputs as the table has them, given what everybody else wrote. */
  table(key: string): object {
    const metadata = this.management.machines.objects.get(key)?.metadata;
    const labels = this.#node(key);
    const isEnabled = metadata?.labels?.[ENABLED_LABEL] === 'true';
    const isDeleting = metadata?.deletionTimestamp !== undefined;
    const maintenance = metadata?.labels?.[MAINTENANCE_LABEL];
    const isAsked = maintenance === 'requested' || maintenance === 'approved';
    const isApproved = labels === undefined ? isDeleting : labels[`${P}/approve-deletion`] === 'true';
    // Of a Machine that is being deleted the past counts: a hook that is missing is not put on.
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
    }),
    { numRuns: 1000 },
  );
});
