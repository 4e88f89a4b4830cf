import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkQueue } from './queue.ts';

const never = new AbortController().signal;

/** The key that is ready now; undefined if a worker would have to wait. */
async function poll(queue: WorkQueue): Promise<string | undefined> {
  const patience = new AbortController();
  const key = queue.get(patience.signal);
  patience.abort();
  return await key;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('WorkQueue', () => {
  it('`WorkQueue` hands out keys in the order in which they were first added, each once', async () => {
    const queue = new WorkQueue();
    for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
    expect([await poll(queue), await poll(queue), await poll(queue), await poll(queue)]).toEqual([
      'b',
      'a',
      'c',
      undefined,
    ]);
  });

  it('`WorkQueue` hands a key out again after `done()` when it was added while being processed', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.get(never);
    queue.add('a');
    expect(await poll(queue)).toBeUndefined();
    queue.done('a');
    expect(await poll(queue)).toBe('a');
  });

  it('`get()` wakes one waiting worker per key', async () => {
    const queue = new WorkQueue();
    const workers = [queue.get(never), queue.get(never)];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(workers)).toEqual(['a', 'b']);
  });

  it('`get()` ends with undefined when its signal aborts, and the key goes to the next worker', async () => {
    const queue = new WorkQueue();
    const quitting = new AbortController();
    const quitter = queue.get(quitting.signal);
    const worker = queue.get(never);
    quitting.abort();
    queue.add('a');
    expect([await quitter, await worker]).toEqual([undefined, 'a']);
  });

  describe('with lanes', () => {
    const lanes = { laneOf: (key: string) => (key.includes('/') ? key.split('/')[0] : undefined), limit: 2 };
    const take = async (queue: WorkQueue, count: number): Promise<(string | undefined)[]> => {
      const keys: (string | undefined)[] = [];
      for (let i = 0; i < count; i += 1) keys.push(await poll(queue));
      return keys;
    };

    it('hands out at most so many keys of one lane, and those of others before the rest', async () => {
      const queue = new WorkQueue({ lanes });
      for (const key of ['a/1', 'a/2', 'a/3', 'a/4', 'b/1', 'free']) queue.add(key);
      expect(await take(queue, 5)).toEqual(['a/1', 'a/2', 'b/1', 'free', undefined]);
      expect(queue.length).toBe(2);
      queue.done('a/2');
      expect(await take(queue, 2)).toEqual(['a/3', undefined]);
    });

    it('wakes a waiting worker when a place is free', async () => {
      const queue = new WorkQueue({ lanes });
      for (const key of ['a/1', 'a/2', 'a/3']) queue.add(key);
      await take(queue, 2);
      const worker = queue.get(never);
      queue.done('a/1');
      expect(await worker).toBe('a/3');
    });

    it('takes turns: the next key of a slow lane queues up behind those of others', async () => {
      const queue = new WorkQueue({ lanes });
      for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'b/2']) queue.add(key);
      expect(await take(queue, 3)).toEqual(['a/1', 'a/2', 'b/1']);
      queue.done('a/1');
      expect(await take(queue, 2)).toEqual(['b/2', 'a/3']);
    });

    it('loses no key, and keeps the limit, whatever comes in which order', async () => {
      const lane = new Map<string, string>();
      const queue = new WorkQueue({ lanes: { laneOf: (key) => lane.get(key), limit: 2 } });
      const out = new Set<string>();
      const served = new Set<string>();
      let random = 1;
      const next = (below: number): number => {
        random = (random * 48_271) % 2_147_483_647;
        return random % below;
      };
      for (let i = 0; i < 300; i += 1) {
        lane.set(`k${i}`, `lane-${next(3)}`);
        queue.add(`k${i}`);
        // Some change their lane while they wait.
        lane.set(`k${next(i + 1)}`, `lane-${next(3)}`);
        for (let key = next(2) === 0 ? await poll(queue) : undefined; key !== undefined; key = await poll(queue))
          out.add(key);
        for (const key of [...out]) {
          if (next(2) === 0) continue;
          out.delete(key);
          served.add(key);
          queue.done(key);
        }
      }
      for (let key = await poll(queue); key !== undefined || out.size > 0; key = await poll(queue)) {
        if (key !== undefined) out.add(key);
        for (const each of [...out]) {
          out.delete(each);
          served.add(each);
          queue.done(each);
        }
      }
      expect(served.size).toBe(300);
      expect(queue.length).toBe(0);
    });
  });

  it('`addAfter()` lets the earlier time win and adds the key once', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 300);
    await vi.advanceTimersByTimeAsync(99);
    expect(await poll(queue)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(await poll(queue)).toBe('a');
    queue.done('a');
    await vi.advanceTimersByTimeAsync(1000);
    expect(await poll(queue)).toBeUndefined();
  });

  it('`addAfter()` keeps thousands of keys in the order of their times on one timer', async () => {
    const queue = new WorkQueue();
    for (let i = 0; i < 5000; i += 1) queue.addAfter(`key-${i}`, 1 + ((i * 7919) % 5000));
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    const delays: number[] = [];
    for (let key = await poll(queue); key !== undefined; key = await poll(queue)) {
      delays.push(1 + ((Number(key.slice(4)) * 7919) % 5000));
    }
    expect(delays).toHaveLength(5000);
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
  });

  it('`addAfter()` waits longer than a timer of Node.js can', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 2 ** 31 + 5000);
    await vi.advanceTimersByTimeAsync(2 ** 31);
    expect(await poll(queue)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5000);
    expect(await poll(queue)).toBe('a');
  });

  it('`addRateLimited()` doubles the delay per key until `forget()`', async () => {
    const queue = new WorkQueue({ backoff: { baseMs: 50, maxMs: 150 } });
    const delayOf = async (): Promise<number> => {
      queue.addRateLimited('a');
      for (let ms = 0; ; ms += 10) {
        if ((await poll(queue)) === 'a') {
          queue.done('a');
          return ms;
        }
        await vi.advanceTimersByTimeAsync(10);
      }
    };
    expect([await delayOf(), await delayOf(), await delayOf(), await delayOf()]).toEqual([50, 100, 150, 150]);
    expect(queue.failures('a')).toBe(4);
    queue.forget('a');
    expect(await delayOf()).toBe(50);
  });

  it('`shutDownWithDrain()` waits for the keys that are out and hands out nothing more', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    await queue.get(never);
    let isDrained = false;
    const drain = queue.shutDownWithDrain().then(() => {
      isDrained = true;
    });
    queue.add('a');
    queue.add('d');
    await vi.advanceTimersByTimeAsync(100);
    expect([await poll(queue), isDrained, vi.getTimerCount()]).toEqual([undefined, false, 0]);
    queue.done('a');
    await drain;
    expect(await queue.get(never)).toBeUndefined();
  });

  it('`shutDownWithDrain()` releases the workers that wait', async () => {
    const queue = new WorkQueue();
    const worker = queue.get(never);
    await queue.shutDownWithDrain();
    expect(await worker).toBeUndefined();
  });

  it('`WorkQueue` reports its length as it changes', async () => {
    const depths: number[] = [];
    const queue = new WorkQueue({ onDepth: (depth) => depths.push(depth) });
    queue.add('a');
    queue.add('b');
    await queue.get(never);
    queue.add('a');
    expect(depths).toEqual([1, 2, 1]);
  });
});

