/**
 * Which host a Machine may have switched off.
 *
 * `spec.providerID` is a free text on the Machine. Whoever may edit Machines in one namespace must not thereby switch off
 * hosts of another, or of somebody else: the host must be in the Machine's namespace, and its `consumerRef`, where
 * there is one, must be the Metal3Machine that the Machine stands for.
 */

import type { BareMetalHost, Machine } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import type { Lister } from '../core/ports.ts';
import { HOSTS_BY_UID, MACHINES_BY_HOST } from './indexes.ts';
import { wantsOff } from './machines.ts';
import { parseProviderID } from './provider-id.ts';

export interface Metal3Readers {
  readonly machines: Lister<Machine>;
  readonly hosts: Lister<BareMetalHost>;
}

/** What became of looking for a Machine's host. */
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

/** Whether some Machine that may do so wants the host to be off. `unknown` while not all Machines are known. */
export function isWantedOff(host: BareMetalHost, { machines }: Metal3Readers): boolean | 'unknown' {
  const claimants = claimantsOf(host, machines);
  return claimants === 'unknown' ? 'unknown' : claimants.length > 0;
}

function checked(machine: Machine, host: BareMetalHost, { machines }: Metal3Readers): Claim {
  if (!isConsumer(machine, host)) {
    const { kind = 'object', namespace = '', name = '' } = host.spec.consumerRef ?? {};
    return { is: 'mismatch', what: `host ${keyOf(host)} is used by ${kind} ${namespace}/${name}` };
  }
  const claimants = claimantsOf(host, machines);
  if (claimants === 'unknown') return { is: 'unknown' };
  // Two of one name of a host can only be a mistake; each would take over what the other wrote.
  const [spokesman = machine] = claimants;
  return !wantsOff(machine) || spokesman.metadata.uid === machine.metadata.uid
    ? { is: 'host', host }
    : { is: 'mismatch', what: `host ${keyOf(host)} is held off by Machine ${keyOf(spokesman)}` };
}

/** The Machines that want the host off and may have it so, by name. */
function claimantsOf(host: BareMetalHost, machines: Lister<Machine>): readonly Machine[] | 'unknown' {
  const found: Machine[] = [];
  for (const value of claimKeysOf(host)) {
    const some = machines.byIndex(MACHINES_BY_HOST.name, value);
    if (some.is === 'unknown') return 'unknown';
    found.push(...some.value.filter((machine) => wantsOff(machine) && isConsumer(machine, host)));
  }
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** The values of `MACHINES_BY_HOST` under which Machines name this host. */
export function claimKeysOf(host: BareMetalHost): readonly string[] {
  return [keyOf(host), `uid:${host.metadata.uid.toLowerCase()}`];
}

const CONSUMER_KIND = 'Metal3Machine';
const CONSUMER_GROUP = 'infrastructure.cluster.x-k8s.io';

/** As cluster-api-provider-metal3 compares: by group, kind, namespace and name, not by version. */
function isConsumer(machine: Machine, host: BareMetalHost): boolean {
  const { namespace } = machine.metadata;
  if (host.metadata.namespace !== namespace) return false;
  const { consumerRef } = host.spec;
  if (consumerRef === undefined) return true;
  const id = parseProviderID(machine.spec.providerID);
  const name = id.is === 'named' ? id.metal3Machine : machine.spec.infrastructureName;
  return (
    consumerRef.kind === CONSUMER_KIND &&
    consumerRef.apiVersion?.split('/')[0] === CONSUMER_GROUP &&
    (consumerRef.namespace ?? namespace) === namespace &&
    consumerRef.name === name
  );
}
