/** Whatever people, Metal3 and crashes do, in any order: a host that is off is meant to be, and no host goes off too often. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { merged } from '../../harness/builders/bridge.ts';
import { cluster } from '../../harness/builders/machines.ts';
import {
  host,
  hosted,
  lookOf,
  MemoryMetal3,
  type OperatorLine,
  POWER,
  REBOOT,
  SKIP,
  SKIP_OWNER,
} from '../../harness/builders/metal3.ts';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import type { Action, PatchMeta } from '../core/action.ts';
import type { Result } from '../core/decision.ts';
import { HOOK_ANNOTATION, MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import { BARE_METAL_HOST } from '../core/machine-objects.ts';
import { isKubeError } from '../kube/http/errors.ts';
import { obstacleOf } from './hosts.ts';
import { wantsOff } from './machines.ts';
import { Metal3Meter } from './metrics.ts';
import { reconcileHosts, reconcileMachines } from './reconcile.ts';
import { metal3SettingsSchema } from './settings.ts';
import { setupWatches } from './watches.ts';

const NAMES = ['a', 'b'] as const;
const HOUR = 3_600_000;
const OTHER_KEYS = ['reboot.metal3.io', 'reboot.metal3.io/other'];

type OfMachine =
  | { readonly do: 'label'; readonly of: number; readonly value: string | null }
  | { readonly do: 'hook'; readonly of: number; readonly is: boolean }
  | { readonly do: 'delete' | 'remove' | 'recreate'; readonly of: number };
type OfHost =
  | { readonly do: 'steal' | 'otherReboot' | 'look'; readonly of: number }
  | {
      readonly do: 'disablePowerOff' | 'pauseHost' | 'detach' | 'provision';
      readonly of: number;
      readonly is: boolean;
    };
type Step =
  | OfMachine
  | OfHost
  | { readonly do: 'pauseCluster'; readonly is: boolean }
  /** One pass over one of the waiting keys. */
  | { readonly do: 'pass'; readonly at: number }
  /** The process dies before or after its next write, and another one takes over. */
  | { readonly do: 'crash'; readonly afterwards: boolean }
  | { readonly do: 'restart' };

const of = fc.nat(NAMES.length - 1);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('label' as const),
        of,
        value: fc.constantFrom('requested', 'approved', 'approved', null),
      }),
    },
    fc.record({ do: fc.constantFrom('delete' as const, 'remove' as const, 'recreate' as const), of }),
    fc.record({ do: fc.constantFrom('steal' as const, 'otherReboot' as const), of }),
    fc.record({ do: fc.constant('hook' as const), of, is: fc.boolean() }),
    fc.record({
      do: fc.constantFrom('disablePowerOff' as const, 'pauseHost' as const, 'detach' as const, 'provision' as const),
      of,
      is: fc.boolean(),
    }),
    fc.record({ do: fc.constant('pauseCluster' as const), is: fc.boolean() }),
    { weight: 5, arbitrary: fc.record({ do: fc.constant('look' as const), of }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('pass' as const), at: fc.nat(7) }) },
    fc.record({ do: fc.constant('crash' as const), afterwards: fc.boolean() }),
    fc.record({ do: fc.constant('restart' as const) }),
  ),
  { maxLength: 80, size: 'max' },
);

class Crash extends Error {}

/** Two Machines on two hosts, Metal3, and a bridge that makes a pass on request. */
class World {
  readonly cluster = new MemoryMetal3();
  readonly requests = new Map<string, number>();
  readonly cycles = new Map<string, number>();
  readonly #line: OperatorLine;
  #generation = 0;
  #nowMs = Date.parse('2026-11-21T10:00:00Z');
  #crash: 'before' | 'after' | undefined;
  #queue = new Set<string>();
  #later = new Set<string>();
  #process = this.#start();

  constructor(line: OperatorLine) {
    this.#line = line;
    this.cluster.clusters.put(cluster('shop'));
    for (const name of NAMES) {
      this.cluster.hosts.put(host(name));
      this.cluster.machines.put(hosted(name));
    }
  }

