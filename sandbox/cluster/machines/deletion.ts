/**
 * The deletion of a Machine (Cluster API 1.11–1.14, `reconcileDelete`). Every pass begins again at the top:
 *
 * 1. Hooks, drain, volumes and the Node are skipped altogether if the Cluster is being deleted, the Machine has no Node, or no control
 *    plane is left: no Machine of it that is not being deleted, and no `controlPlaneRef` to another kind.
 * 2. An annotation `pre-drain.delete.hook.machine.cluster.x-k8s.io/…` holds it, whatever its value. There is no polling: the removal of the
 *    annotation triggers the next pass.
 * 3. The Node is cordoned and drained: evictions, within budgets (`drain.ts`), up to `nodeDrainTimeoutSeconds`.
 * 4. The volumes are detached, up to `nodeVolumeDetachTimeoutSeconds`.
 * 5. An annotation `pre-terminate.delete.hook.machine.cluster.x-k8s.io/…` holds it, in any case.
 * 6. Infrastructure, bootstrap configuration and Node are deleted, then the finalizer is removed.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { msOf } from '../../../src/core/timestamps.ts';
import type { Node } from '../base/kinds.ts';
import type { Machine, MachineReference } from '../base/machine-kinds.ts';
import { isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import { drain } from './drain.ts';
import { CLUSTERS, clusterOf, MACHINES, resourceOf } from './lookup.ts';
import type { Workloads } from './workloads.ts';

export const MACHINE_FINALIZER = 'machine.cluster.x-k8s.io';
const PRE_DRAIN = 'pre-drain.delete.hook.machine.cluster.x-k8s.io';
const PRE_TERMINATE = 'pre-terminate.delete.hook.machine.cluster.x-k8s.io';
const NO_DRAIN = 'machine.cluster.x-k8s.io/exclude-node-draining';
const NO_DETACH = 'machine.cluster.x-k8s.io/exclude-wait-for-node-volume-detach';
const CONTROL_PLANE = 'cluster.x-k8s.io/control-plane';
/** Cluster API's own interval for objects that it cannot watch. */
const RETRY_MS = 20_000;

/** The progress of the deletion, in the terms of condition `Deleting`. */
export interface Deletion {
  readonly reason: string;
  readonly message?: string;
  /** `status.deletion`, if it has changed. */
  readonly deletion?: NonNullable<NonNullable<Machine['status']>['deletion']>;
  /** When to look again, besides the events that trigger a pass. */
  readonly waitMs?: number;
}

export function nextStep(world: World, workloads: Workloads, machine: Machine): Deletion {
  const { namespace = '' } = machine.metadata;
  if (mayTouchNode(world, machine)) {
    const workload = workloads.of(namespace, machine.spec.clusterName);
    const hooks = hooksOf(machine, PRE_DRAIN);
    if (hooks.length > 0) return waiting('WaitingForPreDrainHook', 'pre-drain', hooks);
    if (workload === undefined) {
      const message = 'failed to get the Node: connection to the workload cluster is down';
      return { reason: 'InternalError', message, waitMs: RETRY_MS };
    }
    const node = workload.mirror('nodes').get(machine.status?.nodeRef?.name ?? '');
    const held =
      node === undefined ? undefined : (drainFirst(workload, machine, node) ?? detachFirst(workload, machine, node));
    if (held !== undefined) return held;
  }
  const hooks = hooksOf(machine, PRE_TERMINATE);
  if (hooks.length > 0) return waiting('WaitingForPreTerminateHook', 'pre-terminate', hooks);
  return (
    removeReferenced(world, machine, machine.spec.infrastructureRef, 'WaitingForInfrastructureDeletion') ??
    removeReferenced(world, machine, machine.spec.bootstrap?.configRef, 'WaitingForBootstrapDeletion') ??
    finish(world, workloads, machine)
  );
}

function mayTouchNode(world: World, machine: Machine): boolean {
  const cluster = clusterOf(world, machine);
  if (cluster !== undefined && isTerminating(cluster)) return false;
  if ((machine.status?.nodeRef?.name ?? '') === '') return false;
  const { namespace } = machine.metadata;
  const siblings = world
    .mirror(MACHINES)
    .index('cluster', ({ metadata, spec }) => `${metadata.namespace}/${spec.clusterName}`)
    .get(`${namespace}/${machine.spec.clusterName}`);
  const hasControlPlane = siblings.some(
    (each) => CONTROL_PLANE in (each.metadata.labels ?? {}) && !isTerminating(each),
  );
  return hasControlPlane || isControlPlaneElsewhere(world, machine);
}

