/** Builders for Machines, Clusters and the Nodes of workload clusters. */
import { ENABLED_LABEL, HOOK_ANNOTATION, HOOK_VALUE, MAINTENANCE_LABEL } from '../../src/core/machine-keys.ts';
import type { Cluster, Machine } from '../../src/core/machine-objects.ts';
import type { KubeObject } from '../../src/core/objects.ts';

export interface MachinePart {
  readonly namespace?: string;
  readonly cluster?: string;
  /** null for a Machine without a Node. */
  readonly node?: string | null;
  readonly enabled?: string | boolean;
  readonly maintenance?: string;
  /** Value of the hook; true for ours. */
  readonly hook?: string | boolean;
  readonly deletedAt?: string;
  readonly createdAt?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly forcedKeys?: readonly string[];
  readonly resourceVersion?: string;
}

/** An enabled Machine in namespace `metal`, of cluster `shop`, whose Node has its name. */
export function machine(name: string, part: MachinePart = {}): Machine {
  const { namespace = 'metal', cluster = 'shop', node = name, enabled = true, maintenance, hook = false } = part;
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-of-${namespace}-${name}`,
      resourceVersion: part.resourceVersion ?? '1',
      creationTimestamp: part.createdAt ?? '2026-11-01T00:00:00Z',
      ...(part.deletedAt !== undefined && { deletionTimestamp: part.deletedAt }),
      labels: {
        ...(enabled !== false && { [ENABLED_LABEL]: String(enabled) }),
        ...(maintenance !== undefined && { [MAINTENANCE_LABEL]: maintenance }),
      },
      annotations: {
        ...(hook !== false && { [HOOK_ANNOTATION]: hook === true ? HOOK_VALUE : hook }),
        ...part.annotations,
      },
    },
    spec: { clusterName: cluster },
    status: node === null ? {} : { nodeName: node },
    ...(part.forcedKeys !== undefined && { forcedKeys: part.forcedKeys }),
  };
}

/** A Cluster in namespace `metal`. */
export function cluster(name: string, part: { readonly paused?: boolean; readonly deletedAt?: string } = {}): Cluster {
  return {
    metadata: {
      name,
      namespace: 'metal',
      uid: `uid-of-metal-${name}`,
      resourceVersion: '1',
      ...(part.deletedAt !== undefined && { deletionTimestamp: part.deletedAt }),
    },
    spec: part.paused === undefined ? {} : { paused: part.paused },
  };
}

/** The metadata of a workload Node. */
export function workloadNode(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject {
  return { metadata: { name, uid: `uid-of-node-${name}`, resourceVersion: '1', labels } };
}
