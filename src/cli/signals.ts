/** How the process ends: by signals, by uncaught errors, and by a time limit when a stop takes too long. */
import type { Log } from '../core/ports.ts';

/** Kubernetes' default grace period is 30 s; ours is shorter, so that even a blocked stop leaves time to spare. */
export const STOP_LIMIT_MS = 10_000;

/** The part of `process` that is used. */
export interface HostProcess {
  on(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Connects signals of the operating system to an abort signal for the work. The first SIGTERM or SIGINT aborts it; a second one exits at
 * once (128 + the signal's number), and a stop that takes longer than 10 s exits with 1. An uncaught error exits with 1: the state after a
 * bug cannot be trusted, and the next start finishes the work.
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
  /** Aborts when nothing more may begin. */
  readonly interrupted: AbortSignal;
  /** Aborts when the process has to leave now. */
  readonly abandon: AbortSignal;
}

/**
 * For work that must not be left half done: the first SIGINT or SIGTERM asks to finish the work under way, the second one, or a lost
 * terminal, to leave now; a third exits at once (128 + the signal's number). There is no time limit.
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

/** Calls `then` unless the process has ended before; does not keep the process alive. */
export function exitAfter(ms: number, then: () => void): void {
  setTimeout(then, ms).unref();
}
