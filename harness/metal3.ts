/** Machines and hosts, and a Metal3 that switches the hosts like baremetal-operator. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { simulateCluster } from '../sandbox/cluster.ts';
import type { Sandbox } from '../sandbox/start.ts';
import { trimBareMetalHost } from '../src/kube/objects/trim-hosts.ts';
import { lookOf, type OperatorLine } from './builders/metal3.ts';
import { RestError } from './rest.ts';
import { sandboxOf } from './sandbox-cluster.ts';
import { eventually } from './wait.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const HOSTS = '/apis/metal3.io/v1alpha1';
const MACHINES = '/apis/cluster.x-k8s.io/v1beta2';
export const MAINTENANCE = 'runtime-extension-maintenance-controller.cloud.sap/maintenance';
const POWER_MS = 50;
export const REBOOT = 'reboot.metal3.io/runtime-extension-maintenance-controller';

export interface Served {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly poweredOn?: boolean };
}

/** The controller that switches the hosts. */
export interface Metal3 {
  /** How many times each host went off, by name. */
  readonly cycles: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Serves the kinds of Metal3, and switches their hosts: by the sandbox's own simulation, or by a pretended operator. */
export async function startMetal3(controlPlane: ControlPlane): Promise<Metal3> {
  const sandbox = sandboxOf(controlPlane);
  if (sandbox !== undefined) return simulateMetal3(sandbox);
  await installMetal3Crds(controlPlane);
  return new PretendedMetal3(controlPlane, 'kept');
}

function simulateMetal3({ api, clock }: Sandbox): Metal3 {
  const cycles = new Map<string, number>();
  const metal3 = { powerOffMs: POWER_MS, powerOnMs: POWER_MS };
  const simulated = simulateCluster(api, clock, { clusterApi: {}, metal3 });
  const isOn = (host: object | undefined): boolean => (host as Served | undefined)?.status?.poweredOn === true;
  const unwatch = api.watch('baremetalhosts.metal3.io', ({ object, before }) => {
    const { name } = object.metadata;
    if (isOn(before) && !isOn(object)) cycles.set(name, (cycles.get(name) ?? 0) + 1);
  });
  return {
    cycles,
    stop: async () => {
      unwatch();
      simulated.stop();
    },
  };
}

/** Installs BareMetalHosts, and Machines and Clusters that accept any fields. */
export async function installMetal3Crds(controlPlane: ControlPlane): Promise<void> {
  const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await installHostCrd(controlPlane);
  await install(controlPlane, 'cluster.x-k8s.io/v1beta2', 'Machine', free);
  await install(controlPlane, 'cluster.x-k8s.io/v1beta2', 'Cluster', free);
}

/** Installs BareMetalHosts alone, with a schema of the fields that matter here. */
export async function installHostCrd(controlPlane: ControlPlane): Promise<void> {
  const text = { type: 'string' };
  const consumerRef = { type: 'object', properties: { apiVersion: text, kind: text, namespace: text, name: text } };
  const host = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { online: { type: 'boolean' }, disablePowerOff: { type: 'boolean' }, consumerRef },
      },
      status: {
        type: 'object',
        properties: {
          poweredOn: { type: 'boolean' },
          operationalStatus: text,
          errorType: text,
          provisioning: { type: 'object', properties: { state: text } },
        },
      },
    },
  };
  await install(controlPlane, 'metal3.io/v1alpha1', 'BareMetalHost', host);
}

async function install({ api }: ControlPlane, apiVersion: string, kind: string, schema: object): Promise<void> {
  const [group = '', version = ''] = apiVersion.split('/');
  const plural = `${kind.toLowerCase()}s`;
  const served = { name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } };
  await api.create(CRDS, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' } },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [{ ...served, subresources: { status: {} } }],
    },
  });
  await eventually(async () => isServed(api, `/apis/${apiVersion}/${plural}`), {
    what: `${kind}s to be served`,
    deadlineMs: 60_000,
  });
}

async function isServed(api: ControlPlane['api'], path: string): Promise<true | undefined> {
  try {
    await api.get(path);
    return true;
  } catch (error) {
    if (error instanceof RestError && error.code === 404) return undefined;
    throw error;
  }
}

/** Machines with hosts of their names, in one namespace, which exists already. */
export class Rack {
  readonly #controlPlane: ControlPlane;
  readonly namespace: string;

  constructor(controlPlane: ControlPlane, namespace: string) {
    this.#controlPlane = controlPlane;
    this.namespace = namespace;
  }

  async add(name: string, consumer = name): Promise<void> {
    await this.addHost(name, consumer);
    await this.addMachine(name);
  }

  /** A provisioned host that is on. */
  async addHost(name: string, consumer = name, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
    const { api } = this.#controlPlane;
    const apiVersion = 'infrastructure.cluster.x-k8s.io/v1beta1';
    await api.create(`${HOSTS}/namespaces/${this.namespace}/baremetalhosts`, {
      apiVersion: 'metal3.io/v1alpha1',
      kind: 'BareMetalHost',
      metadata: { name, annotations },
      spec: {
        online: true,
        consumerRef: { apiVersion, kind: 'Metal3Machine', namespace: this.namespace, name: consumer },
      },
    });
    const status = { poweredOn: true, operationalStatus: 'OK', provisioning: { state: 'provisioned' } };
    await api.patch(`${this.#path('host', name)}/status`, { status }, 'merge');
  }

