/**
 * The signal of the pass in which code runs. A controller sets it, and the client reads it: so the end of a pass ends each of its requests,
 * whichever adapter sends it and however deep, and none can be forgotten.
 *
 * Work that a pass only starts, and that continues after it, must leave the pass by `outsidePasses()`: Events, evictions, watches.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const CURRENT = new AsyncLocalStorage<AbortSignal | undefined>();

/** Runs `work`, and everything that it awaits, as part of the pass that `signal` ends. */
export function inPass<T>(signal: AbortSignal, work: () => T): T {
  return CURRENT.run(signal, work);
}

/** Runs `work`, and everything that it awaits, as part of no pass. */
export function outsidePasses<T>(work: () => T): T {
  return CURRENT.run(undefined, work);
}

/** The signal of the pass that the calling code belongs to; undefined outside of one. */
export function passSignal(): AbortSignal | undefined {
  return CURRENT.getStore();
}
