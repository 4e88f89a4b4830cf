/**
 * The kubelet's reports about its Node.
 *
 * - A new Node gets the labels of its platform, default capacity for Pods, addresses, and becomes Ready.
 * - The Lease in `kube-node-lease` is renewed while the machine has power.
 * - A machine that loses power reports its shutdown last; the rest is detected by the node lifecycle controller.
 */

import { rfc3339Micro } from '../../../src/core/timestamps.ts';
import { KUBERNETES_RELEASE } from '../../version.ts';
import { type Claim, withConditions } from '../base/conditions.ts';
import type { Node } from '../base/kinds.ts';
import type { World } from '../base/world.ts';
import type { Timing } from '../options.ts';
import { stateOf } from './names.ts';

const LEASES = 'leases.coordination.k8s.io';
const LEASE_NAMESPACE = 'kube-node-lease';
const LEASE_SECONDS = 40;
const ROOM = { cpu: '32', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '110' };
const HEALTHY: readonly Claim[] = [
  healthy('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
  healthy('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
  healthy('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
];
const IS_READY: Claim = {
  type: 'Ready',
  status: 'True',
  reason: 'KubeletReady',
  message: 'kubelet is posting ready status',
};

function healthy(type: string, reason: string, message: string): Claim {
  return { type, status: 'False', reason, message };
}

function notReady(message: string): Claim {
  return { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message };
}

export function startNodeKubelets(world: World, timing: Timing): void {
  const addresses = new Addresses();
  const work = world.controller('KubeletNode', (name) => {
    const node = world.fresh('nodes', name);
    if (node === undefined) return;
    const state = stateOf(node);
    if (state === 'off') {
      if (isReady(node)) say(world, node, [notReady('node is shutting down')]);
      return;
    }
    register(world, node, addresses);
    const present = world.fresh('nodes', name);
    const claim = state === 'running' ? IS_READY : notReady('container runtime is down');
    if (present !== undefined) say(world, present, [...HEALTHY, claim]);
    renewLease(world, node);
    work.addAfter(name, timing.leaseRenewMs);
  });
  world.mirror('nodes').onChange(({ type, object }) => {
    const { name } = object.metadata;
    if (type !== 'DELETED') work.add(name);
    else {
      addresses.release(name);
      const lease = world.fresh(LEASES, `${LEASE_NAMESPACE}/${name}`);
      if (lease !== undefined) world.delete(LEASES, lease);
    }
  });
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}

function register(world: World, node: Node, addresses: Addresses): void {
  const { name, labels } = node.metadata;
  const platform = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' };
  const missing = Object.entries(platform).filter(([key]) => labels?.[key] === undefined);
  if (missing.length > 0) world.patch('nodes', node, { metadata: { labels: Object.fromEntries(missing) } });
  const present = world.fresh('nodes', name);
  if (present === undefined) return;
  const { capacity, allocatable, addresses: known, nodeInfo } = present.status ?? {};
  world.patchStatus('nodes', present, {
    capacity: capacity ?? ROOM,
    allocatable: allocatable ?? capacity ?? ROOM,
    addresses: known ?? [
      { type: 'InternalIP', address: addresses.of(name) },
      { type: 'Hostname', address: name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: nodeInfo?.kubeletVersion ? nodeInfo : infoOf(node),
  });
}

function infoOf({ metadata }: Node): Readonly<Record<string, string>> {
  return {
    architecture: 'amd64',
    bootID: metadata.uid,
    containerRuntimeVersion: 'sandbox://1.0.0',
    kernelVersion: '6.12.0',
    kubeProxyVersion: '',
    kubeletVersion: KUBERNETES_RELEASE,
    machineID: metadata.uid.replaceAll('-', ''),
    operatingSystem: 'linux',
    osImage: 'Sandbox',
    systemUUID: metadata.uid,
  };
}

/** Conditions of others stay as they are. The heartbeat is only updated with a change; otherwise the Lease shows it. */
function say(world: World, node: Node, claims: readonly Claim[]): void {
  const present = node.status?.conditions ?? [];
  const isSaid = claims.every((claim) =>
    present.some((each) => each.type === claim.type && each.status === claim.status && each.reason === claim.reason),
  );
  if (isSaid) return;
  const now = world.now();
  const stamped = claims.map((claim) => ({ ...claim, lastHeartbeatTime: now }));
  world.patch('nodes', node, { status: { conditions: withConditions(present, stamped, now) } }, 'status');
  const isNowReady = claims.includes(IS_READY);
  if (isReady(node) === isNowReady) return;
  const { name } = node.metadata;
  const reason = isNowReady ? 'NodeReady' : 'NodeNotReady';
  world.record({
    about: node,
    type: 'Normal',
    source: 'kubelet',
    reason,
    message: `Node ${name} status is now: ${reason}`,
  });
}

function renewLease(world: World, { apiVersion, kind, metadata }: Node): void {
  const renewTime = rfc3339Micro(world.nowMs());
  const { name, uid } = metadata;
  const lease = world.fresh(LEASES, `${LEASE_NAMESPACE}/${name}`);
  if (lease !== undefined) {
    world.patch(LEASES, lease, { spec: { renewTime } });
    return;
  }
  world.createUnlessThere(
    LEASES,
    {
      metadata: { name, ownerReferences: [{ apiVersion, kind, name, uid }] },
      spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
    },
    LEASE_NAMESPACE,
  );
}

/** Addresses of machines, each reserved as long as its Node exists. */
class Addresses {
  readonly #taken = new Map<string, number>();
  #next = 1;

  of(name: string): string {
    const number = this.#taken.get(name) ?? this.#next++;
    this.#taken.set(name, number);
    return `172.18.${(number >> 8) & 255}.${number & 255}`;
  }

  release(name: string): void {
    this.#taken.delete(name);
  }
}
