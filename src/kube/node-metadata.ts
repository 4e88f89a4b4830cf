/** What is kept of workload clusters' Nodes: who they are and how they are labelled. */
import { type KubeObject, NODE } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { present } from './raw.ts';
import { type Trim, trimMeta } from './trim.ts';

export const NODE_METADATA: Resource<KubeObject> = NODE;

/** Annotations are left out: they are not trusted, and what is not there cannot be trusted by mistake. */
export const trimNodeMetadata: Trim<KubeObject> = (raw) => {
  const metadata = trimMeta(raw)?.metadata;
  if (metadata === undefined) return undefined;
  const { name, uid, resourceVersion, labels } = metadata;
  return { metadata: present({ name, uid, resourceVersion, labels }) };
};

/** Whether the two differ in nothing but their version, as after a kubelet's report. */
export function isSameNode(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && haveSameLabels(a.metadata.labels ?? {}, b.metadata.labels ?? {});
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

type Labels = Readonly<Record<string, string>>;

function haveSameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
