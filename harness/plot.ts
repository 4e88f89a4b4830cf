/** A namespace with Nodes of its own, what a user does to them, and what an operator would check. */

import type { AuditEvent, ControlPlane } from '../controlplane/controlplane.ts';
import { parseReport, type Report } from '../src/tmm/model/report.ts';
import { REPORT_ANNOTATION } from '../src/tmm/names.ts';
import { RestError } from './rest.ts';
import { eventually } from './wait.ts';
import { NamespaceWorkloads, type Served, type ServedPod } from './workloads.ts';

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

function unlessMissing(error: unknown): void {
  if (!(error instanceof RestError && error.code === 404)) throw error;
}

/** For `afterEach`: removes the objects of the test. */
export async function removePlots(): Promise<void> {
  await Promise.all([...PLOTS].map((plot) => plot.remove()));
}

/** A namespace and a few Nodes that only its Pods run on, so that many tests can share one control plane. */
export class Plot extends NamespaceWorkloads {
  readonly nodes: readonly string[];

  private constructor(controlPlane: ControlPlane, namespace: string, nodes: readonly string[]) {
    super(controlPlane, namespace);
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
