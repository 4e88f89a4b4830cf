/** The Nodes by which a workload cluster is recognised: their UIDs, in an annotation of its Cluster. */
import type { ClusterKey } from './clusters.ts';
import { KNOWN_NODES_ANNOTATION } from './machine-keys.ts';

/** Enough to survive a rolling replacement while no process watches, and short enough for an annotation. */
const MAX_KNOWN = 16;
const UID = /^[0-9A-Za-z-]{1,64}$/;

/** Never fails: values that are not UIDs are dropped, and so are those beyond the limit. */
export function parseKnownNodes(text: string): readonly string[] {
  return text
    .slice(0, MAX_KNOWN * 65)
    .split(',')
    .filter((part) => UID.test(part))
    .slice(0, MAX_KNOWN);
}

export function formatKnownNodes(uids: readonly string[]): string {
  return uids.join(',');
}

/**
 * The Nodes to record, given the recorded and the existing ones. The result changes rarely: only when fewer than half of the possible
 * number are left.
 */
export function nextKnownNodes(known: readonly string[], present: readonly string[]): readonly string[] {
  const there = new Set(present);
  const alive = known.filter((uid) => there.has(uid));
  const enough = Math.ceil(Math.min(present.length, MAX_KNOWN) / 2);
  if (present.length > 0 && alive.length >= enough) return known;
  const others = present.filter((uid) => UID.test(uid) && !alive.includes(uid));
  return [...alive, ...others].slice(0, MAX_KNOWN);
}

/** Whether none of the recorded Nodes exists. A cluster without recorded Nodes does not count as another one. */
export function isAnotherCluster(known: Iterable<string>, present: readonly string[]): boolean {
  const uids = new Set(known);
  return uids.size > 0 && !present.some((uid) => uids.has(uid));
}

/** The message about such a cluster, with the command that makes the bridge trust it nevertheless. @param count of the recorded Nodes. */
export function anotherCluster(cluster: ClusterKey, count: number): string {
  const [namespace, name] = cluster.split('/');
  return (
    `the kubeconfig leads to another cluster than before: none of the ${count} Nodes is there that it is known by; ` +
    `if that is right: kubectl -n ${namespace} annotate clusters.cluster.x-k8s.io ${name} ${KNOWN_NODES_ANNOTATION}-`
  );
}
