/** Whether a controller is running, judged by its visible effects. Pure. */

/** The knowledge about the Leases that leaders of this program hold. */
export type LeaseSeen =
  /** They cannot be read; `why` is the server's message. Also before the first answer, then without a reason. */
  | { readonly is: 'unknown'; readonly why?: string }
  /** There is none in the namespaces that were searched. */
  | { readonly is: 'absent'; readonly searched: string }
  | {
      readonly is: 'present';
      /** `namespace/name` */
      readonly lease: string;
      /** Empty: released. */
      readonly holder: string;
      /** Time since its last change as we saw it, by our clock: the timestamps in the Lease come from another machine. */
      readonly quietMs: number;
      readonly durationMs: number;
    };

export interface ControllerSigns {
  readonly lease: LeaseSeen;
  /** Time since the controller last wrote to one of the Nodes, or since the beginning. */
  readonly sinceReactionMs: number;
  /** Whether it has reacted at all since we began to watch. */
  readonly hasReacted: boolean;
  /** The Node on which a request, or its removal, has been unanswered for the longest time. */
  readonly unanswered?: { readonly node: string; readonly what: 'taint' | 'removal'; readonly sinceMs: number };
}

/** A controller answers a taint within a second; this long is more than slowness. */
const UNANSWERED_MS = 3000;
/** If a leader exists: it may be busy with thousands of Nodes, or be starting. */
const UNANSWERED_BY_LEADER_MS = 10_000;
/** Another replica takes over within two seconds if the last leader has released the Lease. */
const TAKE_OVER_MS = 3000;
/** A reaction as recent as this is better evidence than a Lease. */
const RECENT_MS = 10_000;

/** @returns what the waiting user should know; undefined if nothing indicates a missing controller. */
export function controllerTrouble({
  lease,
  sinceReactionMs,
  hasReacted,
  unanswered,
}: ControllerSigns): string | undefined {
  if (hasReacted && sinceReactionMs < RECENT_MS) return undefined;
  const silence = unanswered && `nothing happens to ${WHAT[unanswered.what]} of node/${unanswered.node}`;
  const isSilentFor = (ms: number): boolean => unanswered !== undefined && unanswered.sinceMs >= ms;
  switch (lease.is) {
    case 'unknown':
      if (!isSilentFor(UNANSWERED_MS)) return undefined;
      return lease.why === undefined
        ? `No controller seems to run: ${silence}`
        : `No controller seems to run: ${silence}. Its Lease cannot be seen: ${lease.why}`;
    case 'absent':
      if (!isSilentFor(UNANSWERED_MS)) return undefined;
      return `No controller seems to run: ${silence}, and there is no Lease of one in ${lease.searched}`;
    case 'present': {
      const { lease: name, holder, quietMs, durationMs } = lease;
      if (holder === '') {
        return quietMs < TAKE_OVER_MS ? undefined : `No controller runs: nobody holds the Lease ${name}`;
      }
      // A leader gives up at two thirds of the duration, and renews several times before.
      if (quietMs >= durationMs / 2) {
        const seconds = Math.floor(quietMs / 1000);
        return `No controller seems to run: ${holder} has not renewed the Lease ${name} for ${seconds} seconds`;
      }
      if (!isSilentFor(UNANSWERED_BY_LEADER_MS)) return undefined;
      return `The controller renews its Lease ${name}, but ${silence}: its tmm.taints may name another taint, or Temporary Maintenance Mode may be off; its log says more`;
    }
  }
}

const WHAT = { taint: 'the taint', removal: 'the removal of the taint' } as const;
