/** Finds the Pods without a controller that this feature has stored, and their current whereabouts. */

import { conditionOf, isDeleting, isFinished, isReady } from '../../core/meta.ts';
import type { KubeObject, Pod } from '../../core/objects.ts';
import type { KeepingAttempt } from '../../core/ports.ts';
import { storedPodOf } from '../../core/stored-pods.ts';
import { type Kept, type KeptPod, keyOfPod, type Whereabouts } from '../model/stored-pods.ts';
import type { ClusterView } from './cluster-view.ts';

/** @param recreated `namespace/name` of the Pods that the session's report awaits. */
export function keptOf(
  nodeName: string,
  recreated: readonly string[],
  view: ClusterView,
  attempts: ReadonlyMap<string, KeepingAttempt>,
): Kept {
  // A user deletes the Secret if the Pod need not come back, even if a finalizer keeps the Secret.
  const secrets = view.storedFor(nodeName).filter((secret) => !isDeleting(secret));
  const found = secrets.map((secret) => ({ secret, content: storedPodOf(secret) }));
  const stored = found.flatMap(({ secret, content }): KeptPod[] => {
    if (content === undefined || isUnreadable(secret, attempts.get(content.pod.uid))) return [];
    const { namespace, name, uid } = content.pod;
    return [{ ...content, secret, is: whereabouts(view.pod(`${namespace}/${name}`), uid) }];
  });
  const unreadable = found.filter(({ secret }) => !stored.some((each) => each.secret === secret));
  // The session does not wait for Pods that cannot be restored.
  const hopeless = new Set(unreadable.flatMap(({ content }) => (content === undefined ? [] : keyOfPod(content))));
  return {
    stored: stored.sort((a, b) => (createdAt(a) > createdAt(b) ? -1 : createdAt(a) < createdAt(b) ? 1 : 0)),
    unreadable: unreadable.map(({ secret }) => secret),
    awaited: recreated.filter((key) => !hopeless.has(key) && !isBack(view.pod(key))),
    attempts: Object.fromEntries(attempts),
  };
}

const createdAt = ({ secret }: KeptPod): string => secret.metadata.creationTimestamp ?? '';

/** Whether the Secret's content was read without success, and has not changed since. */
function isUnreadable(secret: KubeObject, attempt: KeepingAttempt | undefined): boolean {
  return attempt?.outcome === 'Unreadable' && attempt.basis === secret.metadata.resourceVersion;
}

function whereabouts(pod: Pod | undefined, uid: string): Whereabouts {
  if (pod === undefined) return 'gone';
  if (pod.metadata.uid !== uid) return isDeleting(pod) ? 'leaving' : 'replaced';
  if (isDeleting(pod)) return wasDisrupted(pod) ? 'leaving' : 'deleted';
  return isFinished(pod) ? 'finished' : 'here';
}

/** The Eviction API writes this condition before it deletes the Pod (kubernetes `pkg/registry/core/pod/storage/eviction.go`). */
function wasDisrupted({ status }: Pod): boolean {
  return conditionOf(status.conditions, 'DisruptionTarget')?.status === 'True';
}

/** A Pod that has run to completion need not be ready. */
function isBack(pod: Pod | undefined): boolean {
  return pod !== undefined && !isDeleting(pod) && (isReady(pod) || pod.status.phase === 'Succeeded');
}
