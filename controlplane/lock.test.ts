import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { soon } from '../harness/doubles/soon.ts';
import { identityOf } from '../harness/identity.ts';
import { lockOwner, withLock } from './lock.ts';

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const me = identityOf(process.pid) ?? '';
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The identity of a process that has ended. */
function deadIdentity(): string {
  return `${spawnSync(process.execPath, ['--version']).pid}:1`;
}

/** Runs holders concurrently, each recording that it holds the lock, and returns the highest number that held it at once. */
async function mostAtOnce(holders: number): Promise<number> {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await turn();
    await turn();
    inside -= 1;
  };
  await Promise.all(Array.from({ length: holders }, () => withLock(lock, work, { pollMs: 1 })));
  return most;
}

describe('`withLock()`', () => {
  it('lets one holder in at a time', async () => {
    expect(await mostAtOnce(8)).toBe(1);
  });

  it('lets one in at a time when many find the lock of a dead process', async () => {
    writeFileSync(lock, deadIdentity());
    expect(await mostAtOnce(8)).toBe(1);
  });

  it('takes over after a process that died while it was taking over', async () => {
    writeFileSync(lock, deadIdentity());
    writeFileSync(`${lock}.takeover`, deadIdentity());
    expect(await withLock(lock, async () => lockOwner(lock))).toBe(me);
  });

  // Elsewhere an identity is only the id.
  it.runIf(process.platform === 'linux')(
    'takes over the lock of a process whose id was given to another one',
    async () => {
      writeFileSync(lock, `${process.pid}:1`);
      expect(await withLock(lock, async () => lockOwner(lock))).toBe(me);
    },
  );

  it('waits for a living owner and says so once', async () => {
    writeFileSync(lock, me);
    const onWait = vi.fn();
    const work = vi.fn(async () => {});
    const done = withLock(lock, work, { onWait, pollMs: 1 });
    await soon(() => expect(onWait).toHaveBeenCalledWith(me));
    expect(work).not.toHaveBeenCalled();
    rmSync(lock);
    await done;
    expect(work).toHaveBeenCalledOnce();
    expect(onWait).toHaveBeenCalledOnce();
  });

  it('gives up where `onWait` throws, and leaves the owner’s lock', async () => {
    writeFileSync(lock, me);
    const onWait = (): never => {
      throw new Error('busy');
    };
    await expect(withLock(lock, async () => {}, { onWait })).rejects.toThrow('busy');
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('releases the lock and leaves no file when the work throws', async () => {
    await expect(withLock(lock, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('`lockOwner()`', () => {
  it('sees no owner in the lock of a dead process', async () => {
    writeFileSync(lock, deadIdentity());
    expect(await lockOwner(lock)).toBeUndefined();
  });
});
