/**
 * `npm run bench -- large`: the memory of one large cluster with everything enabled, compared with a process that keeps the Pods, Nodes,
 * ReplicaSets and budgets of the same API server as whole objects. The cluster manages itself: its Machines and hosts are beside its Pods.
 * Reports and asserts nothing. docs/performance.md has the figures of a run.
 *
 * `--nodes N` (default 5000), `--pods N` (default 150 000, which takes ten minutes to create), `--limit MIB` of the container (default 1536, as
 * docs/operations.md recommends; half of it is the heap's).
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { installClusterApiCrds } from '../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { installHostCrd } from '../harness/metal3.ts';
import { Bridge } from '../harness/program.ts';
import { installHub } from '../harness/ramen-kinds.ts';
import { shippedProgram } from '../harness/shipped.ts';
import { usageOf } from '../harness/usage.ts';
import { SILENT } from '../src/commands/notices.ts';
import { type KubeObject, NODE, POD, POD_DISRUPTION_BUDGET, REPLICA_SET } from '../src/core/objects.ts';
import type { Resource } from '../src/core/resources.ts';
import { loadKubeConfig } from '../src/kube/auth/credentials.ts';
import { Informer } from '../src/kube/cache/informer.ts';
import { Reflector } from '../src/kube/cache/reflector.ts';
import { makeClient } from '../src/kube/http/client.ts';
import { addCluster, addMachine, forEach, numbered } from './population.ts';

const NAMESPACES = 50;
const PODS_PER_APP = 100;
const CLUSTER = 'itself';
const HOSTS = `/apis/metal3.io/v1alpha1/namespaces/${CLUSTER}/baremetalhosts`;
const DEADLINE_MS = 15 * 60_000;
const SETTLE_MS = 60_000;
const FLAGS = [
  '--leader-elect=false',
  '--enable-machine-drain',
  '--enable-metal3-maintenance',
  '--enable-ramen-maintenance-mode',
  '--enable-ramen-bridge',
];

const report = (what: string, figures: string): void => console.log(`${what.padEnd(64)}${figures}`);

/** What a kubelet writes for each Pod. */
const CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
  (type) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: '2026-11-21T02:00:00Z' }),
);

function podTemplate(app: string): { readonly metadata: object; readonly spec: object } {
  const env = numbered(8, 'SETTING').map((name) => ({ name, value: `the value of ${name} in ${app}` }));
  const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10 };
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } };
  const labels = { app, 'app.kubernetes.io/name': app, 'app.kubernetes.io/managed-by': 'Helm' };
  return {
    metadata: { labels },
    spec: {
      terminationGracePeriodSeconds: 30,
      containers: [
        {
          name: 'main',
          image: `registry.invalid/${app}:1`,
          env,
          resources,
          readinessProbe: probe,
          livenessProbe: probe,
        },
      ],
      topologySpreadConstraints: [
        {
          maxSkew: 5,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app } },
        },
      ],
    },
  };
}

async function createPods({ api }: ControlPlane, nodes: readonly string[], count: number): Promise<void> {
  await forEach(numbered(NAMESPACES, 'team'), (name) => api.create('/api/v1/namespaces', { metadata: { name } }));
  await forEach(numbered(Math.ceil(count / PODS_PER_APP), 'app'), async (app) => {
    const number = Number(app.slice(4));
    const namespace = `team-${number % NAMESPACES}`;
    const template = podTemplate(app);
    const selector = { matchLabels: { app } };
    const owner = await api.create<{ metadata: { uid: string } }>(`/apis/apps/v1/namespaces/${namespace}/replicasets`, {
      metadata: { name: app },
      spec: { replicas: PODS_PER_APP, selector, template },
    });
    await api.create(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
      metadata: { name: app },
      spec: { selector, maxUnavailable: '10%' },
    });
    const ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: app, uid: owner.metadata.uid, controller: true },
    ];
    for (let index = 0; index < PODS_PER_APP; index += 1) {
      const name = `${app}-${index}`;
      const path = `/api/v1/namespaces/${namespace}/pods`;
      await api.create(path, {
        metadata: { ...template.metadata, name, ownerReferences },
        spec: { ...template.spec, nodeName: nodes[(number * PODS_PER_APP + index) % nodes.length] },
      });
      await api.patch(`${path}/${name}/status`, { status: { phase: 'Running', conditions: CONDITIONS } }, 'merge');
    }
  });
}