/** A control plane of a kind that is not served here is managed elsewhere. */
function isControlPlaneElsewhere(world: World, machine: Machine): boolean {
  const cluster = world.mirror(CLUSTERS).get(`${machine.metadata.namespace}/${machine.spec.clusterName}`);
  return cluster?.spec?.controlPlaneRef !== undefined;
}

function hooksOf({ metadata }: Machine, point: string): readonly string[] {
  return Object.keys(metadata.annotations ?? {})
    .filter((key) => key.startsWith(point))
    .sort();
}

function waiting(reason: string, point: string, hooks: readonly string[]): Deletion {
  return { reason, message: `Waiting for ${point} hooks to succeed (hooks: ${hooks.join(',')})` };
}

function drainFirst(workload: World, machine: Machine, node: Node): Deletion | undefined {
  const { annotations = {} } = machine.metadata;
  const { nodeDrainStartTime } = machine.status?.deletion ?? {};
  const limit = machine.spec.deletion?.nodeDrainTimeoutSeconds;
  if (NO_DRAIN in annotations || isOver(workload, nodeDrainStartTime, limit)) return undefined;
  if (node.spec?.unschedulable !== true) {
    const present = workload.fresh('nodes', node.metadata.name);
    if (present !== undefined) workload.patch('nodes', present, { spec: { unschedulable: true } });
  }
  const since = nodeDrainStartTime ?? workload.now();
  const left = drain(workload, node);
  if (left.length === 0) return undefined;
  const message = `Drain not completed yet (started at ${since}):\n${left.join('\n')}`;
  const deletion = { ...machine.status?.deletion, nodeDrainStartTime: since };
  return { reason: 'DrainingNode', message, deletion, waitMs: RETRY_MS };
}

function detachFirst(workload: World, machine: Machine, node: Node): Deletion | undefined {
  const { annotations = {} } = machine.metadata;
  const { waitForNodeVolumeDetachStartTime } = machine.status?.deletion ?? {};
  const limit = machine.spec.deletion?.nodeVolumeDetachTimeoutSeconds;
  if (NO_DETACH in annotations || isOver(workload, waitForNodeVolumeDetachStartTime, limit)) return undefined;
  const attached = workload
    .mirror('volumeattachments.storage.k8s.io')
    .index('node', ({ spec }) => spec.nodeName)
    .get(node.metadata.name);
  if (attached.length === 0) return undefined;
  const since = waitForNodeVolumeDetachStartTime ?? workload.now();
  const message = `Waiting for Node volumes to be detached (started at ${since})`;
  const deletion = { ...machine.status?.deletion, waitForNodeVolumeDetachStartTime: since };
  return { reason: 'WaitingForVolumeDetach', message, deletion, waitMs: RETRY_MS };
}

function isOver(world: World, since: string | undefined, seconds: number | undefined): boolean {
  const startedMs = msOf(since);
  return startedMs !== undefined && (seconds ?? 0) > 0 && world.nowMs() >= startedMs + (seconds ?? 0) * 1000;
}

/** @returns undefined once it is gone, or if its kind is not served. */
function removeReferenced(
  world: World,
  { metadata }: Machine,
  reference: MachineReference | undefined,
  reason: string,
): Deletion | undefined {
  if (reference === undefined) return undefined;
  const resource = resourceOf(reference);
  const key = `${metadata.namespace}/${reference.name}`;
  const object = world.mirrorOf(resource).get(key);
  if (object === undefined) return undefined;
  if (!isTerminating(object)) world.delete(resource, object);
  return world.mirrorOf(resource).get(key) === undefined ? undefined : { reason, waitMs: RETRY_MS };
}

function finish(world: World, workloads: Workloads, machine: Machine): Deletion {
  const { namespace = '' } = machine.metadata;
  if (mayTouchNode(world, machine)) {
    const workload = workloads.of(namespace, machine.spec.clusterName);
    const node = workload?.fresh('nodes', machine.status?.nodeRef?.name ?? '');
    if (node !== undefined) workload?.delete('nodes', node);
  }
  const present = world.fresh(MACHINES, keyOf(machine));
  const finalizers = present?.metadata.finalizers?.filter((each) => each !== MACHINE_FINALIZER);
  if (present !== undefined && finalizers?.length !== present.metadata.finalizers?.length) {
    world.patch(MACHINES, present, { metadata: { finalizers } });
  }
  return { reason: 'DeletionCompleted' };
}
