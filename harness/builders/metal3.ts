/** Builders for hosts of Metal3 and their Machines, a management cluster in memory, and Metal3's effect on a host. */
import type { Action, PatchMeta } from '../../src/core/action.ts';
import { BARE_METAL_HOST, type BareMetalHost, type Cluster, type Machine } from '../../src/core/machine-objects.ts';
import type { Apply } from '../../src/core/ports.ts';
import { bumped, MemorySource, merged, patched } from './bridge.ts';
import { type MachinePart, machine } from './machines.ts';

export const REBOOT = 'reboot.metal3.io/runtime-extension-maintenance-controller';
export const POWER = 'maintenance-bridge.io/metal3-power';
export const SKIP = 'cluster.x-k8s.io/skip-remediation';
export const SKIP_OWNER = 'maintenance-bridge.io/skip-remediation';

export interface HostPart {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Name of the Metal3Machine; null for an unused host. */
  readonly consumer?: string | null;
  readonly consumerRef?: BareMetalHost['spec']['consumerRef'];
  readonly disablePowerOff?: boolean;
  readonly deletedAt?: string;
  readonly uid?: string;
  readonly status?: BareMetalHost['status'];
}

/** A provisioned host in namespace `metal` that runs, used by the Metal3Machine of its name. */
export function host(name: string, part: HostPart = {}): BareMetalHost {
  const { namespace = 'metal', consumer = name, annotations, disablePowerOff, deletedAt } = part;
  const consumerRef = part.consumerRef ?? {
    apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1',
    kind: 'Metal3Machine',
    namespace,
    name: consumer ?? '',
  };
  return {
    metadata: {
      name,
      namespace,
      uid: part.uid ?? `uid-of-host-${namespace}-${name}`,
      resourceVersion: '1',
      ...(annotations !== undefined && { annotations }),
      ...(deletedAt !== undefined && { deletionTimestamp: deletedAt }),
    },
    spec: {
      ...(consumer !== null && { consumerRef }),
      ...(disablePowerOff !== undefined && { disablePowerOff }),
    },
    status: { poweredOn: true, operationalStatus: 'OK', provisioningState: 'provisioned', ...part.status },
  };
}

export interface HostedPart extends MachinePart {
  /** @default the host of the Machine's name, in the current form */
  readonly providerID?: string;
  readonly infrastructureName?: string;
  readonly infrastructureKind?: string;
  readonly nodeReady?: boolean;
}

/** A Machine on the host of its name. */
export function hosted(name: string, part: HostedPart = {}): Machine {
  const made = machine(name, part);
  const {
    providerID = `metal3://${made.metadata.namespace}/${name}/${name}`,
    infrastructureName,
    infrastructureKind,
    nodeReady,
  } = part;
  return {
    ...made,
    spec: {
      ...made.spec,
      providerID,
      ...(infrastructureName !== undefined && { infrastructureName }),
      ...(infrastructureKind !== undefined && { infrastructureKind }),
    },
    status: { ...made.status, ...(nodeReady !== undefined && { nodeReady }) },
  };
}

/** What is in the management cluster, and its caches, which are always up to date. */
export class MemoryMetal3 {
  readonly machines = new MemorySource<Machine>();
  readonly clusters = new MemorySource<Cluster>();
  readonly hosts = new MemorySource<BareMetalHost>();
  readonly patches: PatchMeta[] = [];
  readonly events: string[] = [];
  readonly notes: string[] = [];

  readonly apply: Apply = async (actions) => {
    for (const action of actions) this.carryOut(action);
  };

  carryOut(action: Action): void {
    if (action.do === 'recordEvent') {
      this.events.push(action.reason);
      this.notes.push(action.note);
      return;
    }
    if (action.do !== 'patchMeta') throw new Error(`Nobody does ${action.do} here`);
    const key = `${action.target.namespace}/${action.target.name}`;
    this.patches.push(action);
    if (action.target.resource === BARE_METAL_HOST) this.hosts.put(patched(this.hosts.objects.get(key), action));
    else this.machines.put(patched(this.machines.objects.get(key), action));
  }

  editMachine(key: string, change: (object: Machine) => Machine): void {
    const object = this.machines.objects.get(key);
    if (object !== undefined) this.machines.put(change({ ...object, metadata: bumped(object.metadata) }));
  }

  editHost(key: string, change: (object: BareMetalHost) => BareMetalHost): void {
    const object = this.hosts.objects.get(key);
    if (object !== undefined) this.hosts.put(change({ ...object, metadata: bumped(object.metadata) }));
  }

  annotateHost(key: string, annotations: Readonly<Record<string, string | null>>): void {
    this.editHost(key, (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: merged(object.metadata.annotations, annotations) },
    }));
  }
}

/** `cleared`: provisioning clears suffixed keys too, as up to 0.13; `kept`: it does not, as from 0.14 on. */
export type OperatorLine = 'cleared' | 'kept';

export interface Reaction {
  readonly host: BareMetalHost;
  /** It went from on to off. */
  readonly wentOff: boolean;
  /** It was restarted, since it must not be off. */
  readonly rebooted: boolean;
}

/** One pass of Metal3 over a host, like baremetal-operator's `manageHostPower` and `clearRebootAnnotations`. */
export function lookOf(before: BareMetalHost, line: OperatorLine): Reaction {
  const { annotations = {} } = before.metadata;
  const still = { host: before, wentOff: false, rebooted: false };
  if ('baremetalhost.metal3.io/paused' in annotations || 'baremetalhost.metal3.io/detached' in annotations)
    return still;
  const keys = Object.keys(annotations).filter((key) => /^reboot\.metal3\.io($|\/)/.test(key));
  const drop = (names: readonly string[]): BareMetalHost['metadata'] => ({
    ...before.metadata,
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !names.includes(key))),
  });
  if (before.status.provisioningState === 'provisioning') {
    const cleared = line === 'cleared' ? keys : keys.filter((key) => key === 'reboot.metal3.io');
    return cleared.length === 0 ? still : { ...still, host: { ...before, metadata: drop(cleared) } };
  }
  const isOn = before.status.poweredOn === true;
  if (before.spec.disablePowerOff === true) {
    const isReboot = keys.length > 0 || !isOn;
    const status = { ...before.status, poweredOn: true };
    return { host: { ...before, metadata: drop(['reboot.metal3.io']), status }, wentOff: false, rebooted: isReboot };
  }
  const status = { ...before.status, poweredOn: keys.length === 0 };
  const metadata = isOn ? before.metadata : drop(['reboot.metal3.io']);
  return { host: { ...before, metadata, status }, wentOff: isOn && keys.length > 0, rebooted: false };
}
