/**
 * What a person is told of one object: how things stand, whom they wait for, and what would let them go on. `status` and
 * `why` write it as it is with `-o json` and `-o yaml`: the names of the fields are a contract.
 */
export interface Explanation {
  /** As the API server names it. */
  readonly kind: string;
  /** `namespace/name`, or the name of a Node. */
  readonly name: string;
  /** From the feature's closed set. */
  readonly state: string;
  readonly outlook: Outlook;
  /** Whether something is under way that is worth a line in an overview. */
  readonly isUnderWay: boolean;
  /** RFC 3339; when it was asked for, or when the state began. */
  readonly since?: string;
  /** RFC 3339; when the state ends at the latest. */
  readonly deadline?: string;
  /** Pods that have gone, of those that have to go. */
  readonly progress?: Progress;
  /** Why it was rejected, in the words of the rejection annotation. */
  readonly reason?: string;
  /** A sentence without a full stop: how things stand. */
  readonly summary: string;
  /** Who or what has to do something; absent where nobody has. */
  readonly waitsFor?: string;
  /** The command that writes a file which `release` reads, in the current folder; absent where it reads none. */
  readonly preparation?: string;
  /** The command that lets it go on; for Nodes and Pods, and where the machine may be worked on, the one that ends it. */
  readonly release?: string;
  /** The other objects of the same machine, as `why` takes them: its Node, which may be one of a workload cluster, and its host. */
  readonly besides?: readonly string[];
  /** The Pods that are in the way, as the Node's report has them. */
  readonly blockedBy?: readonly Blocker[];
  /** More, one finding per line. */
  readonly details: readonly string[];
}

/**
 * - `Idle`: nothing is asked for.
 * - `Moving`: it goes on by itself.
 * - `Ready`: the machine may be worked on, until the user ends it.
 * - `Waiting`: somebody has to do something, as was to be expected.
 * - `Stuck`: something is wrong, and somebody has to look at it.
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
