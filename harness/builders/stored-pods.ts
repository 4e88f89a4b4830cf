/** The Secrets in which Pods are stored, and the effects of actions on them, like on an API server. */
import type { DiscardStored, RestorePod, StorePod } from '../../src/core/action.ts';
import type { KubeObject, Pod } from '../../src/core/objects.ts';
import { storedMetadata, storedPodOf } from '../../src/core/stored-pods.ts';

/** Changes the given Pods like a server. */
export class StoredPods {
  secrets: readonly KubeObject[] = [];
  readonly #manifests = new Map<string, Pod>();
  #created = 0;

  /** @returns the Pods afterwards. */
  carryOut(action: StorePod | RestorePod | DiscardStored, pods: readonly Pod[]): readonly Pod[] {
    if (action.do === 'storePod') {
      this.#store(action, pods);
      return pods;
    }
    const secret = this.secrets.find(({ metadata }) => metadata.uid === action.target.uid);
    if (secret === undefined) return pods;
    if (action.do === 'discardStored' && action.resourceVersion !== secret.metadata.resourceVersion) return pods;
    this.secrets = this.secrets.filter((each) => each !== secret);
    return action.do === 'restorePod' ? this.#restore(action, pods) : pods;
  }

  #store({ target, as }: StorePod, pods: readonly Pod[]): void {
    const pod = pods.find(({ metadata }) => metadata.uid === target.uid);
    if (pod === undefined) return;
    const before = this.secrets.find(({ metadata: { name } }) => name === storedMetadata(as).name);
    const wasSent = before !== undefined && storedPodOf(before)?.eviction === 'sent';
    const metadata = storedMetadata(wasSent ? { ...as, eviction: 'sent' } : as);
    this.#created += 1;
    this.#manifests.set(as.pod.uid, pod);
    this.secrets = [
      ...this.secrets.filter((secret) => secret.metadata.name !== metadata.name),
      {
        metadata: {
          ...metadata,
          namespace: 'maintenance-bridge',
          uid: `secret-${this.#created}`,
          resourceVersion: String(this.#created),
        },
      },
    ];
  }

  /** Creates a Pod that the scheduler has not seen yet, unless the name is taken. */
  #restore({ pod: { namespace, name, uid } }: RestorePod, pods: readonly Pod[]): readonly Pod[] {
    const manifest = this.#manifests.get(uid);
    const isTaken = pods.some(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
    if (manifest === undefined || isTaken) return pods;
    const { nodeName: _, ...spec } = manifest.spec;
    return [...pods, { metadata: { ...manifest.metadata, uid: `${uid}-again` }, spec, status: { phase: 'Pending' } }];
  }
}
