import { describe, expect, it } from 'vitest';
import { type Answer, type AnyObject, done, type ObjectAccess, type RefusalReason } from '../core/object-access.ts';
import type { Log } from '../core/ports.ts';
import type { ManifestWork } from './objects.ts';
import { WorkMemory } from './work-memory.ts';
import { WorkWriter } from './work-writer.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };
const WORK: ManifestWork = {
  metadata: { name: 'w', namespace: 'east', uid: 'u', resourceVersion: '1', generation: 1 },
  manifests: [],
  deletePolicy: { is: 'delete' },
  status: { conditions: [], manifests: [] },
};
const refused = (reason: RefusalReason) => ({ is: 'refused', reason, message: '', causes: [] }) as const;

/** A writer whose hub answers each patch with the next version. */
function writerWith(memory: WorkMemory): WorkWriter {
  let version = 1;
  const patch = (): Promise<Answer<AnyObject>> => {
    version += 1;
    const metadata = { name: 'w', uid: 'u', resourceVersion: `${version}` };
    return Promise.resolve(done({ apiVersion: 'v1', kind: 'ManifestWork', metadata }));
  };
  memory.enter('east/w', 'u', 1);
  const hub = { patch } as unknown as ObjectAccess;
  const wrote = (before: string, now: string): void => memory.wrote('east/w', before, now);
  const ports = { hub, clock: { now: () => 0 }, failed: () => 5000, wrote, writes: memory.writes, log: silent };
  return new WorkWriter(ports, WORK);
}

describe('WorkWriter', () => {
  it('`WorkWriter` tries again within 50 ms after a conflict: Ramen changes the spec meanwhile, and its failover waits', () => {
    const writer = writerWith(new WorkMemory());
    expect(writer.after(refused('Conflict')).requeueAfterMs).toBeLessThanOrEqual(50);
    expect(writer.after(refused('Forbidden')).requeueAfterMs).toBe(5000);
    for (const reason of ['NotFound', 'DryRun'] as const) expect(writer.after(refused(reason))).toEqual({});
  });

  it('`WorkWriter` notes each version that it has replaced, until the cache has the last one', async () => {
    const memory = new WorkMemory();
    const writer = writerWith(memory);
    await writer.addFinalizer();
    await writer.writeStatus([]);
    expect(['1', '2'].map((version) => memory.isReplaced('east/w', version))).toEqual([true, true]);
    expect(memory.isReplaced('east/w', '3')).toBe(false);
    // The record of a replaced version is not kept forever.
    expect(memory.isReplaced('east/w', '1')).toBe(false);
  });

  it('`WorkWriter` pauses where somebody takes the same write back again and again', async () => {
    const memory = new WorkMemory();
    const write = (): ReturnType<WorkWriter['addFinalizer']> => writerWith(memory).addFinalizer();
    for (let i = 0; i < 5; i += 1) expect((await write()).is).toBe('done');
    const writer = writerWith(memory);
    const answer = await writer.addFinalizer();
    if (answer.is === 'done') expect.unreachable('It was written');
    else expect(writer.after(answer)).toEqual({ requeueAfterMs: 1000 });
    expect((await writer.writeStatus([])).is).toBe('done');
  });
});
