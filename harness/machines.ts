/** Machines, as Cluster API and its users create them, and what an operator would check. */

import { readFile } from 'node:fs/promises';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { kubeconfigText } from '../controlplane/kubeconfig.ts';
import { Rack } from './metal3.ts';
import { RestError } from './rest.ts';
import { eventually } from './wait.ts';

const GROUP = '/apis/cluster.x-k8s.io';
const INFRASTRUCTURE = '/apis/infrastructure.cluster.x-k8s.io/v1beta1';
const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';

export interface ServedMachine {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly nodeRef?: { readonly name: string };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

interface ServedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly namespace: string };
}

export interface MachineOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** While one of these remains, Cluster API respects the hooks of the others. */
  readonly controlPlane?: boolean;
  /** Whether a Node of that name exists already. @default false */
  readonly hasNode?: boolean;
  /** Whether it is a BareMetalHost of its name, which is created. @default false */
  readonly hasHost?: boolean;
}

/** One Cluster of the management cluster, and the API server that its Nodes live on. */
export class Fleet {
  readonly management: ControlPlane;
  readonly workload: ControlPlane;
  readonly namespace: string;
  readonly cluster: string;

  /** The newest version that Cluster API serves here: up to 1.10 that is `v1beta1`. */
  readonly version: 'v1beta1' | 'v1beta2';

  private constructor(
    management: ControlPlane,
    workload: ControlPlane,
    namespace: string,
    cluster: string,
    version: 'v1beta1' | 'v1beta2',
  ) {
    this.management = management;
    this.workload = workload;
    this.namespace = namespace;
    this.cluster = cluster;
    this.version = version;
  }

