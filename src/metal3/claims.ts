/**
 * Which host a Machine may have switched off.
 *
 * `spec.providerID` is free text on the Machine. The right to edit Machines in one namespace must not permit switching off hosts of another
 * namespace, or of somebody else: the host must be in the Machine's namespace, and its `consumerRef`, if it has one, must be the
 * Metal3Machine that the Machine stands for, and so must the Machine's own `infrastructureRef`.
 */

import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import type { Lister } from '../core/ports.ts';
import { parseProviderID } from '../core/provider-id.ts';
import { HOSTS_BY_UID, MACHINES_BY_HOST, MACHINES_BY_METAL3_MACHINE, metal3MachineOf } from './indexes.ts';
import { wantsOff } from './machines.ts';

export interface Metal3Readers {
  readonly machines: Lister<Machine>;
  readonly hosts: Lister<BareMetalHost>;
}

/** The result of looking for a Machine's host. */
export type Claim =
  | { readonly is: 'notOurs' | 'malformed' | 'unknown' }
  | { readonly is: 'notFound'; readonly what: string }
  | { readonly is: 'mismatch'; readonly what: string }
  | { readonly is: 'host'; readonly host: BareMetalHost };

export function claimOf(machine: Machine, readers: Metal3Readers): Claim {
  const id = parseProviderID(machine.spec.providerID);
  const { namespace = '' } = machine.metadata;
  switch (id.is) {
    case 'notOurs':
    case 'malformed':
      return { is: id.is };
    case 'named': {
      if (id.namespace !== namespace) {
        return { is: 'mismatch', what: `host ${id.namespace}/${id.host} is not in the Machine's namespace` };
      }
      const seen = readers.hosts.get(`${namespace}/${id.host}`);
      if (seen.is === 'unknown') return { is: 'unknown' };
      if (seen.is === 'absent') return { is: 'notFound', what: `${namespace}/${id.host}` };
      return checked(machine, seen.object, readers);
    }
    case 'legacy': {
      const found = readers.hosts.byIndex(HOSTS_BY_UID.name, id.uid);
      if (found.is === 'unknown') return { is: 'unknown' };
      const [host] = found.value;
      if (host === undefined) return { is: 'notFound', what: `with UID ${id.uid}` };
      if (host.metadata.namespace === namespace) return checked(machine, host, readers);
      return { is: 'mismatch', what: `the host with UID ${id.uid} is not in the Machine's namespace` };
    }
  }
}

/** Whether a Machine with a valid claim wants the host to be off. `unknown` while not all Machines are known. */
export function isWantedOff(host: BareMetalHost, { machines }: Metal3Readers): boolean | 'unknown' {
  const claimants = claimantsOf(host, machines);
  return claimants === 'unknown' ? 'unknown' : claimants.length > 0;
}

/** Whether the host is used by a Metal3Machine that belongs to no known Machine. */
export function isConsumerUnknown(host: BareMetalHost, { machines }: Metal3Readers): boolean {
  const { consumerRef } = host.spec;
  if (consumerRef === undefined || !isMetal3Machine(consumerRef)) return false;
  const { namespace = host.metadata.namespace, name } = consumerRef;
  const found = machines.byIndex(MACHINES_BY_METAL3_MACHINE.name, `${namespace}/${name}`);
  return found.is === 'known' && found.value.length === 0;
}

function checked(machine: Machine, host: BareMetalHost, { machines }: Metal3Readers): Claim {
  if (!hasSameInfrastructure(machine)) {
    const { infrastructureKind = 'object', infrastructureName = '', providerID = '' } = machine.spec;
    return {
      is: 'mismatch',
      what: `infrastructureRef is ${infrastructureKind} ${infrastructureName}, not that of ${providerID}`,
    };
  }
  if (!isConsumer(machine, host)) {
    const { kind = 'object', namespace = '', name = '' } = host.spec.consumerRef ?? {};
    return { is: 'mismatch', what: `host ${keyOf(host)} is used by ${kind} ${namespace}/${name}` };
  }
  const claimants = claimantsOf(host, machines);
  if (claimants === 'unknown') return { is: 'unknown' };
  // Two Machines that name one host can only be a mistake; each would overwrite the other's writes.
  const [spokesman = machine] = claimants;
  return !wantsOff(machine) || spokesman.metadata.uid === machine.metadata.uid
    ? { is: 'host', host }
    : { is: 'mismatch', what: `host ${keyOf(host)} is held off by Machine ${keyOf(spokesman)}` };
}

/** The Machines with a valid claim that want the host off, by name. */
function claimantsOf(host: BareMetalHost, machines: Lister<Machine>): readonly Machine[] | 'unknown' {
  const found: Machine[] = [];
  for (const value of claimKeysOf(host)) {
    const some = machines.byIndex(MACHINES_BY_HOST.name, value);
    if (some.is === 'unknown') return 'unknown';
    found.push(...some.value.filter((machine) => wantsOff(machine) && mayUse(machine, host)));
  }
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** The values of `MACHINES_BY_HOST` under which Machines name this host. */
export function claimKeysOf(host: BareMetalHost): readonly string[] {
  return [keyOf(host), `uid:${host.metadata.uid.toLowerCase()}`];
}

const CONSUMER_KIND = 'Metal3Machine';
const CONSUMER_GROUP = 'infrastructure.cluster.x-k8s.io';

function mayUse(machine: Machine, host: BareMetalHost): boolean {
  return hasSameInfrastructure(machine) && isConsumer(machine, host);
}

/** Whether the Machine's `infrastructureRef`, where it has one, is the Metal3Machine of its provider ID. */
function hasSameInfrastructure(machine: Machine): boolean {
  const { infrastructureKind = CONSUMER_KIND, infrastructureName } = machine.spec;
  const hasSameName = infrastructureName === undefined || infrastructureName === metal3MachineOf(machine);
  return infrastructureKind === CONSUMER_KIND && hasSameName;
}

/** Compares like cluster-api-provider-metal3: by group, kind, namespace and name, not by version. */
function isConsumer(machine: Machine, host: BareMetalHost): boolean {
  const { namespace } = machine.metadata;
  if (host.metadata.namespace !== namespace) return false;
  const { consumerRef } = host.spec;
  if (consumerRef === undefined) return true;
  return (
    isMetal3Machine(consumerRef) &&
    (consumerRef.namespace ?? namespace) === namespace &&
    consumerRef.name === metal3MachineOf(machine)
  );
}

function isMetal3Machine({ kind, apiVersion }: NonNullable<BareMetalHost['spec']['consumerRef']>): boolean {
  return kind === CONSUMER_KIND && apiVersion?.split('/')[0] === CONSUMER_GROUP;
}
