/** Whether a controller is at work, by what can be seen of it from outside. Pure. */

/** What is known of the Leases that leaders of this program hold. */
export type LeaseSeen =
  /** They cannot be seen; `why` in the server's words. Also before the first answer, then without a reason. */
  | { readonly is: 'unknown'; readonly why?: string }
  /** There is none in the namespaces that were searched. */
  | { readonly is: 'absent'; readonly searched: string }
  | {
      readonly is: 'present';
      /** `namespace/name` */
      readonly lease: string;
      /** Empty: released. */
      readonly holder: string;
      /** Since its last change as we saw it, by our clock: what the Lease says of time is another machine's. */
      readonly quietMs: number;
      readonly durationMs: number;
    };

export interface ControllerSigns {
  readonly lease: LeaseSeen;
  /** Since the controller last wrote something on one of the Nodes, or since the beginning. */
  readonly sinceReactionMs: number;
  /** Whether it has reacted at all while we looked. */
  readonly hasReacted: boolean;
  /** The Node on which a request, or the end of one, has gone unanswered longest. */
  readonly unanswered?: { readonly node: string; readonly what: 'taint' | 'removal'; readonly sinceMs: number };
}

/** A controller answers a taint within a second; so long is no slow one. */
const UNANSWERED_MS = 3000;
/** With a leader at work: it may be busy with thousands of Nodes, or start. */
const UNANSWERED_BY_LEADER_MS = 10_000;
/** Another replica takes over within two seconds where the last leader has released the Lease. */
const TAKE_OVER_MS = 3000;
/** A reaction so recent says more than a Lease. */
const RECENT_MS = 10_000;

/** @returns what a person who waits should know; undefined where nothing speaks against a controller at work. */
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
