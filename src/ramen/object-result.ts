/** What became of one object of a work. */
import type { AnyObject, ObjectAddress, Refusal } from '../core/object-access.ts';
import { describe } from './manifest.ts';
import { NAMESPACES, type ResourceMeta } from './objects.ts';
import type { ManifestOutcome } from './work-status.ts';

/** Where an object is and what became of it. */
export interface ObjectResult {
  readonly outcome: ManifestOutcome;
  readonly plural: string;
  /** What to watch, so that the next pass comes when something changes. */
  readonly watch: readonly ObjectAddress[];
  /** The object as the API server has it now, where it was applied. */
  readonly object?: AnyObject;
  /** Whether only time can help, since nobody would tell of it. */
  readonly isRetried: boolean;
  /** Nothing was sent, since nothing is to be written. */
  readonly isDry?: boolean;
}

export function applied(at: ObjectAddress, object: AnyObject): ObjectResult {
  return { outcome: { is: 'applied' }, plural: at.resource.plural, watch: [at], object, isRetried: false };
}

/** The API server did not take it, or did not say what is there. */
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