/** The reference model of a queue in its plainest form: three lists and the pending times. */
interface Model {
  ready: string[];
  processing: string[];
  again: string[];
  dueMs: Map<string, number>;
  nowMs: number;
}

function addTo(model: Model, key: string): void {
  if (model.processing.includes(key)) model.again = [...new Set([...model.again, key])];
  else if (!model.ready.includes(key)) model.ready.push(key);
}

class Add implements fc.AsyncCommand<Model, WorkQueue> {
  readonly key: string;
  constructor(key: string) {
    this.key = key;
  }
  check = (): boolean => true;
  async run(model: Model, queue: WorkQueue): Promise<void> {
    queue.add(this.key);
    addTo(model, this.key);
  }
  toString = (): string => `add ${this.key}`;
}

class AddAfter implements fc.AsyncCommand<Model, WorkQueue> {
  readonly key: string;
  readonly ms: number;
  constructor(key: string, ms: number) {
    this.key = key;
    this.ms = ms;
  }
  check = (): boolean => true;
  async run(model: Model, queue: WorkQueue): Promise<void> {
    queue.addAfter(this.key, this.ms);
    const dueMs = model.nowMs + this.ms;
    model.dueMs.set(this.key, Math.min(dueMs, model.dueMs.get(this.key) ?? dueMs));
  }
  toString = (): string => `addAfter ${this.key} ${this.ms}`;
}

class Get implements fc.AsyncCommand<Model, WorkQueue> {
  check = (): boolean => true;
  async run(model: Model, queue: WorkQueue): Promise<void> {
    const key = await poll(queue);
    expect(key).toBe(model.ready.shift());
    if (key === undefined) return;
    expect(model.processing).not.toContain(key);
    model.processing.push(key);
  }
  toString = (): string => 'get';
}

class Done implements fc.AsyncCommand<Model, WorkQueue> {
  check = (model: Readonly<Model>): boolean => model.processing.length > 0;
  async run(model: Model, queue: WorkQueue): Promise<void> {
    const key = model.processing.shift() ?? '';
    queue.done(key);
    if (model.again.includes(key)) {
      model.again = model.again.filter((other) => other !== key);
      addTo(model, key);
    }
    expect(queue.length).toBe(model.ready.length);
  }
  toString = (): string => 'done';
}

class Advance implements fc.AsyncCommand<Model, WorkQueue> {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
  check = (): boolean => true;
  async run(model: Model): Promise<void> {
    await vi.advanceTimersByTimeAsync(this.ms);
    model.nowMs += this.ms;
    const due = [...model.dueMs].filter(([, dueMs]) => dueMs <= model.nowMs).sort(([, a], [, b]) => a - b);
    for (const [key] of due) {
      model.dueMs.delete(key);
      addTo(model, key);
    }
  }
  toString = (): string => `advance ${this.ms}`;
}

describe('WorkQueue under any sequence of calls', () => {
  it('`WorkQueue` never hands out a key twice at once and never loses one', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    let tick = 0;
    const commands = fc.commands(
      [
        key.map((of) => new Add(of)),
        // Whole seconds plus a distinct tick, so that no two times are equal: the order of such keys is not guaranteed.
        fc.tuple(key, fc.integer({ min: 1, max: 20 })).map(([of, ms]) => {
          tick = (tick + 1) % 1000;
          return new AddAfter(of, ms * 1000 + tick);
        }),
        fc.constant(new Get()),
        fc.constant(new Done()),
        fc.integer({ min: 1, max: 10 }).map((seconds) => new Advance(seconds * 1000)),
      ],
      { maxCommands: 60 },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        const model: Model = { ready: [], processing: [], again: [], dueMs: new Map(), nowMs: 0 };
        const queue = new WorkQueue();
        await fc.asyncModelRun(() => ({ model, real: queue }), sequence);
        const drained = queue.shutDownWithDrain();
        for (const key of model.processing) queue.done(key);
        await drained;
      }),
      { numRuns: 200 },
    );
  });
});
