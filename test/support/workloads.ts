/** Workloads, as kubectl users would write them, and what an operator would look at. */
import { POD, type Pod } from '../../src/core/objects.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';
import { parseReport, type Report } from '../../src/tmm/report.ts';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { eventually } from '../controlplane/wait.ts';

/** What the API server gives; metadata as it comes. */
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

const PLOTS = new Set<Plot>();

/** For `afterEach`: removes what the test has made. */
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

  /** @param name unique within the control plane; Nodes are called `<name>-a`, `<name>-b`, … */
  static async make(controlPlane: ControlPlane, name: string, nodeCount = 2): Promise<Plot> {
    const nodes = Array.from({ length: nodeCount }, (_, index) => `${name}-${String.fromCharCode(97 + index)}`);
    await controlPlane.api.create('/api/v1/namespaces', { metadata: { name } });
    await controlPlane.addNodes(nodes, { labels: { plot: name } });
    const plot = new Plot(controlPlane, name, nodes);
    PLOTS.add(plot);
    return plot;
  }

  /** Removes everything, so that what is left in maintenance does not hold up the next test. */
  async remove(): Promise<void> {
    PLOTS.delete(this);
    const { api } = this.controlPlane;
    await Promise.all(this.nodes.map((node) => api.delete(`/api/v1/nodes/${node}`)));
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

  /** Creates a workload whose first Pods all run on one Node, `home` where nothing else is said: the others are closed meanwhile. */
  async runAtHome(
    create: () => Promise<unknown>,
    app: string,
    replicas: number,
    home: string = this.home,
  ): Promise<void> {
    const others = this.nodes.filter((node) => node !== home);
    await Promise.all(others.map((node) => this.cordon(node, true)));
    await create();
    await this.ready(app, replicas, home);
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

  daemonSet(app: string, spec: object = {}): Promise<unknown> {
    return this.#workload('DaemonSet', app, { template: this.template(app, spec) });
  }

  #workload(
    kind: 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet',
    app: string,
    spec: object,
  ): Promise<unknown> {
    return this.controlPlane.api.create(`/apis/apps/v1/namespaces/${this.namespace}/${kind.toLowerCase()}s`, {
      metadata: { name: app },
      spec: { selector: { matchLabels: { app } }, ...spec },
    });
  }

  bare(name: string, spec: object = {}): Promise<unknown> {
    const template = this.template(name, spec) as { metadata: object };
    return this.controlPlane.api.create(`/api/v1/namespaces/${this.namespace}/pods`, {
      ...template,
      metadata: { ...template.metadata, name },
    });
  }

  /** Creates a budget over `app` and waits until it is judged. */
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

  /** Its containers are not ready any more: told to the sandbox's kubelet, and in the place of kwok's, which says so only once. */
  async makeUnready(name: string): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${name}`;
    const annotations = { 'sandbox.maintenance-bridge.io/ready': 'false' };
    await this.controlPlane.api.patch(path, { metadata: { annotations } }, 'merge');
    const conditions = [{ type: 'Ready', status: 'False', reason: 'DiskFailure' }];
    await this.controlPlane.api.patch(`${path}/status`, { status: { conditions } }, 'strategic-merge');
  }

  /** From now on, or not any more, a Pod that is deleted stays, still running: kwok's is held by a finalizer alone. */
  async holdTermination(name: string, isHeld = true): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${name}`;
    const annotations = { 'sandbox.maintenance-bridge.io/stops': isHeld ? 'false' : null };
    const finalizers = isHeld ? ['example.com/hold'] : null;
    await this.controlPlane.api.patch(path, { metadata: { annotations, finalizers } }, 'merge');
  }

  /** From now on new Pods of a ReplicaSet wait at a scheduling gate, which no simulation can foresee. */
  async gate(app: string): Promise<void> {
    await this.#editReplicaSet(app, { schedulingGates: [{ name: 'example.com/gate' }] });
  }

  /** Lets them go, those that wait included. */
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

  /** Pods of `app` by where they run; those being deleted are left out. */
  async on(node: string, app?: string): Promise<readonly ServedPod[]> {
    return (await this.pods(app)).filter(
      ({ spec, metadata }) => spec.nodeName === node && metadata.deletionTimestamp === undefined,
    );
  }

  async ready(app: string, count: number, node?: string, deadlineMs = 30_000): Promise<readonly ServedPod[]> {
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

  node(name = this.home): Promise<ServedNode> {
    return this.controlPlane.api.get<ServedNode>(`/api/v1/nodes/${name}`);
  }

  async report(name = this.home): Promise<Report | undefined> {
    const seen = parseReport((await this.node(name)).metadata.annotations?.[REPORT_ANNOTATION]);
    if (seen.is === 'invalid') throw new Error(`The report is invalid: ${seen.why}`);
    return seen.is === 'valid' ? seen.report : undefined;
  }

  /** Waits until the Node reports the phase; 'none' for no report. */
  phase(phase: Report['phase'] | 'none', name = this.home, deadlineMs = 30_000): Promise<Report | 'none'> {
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

  /** As a user types it. @throws Error with kubectl's words where it fails. */
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
