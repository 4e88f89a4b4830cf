/** Which Machines and hosts a change concerns. The work per event does not grow with the number of either. */

import type { BareMetalHost, Cluster, Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import { parseProviderID } from '../core/provider-id.ts';
import { claimKeysOf } from './claims.ts';
import { carriesOurs } from './hosts.ts';
import { HOSTS_BY_UID, MACHINES_BY_CLUSTER, MACHINES_BY_HOST, MACHINES_BY_METAL3_MACHINE } from './indexes.ts';
import { needsAttention, wantsOff } from './machines.ts';

export interface Metal3Sources {
  readonly machines: Source<Machine>;
  readonly clusters: Source<Cluster>;
  readonly hosts: Source<BareMetalHost>;
}

export interface WiringPorts {
  readonly enqueueMachine: (key: string) => void;
  readonly enqueueHost: (key: string) => void;
  /**
   * Receives the keys of hosts whose Machine was seen to disappear. The unknown consumer of such a host is explained, so the host is
   * released. The pass over the host removes its key again.
   */
  readonly orphans: Set<string>;
}

/** Declares the indexes that decisions use. */
export function declareIndexes({ machines, hosts }: Pick<Metal3Sources, 'machines' | 'hosts'>): void {
  for (const { name, of } of [MACHINES_BY_HOST, MACHINES_BY_METAL3_MACHINE, MACHINES_BY_CLUSTER])
    machines.addIndex(name, of);
  hosts.addIndex(HOSTS_BY_UID.name, HOSTS_BY_UID.of);
}

/** Declares the indexes, and enqueues the Machines and hosts that a change concerns. */
export function setupWatches(sources: Metal3Sources, { enqueueMachine, enqueueHost, orphans }: WiringPorts): void {
  const { machines, clusters, hosts } = sources;
  declareIndexes(sources);

  const enqueueClaimants = (value: string): void => {
    const found = machines.byIndex(MACHINES_BY_HOST.name, value);
    if (found.is === 'unknown') return; // The Machines themselves are enqueued when they come.
    for (const machine of found.value) if (needsAttention(machine)) enqueueMachine(keyOf(machine));
  };
  /** Enqueues its host, which may be released now, and other Machines of the same host, whose turn it may be. */
  const enqueueAround = (machine: Machine): void => {
    for (const value of MACHINES_BY_HOST.of(machine)) enqueueClaimants(value);
    for (const host of hostKeysOf(machine, hosts)) enqueueHost(host);
  };

  /** Enqueues a host that was left alone because the Machine that uses it was not known. */
  const enqueueLeft = (machine: Machine): void => {
    for (const key of hostKeysOf(machine, hosts)) {
      const host = hosts.get(key);
      if (host.is === 'present' && carriesOurs(host.object)) enqueueHost(key);
    }
  };

  machines.addHandler({
    onAdd: (machine) => {
      if (needsAttention(machine)) {
        enqueueMachine(keyOf(machine));
        enqueueAround(machine);
      } else enqueueLeft(machine);
    },
    onUpdate: (old, now) => {
      if (essenceOfMachine(old) === essenceOfMachine(now)) return;
      if (needsAttention(old) || needsAttention(now)) enqueueMachine(keyOf(now));
      if (wantsOff(old) === wantsOff(now) && old.spec.providerID === now.spec.providerID) return;
      enqueueAround(old);
      enqueueAround(now);
    },
    onDelete: (last) => {
      for (const host of hostKeysOf(last, hosts)) orphans.add(host);
      enqueueMachine(keyOf(last));
      enqueueAround(last);
    },
  });

  const look = (host: BareMetalHost): void => {
    if (carriesOurs(host)) enqueueHost(keyOf(host));
    for (const value of claimKeysOf(host)) enqueueClaimants(value);
  };
  hosts.addHandler({
    onAdd: look,
    onUpdate: (old, now) => {
      // Metal3 writes a host's status about once a minute.
      if (relevantFields(old, [old.spec, old.status]) === relevantFields(now, [now.spec, now.status])) return;
      if (carriesOurs(old)) enqueueHost(keyOf(now));
      look(now);
    },
    onDelete: (last) => {
      enqueueHost(keyOf(last));
      look(last);
    },
  });

  const ofCluster = (cluster: Cluster): void => {
    const found = machines.byIndex(MACHINES_BY_CLUSTER.name, keyOf(cluster));
    if (found.is === 'known') for (const machine of found.value) enqueueMachine(keyOf(machine));
  };
  clusters.addHandler({
    onAdd: ofCluster,
    onUpdate: (old, now) => {
      if (old.spec.paused !== now.spec.paused) ofCluster(now);
    },
    onDelete: ofCluster,
  });
}

/** A host is enqueued by its name even if it does not exist: such a pass costs almost nothing. */
function hostKeysOf(machine: Machine, hosts: Source<BareMetalHost>): readonly string[] {
  const id = parseProviderID(machine.spec.providerID);
  if (id.is !== 'legacy') return MACHINES_BY_HOST.of(machine);
  const found = hosts.byIndex(HOSTS_BY_UID.name, id.uid);
  return found.is === 'known' ? found.value.map(keyOf) : [];
}

function essenceOfMachine(machine: Machine): string {
  return relevantFields(machine, [machine.metadata.labels, machine.spec, machine.status]);
}

/** Every field of an object that a decision depends on, besides its version. */
function relevantFields({ metadata }: KubeObject, parts: readonly unknown[]): string {
  return JSON.stringify([metadata.uid, metadata.annotations, metadata.deletionTimestamp, ...parts]);
}
