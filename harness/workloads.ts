/** Workloads, as kubectl users would write them, and what an operator would check. */

import type { AuditEvent, ControlPlane } from '../controlplane/controlplane.ts';
import { POD, type Pod } from '../src/core/objects.ts';
import { parseReport, type Report } from '../src/tmm/model/report.ts';
import { REPORT_ANNOTATION } from '../src/tmm/names.ts';
import { RestError } from './rest.ts';
import { eventually } from './wait.ts';

/** An object as the API server returns it, with its metadata. */
interface Served {
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
export interface ServedNode extends Served {
  readonly spec: { readonly taints?: readonly object[]; readonly unschedulable?: boolean };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}
export interface ServedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

type WorkloadKind = 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet';

const PLOTS = new Set<Plot>();

function unlessMissing(error: unknown): void {
  if (!(error instanceof RestError && error.code === 404)) throw error;
}

/** For `afterEach`: removes the objects of the test. */
export async function removePlots(): Promise<void> {
  await Promise.all([...PLOTS].map((plot) => plot.remove()));
}

/** A namespace and a few Nodes that only its Pods run on, so that many tests can share one control plane. */
export class Plot {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  readonly nodes: readonly string[];

  private constructor(controlPlane: ControlPlane, namespace: string, nodes: readonly string[]) {
    this.controlPlane = controlPlane;
    this.namespace = namespace;
    this.nodes = nodes;
  }

  /** @param name unique within the control plane; Nodes are called `<name>-a`, `<name>-b`, …, after `-z` by their number. */
  static async make(controlPlane: ControlPlane, name: string, nodeCount = 2): Promise<Plot> {
    const nodes = Array.from(
      { length: nodeCount },
      (_, index) => `${name}-${index < 26 ? String.fromCharCode(97 + index) : index}`,
    );
    await controlPlane.api.create('/api/v1/namespaces', { metadata: { name } });
    await controlPlane.addNodes(nodes, { labels: { plot: name } });
    const plot = new Plot(controlPlane, name, nodes);
    PLOTS.add(plot);
    return plot;
  }

  /** Removes everything, so that a remaining maintenance does not hold up the next test. */
  async remove(): Promise<void> {
    PLOTS.delete(this);
    const { api } = this.controlPlane;
    // Its Machine may have removed a Node already.
    await Promise.all(this.nodes.map((node) => api.delete(`/api/v1/nodes/${node}`).catch(unlessMissing)));
    await api.delete(`/api/v1/namespaces/${this.namespace}`);
  }

  /** The Node that tests take down. */
  get home(): string {
    return this.nodes[0] ?? '';
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

  /** Like `runOn`, on one Node. */
  runAtHome(create: () => Promise<unknown>, app: string, replicas: number, home: string = this.home): Promise<void> {
    return this.runOn([home], create, app, replicas);
  }

  /**
   * Creates a workload whose first Pods all run on these Nodes: the others are closed in the meantime. A scheduler that sees a Pod before it sees
   * the closed Nodes puts it elsewhere; its controller then creates another one. A Pod without a controller names its Node itself.
   */
  async runOn(homes: readonly string[], create: () => Promise<unknown>, app: string, replicas: number): Promise<void> {
    const isHome = (node: string | undefined): boolean => node !== undefined && homes.includes(node);
    const others = this.nodes.filter((node) => !isHome(node));
    await Promise.all(others.map((node) => this.cordon(node, true)));
    await create();
    await eventually(
      async () => {
        const placed = (await this.pods(app)).filter(({ spec }) => spec.nodeName !== undefined);
        const strays = placed.filter(({ spec }) => !isHome(spec.nodeName));
        for (const { metadata } of strays) {
          await this.controlPlane.api.delete(`/api/v1/namespaces/${this.namespace}/pods/${metadata.name}`);
        }
        return strays.length === 0 && placed.length >= replicas ? true : undefined;
      },
      { what: `the Pods of ${app} to be on ${homes.join(', ')}`, deadlineMs: 30_000 },
    );
    await this.ready(app, replicas, homes.length === 1 ? homes[0] : undefined);
    await Promise.all(others.map((node) => this.cordon(node, false)));
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

  /** A StatefulSet with a member on each Node, each with its volume there. */
  async localMembers(app: string): Promise<void> {
    const { api } = this.controlPlane;
    const storageClassName = `local-${this.namespace}`;
    await api.create('/apis/storage.k8s.io/v1/storageclasses', {
      metadata: { name: storageClassName },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    for (const node of this.nodes) {
      const homes = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }];
      await api.create('/api/v1/persistentvolumes', {
        metadata: { name: `disk-of-${node}` },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName,
          persistentVolumeReclaimPolicy: 'Retain',
          local: { path: '/disk' },
          nodeAffinity: { required: { nodeSelectorTerms: homes } },
        },
      });
    }
    const resources = { requests: { storage: '1Gi' } };
    const claim = { accessModes: ['ReadWriteOnce'], storageClassName, resources };
    await this.workload('StatefulSet', app, {
      replicas: this.nodes.length,
      serviceName: app,
      podManagementPolicy: 'Parallel',
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }],
    });
    await this.ready(app, this.nodes.length);
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

