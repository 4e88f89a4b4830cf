/** A Ramen hub and its clusters as API servers, with the kinds that they need, and the bridge between them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { Bridge } from './program.ts';
import type { Rest } from './rest.ts';
import { RestError } from './rest.ts';
import { eventually } from './wait.ts';

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
}

const OCM: readonly Kind[] = [
  {
    group: 'work.open-cluster-management.io',
    version: 'v1',
    kind: 'ManifestWork',
    plural: 'manifestworks',
    scope: 'Namespaced',
  },
  {
    group: 'view.open-cluster-management.io',
    version: 'v1beta1',
    kind: 'ManagedClusterView',
    plural: 'managedclusterviews',
    scope: 'Namespaced',
  },
  {
    group: 'cluster.open-cluster-management.io',
    version: 'v1',
    kind: 'ManagedCluster',
    plural: 'managedclusters',
    scope: 'Cluster',
  },
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'DRPlacementControl',
    plural: 'drplacementcontrols',
    scope: 'Namespaced',
  },
];

const ON_CLUSTERS: readonly Kind[] = [
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'VolumeReplicationGroup',
    plural: 'volumereplicationgroups',
    scope: 'Namespaced',
  },
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'DRClusterConfig',
    plural: 'drclusterconfigs',
    scope: 'Cluster',
  },
  {
    group: 'ramendr.openshift.io',
    version: 'v1alpha1',
    kind: 'MaintenanceMode',
    plural: 'maintenancemodes',
    scope: 'Cluster',
  },
  {
    group: 'replication.storage.openshift.io',
    version: 'v1alpha1',
    kind: 'VolumeReplicationClass',
    plural: 'volumereplicationclasses',
    scope: 'Cluster',
  },
  {
    group: 'snapshot.storage.k8s.io',
    version: 'v1',
    kind: 'VolumeSnapshotClass',
    plural: 'volumesnapshotclasses',
    scope: 'Cluster',
  },
  {
    group: 'operators.coreos.com',
    version: 'v1',
    kind: 'OperatorGroup',
    plural: 'operatorgroups',
    scope: 'Namespaced',
  },
  {
    group: 'operators.coreos.com',
    version: 'v1alpha1',
    kind: 'Subscription',
    plural: 'subscriptions',
    scope: 'Namespaced',
  },
];

/** Kinds without a schema: the tests are about the writers, not about validation. */
export async function install(api: Rest, kinds: readonly Kind[]): Promise<void> {
  for (const { group, version, kind, plural, scope } of kinds) {
    await api.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: {
        name: `${plural}.${group}`,
        // Groups of Kubernetes are protected.
        annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' },
      },
      spec: {
        group,
        scope,
        names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            subresources: kind.endsWith('Class') ? {} : { status: {} },
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    });
  }
  for (const { group, version, plural } of kinds) {
    await eventually(() => api.list(`/apis/${group}/${version}/${plural}`), { what: `${plural} to be served` });
  }
}

export const installHub = (hub: ControlPlane): Promise<void> => install(hub.api, OCM);
export const installCluster = (cluster: ControlPlane): Promise<void> => install(cluster.api, ON_CLUSTERS);

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

/** The check that Ramen applies (internal/controller/util/mcv_util.go). */
export function saysAbsent(message: string): boolean {
  return message.endsWith('not found') || message.endsWith('the server could not find the requested resource');
}

export const worksPath = (cluster: string): string =>
  `/apis/work.open-cluster-management.io/v1/namespaces/${cluster}/manifestworks`;
export const viewsPath = (cluster: string): string =>
  `/apis/view.open-cluster-management.io/v1beta1/namespaces/${cluster}/managedclusterviews`;

interface WorkCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

export interface Work {
  readonly metadata: {
    readonly generation: number;
    readonly uid: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly conditions?: readonly WorkCondition[];
    readonly resourceStatus?: {
      readonly manifests: readonly {
        readonly resourceMeta: {
          readonly kind: string;
          readonly name: string;
          readonly resource: string;
          readonly ordinal: number;
        };
        readonly conditions: readonly WorkCondition[];
      }[];
    };
  };
}

export interface View {
  readonly metadata: { readonly resourceVersion: string };
  readonly status?: { readonly conditions?: readonly WorkCondition[]; readonly result?: Result };
}

export interface Result {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly uid: string; readonly managedFields?: unknown };
  readonly [field: string]: unknown;
}

export interface Answered extends WorkCondition {
  readonly result: Result | undefined;
}

export function conditionOf(work: Work, type: string): WorkCondition | undefined {
  return work.status?.conditions?.find((condition) => condition.type === type);
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

/** The object, or undefined if the server answers 404. */
export async function find<T>(api: Rest, path: string): Promise<T | undefined> {
  try {
    return await api.get<T>(path);
  } catch (error) {
    if (error instanceof RestError && error.code === 404) return undefined;
    throw error;
  }
}
