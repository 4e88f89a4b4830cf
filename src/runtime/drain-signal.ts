/** How work ends: gracefully on a stop, at once when leadership was lost. */

/** Another process may lead by now: nothing may be written any more, and this process must exit. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
}

/**
 * The signal for work in flight, derived from the signal that stops new work. It aborts `drainMs` after `stop`, so that writes can finish,
 * or at once if `stop` aborts with `LeadershipLost`.
 *
 * @param drainMs at most the difference between the election's renew deadline and its lease duration (5 s by default): then, even if the
 * Lease is lost during the drain, all work has ended before another process leads.
 */
export function drainSignal(stop: AbortSignal, drainMs: number): AbortSignal {
  const work = new AbortController();
  const onStop = (): void => {
    if (stop.reason instanceof LeadershipLost) work.abort(stop.reason);
    // Unreferenced: a process with nothing left to do need not wait for the end of the grace period.
    else setTimeout(() => work.abort(stop.reason), drainMs).unref();
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  return work.signal;
}
