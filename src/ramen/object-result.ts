/** The result for one object of a work. */
import type { AnyObject, ObjectAddress, Refusal } from '../core/object-access.ts';
import { describe } from './manifest.ts';
import { NAMESPACES, type ResourceMeta } from './objects.ts';
import type { ManifestOutcome } from './work-status.ts';

/** The address of an object and the result for it. */
export interface ObjectResult {
  readonly outcome: ManifestOutcome;
  readonly plural: string;
  /** The objects to watch, so that a change triggers the next pass. */
  readonly watch: readonly ObjectAddress[];
  /** The object as returned by the API server, if it was applied. */
  readonly object?: AnyObject;
  /** Whether to retry after a time, because no watch would report the change. */
  readonly isRetried: boolean;
  /** When to look again, at the latest. */
  readonly afterMs?: number;
  /** Nothing was sent, because of the dry run. */
  readonly isDry?: boolean;
}

export function applied(at: ObjectAddress, object: AnyObject): ObjectResult {
  return { outcome: { is: 'applied' }, plural: at.resource.plural, watch: [at], object, isRetried: false };
}

/** The API server refused, or did not answer. */
export function refused(
  named: Pick<ResourceMeta, 'kind' | 'namespace' | 'name'>,
  at: ObjectAddress,
  refusal: Refusal,
): ObjectResult {
  const plural = at.resource.plural;
  const message = `${describe(named)}: ${refusal.reason}: ${refusal.message}`;
  switch (refusal.reason) {
    case 'DryRun':
      return { outcome: { is: 'pending' }, plural, watch: [at], isRetried: false, isDry: true };
    case 'NamespaceNotFound':
    case 'NamespaceTerminating': {
      const namespace = { resource: NAMESPACES, name: at.namespace ?? '' };
      return { outcome: { is: 'waiting', message }, plural, watch: [at, namespace], isRetried: true };
    }
    default:
      return { outcome: { is: 'failed', message }, plural, watch: [at], isRetried: true };
  }
}
