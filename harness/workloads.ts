/** Workloads in one namespace, as kubectl users would write them, and the faults that tests give them. */

import type { ControlPlane } from '../controlplane/controlplane.ts';
import { POD, type Pod } from '../src/core/objects.ts';
import { eventually } from './wait.ts';

/** An object as the API server returns it, with its metadata. */
export interface Served {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}
export interface ServedPod extends Served {
  readonly spec: { readonly nodeName?: string };
  readonly status: Pod['status'];
}

type WorkloadKind = 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet';

/** Its Pods run only on Nodes with the label `plot` of the namespace's name. */
export class NamespaceWorkloads {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;

  protected constructor(controlPlane: ControlPlane, namespace: string) {
    this.controlPlane = controlPlane;
    this.namespace = namespace;
  }

  template(app: string, spec: object = {}): object {
    return {
      metadata: { labels: { app } },
      spec: {
        nodeSelector: { plot: this.namespace },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'main', image: 'registry.invalid/main' }],
        ...spec,
      },
    };
  }

  deployment(app: string, replicas: number, spec: object = {}): Promise<unknown> {
    return this.#workload('Deployment', app, { replicas, template: this.template(app, spec) });
  }

  replicaSet(app: string, replicas: number, spec: object = {}): Promise<unknown> {
    return this.#workload('ReplicaSet', app, { replicas, template: this.template(app, spec) });
  }

  statefulSet(app: string, replicas: number, spec: object = {}): Promise<unknown> {
    return this.#workload('StatefulSet', app, {
      replicas,
      serviceName: app,
      podManagementPolicy: 'Parallel',
      template: this.template(app, spec),
    });
  }

  /** A Job whose Pods run until the test ends them; on a real control plane with `jobsRun`. */
  job(name: string, spec: object): Promise<unknown> {
    const { metadata, spec: podSpec } = this.template(name, { restartPolicy: 'Never' }) as {
      metadata: { labels: object };
      spec: object;
    };
    const annotations = { 'sandbox.maintenance-bridge.io/runs-for': '1h' };
    return this.controlPlane.api.create(`/apis/batch/v1/namespaces/${this.namespace}/jobs`, {
      metadata: { name },
      spec: { template: { metadata: { ...metadata, annotations }, spec: podSpec }, ...spec },
    });
  }

  /** The conditions of a Job that are True. */
  async jobConditions(name: string): Promise<readonly string[]> {
    const path = `/apis/batch/v1/namespaces/${this.namespace}/jobs/${name}`;
    const { status } = await this.controlPlane.api.get<{
      status?: { conditions?: readonly { type: string; status: string }[] };
    }>(path);
    return (status?.conditions ?? []).flatMap(({ type, status: is }) => (is === 'True' ? [type] : []));
  }

  /** Reports to the API server, in place of the kubelet, that its containers have ended, successfully or not. */
  async endPod(name: string, phase: 'Succeeded' | 'Failed' = 'Succeeded'): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${name}/status`;
    await this.controlPlane.api.patch(path, { status: { phase } }, 'merge');
  }

  daemonSet(app: string, spec: object = {}): Promise<unknown> {
    return this.#workload('DaemonSet', app, { template: this.template(app, spec) });
  }

  replicationController(app: string, replicas: number, spec: object = {}): Promise<unknown> {
    return this.controlPlane.api.create(this.#pathOf('ReplicationController'), {
      metadata: { name: app },
      spec: { replicas, selector: { app }, template: this.template(app, spec) },
    });
  }

  /** @param spec of the workload, besides its selector and the template. */
  workload(kind: WorkloadKind, app: string, spec: object, podSpec: object = {}): Promise<unknown> {
    return this.#workload(kind, app, { template: this.template(app, podSpec), ...spec });
  }

  #workload(kind: WorkloadKind, app: string, spec: object): Promise<unknown> {
    return this.controlPlane.api.create(this.#pathOf(kind), {
      metadata: { name: app },
      spec: { selector: { matchLabels: { app } }, ...spec },
    });
  }

  #pathOf(kind: WorkloadKind | 'ReplicationController'): string {
    const root = kind === 'ReplicationController' ? '/api/v1' : '/apis/apps/v1';
    return `${root}/namespaces/${this.namespace}/${kind.toLowerCase()}s`;
  }

  async scale(kind: WorkloadKind | 'ReplicationController', app: string, replicas: number): Promise<void> {
    await this.controlPlane.api.patch(`${this.#pathOf(kind)}/${app}`, { spec: { replicas } }, 'merge');
  }

  async status(kind: WorkloadKind, app: string): Promise<{ readonly availableReplicas?: number }> {
    const path = `${this.#pathOf(kind)}/${app}`;
    return (await this.controlPlane.api.get<{ status?: { availableReplicas?: number } }>(path)).status ?? {};
  }

  /** Makes the controller reconcile a workload at once, since it waits longer after each failure; for a Deployment, its ReplicaSets. */
  async nudge(kind: WorkloadKind | 'ReplicationController', app: string): Promise<void> {
    const { api } = this.controlPlane;
    const path = this.#pathOf(kind === 'Deployment' ? 'ReplicaSet' : kind);
    const all = await api.list<Served>(path);
    const names = all.map(({ metadata }) => metadata.name).filter((name) => name === app || name.startsWith(`${app}-`));
    const annotations = { 'example.com/nudged': 'yes' };
    await Promise.all(names.map((name) => api.patch(`${path}/${name}`, { metadata: { annotations } }, 'merge')));
  }

  bare(name: string, spec: object = {}): Promise<unknown> {
    const template = this.template(name, spec) as { metadata: object };
    return this.controlPlane.api.create(`/api/v1/namespaces/${this.namespace}/pods`, {
      ...template,
      metadata: { ...template.metadata, name },
    });
  }

  /** Creates a budget over `app` and waits until the disruption controller has counted it. */
  async budget(app: string, spec: object, name = app): Promise<void> {
    const path = `/apis/policy/v1/namespaces/${this.namespace}/poddisruptionbudgets`;
    await this.controlPlane.api.create(path, {
      metadata: { name },
      spec: { selector: { matchLabels: { app } }, ...spec },
    });
    await eventually(
      async () => {
        const budget = await this.controlPlane.api.get<{
          status?: { observedGeneration?: number; expectedPods?: number };
        }>(`${path}/${name}`);
        return (budget.status?.observedGeneration ?? 0) > 0 ? budget : undefined;
      },
      { what: `budget ${name} to be judged` },
    );
  }

  async budgetStatus(name: string): Promise<{ readonly currentHealthy?: number }> {
    const path = `/apis/policy/v1/namespaces/${this.namespace}/poddisruptionbudgets/${name}`;
    return (await this.controlPlane.api.get<{ status?: { currentHealthy?: number } }>(path)).status ?? {};
  }

  async editBudget(name: string, spec: object): Promise<void> {
    const path = `/apis/policy/v1/namespaces/${this.namespace}/poddisruptionbudgets/${name}`;
    await this.controlPlane.api.patch(path, { spec }, 'merge');
  }

  /** Makes its containers unready: through the sandbox's kubelet, or in place of kwok's, which reports readiness only once. */
  async makeUnready(name: string): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${name}`;
    const annotations = { 'sandbox.maintenance-bridge.io/ready': 'false' };
    await this.controlPlane.api.patch(path, { metadata: { annotations } }, 'merge');
    const conditions = [{ type: 'Ready', status: 'False', reason: 'DiskFailure' }];
    await this.controlPlane.api.patch(`${path}/status`, { status: { conditions } }, 'strategic-merge');
  }

  /** Determines whether a deleted Pod stays and keeps running from now on: with kwok, only a finalizer holds it. */
  async holdTermination(name: string, isHeld = true): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${name}`;
    const annotations = { 'sandbox.maintenance-bridge.io/stops': isHeld ? 'false' : null };
    const finalizers = isHeld ? ['example.com/hold'] : null;
    await this.controlPlane.api.patch(path, { metadata: { annotations, finalizers } }, 'merge');
  }

  /** From now on new Pods of a ReplicaSet wait at a scheduling gate, which no simulation can predict. */
  async gate(app: string): Promise<void> {
    await this.#editReplicaSet(app, { schedulingGates: [{ name: 'example.com/gate' }] });
  }

  /** Removes the gate, also from Pods that wait. */
  async ungate(app: string): Promise<void> {
    await this.#editReplicaSet(app, { schedulingGates: null });
    const waiting = (await this.pods(app)).filter(({ spec }) => spec.nodeName === undefined);
    const path = `/api/v1/namespaces/${this.namespace}/pods`;
    await Promise.all(
      waiting.map(({ metadata }) =>
        this.controlPlane.api.patch(`${path}/${metadata.name}`, { spec: { schedulingGates: null } }, 'merge'),
      ),
    );
  }

  /** From now on new Pods of a ReplicaSet fit nowhere. */
  async misplace(app: string): Promise<void> {
    await this.#editReplicaSet(app, { nodeSelector: { plot: 'nowhere' } });
  }

  async #editReplicaSet(app: string, spec: object): Promise<void> {
    const path = `/apis/apps/v1/namespaces/${this.namespace}/replicasets/${app}`;
    await this.controlPlane.api.patch(path, { spec: { template: { spec } } }, 'merge');
  }

  async pods(app?: string): Promise<readonly ServedPod[]> {
    const selector = app === undefined ? {} : { labelSelector: `app=${app}` };
    return this.controlPlane.api.list<ServedPod>(`/api/v1/namespaces/${this.namespace}/${POD.plural}`, selector);
  }
}
