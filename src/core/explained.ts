/** Which objects people may ask about, and how each is explained: a part of a feature's descriptor. */
import type { Explanation } from './explanation.ts';
import type { KubeObject, ObjectMeta } from './objects.ts';
import type { Source } from './ports.ts';
import type { Resource } from './resources.ts';

/** A kind that is read where it is served. */
export interface ReadKind {
  readonly resource: Resource<KubeObject>;
  /** For a kind that comes with a CRD: the versions that we understand, the best first. @default the kind is always served */
  readonly versions?: readonly string[];
  /**
   * What is kept of an object, undefined of one that cannot be kept; never throws. @default as the adapters keep that kind
   *
   * @param metaOf reads its metadata.
   */
  readonly trim?: (raw: unknown, metaOf: (raw: unknown) => ObjectMeta | undefined) => KubeObject | undefined;
}

/** A kind that `why` takes. */
export interface ExplainedKind<Settings> extends ReadKind {
  /** As the API server, or the kind's CRD, declares them. */
  readonly shortNames: readonly string[];
  /** How `status` and the dashboard tell of its objects, and `why` too where it asks nothing else. @default they do not */
  readonly overview?: Overviewed<Settings>;
}

export interface Overviewed<Settings> {
  /** What a state may be; docs/operations.md has a row for each, in this order. */
  readonly states: readonly string[];
  /**
   * Further kinds that an explanation is made of; their objects in the same namespaces are read as well. None: it follows from the
   * object alone, at whatever time, and is made once for each version of the object.
   */
  readonly by: readonly ReadKind[];
  /** @param sourceOf of the kind itself and of those in `by`, before anything is read of them: indexes may be declared. */
  explainer(sourceOf: SourceOf, settings: Settings): Explainer<KubeObject>;
}

/** What is read of a kind. */
export type SourceOf = <T extends KubeObject>(resource: Resource<T>) => Source<T>;

export interface Explainer<T extends KubeObject> {
  /** Asked once everything that it is made of is known, or will not be: an explanation says which part was not seen. */
  explain(object: T, nowMs: number): Explanation;
}
