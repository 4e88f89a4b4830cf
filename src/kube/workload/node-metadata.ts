/** The part of workload clusters' Nodes that is kept: their identities and labels. */
import { SCALE_DOWN_DISABLED, SCALE_DOWN_OWNER } from '../../core/machine-keys.ts';
import { type KubeObject, NODE } from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import { present } from '../http/json.ts';
import { type Trim, trimMeta } from '../objects/trim.ts';

export const NODE_METADATA: Resource<KubeObject> = NODE;
const KEPT_ANNOTATIONS = [SCALE_DOWN_DISABLED, SCALE_DOWN_OWNER];

/** The limits of Kubernetes for a name, and for the value of a label; a UID and a version are far shorter. */
const MAX_NAME = 253;
const MAX_VALUE = 63;

/**
 * Makes the object that is kept of a Node: its identity, and the labels that are read. Annotations are dropped: they are not trusted, and a
 * dropped one cannot be trusted by mistake. The exceptions are the two by which we keep the autoscaler away, so that only our own is
 * removed again. Values that no API server would accept are dropped as well.
 */
export function nodeMetadataTrim(readLabels: ReadonlySet<string>): Trim<KubeObject> {
  return (raw) => {
    const metadata = trimMeta(raw)?.metadata;
    if (metadata === undefined) return undefined;
    const { name, uid, resourceVersion, labels = {}, annotations = {} } = metadata;
    if ([name, uid, resourceVersion].some((text) => text !== undefined && text.length > MAX_NAME)) return undefined;
    const isKept = ([key, value]: [string, string]): boolean => readLabels.has(key) && value.length <= MAX_VALUE;
    const kept = KEPT_ANNOTATIONS.filter((key) => Object.hasOwn(annotations, key));
    return {
      metadata: present({
        name,
        uid,
        resourceVersion,
        labels: Object.fromEntries(Object.entries(labels).filter(isKept)),
        annotations:
          kept.length === 0 ? undefined : Object.fromEntries(kept.map((key) => [key, shortOf(annotations[key] ?? '')])),
      }),
    };
  };
}

/** Only the presence of a long annotation matters. */
function shortOf(value: string): string {
  return value.length <= MAX_VALUE ? value : '…';
}

/** Whether the two differ only in their version, as after a kubelet's status report. */
export function isSameNode(a: KubeObject, b: KubeObject): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    isSameMap(a.metadata.labels ?? {}, b.metadata.labels ?? {}) &&
    isSameMap(a.metadata.annotations ?? {}, b.metadata.annotations ?? {})
  );
}

/** The names of Nodes that were added, changed or removed between two views. */
export function changedNodes(before: readonly KubeObject[], after: readonly KubeObject[]): readonly string[] {
  const left = new Map(before.map((node) => [node.metadata.name, node]));
  const changed: string[] = [];
  for (const node of after) {
    const { name } = node.metadata;
    const old = left.get(name);
    if (old === undefined || !isSameNode(old, node)) changed.push(name);
    left.delete(name);
  }
  return [...changed, ...left.keys()];
}

type TextMap = Readonly<Record<string, string>>;

function isSameMap(a: TextMap, b: TextMap): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
