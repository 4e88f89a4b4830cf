/** By which Nodes a workload cluster is known again: their UIDs, in an annotation of its Cluster. */
import type { ClusterKey } from './clusters.ts';
import { KNOWN_NODES_ANNOTATION } from './machine-keys.ts';

/** Enough to outlive a rolling replacement that goes on while nobody looks, and short enough for an annotation. */
const MAX_KNOWN = 16;
const UID = /^[0-9A-Za-z-]{1,64}$/;

/** Never fails: what is no UID is left out, and so is what is too much. */
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
 * What is to be known, given what is known and which Nodes there are. It changes rarely: only when fewer than half are left of as many
 * as there could be.
 */
export function nextKnownNodes(known: readonly string[], present: readonly string[]): readonly string[] {
  const there = new Set(present);
  const alive = known.filter((uid) => there.has(uid));
  const enough = Math.ceil(Math.min(present.length, MAX_KNOWN) / 2);
  if (present.length > 0 && alive.length >= enough) return known;
  const others = present.filter((uid) => UID.test(uid) && !alive.includes(uid));
  return [...alive, ...others].slice(0, MAX_KNOWN);
}

/** Whether none of the Nodes is there that the cluster is known by. A cluster that is not known yet is no other one. */
export function isAnotherCluster(known: Iterable<string>, present: readonly string[]): boolean {
  const uids = new Set(known);
  return uids.size > 0 && !present.some((uid) => uids.has(uid));
}

/** What people read of such a cluster, with the command that has it trusted all the same. @param count of the Nodes that it is known by. */
export function anotherCluster(cluster: ClusterKey, count: number): string {
  const [namespace, name] = cluster.split('/');
  return (
    `the kubeconfig leads to another cluster than before: none of the ${count} Nodes is there that it is known by; ` +
    `if that is right: kubectl -n ${namespace} annotate clusters.cluster.x-k8s.io ${name} ${KNOWN_NODES_ANNOTATION}-`
  );
}
