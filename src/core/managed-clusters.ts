/** Clusters whose objects of any kind are managed from elsewhere, as a feature sees them. */
import type { AnyObject, ObjectAccess, ObjectAddress } from './object-access.ts';
import type { Resource } from './resources.ts';

/**
 * - `connecting`: nothing is known yet, and nothing has failed.
 * - `connected`: it answers, and is the same cluster as before.
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
   * Checks the cluster's identity after earlier answers: only then do these count as answers of this cluster. Concurrent calls share one
   * request.
   *
   * @returns undefined if it is the same cluster as before; else the reason, for people.
   */
  confirm(): Promise<string | undefined>;
  /**
   * Notifies the owner of every change of these objects (see `onChange` of the implementation), and of no others any more. The name `*`
   * stands for every object of the kind. A kind is watched once, while somebody is interested in it.
   */
  watch(owner: string, objects: readonly ObjectAddress[]): void;
  unwatch(owner: string): void;
  /** Whether a watch of the kind is open. */
  isWatching(resource: Resource<unknown>): boolean;
  /** The watch's knowledge about an object; undefined if it knows nothing. */
  seen(at: ObjectAddress): { readonly fingerprint: string; readonly resourceVersion: string } | 'absent' | undefined;
  /** Equal for two objects that differ only in their status and in fields that the server writes. */
  fingerprintOf(object: AnyObject): string;
}