  /** Creates the Namespace if missing, the Cluster, its pretended infrastructure and its kubeconfig Secret. */
  static async make(
    management: ControlPlane,
    workload: ControlPlane,
    namespace: string,
    cluster: string,
  ): Promise<Fleet> {
    const { api } = management;
    const { versions } = await api.get<{ readonly versions: readonly { readonly version: string }[] }>(GROUP);
    const version = versions.some((served) => served.version === 'v1beta2') ? 'v1beta2' : 'v1beta1';
    const fleet = new Fleet(management, workload, namespace, cluster, version);
    await fleet.#createUnlessThere('/api/v1/namespaces', { metadata: { name: namespace } });
    const ca = await readFile(workload.caFile, 'utf8');
    const kubeconfig = kubeconfigText({ server: workload.serverUrl, ca, token: workload.adminToken });
    await api.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: `${cluster}-kubeconfig`, labels: { 'cluster.x-k8s.io/cluster-name': cluster } },
      type: 'cluster.x-k8s.io/secret',
      data: { value: Buffer.from(kubeconfig).toString('base64') },
    });
    await fleet.#infrastructure('GenericInfrastructureCluster', cluster, {});
    const [host = '', port = ''] = new URL(workload.serverUrl).host.split(':');
    await api.create(fleet.#collection('clusters'), {
      apiVersion: fleet.#apiVersion,
      kind: 'Cluster',
      metadata: { name: cluster },
      spec: {
        controlPlaneEndpoint: { host, port: Number(port) },
        infrastructureRef: fleet.#reference('GenericInfrastructureCluster', cluster),
      },
    });
    return fleet;
  }

  /** Creates a Machine and its Node; returns when Cluster API has brought the two together. */
  async machine(name: string, options: MachineOptions = {}): Promise<void> {
    const providerID = await this.machineWithoutNode(name, options);
    if (options.hasNode !== true) await this.workload.addNodes([name]);
    await this.workload.api.patch(`/api/v1/nodes/${name}`, { spec: { providerID } }, 'merge');
    await this.#until(name, 'its Node', ({ status }) => status?.nodeRef?.name === name, 120_000);
  }

  /** @returns the provider ID that would connect a Node with the Machine. */
  async machineWithoutNode(
    name: string,
    { labels = {}, controlPlane = false, hasHost = false }: MachineOptions = {},
  ): Promise<string> {
    const kind = hasHost ? 'Metal3Machine' : 'GenericInfrastructureMachine';
    const providerID = hasHost ? `metal3://${this.namespace}/${name}/${name}` : `test:///${this.cluster}/${name}`;
    if (hasHost) await new Rack(this.management, this.namespace).addHost(name);
    await this.#infrastructure(kind, name, { providerID });
    await this.management.api.create(this.#collection('machines'), {
      apiVersion: this.#apiVersion,
      kind: 'Machine',
      metadata: { name, labels: { ...labels, ...(controlPlane && { 'cluster.x-k8s.io/control-plane': '' }) } },
      spec: {
        clusterName: this.cluster,
        bootstrap: { dataSecretName: 'none' },
        infrastructureRef: this.#reference(kind, name),
      },
    });
    return providerID;
  }

  get(name: string): Promise<ServedMachine> {
    return this.management.api.get(this.#path(name));
  }

  /** Requests the deletion, which takes time. */
  async delete(name: string): Promise<void> {
    await this.management.api.delete(this.#path(name));
  }

  /** Removes the finalizers by hand, so that unfinished work for the Machine is skipped. */
  async removeByHand(name: string): Promise<void> {
    await this.delete(name);
    await this.management.api.patch(this.#path(name), { metadata: { finalizers: null } }, 'merge');
  }

  /** Sets labels of the Machine; keys without our prefix, null removes. */
  async label(name: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.management.api.patch(this.#path(name), { metadata: { labels: prefixed(labels) } }, 'merge');
  }

  async annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.management.api.patch(this.#path(name), { metadata: { annotations } }, 'merge');
  }

  /** Applies labels with force, like Cluster API's MachineSet controller does for a template. */
  async force(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const body = {
      apiVersion: this.#apiVersion,
      kind: 'Machine',
      metadata: { name, labels: prefixed(labels) },
    };
    await this.management.api.patch(this.#path(name), body, 'apply', { fieldManager: 'capi-machineset', force: true });
  }

  async labelNode(name: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.workload.api.patch(`/api/v1/nodes/${name}`, { metadata: { labels: prefixed(labels) } }, 'merge');
  }

  /** Our labels on the Node that are `true`, without the prefix. */
  async nodeLabels(name: string): Promise<readonly string[]> {
    const node = await this.workload.api.get<{ metadata: { labels: Record<string, string> } }>(`/api/v1/nodes/${name}`);
    return Object.entries(node.metadata.labels)
      .filter(([key, value]) => key.startsWith(`${PREFIX}/`) && value === 'true')
      .map(([key]) => key.slice(PREFIX.length + 1))
      .sort();
  }

  nodeIsLabelled(name: string, ...labels: readonly string[]): Promise<true> {
    return eventually(
      async () => (JSON.stringify(await this.nodeLabels(name)) === JSON.stringify(labels) ? true : undefined),
      { what: `Node ${name} to be labelled ${labels.join(', ') || 'with nothing'}`, deadlineMs: 30_000 },
    );
  }

  async isHooked(name: string): Promise<boolean> {
    return (await this.get(name)).metadata.annotations?.[HOOK] !== undefined;
  }

  hooked(name: string, deadlineMs = 60_000): Promise<ServedMachine> {
    return this.#until(name, 'our hook', ({ metadata }) => metadata.annotations?.[HOOK] !== undefined, deadlineMs);
  }

  unhooked(name: string): Promise<ServedMachine> {
    return this.#until(name, 'no hook', ({ metadata }) => metadata.annotations?.[HOOK] === undefined, 30_000);
  }

  labelled(name: string, key: string, value: string): Promise<ServedMachine> {
    return this.#until(
      name,
      `${key}=${value}`,
      ({ metadata }) => metadata.labels?.[`${PREFIX}/${key}`] === value,
      30_000,
    );
  }

  /** Waits until Cluster API reports that a hook holds the deletion before the drain. */
  heldBeforeDrain(name: string): Promise<ServedMachine> {
    const [type, reason] =
      this.version === 'v1beta2'
        ? ['Deleting', 'WaitingForPreDrainHook']
        : ['PreDrainDeleteHookSucceeded', 'WaitingExternalHook'];
    const isSo = ({ status }: ServedMachine): boolean =>
      status?.conditions?.some((each) => each.type === type && each.reason === reason) === true;
    return this.#until(name, `condition ${type} with ${reason}`, isSo, 60_000);
  }

  /** Waits until the Machine is gone altogether. */
  gone(name: string, deadlineMs = 60_000): Promise<true> {
    return eventually(
      async () => {
        try {
          await this.get(name);
          return undefined;
        } catch (error) {
          if (error instanceof RestError && error.code === 404) return true;
          throw error;
        }
      },
      { what: `Machine ${name} to be gone`, deadlineMs },
    );
  }

  async events(name: string): Promise<readonly ServedEvent[]> {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.namespace}/events`;
    const events = await this.management.api.list<ServedEvent>(path);
    return events.filter(({ regarding }) => regarding.name === name);
  }

  event(name: string, reason: string): Promise<ServedEvent> {
    return eventually(async () => (await this.events(name)).find((event) => event.reason === reason), {
      what: `Event ${reason} on ${name}`,
      deadlineMs: 60_000,
    });
  }

  async pause(isPaused: boolean): Promise<void> {
    const path = `${this.#collection('clusters')}/${this.cluster}`;
    await this.management.api.patch(path, { spec: { paused: isPaused } }, 'merge');
  }

  #path(name: string): string {
    return `${this.#collection('machines')}/${name}`;
  }

  #collection(plural: string): string {
    return `${GROUP}/${this.version}/namespaces/${this.namespace}/${plural}`;
  }

  get #apiVersion(): string {
    return `cluster.x-k8s.io/${this.version}`;
  }

  #reference(kind: string, name: string): object {
    return this.version === 'v1beta2'
      ? { apiGroup: 'infrastructure.cluster.x-k8s.io', kind, name }
      : { apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1', kind, name, namespace: this.namespace };
  }

  #until(
    name: string,
    what: string,
    isSo: (machine: ServedMachine) => boolean,
    deadlineMs: number,
  ): Promise<ServedMachine> {
    return eventually(
      async () => {
        const machine = await this.get(name);
        if (isSo(machine)) return machine;
        const conditions = (machine.status?.conditions ?? []).map(
          ({ type, status, reason }) => `${type}=${status} (${reason})`,
        );
        throw new Error(`its conditions are ${conditions.join(', ') || 'none'}`);
      },
      { what: `Machine ${name} to have ${what}`, deadlineMs },
    );
  }

  async #infrastructure(kind: string, name: string, spec: object): Promise<void> {
    await this.management.api.create(`${INFRASTRUCTURE}/namespaces/${this.namespace}/${kind.toLowerCase()}s`, {
      apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1',
      kind,
      metadata: { name },
      spec,
      // Of both contracts, v1beta1 and v1beta2.
      status: { ready: true, initialization: { provisioned: true } },
    });
  }

  async #createUnlessThere(path: string, body: object): Promise<void> {
    try {
      await this.management.api.create(path, body);
    } catch (error) {
      if (!(error instanceof RestError && error.code === 409)) throw error;
    }
  }
}

function prefixed<V>(labels: Readonly<Record<string, V>>): Readonly<Record<string, V>> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${PREFIX}/${key}`, value]));
}