async function createMachines(cluster: ControlPlane, nodes: readonly string[]): Promise<void> {
  await addCluster(cluster, CLUSTER, cluster.kubeconfig);
  await forEach(nodes, async (name) => {
    await addMachine(cluster, CLUSTER, name);
    await cluster.api.create(HOSTS, {
      apiVersion: 'metal3.io/v1alpha1',
      kind: 'BareMetalHost',
      metadata: { name },
      spec: { online: true },
    });
  });
}

/** Keeps the four largest kinds as the server sends them. Tells its parent when it has them, and ends with it. */
async function keepWholeObjects(kubeconfig: string): Promise<void> {
  const client = makeClient(loadKubeConfig({ kubeconfig, env: {}, homedir: '/nonexistent' }));
  const kinds: readonly Resource<KubeObject>[] = [NODE, POD, POD_DISRUPTION_BUDGET, REPLICA_SET];
  await Promise.all(
    kinds.map((resource) => {
      const informer = new Informer<KubeObject>({ log: SILENT });
      const transform = (raw: unknown): KubeObject => raw as KubeObject;
      void new Reflector({ client, resource, transform, clock: Date, log: SILENT }).run(
        informer,
        new AbortController().signal,
      );
      return informer.whenSynced();
    }),
  );
  process.send?.('kept');
}

async function wholeObjects(kubeconfig: string): Promise<string> {
  const child = fork(import.meta.filename, [], {
    env: { ...process.env, KEEPS_WHOLE_OBJECTS_OF: kubeconfig },
    execArgv: ['--max-old-space-size=8192'],
  });
  await once(child, 'message');
  await sleep(SETTLE_MS);
  const { residentMiB, peakMiB } = (await usageOf(child.pid)) ?? {};
  child.kill();
  return `${residentMiB} MiB, at most ${peakMiB} MiB`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '5000' },
      pods: { type: 'string', default: '150000' },
      limit: { type: 'string', default: '1536' },
    },
  });
  await using cluster = await startControlPlane({});
  await installClusterApiCrds(cluster);
  await installHostCrd(cluster);
  await installHub(cluster);
  const nodes = numbered(Number(values.nodes), 'node');
  console.log(`${cpus().length} cores, Node.js ${process.version}, ${values.nodes} Nodes, ${values.pods} Pods\n`);
  await cluster.addNodes(nodes);
  await createMachines(cluster, nodes);
  await createPods(cluster, nodes, Number(values.pods));
  const startedMs = performance.now();
  const bridge = new Bridge({
    kubeconfig: cluster.kubeconfig,
    ...(await shippedProgram(Number(values.limit))),
    flags: FLAGS,
  });
  const memory = async (): Promise<string> =>
    `${await bridge.residentMiB()} MiB, at most ${await bridge.peakMiB()} MiB`;
  try {
    await bridge.leads(DEADLINE_MS);
    report(
      'from the start of the process to its first pass',
      `${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
    );
    report('resident memory then', await memory());
    await sleep(SETTLE_MS);
    report('a minute later', await memory());
  } finally {
    await bridge.end();
  }
  report('whole objects: Nodes, Pods, ReplicaSets, budgets', await wholeObjects(cluster.kubeconfig));
}

const { KEEPS_WHOLE_OBJECTS_OF } = process.env;
await (KEEPS_WHOLE_OBJECTS_OF === undefined ? main() : keepWholeObjects(KEEPS_WHOLE_OBJECTS_OF));
