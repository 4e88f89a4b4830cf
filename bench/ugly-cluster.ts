/**
 * A worst-case cluster for a verdict: every Pod has unique labels, anti-affinity to similar Pods, spreads
 * over zones and has a volume in one of them. The Pods of the first Node are in one namespace, each with its own budget.
 */

import { SILENT } from '../src/commands/notices.ts';
import {
  DAEMON_SET,
  JOB,
  type KubeObject,
  NODE,
  POD,
  POD_DISRUPTION_BUDGET,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
} from '../src/core/objects.ts';
import type { Resource } from '../src/core/resources.ts';
import { CSI_NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from '../src/core/storage-objects.ts';
import { Informer } from '../src/kube/cache/informer.ts';
import { trimOf } from '../src/kube/objects/trim.ts';
import { tmmSettingsSchema } from '../src/tmm/settings.ts';
import { addCaches, declareIndexes, type TmmSources } from '../src/tmm/watches.ts';

const PODS_PER_NODE = 30;
const ZONES = 3;
const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';
const DRIVER = 'csi.example.com';
const CREATED = '2026-11-21T02:00:00Z';

export interface UglyOptions {
  readonly nodes: number;
  /** Pods on the first Node. */
  readonly movers: number;
  /** - `apart`: anti-affinity, spread, zone volumes. - `near`: affinity to another Pod's label, in all namespaces. */
  readonly rules: 'apart' | 'near';
  /** Pods without room on any Node, in the namespace of the first Node's Pods. */
  readonly pending?: number;
}

export const FIRST_NODE = 'node-0';

export function uglyCluster(options: UglyOptions): TmmSources {
  const sources = emptyCaches();
  declareIndexes(sources);
  fillCaches(sources, options);
  return sources;
}

/** Empty caches without indexes. */
export function emptyCaches(): TmmSources {
  return addCaches(() => informer(), tmmSettingsSchema.parse({}));
}

export function fillCaches(sources: TmmSources, { nodes, movers, rules, pending = 0 }: UglyOptions): void {
  const places = Array.from({ length: nodes }, (_, node) => node).flatMap((node) =>
    Array.from({ length: node === 0 ? movers : PODS_PER_NODE }, (_, index) => ({ node, index })),
  );
  const isApart = rules === 'apart';
  const all = Array.from({ length: nodes }, (_, node) => node);
  fill(sources.nodes, NODE, all.map(nodeOf));
  fill(sources.csiNodes, CSI_NODE, isApart ? all.map(csiNodeOf) : []);
  fill(sources.volumes, PERSISTENT_VOLUME, isApart ? places.map(volumeOf) : []);
  fill(sources.claims, PERSISTENT_VOLUME_CLAIM, isApart ? places.map(claimOf) : []);
  fill(sources.pods, POD, [
    ...places.map((place) => podOf(place, rules, nodes)),
    ...Array.from({ length: pending }, (_, index) => pendingPod(index)),
  ]);
  fill(sources.budgets, POD_DISRUPTION_BUDGET, places.filter(({ node }) => node === 0).map(budgetOf));
  fill(sources.statefulSets, STATEFUL_SET, []);
  fill(sources.replicaSets, REPLICA_SET, []);
  fill(sources.daemonSets, DAEMON_SET, []);
  fill(sources.replicationControllers, REPLICATION_CONTROLLER, []);
  fill(sources.jobs, JOB, []);
  fill(sources.storageClasses, STORAGE_CLASS, []);
}

interface Place {
  readonly node: number;
  readonly index: number;
}

const nameOf = ({ node, index }: Place): string => `app-${node}-${index}`;
const namespaceOf = ({ node, index }: Place): string => `team-${node === 0 ? 0 : (node + index) % 50}`;
const zoneOf = (node: number): string => `zone-${node % ZONES}`;

const meta = (name: string, namespace?: string) => ({
  name,
  namespace,
  uid: `uid-${namespace}-${name}`,
  resourceVersion: '1',
  creationTimestamp: CREATED,
});

function nodeOf(node: number): object {
  return {
    metadata: { ...meta(`node-${node}`), labels: { [HOSTNAME]: `node-${node}`, [ZONE]: zoneOf(node) } },
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      allocatable: { cpu: '32', memory: '128Gi', pods: '250' },
    },
  };
}

