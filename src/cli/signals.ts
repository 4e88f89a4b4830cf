/** How the process ends: by signals, by faults that nobody caught, and by the clock when a stop takes too long. */
import type { Log } from '../core/ports.ts';

/** Kubernetes' default grace period is 30 s; ours is shorter, so that even a blocked stop leaves time to spare. */
export const STOP_LIMIT_MS = 10_000;

/** What is needed of `process`. */
export interface HostProcess {
  on(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Ties the process's fate to a signal that the work obeys. The first SIGTERM or SIGINT aborts it; a second one exits at
 * once (128 + the signal's number), as does, with 1, a stop that takes longer than 10 s. An error that nobody caught
 * exits with 1: state after a bug is not to be trusted, and the next start finishes the work.
 */
export function handleSignals(host: HostProcess, log: Log): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    host.on(name, () => {
      if (stopping.signal.aborted) {
        host.exit(EXIT_CODES[name]);
        return;
      }
      log.info('Stopping', { signal: name });
      exitAfter(STOP_LIMIT_MS, () => {
        log.error('Stopping took too long', { limitMs: STOP_LIMIT_MS });
        host.exit(1);
      });
      stopping.abort();
    });
  }
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    host.on(fault, (err) => {
      log.error('Unexpected error', { kind: fault, err });
      host.exit(1);
    });
  }
  return stopping.signal;
}

export interface PatientSignals {
  /** Begin nothing more. */
  readonly interrupted: AbortSignal;
  /** Leave now. */
  readonly abandon: AbortSignal;
}

/**
 * For work that must not be left half done: the first SIGINT or SIGTERM asks to finish what is under way, the second one, or
 * a terminal that is lost, to leave now; a third exits at once (128 + the signal's number). There is no limit of time.
 */
export function handleSignalsPatiently(
  host: HostProcess & { on(event: 'SIGHUP', listener: () => void): unknown },
): PatientSignals {
  const interrupted = new AbortController();
  const abandon = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    host.on(name, () => {
      if (abandon.signal.aborted) host.exit(EXIT_CODES[name]);
      else if (interrupted.signal.aborted) abandon.abort();
      else interrupted.abort();
    });
  }
  host.on('SIGHUP', () => {
    interrupted.abort();
    abandon.abort();
  });
  return { interrupted: interrupted.signal, abandon: abandon.signal };
}

/** Calls `then` unless the process has ended before; does not keep it alive. */
export function exitAfter(ms: number, then: () => void): void {
  setTimeout(then, ms).unref();
}
