/** A MachinePool, as created by a user of Cluster API, and its infrastructure, as a provider keeps it that has a Machine for each member. */
import { ENABLED_LABEL } from '../src/core/machine-keys.ts';
import type { Fleet } from './machines.ts';
import { eventually } from './wait.ts';

const API = '/apis/cluster.x-k8s.io/v1beta2';
const INFRASTRUCTURE = '/apis/infrastructure.cluster.x-k8s.io/v1beta1';
const [KIND, MEMBER_KIND] = ['GenericInfrastructureMachinePool', 'GenericInfrastructureMachine'];

export class MachinePool {
  readonly #fleet: Fleet;
  readonly #name: string;
  #members: readonly string[];

  private constructor(fleet: Fleet, name: string, members: readonly string[]) {
    this.#fleet = fleet;
    this.#name = name;
    this.#members = members;
  }

  /**
   * Returns when each of its Machines has its Node and our hook. A `Provider` has to run for the Cluster.
   *
   * @param nodeLabels of the Nodes.
   * @param labels of the template, besides the one by which its Machines take part.
   */
  static async make(
    fleet: Fleet,
    name: string,
    members: readonly string[],
    nodeLabels: Readonly<Record<string, string>>,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<MachinePool> {
    const pool = new MachinePool(fleet, name, members);
    const { api } = fleet.management;
    const belonging = { 'cluster.x-k8s.io/cluster-name': fleet.cluster, 'cluster.x-k8s.io/pool-name': name };
    for (const member of members) {
      await pool.#createInfrastructure(MEMBER_KIND, {
        metadata: { name: member, labels: belonging },
        spec: { nodeLabels },
      });
    }
    const { spec, replicas } = pool.#content();
    await pool.#createInfrastructure(KIND, {
      metadata: { name },
      spec,
      status: { ready: true, initialization: { provisioned: true }, infrastructureMachineKind: MEMBER_KIND, replicas },
    });
    await api.create(`${API}/namespaces/${fleet.namespace}/machinepools`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'MachinePool',
      metadata: { name, labels: belonging },
      spec: {
        clusterName: fleet.cluster,
        replicas,
        template: {
          metadata: { labels: { ...labels, [ENABLED_LABEL]: 'true' } },
          spec: {
            clusterName: fleet.cluster,
            bootstrap: { dataSecretName: 'none' },
            infrastructureRef: { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: KIND, name },
          },
        },
      },
    });
    for (const member of members) {
      // Cluster API creates the Machine some time after its infrastructure.
      await eventually(() => fleet.get(member), { what: `Machine ${member}`, deadlineMs: 120_000 });
      await fleet.hooked(member, 120_000);
    }
    return pool;
  }

  /**
   * Gives a member up as Cluster API's contract demands of providers: the Machine is deleted first, so that hooks and the drain are respected,
   * and only an instance that is gone leaves the list of the infrastructure. Returns then.
   */
  async giveUp(member: string): Promise<void> {
    const { api } = this.#fleet.management;
    this.#members = this.#members.filter((name) => name !== member);
    const { spec, replicas } = this.#content();
    const path = `${API}/namespaces/${this.#fleet.namespace}/machinepools/${this.#name}`;
    await api.patch(path, { spec: { replicas } }, 'merge');
    await this.#fleet.delete(member);
    await this.#fleet.gone(member, 120_000);
    await api.patch(`${this.#infrastructurePath(KIND)}/${this.#name}`, { spec, status: { replicas } }, 'merge');
  }

  #content(): { readonly spec: object; readonly replicas: number } {
    const providerIDList = this.#members.map((name) => `test:///${this.#fleet.cluster}/${name}`);
    return { spec: { providerIDList }, replicas: this.#members.length };
  }

  async #createInfrastructure(kind: string, object: object): Promise<void> {
    const apiVersion = 'infrastructure.cluster.x-k8s.io/v1beta1';
    await this.#fleet.management.api.create(this.#infrastructurePath(kind), { apiVersion, kind, ...object });
  }

  #infrastructurePath(kind: string): string {
    return `${INFRASTRUCTURE}/namespaces/${this.#fleet.namespace}/${kind.toLowerCase()}s`;
  }
}
