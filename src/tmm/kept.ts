/** Pods without a controller that this feature has stored, and what became of them. */
import { isDeleting, isReady, keyOf } from '../core/meta.ts';
import type { KubeObject, Pod } from '../core/objects.ts';
import type { KeepingAttempt } from '../core/ports.ts';
import { type StoredPod, storedPodOf } from '../core/stored-pods.ts';
import type { View } from './view.ts';

/**
 * - `gone`: there is no Pod of that name.
 * - `leaving`: a Pod of that name is being deleted.
 * - `here`: the very Pod that was stored is still there.
 * - `replaced`: another Pod has that name.
 */
export type Whereabouts = 'gone' | 'leaving' | 'here' | 'replaced';

export interface KeptPod extends StoredPod {
  readonly secret: KubeObject;
  readonly is: Whereabouts;
}

export interface Kept {
  /** Those of this Node that can be created again, the latest first: of two that had the same name the later one comes back. */
  readonly stored: readonly KeptPod[];
  /** Secrets that somebody has edited, so that nothing can be created from them. */
  readonly unreadable: readonly KubeObject[];
  /** `namespace/name` of the Pods that the session has created again, and that are not back. */
  readonly awaited: readonly string[];
  /** By the Pod's UID. */
  readonly attempts: ReadonlyMap<string, KeepingAttempt>;
}

/** @param recreated `namespace/name` of the Pods that the session's report awaits. */
export function keptOf(
  nodeName: string,
  recreated: readonly string[],
  view: View,
  attempts: ReadonlyMap<string, KeepingAttempt>,
): Kept {
  // To delete the Secret is how a user says that the Pod need not come back, even if a finalizer holds it.
  const secrets = view.storedFor(nodeName).filter((secret) => !isDeleting(secret));
  const found = secrets.map((secret) => ({ secret, content: storedPodOf(secret) }));
  const stored = found.flatMap(({ secret, content }): KeptPod[] => {
    if (content === undefined || isUnreadable(secret, attempts.get(content.pod.uid))) return [];
    const { namespace, name, uid } = content.pod;
    return [{ ...content, secret, is: whereabouts(view.pod(`${namespace}/${name}`), uid) }];
  });
  const unreadable = found.filter(({ secret }) => !stored.some((each) => each.secret === secret));
  // What cannot come back is not waited for.
  const hopeless = new Set(unreadable.flatMap(({ content }) => (content === undefined ? [] : keyOfPod(content))));
  return {
    stored: stored.sort((a, b) => (createdAt(a) > createdAt(b) ? -1 : createdAt(a) < createdAt(b) ? 1 : 0)),
    unreadable: unreadable.map(({ secret }) => secret),
    awaited: recreated.filter((key) => !hopeless.has(key) && !isBack(view.pod(key))),
    attempts,
  };
}

const createdAt = ({ secret }: KeptPod): string => secret.metadata.creationTimestamp ?? '';

/** Its content was looked at, and it has not changed since. */
function isUnreadable(secret: KubeObject, attempt: KeepingAttempt | undefined): boolean {
  return attempt?.outcome === 'Unreadable' && attempt.basis === secret.metadata.resourceVersion;
}

function whereabouts(pod: Pod | undefined, uid: string): Whereabouts {
  if (pod === undefined) return 'gone';
  if (isDeleting(pod)) return 'leaving';
  return pod.metadata.uid === uid ? 'here' : 'replaced';
}

/** A Pod that has run to its end need not be ready. */
function isBack(pod: Pod | undefined): boolean {
  return pod !== undefined && !isDeleting(pod) && (isReady(pod) || pod.status.phase === 'Succeeded');
}

/** Whether the session has stored this very Pod. */
export function isStored({ stored }: Kept, pod: Pod, session: string): boolean {
  return stored.some(
    (each) => each.pod.uid === pod.metadata.uid && each.session === session && keyOfPod(each) === keyOf(pod),
  );
}

/** `namespace/name` */
export function keyOfPod({ pod: { namespace, name } }: StoredPod): string {
  return `${namespace}/${name}`;
}
