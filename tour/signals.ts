/** Ctrl-C, and its relatives. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From this call on the process does not end by these signals: the first one is returned, for an orderly end. A second one ends it at once;
 * listeners of `exit` are called then too.
 */
export function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const signal of SIGNALS)
      process.on(signal, () => {
        if (isStopping) process.exit(exitCodeOf(signal));
        isStopping = true;
        resolve(signal);
      });
  });
}

/** The exit code that shells use. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