  /** Pods of `app` on a Node, without Pods that are being deleted. */
  async on(node: string, app?: string): Promise<readonly ServedPod[]> {
    return (await this.pods(app)).filter(
      ({ spec, metadata }) => spec.nodeName === node && metadata.deletionTimestamp === undefined,
    );
  }

  async ready(app: string, count: number, node?: string, deadlineMs = 60_000): Promise<readonly ServedPod[]> {
    return eventually(
      async () => {
        const ready = (await this.pods(app)).filter(
          ({ spec, status, metadata }) =>
            metadata.deletionTimestamp === undefined &&
            (node === undefined || spec.nodeName === node) &&
            status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
        );
        return ready.length === count ? ready : undefined;
      },
      { what: `${count} ready Pods of ${app}${node === undefined ? '' : ` on ${node}`}`, deadlineMs },
    );
  }

  /** Evictions of its Pods that were requested from the API server, in order, without dry runs. */
  async evictions(): Promise<readonly AuditEvent[]> {
    return (await this.controlPlane.auditEvents())
      .filter(({ objectRef }) => objectRef?.subresource === 'eviction' && objectRef.namespace === this.namespace)
      .filter(({ requestURI }) => !requestURI.includes('dryRun=All'));
  }

  node(name = this.home): Promise<ServedNode> {
    return this.controlPlane.api.get<ServedNode>(`/api/v1/nodes/${name}`);
  }

  async report(name = this.home): Promise<Report | undefined> {
    const seen = parseReport((await this.node(name)).metadata.annotations?.[REPORT_ANNOTATION]);
    if (seen.is === 'invalid') throw new Error(`The report is invalid: ${seen.why}`);
    return seen.is === 'valid' ? seen.report : undefined;
  }

  /** Waits until the Node reports the phase; 'none' for no report. */
  phase(phase: Report['phase'] | 'none', name = this.home, deadlineMs = 60_000): Promise<Report | 'none'> {
    return eventually(
      async () => {
        const report = (await this.report(name)) ?? 'none';
        if ((report === 'none' ? 'none' : report.phase) === phase) return report;
        throw new Error(`the report is ${JSON.stringify(report)}`);
      },
      { what: `Node ${name} to be in phase ${phase}`, deadlineMs },
    );
  }

  async condition(type: string, name = this.home): Promise<string | undefined> {
    return (await this.node(name)).status.conditions?.find((each) => each.type === type)?.status;
  }

  /** Events about one Node, oldest first. */
  async events(name = this.home): Promise<readonly ServedEvent[]> {
    const events = await this.controlPlane.api.list<ServedEvent & { eventTime: string }>(
      '/apis/events.k8s.io/v1/namespaces/default/events',
    );
    return events
      .filter(({ regarding }) => regarding.kind === 'Node' && regarding.name === name)
      .sort((a, b) => ((a.eventTime ?? '') < (b.eventTime ?? '') ? -1 : 1));
  }

  event(reason: string, name = this.home): Promise<ServedEvent> {
    return eventually(async () => (await this.events(name)).find((event) => event.reason === reason), {
      what: `Event ${reason} on Node ${name}`,
    });
  }

  /** Runs a command as a user types it. @throws Error with kubectl's message if it fails. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.controlPlane.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  taint(name = this.home, taint = 'drain=planned-downtime:NoSchedule'): Promise<string> {
    return this.kubectl('taint', 'node', name, taint);
  }

  untaint(name = this.home, taint = 'drain=planned-downtime:NoSchedule-'): Promise<string> {
    return this.kubectl('taint', 'node', name, taint);
  }

  async cordon(name: string, unschedulable: boolean): Promise<void> {
    await this.controlPlane.api.patch(`/api/v1/nodes/${name}`, { spec: { unschedulable } }, 'merge');
  }
}
