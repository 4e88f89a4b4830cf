/**
 * The chart's parts for Ramen, on real API servers: the definitions are served, and the roles and policies allow exactly the
 * program's requests.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { CHART_DIRECTORY, configurationIn, type Manifest, manifestsIn, render } from '../../harness/chart.ts';
import { Bridge } from '../../harness/program.ts';
import { RamenHub } from '../../harness/ramen.ts';
import { install, installCluster } from '../../harness/ramen-kinds.ts';
import { worksPath } from '../../harness/ramen-objects.ts';
import { find, makeRest, type PatchKind, type Rest, RestError } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { CHART_TOOLS, ensureTools, lackingTools } from '../../harness/tools/tools.ts';
import { eventually } from '../../harness/wait.ts';
import { policiesIn } from '../chart/policies.ts';

const OWN = 'bridge';
const ACCOUNT = { namespace: OWN, name: 'maintenance-bridge' };
const USER = `system:serviceaccount:${OWN}:${ACCOUNT.name}`;
const REMOTE = { namespace: 'remote', name: 'bridge' };
const APPLIED =
  /^(ServiceAccount|(Cluster)?Role(Binding)?|ValidatingAdmissionPolicy(Binding)?|CustomResourceDefinition)$/;
const CLUSTERS = '/apis/cluster.open-cluster-management.io/v1/managedclusters';
const MODES = '/apis/ramendr.openshift.io/v1alpha1/maintenancemodes';
const MIRROR = '/apis/apps/v1/namespaces/default/deployments/mirror';
const VALUES = {
  fullnameOverride: ACCOUNT.name,
  namespaceOverride: OWN,
  replicaCount: 1,
  leaderElection: { enabled: false },
  admissionPolicy: { enabled: true },
  features: {
    tmm: { enabled: false },
    clusterApi: { enabled: false },
    ramenBridge: { enabled: true, crds: true },
    ramenMaintenanceMode: { enabled: true },
  },
  config: {
    ramen: {
      bridge: { clusters: [{ name: 'east' }] },
      maintenanceMode: {
        providers: [
          { storageProvisioner: 'rbd', scaleToZero: [{ kind: 'Deployment', namespace: 'default', name: 'mirror' }] },
        ],
      },
    },
  },
};

interface Policy {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: { readonly observedGeneration?: number; readonly typeChecking?: object };
}
interface Attempt {
  readonly what: string;
  readonly path: string;
  readonly body: object;
  readonly kind?: PatchKind | 'create';
  readonly says: string;
}

const ATTEMPTS: readonly Attempt[] = [
  {
    what: 'the spec of a work',
    path: `${worksPath('east')}/shop`,
    body: { spec: { workload: { manifests: [] } } },
    says: 'never changes spec.workload',
  },
  {
    what: "somebody else's finalizer of a work",
    path: `${worksPath('east')}/shop`,
    body: [{ op: 'add', path: '/metadata/finalizers/-', value: 'example.org/theirs' }] as unknown as object,
    kind: 'json',
    says: 'never changes a finalizer that is not its own',
  },
  {
    what: 'a ManagedCluster that is not configured',
    path: CLUSTERS,
    body: {
      apiVersion: 'cluster.open-cluster-management.io/v1',
      kind: 'ManagedCluster',
      metadata: { name: 'other', labels: { 'app.kubernetes.io/managed-by': 'maintenance-bridge' } },
    },
    kind: 'create',
    says: 'creates no ManagedClusters but those of config.ramen.bridge.clusters',
  },
  {
    what: 'the image of a workload',
    path: MIRROR,
    body: { spec: { template: { spec: { containers: [{ name: 'main', image: 'registry.invalid/other' }] } } } },
    kind: 'strategic-merge',
    says: 'never changes spec.template',
  },
  {
    what: 'the spec of a MaintenanceMode',
    path: `${MODES}/probe`,
    body: { spec: { modes: [] } },
    says: 'never changes spec.modes',
  },
];

describeOnControlPlane(
  'the chart for Ramen',
  // The controllers type-check the policies.
  { auditLog: true, controllerManager: true },
  (get) => {
    let east: ControlPlane;
    let ramen: RamenHub;
    let bridge: Bridge;
    let token: Rest;
    let manifests: readonly Manifest[];

    beforeAll(async () => {
      east = await startControlPlane();
      manifests = await render((await ensureTools(CHART_TOOLS)).helm, { values: VALUES });
      const apply = async (to: ControlPlane, items: readonly Manifest[]): Promise<void> => {
        const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
        expect(await to.kubectl(['apply', '--filename=-'], { input })).toMatchObject({ code: 0, stderr: '' });
      };
      const kubeconfig = await get().kubeconfigFor(ACCOUNT);
      const ofRamen = (kind: string, plural: string, scope: 'Namespaced' | 'Cluster') =>
        ({ group: 'ramendr.openshift.io', version: 'v1alpha1', kind, plural, scope }) as const;
      await Promise.all([
        apply(
          get(),
          manifests.filter(({ kind }) => APPLIED.test(kind) && kind !== 'ServiceAccount'),
        ),
        install(get().api, [
          ofRamen('DRPlacementControl', 'drplacementcontrols', 'Namespaced'),
          ofRamen('MaintenanceMode', 'maintenancemodes', 'Cluster'),
        ]),
        installCluster(east),
      ]);
      // On the cluster, the rights in the chart's file for its kubeconfig.
      const remote = await east.kubeconfigFor(REMOTE);
      const apiGroup = 'rbac.authorization.k8s.io';
      const role = manifestsIn(await readFile(join(CHART_DIRECTORY, 'files/managed-cluster.yaml'), 'utf8'));
      await apply(east, [
        ...role,
        {
          apiVersion: `${apiGroup}/v1`,
          kind: 'ClusterRoleBinding',
          metadata: { name: 'bridge' },
          roleRef: { apiGroup, kind: 'ClusterRole', name: role[0]?.metadata.name },
          subjects: [{ kind: 'ServiceAccount', ...REMOTE }],
        },
      ]);
      ramen = new RamenHub(get(), { east });
      await ramen.register({ east: await readFile(remote, 'utf8') });
      await get().api.create('/apis/apps/v1/namespaces/default/deployments', {
        metadata: { name: 'mirror' },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'mirror' } },
          template: {
            metadata: { labels: { app: 'mirror' } },
            spec: { containers: [{ name: 'main', image: 'registry.invalid/main' }] },
          },
        },
      });
      const path = join(get().directory, 'chart.yaml');
      await writeFile(path, configurationIn(manifests));
      bridge = new Bridge({ kubeconfig, flags: [`--config=${path}`], env: { POD_NAMESPACE: OWN } });
      const tokens = `/api/v1/namespaces/${OWN}/serviceaccounts/${ACCOUNT.name}/token`;
      const { status } = await get().api.create<{ status: { token: string } }>(tokens, { spec: {} });
      token = makeRest({ server: get().serverUrl, ca: await readFile(get().caFile, 'utf8'), token: status.token });
    });
    afterAll(async () => {
      await bridge?.end();
      token?.close();
      await east?.stop();
    });

    it('has policies that the API server finds well typed', async () => {
      const judged = await eventually(
        async () => {
          const all = await get().api.list<Policy>('/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies');
          const isJudged = all.every(({ metadata, status }) => status?.observedGeneration === metadata.generation);
          return isJudged && all.length === policiesIn(manifests).length ? all : undefined;
        },
        { what: 'the policies to be judged', deadlineMs: 60_000 },
      );
      expect(judged.map(({ status }) => status?.typeChecking)).toEqual(judged.map(() => ({})));
    });

    it('lets works, views and ManagedClusters be served, with the definitions that it brings', async () => {
      await ramen.createWork('east', 'shop', [
        {
          apiVersion: 'ramendr.openshift.io/v1alpha1',
          kind: 'VolumeReplicationGroup',
          metadata: { name: 'shop', namespace: 'default' },
          spec: { replicationState: 'primary' },
        },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: 'edits' },
          rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] }],
        },
      ]);
      const { status } = await ramen.applied('east', 'shop', 'True', 60_000);
      expect(status?.conditions).toHaveLength(4);
      const scope = { apiGroup: 'ramendr.openshift.io', version: 'v1alpha1', kind: 'VolumeReplicationGroup' };
      await ramen.createView('east', 'shop', { ...scope, name: 'shop', namespace: 'default' });
      await ramen.says('east', 'shop', ({ result }) => result?.kind === scope.kind, 'the object');
      await eventually(
        async () => {
          const found = await find<{ status?: { clusterClaims?: readonly object[] } }>(get().api, `${CLUSTERS}/east`);
          return found?.status?.clusterClaims?.length === 1 ? true : undefined;
        },
        { what: 'the ManagedCluster', deadlineMs: 20_000 },
      );
    });

    it('lets a MaintenanceMode scale a workload down and up', async () => {
      await get().api.create(MODES, {
        apiVersion: 'ramendr.openshift.io/v1alpha1',
        kind: 'MaintenanceMode',
        metadata: { name: 'm' },
        spec: { storageProvisioner: 'rbd', targetID: 'east', modes: ['Failover'] },
      });
      await eventually(
        async () => {
          const { status } = await get().api.get<{ status?: { state?: string } }>(`${MODES}/m`);
          return status?.state === 'Completed' ? true : undefined;
        },
        { what: 'the MaintenanceMode to be reached', deadlineMs: 20_000 },
      );
      await get().api.delete(`${MODES}/m`);
      await eventually(async () => ((await find(get().api, `${MODES}/m`)) === undefined ? true : undefined), {
        what: 'the MaintenanceMode to go',
        deadlineMs: 20_000,
      });
      expect(await get().api.get(MIRROR)).toMatchObject({ spec: { replicas: 2 } });
    });

    it('denies what the program never does', async () => {
      await get().api.create(MODES, {
        apiVersion: 'ramendr.openshift.io/v1alpha1',
        kind: 'MaintenanceMode',
        metadata: { name: 'probe' },
        spec: { storageProvisioner: 'nobody', targetID: 'east', modes: ['Failover'] },
      });
      for (const { what, path, body, kind = 'merge', says } of ATTEMPTS) {
        const sent = kind === 'create' ? token.create(path, body) : token.patch(path, body, kind);
        const denied = await sent.then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(denied, what).toBeInstanceOf(RestError);
        expect(String(denied), what).toContain(says);
      }
    });

    it('forbids nothing that the program does', async () => {
      await get().api.delete(`${worksPath('east')}/shop`);
      await eventually(
        async () => ((await find(get().api, `${worksPath('east')}/shop`)) === undefined ? true : undefined),
        {
          what: 'the work to go',
          deadlineMs: 30_000,
        },
      ).catch(() => undefined); // Without a Namespace controller there, the Namespace remains.
      const denied = (await get().auditEvents()).filter(
        ({ user, userAgent, responseStatus }) =>
          user.username === USER && userAgent?.startsWith('maintenance-bridge') && responseStatus?.code === 403,
      );
      expect(denied.map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual([]);
    });
  },
  lackingTools(CHART_TOOLS),
);
