/**
 * Machines (Cluster API, internal/controllers/machine): each finds its Node by the provider ID, and is deleted in the steps of
 * `deletion.ts`. Nothing happens to a Machine that is paused, or whose Cluster is.
 *
 * The machine itself exists already: the creator of the Machine also creates its Node, as a bootstrap provider would.
 */
import { keyOf } from '../../../src/core/meta.ts';
import { type Claim, conditionIn, isTrue, withConditions } from '../base/conditions.ts';
import type { Node } from '../base/kinds.ts';
import type { Cluster, Machine } from '../base/machine-kinds.ts';
import { isTerminating } from '../base/pods.ts';
import type { Work } from '../base/work-loop.ts';
import { isSame, type World } from '../base/world.ts';
import { type Deletion, MACHINE_FINALIZER, nextStep } from './deletion.ts';
import { CLUSTERS, clusterOf, MACHINES, nodesByProvider, referencedBy, resourceOf } from './lookup.ts';
import type { Workloads } from './workloads.ts';

const PAUSED = 'cluster.x-k8s.io/paused';
const CLUSTER_LABEL = 'cluster.x-k8s.io/cluster-name';
const NO_DELETION: Claim = { type: 'Deleting', status: 'False', reason: 'NotDeleting' };

export function startMachines(world: World, workloads: Workloads): void {
  const work = world.controller('Machine', (key) => {
    const machine = world.fresh(MACHINES, key);
    if (machine === undefined) return;
    const cluster = clusterOf(world, machine);
    if (cluster?.spec?.paused === true || PAUSED in (machine.metadata.annotations ?? {})) return;
    if (!isTerminating(machine)) {
      keepUp(world, workloads, machine, cluster);
      return;
    }
    const waitMs = goOn(world, workloads, machine);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
  });
  const machines = world.mirror(MACHINES);
  const ofCluster = machines.index('cluster', ({ metadata, spec }) => `${metadata.namespace}/${spec.clusterName}`);
  const watched = new Set<string>();
  machines.onChange(({ type, object }) => {
    work.add(keyOf(object));
    watchReferenced(world, object, watched, work);
    // The remaining control planes determine whether the hooks of the others count.
    if (type !== 'ADDED')
      for (const each of ofCluster.get(`${object.metadata.namespace}/${object.spec.clusterName}`))
        if (isTerminating(each)) work.add(keyOf(each));
  });
  world.mirror(CLUSTERS).onChange(({ object }) => {
    for (const each of ofCluster.get(keyOf(object))) work.add(keyOf(each));
  });
  workloads.onWorld((workload) => wakeByNodes(world, workload, work));
}

/** A Machine's infrastructure provides its provider ID, and holds the Machine until it is gone. */
function watchReferenced(world: World, { spec }: Machine, watched: Set<string>, work: Work): void {
  for (const reference of [spec.infrastructureRef, spec.bootstrap?.configRef]) {
    const resource = reference && resourceOf(reference);
    if (resource === undefined || watched.has(resource)) continue;
    watched.add(resource);
    const users = world.mirror(MACHINES).index(`users of ${resource}`, (each) => {
      const references = [each.spec.infrastructureRef, each.spec.bootstrap?.configRef];
      const found = references.filter((one) => one !== undefined && resourceOf(one) === resource);
      return found.map((one) => `${each.metadata.namespace}/${one?.name}`);
    });
    world.mirrorOf(resource).onChange(({ object }) => {
      for (const machine of users.get(keyOf(object))) work.add(keyOf(machine));
    });
  }
}

/** Nodes enqueue Machines by their own changes, and drains by those of their Pods and budgets. */
function wakeByNodes(world: World, workload: World, work: Work): void {
  const machines = world.mirror(MACHINES);
  const byNode = machines.index('node', ({ status }) => status?.nodeRef?.name);
  const byProvider = machines.index('provider', ({ spec }) => spec.providerID);
  const draining = machines.index('draining', (machine) => (isDraining(machine) ? 'yes' : undefined));
  workload.mirror('nodes').onChange(({ object }) => {
    const found = [...byNode.get(object.metadata.name), ...byProvider.get(object.spec?.providerID ?? '')];
    for (const each of found) work.add(keyOf(each));
  });
  workload.mirror('pods').onChange(({ object }) => {
    for (const each of byNode.get(object.spec.nodeName ?? '')) if (isTerminating(each)) work.add(keyOf(each));
  });
  const wakeDrains = (): void => {
    for (const each of draining.get('yes')) work.add(keyOf(each));
  };
  workload.mirror('poddisruptionbudgets.policy').onChange(wakeDrains);
  workload.mirror('volumeattachments.storage.k8s.io').onChange(wakeDrains);
}

function isDraining({ status }: Machine): boolean {
  const reason = conditionIn(status?.conditions, 'Deleting')?.reason;
  return reason === 'DrainingNode' || reason === 'WaitingForVolumeDetach';
}

