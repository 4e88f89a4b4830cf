/**
 * Lives of two works that name the same objects, in random interleavings: edits by people on the hub and on the cluster, delayed caches,
 * several passes at once, outages, and the death of the process after any of its writes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLUSTER,
  isOnHub,
  Killed,
  MAPS,
  RamenWorld,
  type Sent,
  sendAs,
  WORKS,
} from '../../harness/doubles/ramen-world.ts';
import { OWNED_BY } from './names.ts';
import { parseMark } from './ownership.ts';

const OBJECTS = ['x', 'y'] as const;
const NAMES = ['a', 'b'] as const;
const MAPS_PATH = '/api/v1/namespaces/default/configmaps';
const WORKS_PATH = `/apis/work.open-cluster-management.io/v1/namespaces/${CLUSTER}/manifestworks`;
/** By the names of the fields that works may set; only people set `theirs`. */
type Data = Readonly<Record<string, string>>;
/** The fields of each object in a work; absent if the work does not name it. */
type Wanted = Readonly<Partial<Record<(typeof OBJECTS)[number], Data>>>;

type Edit =
  | { readonly is: 'wants'; readonly work: string; readonly wanted: Wanted; readonly isOrphan: boolean }
  | { readonly is: 'deleteWork'; readonly work: string }
  | { readonly is: 'annotateWork'; readonly work: string }
  | { readonly is: 'set'; readonly object: string; readonly field: string; readonly value: string | null }
  | { readonly is: 'delete'; readonly object: string }
  | { readonly is: 'hold'; readonly object: string; readonly isHeld: boolean };
type News = { readonly is: 'hear' } | { readonly is: 'look' } | { readonly is: 'reach'; readonly isReachable: boolean };
/** A pass over a work that is due, mostly with up-to-date caches, and what happens after a number of its requests. */
interface Pass {
  readonly is: 'pass';
  readonly which: number;
  readonly isFresh: boolean;
  readonly at: number;
  readonly meanwhile: readonly Move[];
  /** The number of writes from then on after which the process dies. */
  readonly dies: number | null;
}
type Move = Edit | News | Pass;

const object = fc.constantFrom(...OBJECTS);
const work = fc.constantFrom(...NAMES);
const data: fc.Arbitrary<Data> = fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('1', '2'), { maxKeys: 2 });
const wanted = fc.record({ x: data, y: data }, { requiredKeys: [] }) as fc.Arbitrary<Wanted>;
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      is: fc.constant('wants' as const),
      work,
      wanted,
      isOrphan: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('deleteWork' as const), work }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('annotateWork' as const), work }) },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('set' as const),
      object,
      field: fc.constantFrom('p', 'q', 'theirs'),
      value: fc.constantFrom('1', 'other', null),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('delete' as const), object }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('hold' as const), object, isHeld: fc.boolean() }) },
);

const news: fc.Arbitrary<News> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ is: 'hear' } as const) },
  { weight: 3, arbitrary: fc.constant({ is: 'look' } as const) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('reach' as const), isReachable: fc.boolean() }) },
);
const passOf = (meanwhile: fc.Arbitrary<readonly Move[]>): fc.Arbitrary<Pass> =>
  fc.record({
    is: fc.constant('pass' as const),
    which: fc.nat({ max: 1 }),
    isFresh: fc.constantFrom(true, true, false),
    at: fc.nat({ max: 6 }),
    meanwhile,
    dies: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 2 }),
  });
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: edit },
  { weight: 2, arbitrary: news },
  {
    weight: 8,
    arbitrary: passOf(fc.array(fc.oneof<fc.Arbitrary<Move>[]>(edit, news, passOf(fc.constant([]))), { maxLength: 3 })),
  },
);

const wants = (work: string, wanted: Wanted, isOrphan = false): Edit => ({ is: 'wants', work, wanted, isOrphan });
const pass = (at = 0, meanwhile: readonly Move[] = []): Pass => ({
  is: 'pass',
  which: 0,
  isFresh: true,
  at,
  meanwhile,
  dies: null,
});

