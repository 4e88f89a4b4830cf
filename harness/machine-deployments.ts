/** MachineDeployments, as created by a user of Cluster API, and the provider that gives their Machines Nodes. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { ENABLED_LABEL } from '../src/core/machine-keys.ts';
import type { Fleet, ServedMachine } from './machines.ts';
import { Rack } from './metal3.ts';
import { eventually } from './wait.ts';

const API = '/apis/cluster.x-k8s.io/v1beta2';
const INFRASTRUCTURE = '/apis/infrastructure.cluster.x-k8s.io/v1beta1';
/** Of a pretended provider, and of Metal3's, whose Machines are BareMetalHosts. */
export type MachineKind = 'GenericInfrastructureMachine' | 'Metal3Machine';

const POLL_MS = 200;

interface InfrastructureMachine {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec?: { readonly providerID?: string; readonly nodeLabels?: Readonly<Record<string, string>> };
}

/** Starts a Node for each infrastructure Machine of a Cluster that has none yet, as an infrastructure provider does. */
export class Provider implements AsyncDisposable {
  readonly #fleet: Fleet;
  readonly #kind: MachineKind;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(fleet: Fleet, kind: MachineKind = 'GenericInfrastructureMachine') {
    this.#fleet = fleet;
    this.#kind = kind;
    this.#running = this.#run(this.#stop.signal);
    // Told at the end: the test that waits for a Node fails before.
    this.#running.catch(() => undefined);
  }

  /** @throws Error with the reason of its early end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(stop: AbortSignal): Promise<void> {
    const { management } = this.#fleet;
    const path = this.#path;
    while (!stop.aborted) {
      // Right after its definition, the API server refuses a kind now and then while its storage is prepared.
      const machines = await eventually(() => management.api.list<InfrastructureMachine>(path), {
        what: `${this.#kind}s to be listed`,
      });
      for (const { metadata, spec } of machines) {
        if (spec?.providerID === undefined && metadata.deletionTimestamp === undefined) {
          await this.#provide(metadata.name, spec?.nodeLabels ?? {});
        }
      }
      await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  async #provide(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const { management, workload, namespace, cluster } = this.#fleet;
    const isHost = this.#kind === 'Metal3Machine';
    const providerID = isHost ? `metal3://${namespace}/${name}/${name}` : `test:///${cluster}/${name}`;
    if (isHost) await new Rack(management, namespace).addHost(name);
    await workload.addNodes([name], { labels });
    await workload.api.patch(`/api/v1/nodes/${name}`, { spec: { providerID } }, 'merge');
    const path = `${this.#path}/${name}`;
    const done = { spec: { providerID }, status: { initialization: { provisioned: true } } };
    await management.api.patch(path, done, 'merge');
  }

  get #path(): string {
    return `${INFRASTRUCTURE}/namespaces/${this.#fleet.namespace}/${this.#kind.toLowerCase()}s`;
  }
}

export interface WorkersOptions {
  readonly replicas: number;
  /** Machines beyond that number during a rollout. */
  readonly maxSurge: number;
  /** Of the Nodes. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** @default GenericInfrastructureMachine */
  readonly kind?: MachineKind;
}

/** A MachineDeployment whose Machines take part. */
export class Workers {
  readonly #fleet: Fleet;
  readonly #name: string;
  readonly #nodeLabels: Readonly<Record<string, string>>;
  readonly #kind: MachineKind;

  private constructor(fleet: Fleet, name: string, options: WorkersOptions) {
    this.#fleet = fleet;
    this.#name = name;
    this.#nodeLabels = options.nodeLabels;
    this.#kind = options.kind ?? 'GenericInfrastructureMachine';
  }

