/** Pods without a controller that this feature has stored, as a decision sees them. */
import { keyOf } from '../../core/meta.ts';
import type { KubeObject, Pod } from '../../core/objects.ts';
import type { KeepingAttempt } from '../../core/ports.ts';
import type { StoredPod } from '../../core/stored-pods.ts';

/**
 * - `gone`: there is no Pod of that name.
 * - `leaving`: it is being deleted after an eviction, or another Pod of that name is being deleted.
 * - `deleted`: it is being deleted, and was not evicted before that.
 * - `finished`: it has run to its end, and is not being deleted.
 * - `here`: the very Pod that was stored is still there.
 * - `replaced`: another Pod has that name.
 */
export type Whereabouts = 'gone' | 'leaving' | 'deleted' | 'finished' | 'here' | 'replaced';

export interface KeptPod extends StoredPod {
  readonly secret: KubeObject;
  readonly is: Whereabouts;
}

export interface Kept {
  /** The Pods of this Node that can be created again, the latest first: of two with the same name, the later one is restored. */
  readonly stored: readonly KeptPod[];
  /** Secrets that were edited, so that no Pod can be created from them. */
  readonly unreadable: readonly KubeObject[];
  /** `namespace/name` of the Pods that the session has created again, and that are not back. */
  readonly awaited: readonly string[];
  /** By the Pod's UID. */
  readonly attempts: Readonly<Record<string, KeepingAttempt>>;
}

/** What the session has stored for this very Pod. */
export function storedOf({ stored }: Kept, pod: Pod, session: string): KeptPod | undefined {
  return stored.find(
    (each) => each.pod.uid === pod.metadata.uid && each.session === session && keyOfPod(each) === keyOf(pod),
  );
}

/** Whether the Pod has ended, or is ending, by itself or by somebody else's action: it is not created again. */
export function hasEndedWithoutUs({ is, eviction }: KeptPod): boolean {
  switch (is) {
    case 'deleted':
    case 'finished':
      return true;
    case 'gone':
    case 'leaving':
    case 'replaced':
      return eviction === 'waiting';
    case 'here':
      return false;
  }
}

/** `namespace/name` */
export function keyOfPod({ pod: { namespace, name } }: StoredPod): string {
  return `${namespace}/${name}`;
}