describe('lives of two works on the same objects', () => {
  const live = async (moves: readonly Move[]): Promise<void> => {
    const life = new Life();
    try {
      for (const each of moves) await life.move(each);
      await life.settle();
      life.check();
    } finally {
      life.stop();
    }
  };

  it.each<[string, readonly Move[]]>([
    [
      'two works say the same of a field that the API server leaves out',
      [wants('b', { x: {} }), wants('a', { x: {} })],
    ],
    [
      'an empty field of one holds what the other sets',
      [wants('a', { x: { p: '1' } }), pass(), wants('a', { x: {} }), pass(), wants('b', { x: { p: '2' } })],
    ],
    [
      'what was there before goes between the look and the apply',
      [
        { is: 'set', object: 'x', field: 'q', value: '1' },
        wants('a', { x: { q: '1' } }),
        pass(3, [{ is: 'delete', object: 'x' }]),
        { is: 'deleteWork', work: 'a' },
      ],
    ],
    [
      'a work has left what it did not create, and another one wants it otherwise',
      [
        { is: 'set', object: 'x', field: 'theirs', value: '1' },
        wants('a', { x: { p: '1' } }),
        pass(),
        wants('a', { y: {} }),
        pass(),
        wants('b', { x: { p: '2' } }),
      ],
    ],
    [
      'a work leaves what another one created',
      [wants('a', { x: { p: '1' } }), pass(), wants('b', { x: { q: '1' } }), pass(), wants('b', { y: {} })],
    ],
  ])('`reconcileWorks()` comes to a good end where %s', async (_, moves) => {
    await live(moves);
  });

  it('`reconcileWorks()` loses nothing of others, leaves nothing of its own, says Applied of what is there, and comes to rest', async () => {
    // The time limit is for a busy machine: the runs until then have passed.
    const limits = { numRuns: 100, interruptAfterTimeLimit: 20_000, endOnFailure: true };
    await fc.assert(fc.asyncProperty(fc.array(move, { maxLength: 45 }), live), limits);
  });
});

interface Stored {
  readonly metadata: {
    readonly uid: string;
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1: unknown }[];
  };
  readonly data?: Data;
  readonly spec?: {
    readonly workload: {
      readonly manifests: readonly { readonly metadata: { readonly name: string }; readonly data?: Data }[];
    };
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}
interface Condition {
  readonly type: string;
  readonly status: string;
  readonly observedGeneration?: number;
}

class Life {
  readonly #world: RamenWorld;
  /** UIDs of objects that people have created. */
  readonly #theirs = new Set<string>();
  /** Objects that a work wished to be orphaned. */
  readonly #orphaned = new Set<string>();
  /** What people have set of `theirs`, by UID. */
  readonly #kept = new Map<string, string>();
  /** By key, the works with a pass under way: whether the pass knows everything that people have done on the cluster. */
  readonly #passes = new Map<string, boolean>();
  #writesLeft: number | undefined;
  #requests = 0;
  #pending: { readonly at: number; readonly moves: readonly Move[] } | undefined;
  /** Whether the watches have reported all edits on the cluster, and on the hub. */
  #isTold = true;
  #isHeard = true;
  #log: string[] = [];

  constructor() {
    this.#world = new RamenWorld({ before: () => this.#before(), after: (sent) => this.#after(sent) });
    this.#world.hear();
  }

  stop(): void {
    this.#world.stop();
  }

  async move(move: Move): Promise<void> {
    switch (move.is) {
      case 'hear':
        this.#isHeard = true;
        this.#world.hear();
        return;
      case 'look':
        this.#isTold = true;
        this.#world.look();
        return;
      case 'reach':
        this.#world.isReachable(move.isReachable);
        this.#world.look();
        return;
      case 'pass':
        return this.#pass(move);
      default:
        this.#edit(move);
    }
  }