function csiNodeOf(node: number): object {
  const drivers = [{ name: DRIVER, nodeID: `node-${node}`, allocatable: { count: 120 } }];
  return { metadata: meta(`node-${node}`), spec: { drivers } };
}

function volumeOf(place: Place): object {
  const zones = [{ matchExpressions: [{ key: ZONE, operator: 'In', values: [zoneOf(place.node)] }] }];
  return {
    metadata: { ...meta(`pv-${nameOf(place)}`), labels: { [ZONE]: zoneOf(place.node) } },
    spec: {
      storageClassName: 'fast',
      csi: { driver: DRIVER, volumeHandle: nameOf(place) },
      nodeAffinity: { required: { nodeSelectorTerms: zones } },
      claimRef: { namespace: namespaceOf(place), name: nameOf(place) },
    },
    status: { phase: 'Bound' },
  };
}

function claimOf(place: Place): object {
  return {
    metadata: meta(nameOf(place), namespaceOf(place)),
    spec: { storageClassName: 'fast', volumeName: `pv-${nameOf(place)}`, accessModes: ['ReadWriteOnce'] },
    status: { phase: 'Bound' },
  };
}

function podOf(place: Place, rules: UglyOptions['rules'], nodes: number): object {
  const name = nameOf(place);
  const selector = { matchLabels: { app: name } };
  const friend = nameOf({ node: (place.node + 7) % nodes, index: place.index % PODS_PER_NODE });
  const apart = {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOSTNAME, labelSelector: selector }],
      },
    },
    topologySpreadConstraints: [
      { maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector },
    ],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
  };
  const near = {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: ZONE, labelSelector: { matchLabels: { app: friend } }, namespaceSelector: {} },
        ],
      },
    },
  };
  return {
    metadata: {
      ...meta(name, namespaceOf(place)),
      labels: { app: name, node: `n${place.node}`, index: `i${place.index}` },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: `owner-${name}`, controller: true }],
    },
    spec: {
      nodeName: `node-${place.node}`,
      containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '100m', memory: '512Mi' } } }],
      tolerations: TOLERATIONS,
      ...(rules === 'apart' ? apart : near),
    },
    status: { phase: 'Running', conditions: CONDITIONS.map(conditionOf) },
  };
}

/** Fields that admission adds to each Pod. */
const TOLERATIONS = ['not-ready', 'unreachable'].map((key) => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/** Status that a kubelet writes for each Pod. */
const CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

function conditionOf(type: string): object {
  return { type, status: 'True', observedGeneration: 1, lastProbeTime: null, lastTransitionTime: CREATED };
}

function budgetOf(place: Place): object {
  const name = nameOf(place);
  return {
    metadata: { ...meta(name, namespaceOf(place)), generation: 1 },
    spec: { selector: { matchLabels: { app: name } } },
    status: { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
  };
}

function pendingPod(index: number): object {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }];
  return {
    metadata: { ...meta(`pending-${index}`, 'team-0'), labels: { app: `pending-${index}` } },
    spec: { nodeSelector: { gone: 'yes' }, containers: [{ name: 'main', image: 'x' }] },
    status: { phase: 'Pending', conditions },
  };
}

function informer<T extends KubeObject>(): Informer<T> {
  return new Informer<T>({ log: SILENT });
}

function fill<T extends KubeObject>(source: unknown, resource: Resource<T>, raw: readonly object[]): void {
  const trim = trimOf(resource);
  // As from a server: strings of parsed JSON take a different amount of memory than strings that are concatenated here.
  (source as Informer<T>).replace(raw.flatMap((each) => trim(JSON.parse(JSON.stringify(each))) ?? []));
}
