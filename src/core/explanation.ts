/** What a person is told of one object: how things stand, whom they wait for, and what would let them go on. */
export interface Explanation {
  readonly kind: 'Node' | 'Machine' | 'BareMetalHost';
  /** `namespace/name`, or the name of a Node. */
  readonly name: string;
  /** From the feature's closed set. */
  readonly state: string;
  /** Whether something is under way that is worth a line in an overview. */
  readonly isUnderWay: boolean;
  /** RFC 3339; when it was asked for, or when the state began. */
  readonly since?: string;
  /** A sentence without a full stop: how things stand. */
  readonly summary: string;
  /** Who or what has to do something; absent where nobody has. */
  readonly waitsFor?: string;
  /** The command that would let it go on. */
  readonly release?: string;
  /** More, one finding per line. */
  readonly details: readonly string[];
}
