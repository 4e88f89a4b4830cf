/** Whatever is requested, approved, drained and killed, in any order: at most one Node is away, and everything is released in the end. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bumped, MemoryClusters, MemoryManagement, merged } from '../../../harness/builders/bridge.ts';
import { cluster, machine, workloadNode } from '../../../harness/builders/machines.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import { writeAnswerOf } from '../../app/capi.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  DRAIN_ANNOTATION,
  DRAIN_LABEL,
  ENABLED_LABEL,
  MAINTENANCE_LABEL,
} from '../../core/machine-keys.ts';
import { isKubeError } from '../../kube/http/errors.ts';
import { ClusterReferences } from '../cluster-references.ts';
import { CapiMeter } from '../metrics.ts';
import { QUESTIONS } from '../questions.ts';
import { makeReconcile } from '../reconcile.ts';
import { capiSettingsSchema } from '../settings.ts';
import { setupWatches } from '../watches.ts';
import { DrainMeter } from './metrics.ts';
import { APPROVED_ANNOTATION } from './names.ts';
import type { DrainSession } from './observed.ts';
import { type Drains, makeDrainReconcile } from './reconcile.ts';
import { drainSettingsSchema } from './settings.ts';
import { setupDrainWatches } from './watches.ts';

const SHOP = 'metal/shop';
const NAMES = ['a', 'b', 'c'] as const;
const OURS: readonly string[] = [APPROVE_DELETION_LABEL, APPROVE_MAINTENANCE_LABEL];

type Step =
  | { readonly do: 'request' | 'withdraw' | 'delete' | 'disable' | 'approve' | 'stray'; readonly of: number }
  /** The session on a Node proceeds: to its end if `well`, else to its rejection. */
  | { readonly do: 'session'; readonly of: number; readonly well: boolean }
  /** A Pod comes to the Node, or leaves it. */
  | { readonly do: 'pod'; readonly of: number }
  | { readonly do: 'connect'; readonly is: boolean }
  | { readonly do: 'lose' | 'restart' }
  | { readonly do: 'pass'; readonly at: number };

const of = fc.nat(NAMES.length - 1);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('request' as const, 'request' as const, 'withdraw' as const), of }),
    },
    fc.record({
      do: fc.constantFrom('delete' as const, 'disable' as const, 'approve' as const, 'stray' as const),
      of,
    }),
    { weight: 4, arbitrary: fc.record({ do: fc.constant('session' as const), of, well: fc.boolean() }) },
    fc.record({ do: fc.constant('pod' as const), of }),
    fc.record({ do: fc.constant('connect' as const), is: fc.boolean() }),
    fc.record({ do: fc.constantFrom('lose' as const, 'restart' as const) }),
    { weight: 8, arbitrary: fc.record({ do: fc.constant('pass' as const), at: fc.nat(9) }) },
  ),
  { maxLength: 60, size: 'max' },
);

class World {
  readonly management = new MemoryManagement();
  readonly workload = new MemoryClusters();
  readonly faults: string[] = [];
  readonly #sessions = new Map<string, DrainSession['phase']>();
  /** Nodes with a Pod that the maintenance would have to move. */
  readonly #occupied = new Set<string>();
  #nowMs = 0;
  #queue = new Set<string>();
  #process = this.#start();

  constructor() {
    this.management.clusters.put(cluster('shop'));
    for (const name of NAMES) {
      this.workload.put(SHOP, workloadNode(name));
      this.management.machines.put(machine(name));
    }
  }

  #start() {
    const { management, workload } = this;
    management.machines.dropHandlers();
    management.clusters.dropHandlers();
    workload.want(new Set());
    const queue = new Set<string>();
    this.#queue = queue;
    const references = new ClusterReferences(workload, () => true);
    const bridge = setupWatches(management, {
      references,
      enqueue: (key) => queue.add(key),
      enqueueNode: () => {},
      enqueueCluster: () => {},
      trustAnew: () => {},
      nodesOf: (key) => workload.nodes(key),
      tell: () => {},
    });
    const drain = setupDrainWatches(
      management.machines,
      (key) => queue.add(key),
      (key) => workload.nodes(key),
    );
    const clock = { now: () => this.#nowMs };
    const settings = capiSettingsSchema.parse({});
    return {
      changed: (name: string) => {
        bridge.onNodeChange(SHOP, name);
        drain.onNodeChange(SHOP, name);
      },
      connected: (is: boolean) => {
        bridge.onStateChange(SHOP, { state: is ? 'Connected' : 'Unreachable', sinceMs: 0 });
        drain.onStateChange(SHOP);
      },
      ofMachine: makeReconcile({
        readers: management,
        clusters: workload,
        apply: management.apply,
        references,
        clock,
        meter: new CapiMeter({ increment: () => {}, set: () => {}, observe: () => {} }),
        answerOf: writeAnswerOf,
        tellOnce: management.tellOnce,
        settings,
      }),
      ofNode: makeDrainReconcile({
        readers: management,
        clusters: workload,
        drains: this.#drains(),
        apply: management.apply,
        clock,
        settings: drainSettingsSchema.parse({}),
        limits: { maxUnavailable: 1, maxConcurrentMachines: 0, maxConcurrentNodes: 1, nodesOf: () => NAMES.length },
        meter: new DrainMeter(),
        requireNodeLabel: settings.requireNodeLabel,
      }),
    };
  }