  /** Everything is reported, everything answers, and nothing is due any more. */
  async settle(): Promise<void> {
    this.#writesLeft = undefined;
    this.#pending = undefined;
    this.#world.isReachable(true);
    for (const name of OBJECTS) this.#edit({ is: 'hold', object: name, isHeld: false });
    for (let round = 0; round < 40; round += 1) {
      this.#world.hear();
      this.#isTold = true;
      this.#world.look();
      const before = this.#log.length;
      for (const key of this.#world.due) {
        this.#passes.set(key, true);
        await this.#world.pass(key);
        this.#passes.delete(key);
      }
      if (this.#log.length === before && round > 2) return;
    }
    throw new Error(`It does not come to rest; the last writes were\n${this.#log.slice(-12).join('\n')}`);
  }

  check(): void {
    const works = this.#works();
    for (const one of works) expect(one.metadata.deletionTimestamp, 'a work that is never let go').toBeUndefined();
    for (const name of OBJECTS) {
      const claimants = works.filter((one) => manifestOf(one, name) !== undefined);
      this.#checkObject(name, claimants);
    }
    for (const one of works) {
      const isContested = works.some((other) => other !== one && OBJECTS.some((name) => disagree(one, other, name)));
      if (!isContested) expect(appliedOf(one), `${nameOf(one)} is Applied`).toBe('True');
    }
  }

  #checkObject(name: string, claimants: readonly Stored[]): void {
    const found = this.#object(name);
    const mark = parseMark(found?.metadata.annotations?.[OWNED_BY]);
    const isTheirs = found !== undefined && this.#theirs.has(found.metadata.uid);
    if (mark !== undefined) {
      expect(isTheirs, `${name} was there before, and is marked as ours`).toBe(false);
      expect(
        claimants.map(({ metadata }) => metadata.uid),
        `${name} is owned by a work that names it`,
      ).toContain(mark.uid);
    }
    if (claimants.length === 0) {
      if (!isTheirs && !this.#orphaned.has(name)) expect(found, `${name} is left behind`).toBeUndefined();
      return;
    }
    expect(found, `${name} is there`).toBeDefined();
    if (!isTheirs && !this.#orphaned.has(name)) expect(mark, `${name} is known as ours`).toBeDefined();
    const owners = claimants.filter((one) => appliedOf(one) === 'True');
    for (const one of owners)
      expect(found?.data ?? {}, `${name} is as ${nameOf(one)} says`).toMatchObject(manifestOf(one, name) ?? {});
    for (const field of ['p', 'q']) {
      const isNamed = claimants.some((one) => manifestOf(one, name)?.[field] !== undefined);
      const isSetByOthers = found?.metadata.managedFields?.some(
        ({ manager, fieldsV1 }) => manager === 'people' && JSON.stringify(fieldsV1).includes(`"f:${field}"`),
      );
      if (!isNamed && !isSetByOthers && !this.#orphaned.has(name))
        expect(found?.data?.[field], `${name} keeps ${field}, which no work names`).toBeUndefined();
    }
    const kept = this.#kept.get(found?.metadata.uid ?? '');
    expect(found?.data?.theirs, `what people have set of ${name}`).toBe(kept);
  }

  async #pass({ which, isFresh, at, meanwhile, dies }: Pass): Promise<void> {
    if (isFresh) for (const is of ['hear', 'look'] as const) await this.move({ is });
    const { due } = this.#world;
    const key = due[which % Math.max(1, due.length)];
    if (key === undefined || this.#passes.has(key)) return;
    // One that comes in the middle of another has no middle of its own.
    if (meanwhile.length > 0) this.#pending = { at: this.#requests + at, moves: meanwhile };
    if (dies !== null) this.#writesLeft = dies;
    this.#passes.set(key, this.#isTold);
    try {
      await this.#world.pass(key);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    } finally {
      this.#passes.delete(key);
    }
  }

  #edit(edit: Edit): void {
    const { server } = this.#world;
    const people = (method: string, path: string, body?: object): number =>
      sendAs(server, 'people', method, path, body);
    switch (edit.is) {
      case 'wants': {
        this.#isHeard = false;
        const manifests = Object.entries(edit.wanted).map(([name, data]) => ({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace: 'default' },
          data,
        }));
        const deleteOption = edit.isOrphan ? { propagationPolicy: 'Orphan' } : null;
        const spec = { workload: { manifests }, deleteOption };
        const known = this.#works().find((one) => nameOf(one) === edit.work);
        for (const name of OBJECTS) {
          const isNamed = edit.wanted[name] !== undefined || (known && manifestOf(known, name) !== undefined);
          if (edit.isOrphan && isNamed) this.#orphaned.add(name);
        }
        if (known === undefined) people('POST', WORKS_PATH, workOf(edit.work, spec));
        else people('PATCH', `${WORKS_PATH}/${edit.work}`, { spec });
        return;
      }
      case 'deleteWork':
        this.#isHeard = false;
        people('DELETE', `${WORKS_PATH}/${edit.work}`);
        return;
      case 'annotateWork':
        people('PATCH', `${WORKS_PATH}/${edit.work}`, {
          metadata: { annotations: { touched: String(Math.random()) } },
        });
        return;
      case 'set':
        this.#set(edit);
        return;
      case 'delete':
        this.#surprise();
        people('DELETE', `${MAPS_PATH}/${edit.object}`);
        return;
      case 'hold': {
        const finalizers = edit.isHeld ? ['example.org/hold'] : null;
        this.#surprise();
        people('PATCH', `${MAPS_PATH}/${edit.object}`, { metadata: { finalizers } });
      }
    }
  }

  #set({ object: name, field, value }: Extract<Edit, { is: 'set' }>): void {
    const { server } = this.#world;
    const before = this.#object(name);
    this.#surprise();
    if (before === undefined) {
      if (value === null) return;
      sendAs(server, 'people', 'POST', MAPS_PATH, { metadata: { name }, data: { [field]: value } });
      this.#theirs.add(this.#object(name)?.metadata.uid ?? '');
    } else sendAs(server, 'people', 'PATCH', `${MAPS_PATH}/${name}`, { data: { [field]: value } });
    const now = this.#object(name);
    if (field !== 'theirs' || now === undefined) return;
    if (value === null) this.#kept.delete(now.metadata.uid);
    else this.#kept.set(now.metadata.uid, value);
  }

