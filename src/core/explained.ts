/** Which kinds users can ask about, and how their objects are explained: a part of a feature's descriptor. */
import type { Explanation } from './explanation.ts';
import type { KubeObject, ObjectMeta } from './objects.ts';
import type { Source } from './ports.ts';
import type { Resource } from './resources.ts';

/** A kind that is read if it is served. */
export interface ReadKind {
  readonly resource: Resource<KubeObject>;
  /** For a kind defined by a CRD: the versions that we understand, in order of preference. @default the kind is always served */
  readonly versions?: readonly string[];
  /**
   * Turns the raw object into the one that is kept; undefined if it cannot be kept; never throws. @default the adapters' trim of that kind
   *
   * @param metaOf reads its metadata.
   */
  readonly trim?: (raw: unknown, metaOf: (raw: unknown) => ObjectMeta | undefined) => KubeObject | undefined;
}

/** A kind that `why` accepts. */
export interface ExplainedKind<Settings> extends ReadKind {
  /** As the API server, or the kind's CRD, declares them. */
  readonly shortNames: readonly string[];
  /** How `status` and the dashboard show its objects, and `why` too if it needs no other data. @default they do not */
  readonly overview?: Overviewed<Settings>;
}

export interface Overviewed<Settings> {
  /** Its possible states; docs/operations.md has a row for each, in this order. */
  readonly states: readonly string[];
  /**
   * Further kinds that an explanation is based on; their objects in the same namespaces are read as well. If empty, the explanation depends
   * on the object alone, not on the time, and is made once for each version of the object.
   */
  readonly by: readonly ReadKind[];
  /**
   * @param sourceOf gives the sources of the kind itself and of those in `by`, before anything is read from them, so that indexes may be
   * declared.
   */
  explainer(sourceOf: SourceOf, settings: Settings): Explainer<KubeObject>;
}

/** Gives the source of a kind. */
export type SourceOf = <T extends KubeObject>(resource: Resource<T>) => Source<T>;

export interface Explainer<T extends KubeObject> {
  /** Called once all of its data is known, or will not become known: an explanation mentions the part that was not seen. */
  explain(object: T, nowMs: number): Explanation;
}
