/** Starting one program and knowing when it serves. */

import { eventually } from '../harness/wait.ts';
import { freePort } from './ports.ts';
import type { Supervised } from './processes.ts';

const ATTEMPTS = 3;
const POLL_MS = 50;
const READY_DEADLINE_MS = 90_000;

/** Somebody else took the port between our look and the program's `bind`. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/**
 * Waits until `isReady` neither throws nor gives false, and fails as soon as one of `processes` has ended.
 *
 * @throws PortTaken if that is why it ended, otherwise Error with the end of its log.
 */
export async function whenReady(
  processes: readonly Supervised[],
  what: string,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const gone = await eventually(
    async () => {
      const gone = processes.find(({ ending }) => ending !== undefined);
      if (gone !== undefined) return { process: gone };
      return (await isReady()) ? { process: undefined } : undefined;
    },
    { what, deadlineMs: READY_DEADLINE_MS, pollMs: POLL_MS },
  );
  if (gone.process === undefined) return;
  const { name, ending } = gone.process;
  const log = await gone.process.logTail();
  const message = `${name} ended with ${ending} before ${what}:\n${log}`;
  throw log.includes('address already in use') ? new PortTaken(message) : new Error(message);
}

/** Calls `start` with a free port, and again with another one if that port was taken in the meantime. */
export async function onFreshPort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === ATTEMPTS) throw error;
    }
  }
}