  /** People change the cluster, whatever the bridge believes. */
  #surprise(): void {
    this.#isTold = false;
    for (const key of this.#passes.keys()) this.#passes.set(key, false);
  }

  async #before(): Promise<void> {
    this.#requests += 1;
    const pending = this.#pending;
    if (pending === undefined || this.#requests <= pending.at) return;
    this.#pending = undefined;
    for (const each of pending.moves) await this.move(each);
  }

  #after(sent: Sent): void {
    const { method, path, body, code } = sent;
    if (method === 'GET' || code > 299) return;
    this.#log.push(`${method} ${path} ${body.slice(0, 1800)}`);
    if (method === 'DELETE') {
      const { preconditions } = JSON.parse(body) as { readonly preconditions: { readonly uid: string } };
      expect(this.#theirs, 'what people have created is deleted').not.toContain(preconditions.uid);
      const name = path.slice(MAPS_PATH.length + 1);
      const claimants = this.#works().filter(
        (one) => one.metadata.deletionTimestamp === undefined && manifestOf(one, name) !== undefined,
      );
      if (this.#isHeard) expect(claimants.map(nameOf), `works that name ${name}, which is deleted`).toEqual([]);
    }
    if (isOnHub(sent)) this.#checkHonesty(`${CLUSTER}/${path.split('/')[7] ?? ''}`);
    if (this.#writesLeft === undefined) return;
    this.#writesLeft -= 1;
    if (this.#writesLeft > 0) return;
    this.#writesLeft = undefined;
    this.#isTold = false;
    this.#world.restart();
    throw new Killed();
  }

  /** Applied for the current generation is only reported if the cluster holds it, unless people have changed it at that moment. */
  #checkHonesty(key: string): void {
    if (this.#passes.get(key) !== true) return;
    const one = this.#works().find((each) => `${CLUSTER}/${nameOf(each)}` === key);
    if (one === undefined || appliedOf(one) !== 'True' || one.metadata.deletionTimestamp !== undefined) return;
    for (const name of OBJECTS) {
      const data = manifestOf(one, name);
      if (data === undefined) continue;
      expect(this.#object(name)?.data ?? {}, `${name}, of which ${key} says Applied`).toMatchObject(data);
    }
  }

  #works(): readonly Stored[] {
    return this.#world.server.api.list(WORKS, CLUSTER) as unknown as readonly Stored[];
  }

  #object(name: string): Stored | undefined {
    return this.#world.server.api.get({ resource: MAPS, namespace: 'default', name }) as unknown as Stored | undefined;
  }
}

function workOf(name: string, spec: object): object {
  return { apiVersion: 'work.open-cluster-management.io/v1', kind: 'ManifestWork', metadata: { name }, spec };
}

function nameOf(work: Stored): string {
  return (work.metadata as unknown as { readonly name: string }).name;
}

function manifestOf({ spec }: Stored, name: string): Data | undefined {
  const found = spec?.workload.manifests.find(({ metadata }) => metadata.name === name);
  return found && (found.data ?? {});
}

function appliedOf({ status, metadata }: Stored): string | undefined {
  const applied = status?.conditions?.find(({ type }) => type === 'Applied');
  return applied?.observedGeneration === metadata.generation ? applied?.status : 'stale';
}

function disagree(one: Stored, other: Stored, name: string): boolean {
  const [a, b] = [manifestOf(one, name) ?? {}, manifestOf(other, name) ?? {}];
  return ['p', 'q'].some((field) => a[field] !== undefined && b[field] !== undefined && a[field] !== b[field]);
}
