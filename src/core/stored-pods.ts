/**
 * Pods that nothing would create again are kept in Secrets while their Node is away. Everything that must be known without the Secret's
 * content is in its labels and annotations, so that the content is never cached.
 */
import { annotationOf, labelOf } from './meta.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

export const SECRET: Resource<KubeObject> & { readonly plural: string } = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};

/** `type` of the Secrets. */
export const STORED_POD_TYPE = 'maintenance-bridge.io/pod';
/** The key in `data`: the manifest as JSON. */
export const STORED_POD_KEY = 'pod.json';

/** Label: the UID of the Pod. */
export const STORED_UID_LABEL = 'maintenance-bridge.io/stored-pod';
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGED_BY = 'maintenance-bridge';
/** Selects these Secrets and no other that we, or a chart, may have written. */
export const STORED_POD_SELECTOR = `${MANAGED_BY_LABEL}=${MANAGED_BY},${STORED_UID_LABEL}`;

/** Annotation: the Node that the Pod ran on. Not a label, since a Node's name may be too long for one. */
export const STORED_NODE_ANNOTATION = 'maintenance-bridge.io/node';
/** Annotation: the session that stored it. */
export const STORED_SESSION_ANNOTATION = 'maintenance-bridge.io/session';
/** Annotation: `namespace/name` of the Pod. */
export const STORED_POD_ANNOTATION = 'maintenance-bridge.io/pod';
/** Annotation: whether the Pod was ready (`true`), so that the session waits for it once it is back. */
export const STORED_READY_ANNOTATION = 'maintenance-bridge.io/was-ready';

/** Annotation: `waiting` while no eviction of the Pod has been sent. */
export const STORED_EVICTION_ANNOTATION = 'maintenance-bridge.io/eviction';

/** A Pod by the name and UID that it had. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The data of a Secret besides its content. */
export interface StoredPod {
  readonly pod: PodIdentity;
  readonly node: string;
  readonly session: string;
  readonly wasReady: boolean;
  /**
   * - `waiting`: no eviction was sent; if the Pod ends, somebody else caused it.
   * - `sent`: one may have been sent.
   */
  readonly eviction: 'waiting' | 'sent';
}

/** The name of the Secret: one per Pod, so that it cannot be stored twice. */
export function secretNameOf(podUid: string): string {
  return `tmm-pod-${podUid}`;
}

/** @returns undefined if our content was removed or edited. */
export function storedPodOf(secret: KubeObject): StoredPod | undefined {
  const uid = labelOf(secret, STORED_UID_LABEL);
  const node = annotationOf(secret, STORED_NODE_ANNOTATION);
  const session = annotationOf(secret, STORED_SESSION_ANNOTATION);
  const [namespace, name, ...rest] = (annotationOf(secret, STORED_POD_ANNOTATION) ?? '').split('/');
  if (!uid || !node || session === undefined || !namespace || !name || rest.length > 0) return undefined;
  // The name derives from the UID: a copied Secret, or one with an edited label, would be taken for another Pod's.
  if (secret.metadata.name !== secretNameOf(uid)) return undefined;
  const wasReady = annotationOf(secret, STORED_READY_ANNOTATION) === 'true';
  // Absent in Secrets of an earlier version, which did not record it.
  const eviction = annotationOf(secret, STORED_EVICTION_ANNOTATION) === 'waiting' ? 'waiting' : 'sent';
  return { pod: { namespace, name, uid }, node, session, wasReady, eviction };
}

/** The metadata of the Secret that holds this Pod; `storedPodOf()` reads it back. */
export function storedMetadata({ pod, node, session, wasReady, eviction }: StoredPod): Pick<
  KubeObject['metadata'],
  'name'
> & {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
} {
  return {
    name: secretNameOf(pod.uid),
    labels: { [MANAGED_BY_LABEL]: MANAGED_BY, [STORED_UID_LABEL]: pod.uid },
    annotations: {
      [STORED_NODE_ANNOTATION]: node,
      [STORED_SESSION_ANNOTATION]: session,
      [STORED_POD_ANNOTATION]: `${pod.namespace}/${pod.name}`,
      [STORED_READY_ANNOTATION]: String(wasReady),
      [STORED_EVICTION_ANNOTATION]: eviction,
    },
  };
}
