/** Machines without Cluster API's controller: a Cluster, its kubeconfig Secret, and Machines that remain while they are being deleted. */
import { readFile } from 'node:fs/promises';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { kubeconfigText } from '../controlplane/kubeconfig.ts';
import {
  APPROVE_DELETION_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  KNOWN_NODES_ANNOTATION,
} from '../src/core/machine-keys.ts';
import { eventually } from './wait.ts';

const API = '/apis/cluster.x-k8s.io/v1beta2';

interface Served {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface ServedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name: string };
}

/** The kubeconfig of an administrator of that API server. */
export async function adminKubeconfig({ serverUrl, caFile, adminToken }: ControlPlane): Promise<string> {
  return kubeconfigText({ server: serverUrl, ca: await readFile(caFile, 'utf8'), token: adminToken });
}

/** One Cluster, with the name of its Namespace. */
export class HeldMachines {
  readonly namespace: string;
  readonly #management: ControlPlane;

  private constructor(management: ControlPlane, namespace: string) {
    this.#management = management;
    this.namespace = namespace;
  }

  /** @param kubeconfig of its workload cluster. */
  static async make(management: ControlPlane, namespace: string, kubeconfig: string): Promise<HeldMachines> {
    const made = new HeldMachines(management, namespace);
    await management.api.create('/api/v1/namespaces', { metadata: { name: namespace } });
    await made.putKubeconfig(kubeconfig);
    await management.api.create(`${API}/namespaces/${namespace}/clusters`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Cluster',
      metadata: { name: namespace },
      spec: { infrastructureRef: reference('Cluster', namespace) },
    });
    return made;
  }

  /** Creates or replaces the Secret, like a cluster's provider. */
  async putKubeconfig(kubeconfig: string): Promise<void> {
    const name = `${this.namespace}-kubeconfig`;
    await this.#management.api.patch(
      `/api/v1/namespaces/${this.namespace}/secrets/${name}`,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value: kubeconfig } },
      'apply',
      { fieldManager: 'provider', force: true },
    );
  }

  /** Creates an enabled Machine for the Node of that name. */
  async machine(name: string): Promise<void> {
    await this.#management.api.create(`${API}/namespaces/${this.namespace}/machines`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Machine',
      metadata: { name, labels: { [ENABLED_LABEL]: 'true' }, finalizers: ['example.org/stays'] },
      spec: {
        clusterName: this.namespace,
        bootstrap: { dataSecretName: 'none' },
        infrastructureRef: reference('Machine', name),
      },
    });
    await this.#management.api.patch(`${this.#path(name)}/status`, { status: { nodeRef: { name } } }, 'merge');
  }

  async patch(name: string, metadata: object): Promise<void> {
    await this.#management.api.patch(this.#path(name), { metadata }, 'merge');
  }

  async delete(name: string): Promise<void> {
    await this.#management.api.delete(this.#path(name));
  }

  /** Removes the Cluster and its Machine at once. */
  async remove(name: string): Promise<void> {
    await this.#management.api.delete(`${API}/namespaces/${this.namespace}/clusters/${this.namespace}`);
    await this.delete(name);
    await this.patch(name, { finalizers: null });
  }

  async isHooked(name: string): Promise<boolean> {
    const { metadata } = await this.#management.api.get<Served>(this.#path(name));
    return metadata.annotations?.[HOOK_ANNOTATION] !== undefined;
  }

  hooked(name: string, wanted = true, deadlineMs = 60_000): Promise<true> {
    return eventually(async () => ((await this.isHooked(name)) === wanted ? true : undefined), {
      what: `the hook of Machine ${this.namespace}/${name} to be ${wanted ? 'there' : 'gone'}`,
      deadlineMs,
      pollMs: 50,
    });
  }

  async knownNodes(): Promise<string | undefined> {
    const path = `${API}/namespaces/${this.namespace}/clusters/${this.namespace}`;
    return (await this.#management.api.get<Served>(path)).metadata.annotations?.[KNOWN_NODES_ANNOTATION];
  }

  known(isKnown: boolean): Promise<true> {
    return eventually(async () => (((await this.knownNodes()) !== undefined) === isKnown ? true : undefined), {
      what: `Cluster ${this.namespace} to ${isKnown ? 'know its Nodes' : 'have forgotten its Nodes'}`,
      deadlineMs: 60_000,
    });
  }

  async forgetNodes(): Promise<void> {
    const path = `${API}/namespaces/${this.namespace}/clusters/${this.namespace}`;
    await this.#management.api.patch(path, { metadata: { annotations: { [KNOWN_NODES_ANNOTATION]: null } } }, 'merge');
  }

  async events(name: string, reason: string): Promise<readonly ServedEvent[]> {
    const path = `/apis/events.k8s.io/v1/namespaces/${this.namespace}/events`;
    const all = await this.#management.api.list<ServedEvent>(path);
    return all.filter((event) => event.regarding.name === name && event.reason === reason);
  }

  event(name: string, reason: string): Promise<ServedEvent> {
    return eventually(async () => (await this.events(name, reason))[0], {
      what: `Event ${reason} on ${this.namespace}/${name}`,
      deadlineMs: 60_000,
    });
  }

  #path(name: string): string {
    return `${API}/namespaces/${this.namespace}/machines/${name}`;
  }
}

export async function approveDeletion({ api }: ControlPlane, node: string): Promise<void> {
  await api.patch(`/api/v1/nodes/${node}`, { metadata: { labels: { [APPROVE_DELETION_LABEL]: 'true' } } }, 'merge');
}

function reference(kind: 'Cluster' | 'Machine', name: string): object {
  return { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: `GenericInfrastructure${kind}`, name };
}
