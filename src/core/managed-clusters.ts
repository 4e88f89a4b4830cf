/** Clusters whose objects of any kind are looked after from elsewhere, as a feature sees them. */
import type { AnyObject, ObjectAccess, ObjectAddress } from './object-access.ts';
import type { Resource } from './resources.ts';

/**
 * - `connecting`: nothing is known yet, and nothing has failed.
 * - `connected`: it answers, and is the cluster that it was.
 * - `lost`: it does not answer, refuses us, or is another cluster than before; `detail` says which, for people.
 */
export type ClusterCondition =
  | { readonly is: 'connecting' }
  | { readonly is: 'connected' }
  | { readonly is: 'lost'; readonly detail: string };

export interface ManagedClusterAccess {
  readonly name: string;
  readonly objects: ObjectAccess;
  condition(): ClusterCondition;
  /**
   * Asks the cluster who it is, after whatever was answered before: an answer counts as this cluster's only then. Calls that
   * come together share one request.
   *
   * @returns undefined where it is the cluster that it was; else why not, for people.
   */
  confirm(): Promise<string | undefined>;
  /**
   * Has the owner told of every change of these objects (see `onChange` of the implementation), and of no others any more.
   * The name `*` stands for every object of the kind. A kind is watched once, while somebody has an interest in it.
   */
  watch(owner: string, objects: readonly ObjectAddress[]): void;
  unwatch(owner: string): void;
  /** Whether a watch of the kind is open. */
  isWatching(resource: Resource<unknown>): boolean;
  /** What the watch knows of an object; undefined where it knows nothing. */
  seen(at: ObjectAddress): { readonly fingerprint: string; readonly resourceVersion: string } | 'absent' | undefined;
  /** Two objects have the same where nothing differs but the status and what is written by the server. */
  fingerprintOf(object: AnyObject): string;
}
