/**
 * `npm run bench -- verdict`: how long the verdict on one Node takes, simulation included, in synthetic clusters, and what the
 * caches weigh. Reports, asserts nothing. Figures of a run stand in docs/performance.md.
 */
import { cpus } from 'node:os';
import {
  CSI_NODE,
  type KubeObject,
  NODE,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  POD_DISRUPTION_BUDGET,
  STATEFUL_SET,
  STORAGE_CLASS,
} from '../src/core/objects.ts';
import type { Log } from '../src/core/ports.ts';
import type { Resource } from '../src/core/resources.ts';
import { Informer } from '../src/kube/cache.ts';
import { trimOf } from '../src/kube/trim.ts';
import { planNodes } from '../src/tmm/plan.ts';
import { tmmSettingsSchema } from '../src/tmm/settings.ts';
import { declareIndexes, type TmmSources } from '../src/tmm/wiring.ts';

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => SILENT };
const PODS_PER_NODE = 30;
const RUNS = 15;

const meta = (name: string, namespace?: string) => ({
  name,
  namespace,
  uid: `uid-${namespace}-${name}`,
  resourceVersion: '1',
});

function nodeOf(index: number): object {
  return {
    metadata: {
      ...meta(`node-${index}`),
      labels: { 'kubernetes.io/hostname': `node-${index}`, 'topology.kubernetes.io/zone': `zone-${index % 3}` },
    },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      allocatable: { cpu: '32', memory: '128Gi', pods: '110' },
    },
  };
}

/** Thirty Pods of many Deployments, a third of them with a spread constraint. */
function podOf(node: number, index: number): object {
  const app = `app-${(node * 7 + index) % 200}`;
  const namespace = `team-${(node + index) % 50}`;
  const constraint = {
    maxSkew: 5,
    topologyKey: 'topology.kubernetes.io/zone',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app } },
  };
  return {
    metadata: {
      ...meta(`${app}-${node}-${index}`, namespace),
      labels: { app },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: app, uid: `uid-${namespace}-${app}`, controller: true },
      ],
    },
    spec: {
      nodeName: `node-${node}`,
      containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '500m', memory: '1Gi' } } }],
      ...(index % 3 === 0 && { topologySpreadConstraints: [constraint] }),
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function filled<T extends KubeObject>(
  resource: Resource<T>,
  raw: readonly object[],
): { informer: Informer<T>; fill: () => void } {
  const informer = new Informer<T>({ log: SILENT });
  const trim = trimOf(resource);
  return { informer, fill: () => informer.replace(raw.flatMap((each) => trim(each) ?? [])) };
}

function cluster(nodes: number): TmmSources {
  const indexes = Array.from({ length: nodes }, (_, index) => index);
  const caches = {
    nodes: filled(NODE, indexes.map(nodeOf)),
    pods: filled(
      POD,
      indexes.flatMap((node) => Array.from({ length: PODS_PER_NODE }, (_, index) => podOf(node, index))),
    ),
    budgets: filled(POD_DISRUPTION_BUDGET, []),
    statefulSets: filled(STATEFUL_SET, []),
    claims: filled(PERSISTENT_VOLUME_CLAIM, []),
    volumes: filled(PERSISTENT_VOLUME, []),
    storageClasses: filled(STORAGE_CLASS, []),
    csiNodes: filled(CSI_NODE, []),
  };
  const sources: TmmSources = {
    nodes: caches.nodes.informer,
    pods: caches.pods.informer,
    budgets: caches.budgets.informer,
    statefulSets: caches.statefulSets.informer,
    claims: caches.claims.informer,
    volumes: caches.volumes.informer,
    storageClasses: caches.storageClasses.informer,
    csiNodes: caches.csiNodes.informer,
  };
  declareIndexes(sources);
  for (const { fill } of Object.values(caches)) fill();
  return sources;
}

console.log(`${cpus().length} cores, Node.js ${process.version}\n`);
console.log('Nodes    Pods      verdict, median    worst');
const settings = tmmSettingsSchema.parse({});
for (const nodes of [100, 1000, 5000]) {
  const sources = cluster(nodes);
  const times = Array.from({ length: RUNS }, (_, run) => {
    const started = performance.now();
    const { nodes: plans } = planNodes([`node-${run * 7}`], sources, settings, Date.now());
    if (plans[0]?.verdict !== 'Proceed') throw new Error(`The verdict is ${plans[0]?.verdict}: ${plans[0]?.message}`);
    return performance.now() - started;
  }).sort((a, b) => a - b);
  const ms = (at: number): string => `${(times[at] ?? 0).toFixed(0)} ms`;
  console.log(
    `${String(nodes).padEnd(9)}${String(nodes * PODS_PER_NODE).padEnd(10)}${ms(Math.floor(RUNS / 2)).padStart(15)}${ms(RUNS - 1).padStart(9)}`,
  );
}
