/**
 * A lock between processes, as a file that holds the identity of its owner.
 *
 * The file is created by `link`, complete and only if none exists: one process wins. A file whose owner has died is replaced by `rename`,
 * and only under a second lock of the same kind: of two processes that find it, the slower one must not replace the lock that the faster
 * one has just taken.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive } from '../harness/identity.ts';

const POLL_MS = 200;

export interface LockOptions {
  /** Called once, with the owner's identity, if the lock is taken. Throwing gives up. */
  readonly onWait?: (owner: string) => void;
  /** @default 200 */
  readonly pollMs?: number;
}

/** Runs `work` while holding the lock at `path`, whose folder must exist. Waits for a living owner without a limit. */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await acquire(path, options);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** The identity of the living process that holds the lock; undefined if it is free. */
export async function lockOwner(path: string): Promise<string | undefined> {
  const owner = await ownerOf(path);
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

async function acquire(path: string, { onWait, pollMs = POLL_MS }: LockOptions): Promise<void> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, identityOf(process.pid) ?? `${process.pid}`);
  try {
    for (let waiting = false; ; waiting = true) {
      if (await linked(mine, path)) return;
      const owner = await ownerOf(path);
      if (owner === undefined) continue;
      if (!isAlive(owner)) {
        if (await takenOver(path, owner, mine, pollMs)) return;
        continue;
      }
      if (!waiting) onWait?.(owner);
      await sleep(pollMs);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** Under the second lock only its holder changes a dead owner's file, so its content stays valid until the `rename`. */
function takenOver(path: string, dead: string, mine: string, pollMs: number): Promise<boolean> {
  const replace = async (): Promise<boolean> => {
    if ((await ownerOf(path)) !== dead) return false;
    await rename(mine, path);
    return true;
  };
  return withLock(`${path}.takeover`, replace, { pollMs });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Dead or alive; undefined if the lock is free. */
async function ownerOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