  #start() {
    const { machines, clusters, hosts } = this.cluster;
    for (const source of [machines, clusters, hosts]) source.dropHandlers();
    const queue = new Set<string>();
    this.#queue = queue;
    this.#later = new Set();
    const orphans = new Set<string>();
    setupWatches(this.cluster, {
      orphans,
      enqueueMachine: (key) => queue.add(`machine ${key}`),
      enqueueHost: (key) => queue.add(`host ${key}`),
    });
    const ports = {
      readers: this.cluster,
      orphans,
      unseen: () => [],
      apply: async (actions: readonly Action[]) => this.#apply(actions),
      clock: { now: () => this.#nowMs },
      meter: new Metal3Meter({ increment: () => {}, set: () => {}, observe: () => {} }),
      settings: metal3SettingsSchema.parse({}),
    };
    return { machine: reconcileMachines(ports), host: reconcileHosts(ports) };
  }

  #apply(actions: readonly Action[]): void {
    for (const action of actions) {
      const isWrite = action.do === 'patchMeta';
      if (isWrite && this.#crash === 'before') throw new Crash();
      if (isWrite) this.#check(action);
      this.cluster.carryOut(action);
      if (isWrite && OTHER_KEYS.some((key) => action.annotations?.[key] !== undefined)) throw new Error('Not ours');
      if (isWrite && this.#crash === 'after') throw new Crash();
    }
  }

  /** Somebody may be at a machine whose Machine is deleted while our hook holds the deletion. */
  #check({ target, annotations }: PatchMeta): void {
    if (target.resource !== BARE_METAL_HOST || annotations?.[REBOOT] !== null) return;
    const key = `${target.namespace}/${target.name}`;
    const object = this.cluster.machines.objects.get(key);
    const isNever = this.cluster.hosts.objects.get(key)?.spec.disablePowerOff === true;
    const isHeld = object?.metadata.annotations?.[HOOK_ANNOTATION] !== undefined;
    const isApproved = object?.metadata.labels?.[MAINTENANCE_LABEL] === 'approved';
    if (isHeld && isApproved && !isNever) throw new Error(`Host ${key} is let on while our hook holds the deletion`);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'pass':
        return this.#pass(step.at);
      case 'crash':
        this.#crash = step.afterwards ? 'after' : 'before';
        return;
      case 'restart':
        this.#process = this.#start();
        return;
      case 'pauseCluster':
        this.cluster.clusters.put(cluster('shop', { paused: step.is }));
        return;
      case 'label':
      case 'hook':
      case 'delete':
      case 'remove':
      case 'recreate':
        this.#changeMachine(step, this.#key(step.of));
        return;
      default:
        this.#changeHost(step, this.#key(step.of));
    }
  }

  #changeMachine(step: OfMachine, key: string): void {
    const before = this.cluster.machines.objects.get(key);
    const wanted = before !== undefined && wantsOff(before);
    switch (step.do) {
      case 'label':
        this.cluster.editMachine(key, (object) => ({
          ...object,
          metadata: { ...object.metadata, labels: merged(object.metadata.labels, { [MAINTENANCE_LABEL]: step.value }) },
        }));
        break;
      case 'delete':
        this.cluster.editMachine(key, (object) => ({
          ...object,
          metadata: { ...object.metadata, deletionTimestamp: '2026-11-21T10:00:00Z' },
        }));
        break;
      case 'hook':
        this.cluster.editMachine(key, (object) => ({
          ...object,
          metadata: {
            ...object.metadata,
            annotations: merged(object.metadata.annotations, { [HOOK_ANNOTATION]: step.is ? '' : null }),
          },
        }));
        break;
      case 'remove':
        this.cluster.machines.remove(key);
        break;
      case 'recreate': {
        if (before !== undefined) break;
        this.#generation += 1;
        const object = hosted(key.slice(6));
        this.cluster.machines.put({ ...object, metadata: { ...object.metadata, uid: `again-${this.#generation}` } });
      }
    }
    const after = this.cluster.machines.objects.get(key);
    if (!wanted && after !== undefined && wantsOff(after)) this.#count(this.requests, key);
  }

  #changeHost(step: OfHost, key: string): void {
    const { cluster } = this;
    switch (step.do) {
      case 'steal':
        cluster.annotateHost(key, { [REBOOT]: null });
        return;
      case 'otherReboot':
        if (this.annotations(key)['reboot.metal3.io'] === undefined) this.#count(this.requests, key);
        cluster.annotateHost(key, { 'reboot.metal3.io': '' });
        return;
      case 'pauseHost':
        cluster.annotateHost(key, { 'baremetalhost.metal3.io/paused': step.is ? '' : null });
        return;
      case 'detach':
        cluster.annotateHost(key, { 'baremetalhost.metal3.io/detached': step.is ? '' : null });
        return;
      case 'disablePowerOff':
        cluster.editHost(key, (object) => ({ ...object, spec: { ...object.spec, disablePowerOff: step.is } }));
        return;
      case 'provision':
        cluster.editHost(key, (object) => ({
          ...object,
          status: { ...object.status, provisioningState: step.is ? 'provisioned' : 'provisioning' },
        }));
        return;
      case 'look':
        this.look(key);
    }
  }

  /** @returns whether Metal3 did anything. */
  look(key: string): boolean {
    const before = this.cluster.hosts.objects.get(key);
    if (before === undefined) return false;
    const { host: after, wentOff, rebooted } = lookOf(before, this.#line);
    if (wentOff) this.#count(this.cycles, key);
    if (JSON.stringify(before) === JSON.stringify(after)) return rebooted;
    this.cluster.editHost(key, ({ metadata }) => ({
      ...after,
      metadata: { ...after.metadata, resourceVersion: metadata.resourceVersion },
    }));
    return true;
  }

  /** Ends pauses, finishes provisioning, and lets everybody come to rest. */
  async settle(): Promise<void> {
    this.#crash = undefined;
    await this.#rest();
    await this.take({ do: 'pauseCluster', is: false });
    for (const [index] of NAMES.entries()) {
      for (const what of ['pauseHost', 'detach'] as const) await this.take({ do: what, of: index, is: false });
      await this.#rest();
      await this.take({ do: 'provision', of: index, is: true });
      await this.#rest();
    }
    this.#nowMs += HOUR;
    for (const key of this.#later) this.#queue.add(key);
    await this.#rest();
  }

  async #rest(): Promise<void> {
    for (let rounds = 0; ; rounds += 1) {
      if (rounds > 50) throw new Error('It never comes to rest');
      for (let passes = 0; this.#queue.size > 0; passes += 1) {
        if (passes > 100) throw new Error('It never settles');
        await this.#pass(0);
      }
      const acted = this.keys().filter((key) => this.look(key));
      if (acted.length === 0 && this.#queue.size === 0) return;
    }
  }

  async #pass(at: number): Promise<void> {
    const item = [...this.#queue][at % Math.max(1, this.#queue.size)];
    if (item === undefined) return;
    this.#queue.delete(item);
    const [what = '', key = ''] = item.split(' ');
    try {
      const { requeueAfterMs }: Result = await this.#process[what as 'machine' | 'host'](key, { log: recordingLog() });
      if (requeueAfterMs !== undefined) this.#later.add(item);
    } catch (error) {
      if (error instanceof Crash) {
        this.#crash = undefined;
        this.#process = this.#start();
      } else if (isKubeError(error)) this.#queue.add(item);
      else throw error;
    }
  }

  keys(): readonly string[] {
    return NAMES.map((name) => `metal/${name}`);
  }

  annotations(key: string): Readonly<Record<string, string>> {
    return this.cluster.hosts.objects.get(key)?.metadata.annotations ?? {};
  }

  #key(index: number): string {
    return `metal/${NAMES[index] ?? NAMES[0]}`;
  }

  #count(counts: Map<string, number>, key: string): void {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}

it.each(['cleared', 'kept'] as const)(
  'at rest only hosts of approved Machines are off, and none went off more often than it was asked to (%s)',
  async (line) => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const world = new World(line);
        for (const step of all) await world.take(step);
        await world.settle();
        for (const key of world.keys()) {
          const machine = world.cluster.machines.objects.get(key);
          const bare = world.cluster.hosts.objects.get(key);
          const isWanted = machine !== undefined && wantsOff(machine);
          const annotations = world.annotations(key);
          const wasStolen = annotations[POWER] !== undefined && annotations[REBOOT] === undefined;
          const isObstructed = bare === undefined || obstacleOf(bare) !== undefined;
          // If a Machine was deleted while no process ran, its consumer cannot be judged.
          if (machine === undefined) continue;
          expect(bare?.status.poweredOn).toBe(!isWanted || wasStolen || isObstructed);
          if (!isWanted)
            expect(Object.keys(annotations).filter((name) => name === REBOOT || name === POWER)).toEqual([]);
          expect(world.cycles.get(key) ?? 0).toBeLessThanOrEqual(world.requests.get(key) ?? 0);
          const left = Object.keys(machine?.metadata.annotations ?? {}).filter((name) =>
            [SKIP, SKIP_OWNER].includes(name),
          );
          expect(left).toHaveLength(isWanted ? 2 : 0);
        }
      }),
      { numRuns: 1000 },
    );
  },
);