  /** The Machine of the host of that name. */
  async addMachine(name: string, metadata: object = {}): Promise<void> {
    const { api } = this.#controlPlane;
    const providerID = `metal3://${this.namespace}/${name}/${name}`;
    await api.create(`${MACHINES}/namespaces/${this.namespace}/machines`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Machine',
      metadata: { name, ...metadata },
      spec: { clusterName: 'shop', providerID },
    });
    if (sandboxOf(this.#controlPlane) === undefined) return;
    // The simulated Cluster API expects a Node for each Machine, and the program uses Cluster API's result.
    await this.#controlPlane.addNodes([name]);
    await api.patch(`/api/v1/nodes/${name}`, { spec: { providerID } }, 'merge');
  }

  async label(name: string, value: string | null): Promise<void> {
    const body = { metadata: { labels: { [MAINTENANCE]: value } } };
    await this.#controlPlane.api.patch(this.#path('machine', name), body, 'merge');
  }

  async deleteMachine(name: string): Promise<void> {
    await this.#controlPlane.api.delete(this.#path('machine', name));
  }

  async patchMachine(name: string, metadata: object): Promise<void> {
    await this.#controlPlane.api.patch(this.#path('machine', name), { metadata }, 'merge');
  }

  async annotateHost(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#controlPlane.api.patch(this.#path('host', name), { metadata: { annotations } }, 'merge');
  }

  host(name: string): Promise<Served> {
    return this.#controlPlane.api.get(this.#path('host', name));
  }

  async annotations(of: 'host' | 'machine', name: string): Promise<Readonly<Record<string, string>>> {
    return (await this.#controlPlane.api.get<Served>(this.#path(of, name))).metadata.annotations ?? {};
  }

  isOn(name: string, isOn: boolean): Promise<true> {
    return eventually(async () => ((await this.host(name)).status?.poweredOn === isOn ? true : undefined), {
      what: `host ${name} to be ${isOn ? 'on' : 'off'}`,
      deadlineMs: 30_000,
    });
  }

  /** Waits until none of our marks is left on the Machine (if it still exists) and its host. */
  isClean(name: string, hasMachine = true): Promise<true> {
    return eventually(
      async () => {
        const all = [await this.annotations('host', name), hasMachine ? await this.annotations('machine', name) : {}];
        // The reason for removing a hook stays until the Machine is gone.
        const ours = all
          .flatMap(Object.keys)
          .filter((key) => /maintenance|skip-remediation/.test(key) && !key.endsWith('/hook-released'));
        return ours.length === 0 ? true : undefined;
      },
      { what: `nothing of ours to be on ${name}`, deadlineMs: 30_000 },
    );
  }

  /** Waits until the bridge has taken the host for a request of its Machine. */
  isNoted(name: string): Promise<true> {
    return eventually(
      async () => ('maintenance-bridge.io/metal3-power' in (await this.annotations('host', name)) ? true : undefined),
      { what: `host ${name} to be noted`, deadlineMs: 30_000 },
    );
  }

  event(name: string, reason: string, kind?: string): Promise<{ readonly type: string; readonly note: string }> {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.namespace}/events`;
    return eventually(
      async () => {
        const events = await this.#controlPlane.api.list<{
          readonly type: string;
          readonly reason: string;
          readonly note: string;
          readonly regarding: { readonly kind: string; readonly name: string };
        }>(path);
        return events.find(
          ({ regarding, ...event }) =>
            regarding.name === name && event.reason === reason && (kind === undefined || regarding.kind === kind),
        );
      },
      { what: `Event ${reason} on ${name}`, deadlineMs: 30_000 },
    );
  }

  #path(kind: 'host' | 'machine', name: string): string {
    return kind === 'host'
      ? `${HOSTS}/namespaces/${this.namespace}/baremetalhosts/${name}`
      : `${MACHINES}/namespaces/${this.namespace}/machines/${name}`;
  }
}

/** Checks every host a few times per second, until it is stopped. */
export class PretendedMetal3 implements Metal3 {
  readonly cycles = new Map<string, number>();
  readonly #controlPlane: ControlPlane;
  readonly #line: OperatorLine;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(controlPlane: ControlPlane, line: OperatorLine) {
    this.#controlPlane = controlPlane;
    this.#line = line;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const raw of await this.#controlPlane.api.list<Served>(`${HOSTS}/baremetalhosts`)) await this.#look(raw);
      await delay(100, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #look(raw: Served): Promise<void> {
    const before = trimBareMetalHost(raw);
    if (before === undefined) return;
    const { host: after, wentOff } = lookOf(before, this.#line);
    const { name, namespace } = raw.metadata;
    const path = `${HOSTS}/namespaces/${namespace}/baremetalhosts/${name}`;
    if (wentOff) this.cycles.set(name, (this.cycles.get(name) ?? 0) + 1);
    const kept = after.metadata.annotations ?? {};
    const dropped = Object.keys(before.metadata.annotations ?? {}).filter((key) => !(key in kept));
    if (dropped.length > 0) {
      const annotations = Object.fromEntries(dropped.map((key) => [key, null]));
      await this.#controlPlane.api.patch(path, { metadata: { annotations } }, 'merge');
    }
    if (after.status.poweredOn === before.status.poweredOn) return;
    const status = { poweredOn: after.status.poweredOn };
    await this.#controlPlane.api.patch(`${path}/status`, { status }, 'merge');
  }
}