  /** Caches are filled as soon as they are wanted. */
  #drains(): Drains {
    const wanted = new Set<string>();
    return {
      want: (_, key, isWanted) => {
        if (isWanted === wanted.has(key)) return;
        if (isWanted) this.#queue.add(key);
        if (isWanted) wanted.add(key);
        else wanted.delete(key);
      },
      nodeIn: (_, name) => {
        const node = this.workload.node(SHOP, name);
        if (wanted.size === 0 || node.is !== 'present') return undefined;
        const ours = (node.object.metadata.annotations?.[APPROVED_ANNOTATION] ?? '').split(',');
        const session = this.#sessionOn(name);
        return {
          isFenced: this.#isFenced(name),
          approved: QUESTIONS.filter((question) => ours.includes(question)),
          ...(session !== undefined && { session }),
        };
      },
      blindnessOf: () => undefined,
      revisionOf: () => this.#nowMs,
      outlook: async () => ({ is: 'open' }),
    };
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'request':
        return this.#label(step.of, { [MAINTENANCE_LABEL]: 'requested' });
      case 'withdraw':
        return this.#label(step.of, { [MAINTENANCE_LABEL]: null });
      case 'disable':
        return this.#label(step.of, { [ENABLED_LABEL]: null });
      case 'delete':
        return this.management.edit(`metal/${nameOf(step.of)}`, (object) => ({
          ...object,
          metadata: { ...object.metadata, deletionTimestamp: '1970-01-01T00:00:00Z' },
        }));
      case 'approve':
        return this.#labelNode(step.of, { [APPROVE_MAINTENANCE_LABEL]: 'true' });
      case 'stray':
        return this.#process.changed(nameOf(step.of));
      case 'session':
        return this.#advance(nameOf(step.of), step.well);
      case 'pod':
        return this.#movePod(nameOf(step.of));
      case 'connect':
        this.workload.states.set(SHOP, step.is ? 'Connected' : 'Unreachable');
        return this.#process.connected(step.is);
      case 'lose':
        this.management.losesAnswer = true;
        return;
      case 'restart':
        this.#process = this.#start();
        return;
      case 'pass':
        return this.#pass(step.at);
    }
  }

  /** Every request is taken back, and every party continues. */
  async settle(): Promise<void> {
    await this.take({ do: 'connect', is: true });
    this.management.losesAnswer = false;
    this.#occupied.clear();
    for (const index of NAMES.keys()) this.#label(index, { [MAINTENANCE_LABEL]: null });
    for (let round = 0; round < 12; round += 1) {
      for (const name of NAMES) {
        this.#queue.add(`metal/${name}`);
        this.#queue.add(`${SHOP}/${name}`);
        this.#advance(name, true);
      }
      for (let passes = 0; this.#queue.size > 0 && passes < 100; passes += 1) await this.#pass(0);
      this.#nowMs += 31_000;
    }
  }

  #isFenced(name: string): boolean {
    return this.workload.tainted.has(`${SHOP}/${name}`);
  }

  #sessionOn(name: string): DrainSession | undefined {
    const phase = this.#sessions.get(name);
    if (phase === undefined) return undefined;
    const isEmpty = phase === 'InMaintenance' && !this.#occupied.has(name);
    return { phase, isEmpty, isOverdue: false, message: '' };
  }

  /** Temporary Maintenance Mode: a fence is a request, and without one a session ends. */
  #advance(name: string, well: boolean): void {
    const before = this.#sessions.get(name);
    if (!this.#isFenced(name)) {
      if (before === undefined) return;
      if (before === 'Exiting' || before === 'Rejected') this.#sessions.delete(name);
      else this.#sessions.set(name, 'Exiting');
    } else if (before === undefined || before === 'Exiting') this.#sessions.set(name, 'Draining');
    else if (before === 'Draining') this.#sessions.set(name, well ? 'InMaintenance' : 'Rejected');
    this.#process.changed(name);
  }

  #movePod(name: string): void {
    if (!this.#occupied.delete(name)) this.#occupied.add(name);
    this.#process.changed(name);
  }

  #label(index: number, labels: Readonly<Record<string, string | null>>): void {
    this.management.edit(`metal/${nameOf(index)}`, (object) => ({
      ...object,
      metadata: { ...object.metadata, labels: merged(object.metadata.labels, labels) },
    }));
  }

  #labelNode(index: number, labels: Readonly<Record<string, string>>): void {
    const node = this.workload.stored.get(`${SHOP}/${nameOf(index)}`);
    if (node === undefined) return;
    this.workload.put(SHOP, {
      ...node,
      metadata: { ...bumped(node.metadata), labels: merged(node.metadata.labels, labels) },
    });
    this.#process.changed(nameOf(index));
  }

  async #pass(at: number): Promise<void> {
    const key = [...this.#queue][at % Math.max(1, this.#queue.size)];
    if (key === undefined) return;
    this.#queue.delete(key);
    const before = new Map(this.workload.stored);
    const [patches, name] = [this.workload.patches.length, key.split('/').at(-1) ?? ''];
    const isNode = key.startsWith(`${SHOP}/`);
    try {
      await this.#process[isNode ? 'ofNode' : 'ofMachine'](key, { log: recordingLog() });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      this.#queue.add(key);
    }
    for (const { labels = {} } of isNode ? this.workload.patches.slice(patches) : []) this.#judge(name, labels);
    for (const [nodeKey, node] of this.workload.stored) {
      if (before.get(nodeKey) !== node) this.#process.changed(nodeKey.split('/').at(-1) ?? '');
    }
    const away = NAMES.filter((each) => this.#isFenced(each) && this.#sessions.get(each) !== 'Rejected');
    if (away.length > 1) this.faults.push(`${away.join(' and ')} are away at once`);
  }

  /** Checks that the approvals in a patch of ours are permitted. */
  #judge(name: string, labels: Readonly<Record<string, string | null>>): void {
    const given = Object.keys(labels).filter((key) => OURS.includes(key) && labels[key] === 'true');
    if (given.length === 0) return;
    const { metadata } = this.management.machines.objects.get(`metal/${name}`) ?? machine(name);
    if (this.#sessionOn(name)?.isEmpty !== true) this.faults.push(`${name} was approved and is not empty`);
    const isInMaintenance = metadata.labels?.[MAINTENANCE_LABEL] === 'approved';
    if (given.includes(APPROVE_DELETION_LABEL) && isInMaintenance) {
      this.faults.push(`the deletion of ${name} was approved while somebody may be at it`);
    }
  }

  /** Our remaining marks; if a Machine's deletion continues, all of them go with its Node. */
  left(): readonly string[] {
    return NAMES.flatMap((name) => {
      const { metadata } = this.management.machines.objects.get(`metal/${name}`) ?? machine(name);
      const isEnabled = metadata.labels?.[ENABLED_LABEL] === 'true';
      if (metadata.deletionTimestamp !== undefined && isEnabled) return [];
      const node = this.workload.stored.get(`${SHOP}/${name}`)?.metadata;
      return [
        ...(this.#isFenced(name) ? [`the fence of ${name}`] : []),
        ...(node?.labels?.[DRAIN_LABEL] === undefined ? [] : [`the label of ${name}`]),
        ...(node?.annotations?.[APPROVED_ANNOTATION] === undefined ? [] : [`the approval of ${name}`]),
        ...(metadata.annotations?.[DRAIN_ANNOTATION] === undefined ? [] : [`the record of ${name}`]),
      ];
    });
  }
}

const nameOf = (index: number): string => NAMES[index] ?? NAMES[0];

/** The cluster must stay connected until the last of its Nodes is released. */
const ALL_DISABLED: readonly Step[] = [
  { do: 'disable', of: 1 },
  { do: 'request', of: 0 },
  { do: 'pass', at: 0 },
  { do: 'pass', at: 2 },
  { do: 'disable', of: 2 },
  { do: 'disable', of: 0 },
];

it('one Node is away at a time, nothing is approved that must not be, and all is given back', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = new World();
      for (const step of all) await world.take(step);
      await world.settle();
      expect(world.faults).toEqual([]);
      expect(world.left()).toEqual([]);
    }),
    { numRuns: 500, examples: [[ALL_DISABLED]] },
  );
});