function keepUp(world: World, workloads: Workloads, machine: Machine, cluster: Cluster | undefined): void {
  adopt(world, machine, cluster);
  const present = world.fresh(MACHINES, keyOf(machine));
  const workload = workloads.of(machine.metadata.namespace ?? '', machine.spec.clusterName);
  if (present === undefined) return;
  const { providerID } = present.spec;
  const known = present.status?.nodeRef?.name;
  const found = providerID === undefined ? undefined : workload && nodesByProvider(workload).get(providerID)[0];
  const node = found ?? workload?.mirror('nodes').get(known ?? '');
  const name = node?.metadata.name ?? known;
  if (node !== undefined && workload !== undefined) annotateNode(workload, node, present);
  writeStatus(world, present, {
    phase: name !== undefined ? 'Running' : providerID !== undefined ? 'Provisioned' : 'Provisioning',
    ...(name !== undefined && { nodeRef: { name } }),
    claims: [...healthClaims(workload !== undefined, name, node), NO_DELETION],
  });
}

/** Makes the Cluster the owner of the Machine. */
function adopt(world: World, machine: Machine, cluster: Cluster | undefined): void {
  const { finalizers = [], labels, ownerReferences = [] } = machine.metadata;
  const isOwned = cluster === undefined || ownerReferences.some(({ uid }) => uid === cluster.metadata.uid);
  const isHeld = finalizers.includes(MACHINE_FINALIZER);
  const providerID = machine.spec.providerID ?? infrastructureId(world, machine);
  const isLabelled = labels?.[CLUSTER_LABEL] === machine.spec.clusterName;
  if (isOwned && isHeld && isLabelled && providerID === machine.spec.providerID) return;
  const owners = [...ownerReferences, ...(isOwned || cluster === undefined ? [] : [ownerReference(cluster)])];
  world.patch(MACHINES, machine, {
    metadata: {
      labels: { [CLUSTER_LABEL]: machine.spec.clusterName },
      finalizers: isHeld ? finalizers : [...finalizers, MACHINE_FINALIZER],
      ownerReferences: owners,
    },
    ...(providerID !== undefined && { spec: { providerID } }),
  });
}

function ownerReference({ apiVersion, kind, metadata }: Cluster): object {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}

function infrastructureId(world: World, { metadata, spec }: Machine): string | undefined {
  const object = spec.infrastructureRef && referencedBy(world, metadata.namespace ?? '', spec.infrastructureRef);
  const { providerID } = (object?.spec ?? {}) as { readonly providerID?: string };
  return providerID;
}

function annotateNode(workload: World, node: Node, { metadata, spec }: Machine): void {
  const annotations = {
    'cluster.x-k8s.io/cluster-name': spec.clusterName,
    'cluster.x-k8s.io/cluster-namespace': metadata.namespace ?? '',
    'cluster.x-k8s.io/machine': metadata.name,
  };
  if (Object.entries(annotations).every(([key, value]) => node.metadata.annotations?.[key] === value)) return;
  const present = workload.fresh('nodes', node.metadata.name);
  if (present !== undefined) workload.patch('nodes', present, { metadata: { annotations } });
}

function healthClaims(isReachable: boolean, name: string | undefined, node: Node | undefined): readonly Claim[] {
  const [status, reason] = !isReachable
    ? ['Unknown', 'ConnectionDown']
    : node === undefined
      ? ['False', name === undefined ? 'NodeDoesNotExist' : 'NodeDeleted']
      : isTrue(node.status?.conditions, 'Ready')
        ? ['True', 'NodeReady']
        : ['False', 'NodeNotReady'];
  const isReady = status === 'True';
  return [
    { type: 'Available', status: isReady ? 'True' : 'False', reason: isReady ? 'Available' : 'NotReady' },
    { type: 'Ready', status: isReady ? 'True' : 'False', reason: isReady ? 'Ready' : 'NotReady' },
    { type: 'NodeReady', status: status ?? '', reason: reason ?? '' },
    { type: 'NodeHealthy', status: status ?? '', reason: isReady ? 'NodeHealthy' : 'NodeNotHealthy' },
    { type: 'Paused', status: 'False', reason: 'NotPaused' },
  ];
}

interface MachineStatus {
  readonly phase: string;
  readonly nodeRef?: { readonly name: string };
  readonly deletion?: object;
  readonly claims: readonly Claim[];
}

function writeStatus(world: World, machine: Machine, { claims, ...status }: MachineStatus): void {
  const generation = machine.metadata.generation ?? 0;
  const observed = claims.map((claim) => ({ ...claim, observedGeneration: generation }));
  const conditions = withConditions(machine.status?.conditions, observed, world.now());
  const next = { ...status, observedGeneration: generation, conditions };
  if (Object.entries(next).some(([key, value]) => !isSame(machine.status?.[key], value))) {
    world.patchStatus(MACHINES, machine, next);
  }
}

/** One pass over a Machine that is being deleted. */
function goOn(world: World, workloads: Workloads, machine: Machine): number | undefined {
  const step: Deletion = nextStep(world, workloads, machine);
  const present = world.fresh(MACHINES, keyOf(machine));
  if (present === undefined) return undefined;
  const deleting = { type: 'Deleting', status: 'True', reason: step.reason, message: step.message ?? '' };
  const { deletion } = step;
  writeStatus(world, present, { phase: 'Deleting', claims: [deleting], ...(deletion !== undefined && { deletion }) });
  return step.waitMs;
}
