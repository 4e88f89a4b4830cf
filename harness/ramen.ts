/** A Ramen hub and its clusters as API servers, and the bridge between them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { Bridge } from './program.ts';
import { type Answered, conditionOf, saysAbsent, type View, viewsPath, type Work, worksPath } from './ramen-objects.ts';
import { eventually } from './wait.ts';

export interface HubOptions {
  /** Under `ramen.bridge`, besides the clusters. */
  readonly bridge?: Readonly<Record<string, unknown>>;
  readonly flags?: readonly string[];
  /** Kubeconfig of the hub. @default the administrator's */
  readonly kubeconfig?: string;
  /** See `BridgeOptions`. */
  readonly program?: readonly string[];
}

/** The hub's side, simulated by a test, and the bridge. */
export class RamenHub {
  readonly hub: ControlPlane;
  readonly clusters: Readonly<Record<string, ControlPlane>>;
  bridge: Bridge | undefined;

  constructor(hub: ControlPlane, clusters: Readonly<Record<string, ControlPlane>>) {
    this.hub = hub;
    this.clusters = clusters;
  }

  /** Namespaces and kubeconfig Secrets. */
  async register(kubeconfigs: Readonly<Record<string, string>> = {}): Promise<void> {
    for (const [name, cluster] of Object.entries(this.clusters)) {
      await this.hub.api.create('/api/v1/namespaces', { metadata: { name } });
      await this.setKubeconfig(name, kubeconfigs[name] ?? inlineKubeconfig(cluster));
    }
  }

  async setKubeconfig(name: string, kubeconfig: string): Promise<void> {
    await this.hub.api.patch(
      `/api/v1/namespaces/${name}/secrets/${name}-kubeconfig`,
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${name}-kubeconfig`, namespace: name },
        data: { value: Buffer.from(kubeconfig).toString('base64') },
      },
      'apply',
      { fieldManager: 'test', force: true },
    );
  }

  start({ bridge = {}, flags = [], kubeconfig = this.hub.kubeconfig, program }: HubOptions = {}): Bridge {
    const path = join(this.hub.directory, `ramen-${Object.keys(this.clusters).join('-')}.yaml`);
    const clusters = Object.keys(this.clusters).map((name) => ({ name }));
    const config = {
      apiVersion: 'maintenance-bridge.io/v1alpha1',
      kind: 'BridgeConfiguration',
      ramen: { bridge: { enabled: true, clusters, ...bridge } },
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(config));
    this.bridge = new Bridge({
      kubeconfig,
      ...(program !== undefined && { program }),
      flags: ['--config', path, '--enable-tmm=false', '--enable-capi=false', '--leader-elect=false', ...flags],
    });
    return this.bridge;
  }

  async createWork(cluster: string, name: string, manifests: readonly unknown[], spec: object = {}): Promise<void> {
    await this.hub.api.create(worksPath(cluster), {
      apiVersion: 'work.open-cluster-management.io/v1',
      kind: 'ManifestWork',
      metadata: { name, namespace: cluster },
      spec: { workload: { manifests }, ...spec },
    });
  }

  async setManifests(cluster: string, name: string, manifests: readonly unknown[]): Promise<void> {
    const body = { spec: { workload: { manifests } } };
    await this.hub.api.patch(`${worksPath(cluster)}/${name}`, body, 'merge');
  }

  async createView(cluster: string, name: string, scope: object): Promise<void> {
    await this.hub.api.create(viewsPath(cluster), {
      apiVersion: 'view.open-cluster-management.io/v1beta1',
      kind: 'ManagedClusterView',
      metadata: { name, namespace: cluster },
      spec: { scope },
    });
  }

  work(cluster: string, name: string): Promise<Work> {
    return this.hub.api.get<Work>(`${worksPath(cluster)}/${name}`);
  }

  view(cluster: string, name: string): Promise<View> {
    return this.hub.api.get<View>(`${viewsPath(cluster)}/${name}`);
  }

  /** Waits until `Applied` has this status at the work's generation. */
  applied(cluster: string, name: string, status: 'True' | 'False' = 'True', deadlineMs = 60_000): Promise<Work> {
    return eventually(
      async () => {
        const work = await this.work(cluster, name);
        const condition = conditionOf(work, 'Applied');
        const isNow = condition?.observedGeneration === work.metadata.generation;
        return isNow && condition?.status === status && condition.reason !== 'NewGeneration' ? work : undefined;
      },
      { what: `work ${cluster}/${name} to have Applied ${status}`, deadlineMs },
    );
  }

  /** Waits until the view's only condition and result are as expected. */
  says(
    cluster: string,
    name: string,
    isMeant: (view: Answered) => boolean,
    what: string,
    deadlineMs = 60_000,
  ): Promise<Answered> {
    let last: unknown;
    return eventually(
      async () => {
        const { status } = await this.view(cluster, name);
        last = status;
        const [condition, ...others] = status?.conditions ?? [];
        if (condition === undefined || others.length > 0) return undefined;
        const answered = { ...condition, result: status?.result };
        return isMeant(answered) ? answered : undefined;
      },
      { what: `view ${cluster}/${name} to say ${what}`, deadlineMs },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says ${JSON.stringify(last)?.slice(0, 600)}`);
    });
  }

  notFound(cluster: string, name: string, deadlineMs?: number): Promise<Answered> {
    const isAbsent = ({ status, reason, message = '' }: Answered): boolean =>
      status === 'False' && reason === 'GetResourceFailed' && saysAbsent(message);
    return this.says(cluster, name, isAbsent, 'not found', deadlineMs);
  }
}

/** A kubeconfig for a Secret: everything inline. */
export function inlineKubeconfig({
  serverUrl,
  caFile,
  adminToken,
}: Pick<ControlPlane, 'serverUrl' | 'caFile' | 'adminToken'>): string {
  const ca = readFileSync(caFile).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: serverUrl, 'certificate-authority-data': ca } }],
    users: [{ name: 'u', user: { token: adminToken } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