  /** Returns when each of its Machines has its Node and our hook. */
  static async make(fleet: Fleet, name: string, options: WorkersOptions): Promise<Workers> {
    const { replicas, maxSurge } = options;
    const workers = new Workers(fleet, name, options);
    const labels = {
      'cluster.x-k8s.io/cluster-name': fleet.cluster,
      'cluster.x-k8s.io/deployment-name': name,
    };
    const infrastructureRef = await workers.#template(`${name}-1`);
    // What the webhooks of Cluster API would fill in is written out.
    await workers.#api.create(`${API}/namespaces/${fleet.namespace}/machinedeployments`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineDeployment',
      metadata: { name, labels },
      spec: {
        clusterName: fleet.cluster,
        replicas,
        selector: { matchLabels: labels },
        rollout: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable: 0 } } },
        template: {
          metadata: { labels: { ...labels, [ENABLED_LABEL]: 'true' } },
          spec: { clusterName: fleet.cluster, bootstrap: { dataSecretName: 'none' }, infrastructureRef },
        },
      },
    });
    const names = await workers.names(replicas);
    for (const each of names) await fleet.hooked(each);
    return workers;
  }

  machines(): Promise<readonly ServedMachine[]> {
    const labelSelector = `cluster.x-k8s.io/deployment-name=${this.#name}`;
    return this.#api.list<ServedMachine>(`${API}/namespaces/${this.#fleet.namespace}/machines`, { labelSelector });
  }

  /** Waits until there are so many Machines, all with a Node. @returns their names, which are their Nodes' */
  names(count: number, deadlineMs = 120_000): Promise<readonly string[]> {
    return eventually(
      async () => {
        const machines = await this.machines();
        const isWhole = machines.length === count && machines.every(({ status }) => status?.nodeRef !== undefined);
        if (isWhole) return machines.map(({ metadata }) => metadata.name).sort();
        throw new Error(
          `there are ${machines.map(({ metadata, status }) => `${metadata.name} (${status?.nodeRef?.name})`)}`,
        );
      },
      { what: `${count} Machines of ${this.#name} with their Nodes`, deadlineMs },
    );
  }

  /** Waits until so many Machines are being deleted. @returns their names */
  leaving(count: number): Promise<readonly string[]> {
    return eventually(
      async () => {
        const leaving = (await this.machines()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
        return leaving.length === count ? leaving.map(({ metadata }) => metadata.name).sort() : undefined;
      },
      { what: `${count} Machines of ${this.#name} to be deleted`, deadlineMs: 120_000 },
    );
  }

  async scale(replicas: number): Promise<void> {
    await this.#api.patch(this.#path, { spec: { replicas } }, 'merge');
  }

  /** Names another infrastructure template, as for a change of the image: every Machine is replaced. */
  async rollOut(): Promise<void> {
    const infrastructureRef = await this.#template(`${this.#name}-2`);
    await this.#api.patch(this.#path, { spec: { template: { spec: { infrastructureRef } } } }, 'merge');
  }

  /** Replaces each of its Machines whose Node has this condition for a second, at most all of them. */
  async addHealthCheck(type: string, status: string): Promise<void> {
    await this.#api.create(`${API}/namespaces/${this.#fleet.namespace}/machinehealthchecks`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachineHealthCheck',
      metadata: { name: this.#name },
      spec: {
        clusterName: this.#fleet.cluster,
        selector: { matchLabels: { 'cluster.x-k8s.io/deployment-name': this.#name } },
        checks: {
          nodeStartupTimeoutSeconds: 600,
          unhealthyNodeConditions: [{ type, status, timeoutSeconds: 1 }],
        },
        remediation: { triggerIf: { unhealthyLessThanOrEqualTo: '100%' } },
      },
    });
  }

  get #api(): ControlPlane['api'] {
    return this.#fleet.management.api;
  }

  get #path(): string {
    return `${API}/namespaces/${this.#fleet.namespace}/machinedeployments/${this.#name}`;
  }

  /** @returns the reference to it. */
  async #template(name: string): Promise<object> {
    const kind = `${this.#kind}Template`;
    await this.#api.create(`${INFRASTRUCTURE}/namespaces/${this.#fleet.namespace}/${kind.toLowerCase()}s`, {
      apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1',
      kind,
      metadata: { name },
      spec: { template: { spec: { nodeLabels: this.#nodeLabels } } },
    });
    return { apiGroup: 'infrastructure.cluster.x-k8s.io', kind, name };
  }
}
