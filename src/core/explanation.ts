/**
 * The explanation of one object for people: its state, who has to act, and the command that lets it proceed. `status` and `why` print it
 * unchanged with `-o json` and `-o yaml`: the names of the fields are a contract.
 */
export interface Explanation {
  /** The kind's name in the API. */
  readonly kind: string;
  /** `namespace/name`, or the name of a Node. */
  readonly name: string;
  /** From the feature's closed set. */
  readonly state: string;
  readonly outlook: Outlook;
  /** Whether something is under way that deserves a line in an overview. */
  readonly isUnderWay: boolean;
  /** RFC 3339; when the request was made, or when the state began. */
  readonly since?: string;
  /** RFC 3339; when the state ends at the latest. */
  readonly deadline?: string;
  /** Pods that have gone, of those that have to go. */
  readonly progress?: Progress;
  /** Why it was rejected, in the words of the rejection annotation. */
  readonly reason?: string;
  /** A sentence without a full stop that describes the state. */
  readonly summary: string;
  /** Who or what has to act; absent if nobody has to. */
  readonly waitsFor?: string;
  /** The command that writes a file which `release` reads, in the current folder; absent if it reads none. */
  readonly preparation?: string;
  /** The command that lets the maintenance proceed; for Nodes and Pods, and if the machine may be worked on, the one that ends it. */
  readonly release?: string;
  /** The other objects of the same machine, as arguments for `why`: its Node, which may be in a workload cluster, and its host. */
  readonly besides?: readonly string[];
  /** The Pods that are in the way, as listed in the Node's report. */
  readonly blockedBy?: readonly Blocker[];
  /** Further findings, one per line. */
  readonly details: readonly string[];
}

/**
 * - `Idle`: there is no request.
 * - `Moving`: it proceeds by itself.
 * - `Ready`: the machine may be worked on, until the user ends the maintenance.
 * - `Waiting`: somebody has to act, as expected.
 * - `Stuck`: something is wrong, and somebody has to look into it.
 */
export const OUTLOOKS = ['Idle', 'Moving', 'Ready', 'Waiting', 'Stuck'] as const;
export type Outlook = (typeof OUTLOOKS)[number];

export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface Blocker {
  /** `namespace/name` */
  readonly pod: string;
  readonly cause: string;
  readonly detail: string;
  readonly remedy: string;
}
