/** Many Nodes tainted by one command, in a worst-case cluster in memory: the real watches, passes and decisions, with writes that succeed at once. */

import { ALL_METRICS } from '../src/app/metrics.ts';
import { SILENT } from '../src/commands/notices.ts';
import type { Action } from '../src/core/action.ts';
import { annotationOf } from '../src/core/meta.ts';
import type { Condition, KubeObject, Node, Pod } from '../src/core/objects.ts';
import type { Informer } from '../src/kube/cache/informer.ts';
import { MetricRegistry } from '../src/obs/metrics.ts';
import { inSteps } from '../src/runtime/steps.ts';
import { TmmMetrics } from '../src/tmm/metrics.ts';
import { askingTaint } from '../src/tmm/model/taints.ts';
import { CORDON_ANNOTATION, REPORT_ANNOTATION } from '../src/tmm/names.ts';
import { NodeMemory } from '../src/tmm/node-memory.ts';
import { makeReconcile, type TmmCluster } from '../src/tmm/reconcile.ts';
import { tmmSettingsSchema } from '../src/tmm/settings.ts';
import { setupWatches } from '../src/tmm/watches.ts';
import { emptyCaches, fillCaches } from './ugly-cluster.ts';

/** The cost of a change until no work is left. */
export interface Work {
  readonly passes: number;
  /** Requests, without Events. */
  readonly writes: number;
  readonly cpuMs: number;
}

export interface MassWork {
  /** For all taints together, until every Node has its phase. */
  readonly taints: Work;
  /** For a change of one Pod that has to leave the first Node. */
  readonly podEvent: Work;
  /** For a change of a budget whose namespace has Pods on every Node. */
  readonly budgetEvent: Work;
}

/** @param asked how many of the Nodes are tainted; at least one. */
export async function taintAtOnce(nodes: number, asked: number): Promise<MassWork> {
  const settings = tmmSettingsSchema.parse({});
  const [taint] = settings.taints;
  if (taint === undefined) throw new RangeError('Settings have at least one taint');
  const caches = emptyCaches();
  const queue = new Set<string>();
  const memory = new NodeMemory();
  const enqueueQueued = setupWatches(
    caches,
    settings,
    (name) => queue.add(name),
    (name) => memory.withdraw(name),
  );
  fillCaches(caches, { nodes, movers: 30, rules: 'apart' });
  let writes = 0;
  const cluster: TmmCluster = {
    readers: caches,
    isOurs: () => true,
    source: (node) => askingTaint(node, settings.taints),
    unseen: () => [],
    podsBoundTo: async () => [],
    slotChanged: enqueueQueued,
    apply: async (actions) => {
      const own = actions.filter(({ do: kind }) => kind !== 'recordEvent');
      writes += own.length;
      for (const action of own) carryOut(action, caches.nodes as Informer<Node>);
    },
    evictor: { want: () => {}, attempts: () => new Map(), forget: () => {} },
    probe: { want: () => {}, answers: () => new Map(), forget: () => {} },
    marker: { want: () => {} },
    memory,
    meter: new TmmMetrics(new MetricRegistry(ALL_METRICS)),
  };
  const reconcile = makeReconcile({ isRefusal: () => false, clock: Date, inSteps, settings });

  async function workOf(change: () => void): Promise<Work> {
    const cpu = process.cpuUsage();
    const writesBefore = writes;
    let passes = 0;
    change();
    while (queue.size > 0) {
      const [name = ''] = queue;
      queue.delete(name);
      passes += 1;
      await reconcile(cluster, name, { log: SILENT });
    }
    const { user, system } = process.cpuUsage(cpu);
    return { passes, writes: writes - writesBefore, cpuMs: (user + system) / 1000 };
  }

  await workOf(() => {});
  const taints = await workOf(() => {
    for (let node = 0; node < asked; node += 1) {
      changeIn(caches.nodes as Informer<Node>, `node-${node}`, (each) => ({ ...each, spec: { taints: [taint] } }));
    }
  });
  const podEvent = await workOf(() =>
    changeIn(caches.pods as Informer<Pod>, 'team-0/app-0-0', (pod) => ({ ...pod, status: { phase: 'Running' } })),
  );
  const budgetEvent = await workOf(() =>
    changeIn(caches.budgets as unknown as Informer<KubeObject>, 'team-0/app-0-0', (each) => each),
  );
  return { taints, podEvent, budgetEvent };
}

let version = 1;

/** Like a server: a new version of the object, which the cache receives at once. */
function changeIn<T extends KubeObject>(cache: Informer<T>, key: string, edit: (object: T) => T): void {
  const seen = cache.get(key);
  if (seen.is !== 'present') throw new Error(`There is no ${key}`);
  version += 1;
  const edited = edit(seen.object);
  cache.apply('MODIFIED', { ...edited, metadata: { ...edited.metadata, resourceVersion: String(version) } });
}

function carryOut(action: Action, nodes: Informer<Node>): void {
  if (action.do !== 'patchNodeStatus') throw new Error(`Nobody asks for ${action.do} here`);
  changeIn(nodes, action.target.name, (node) => {
    const known = { ...node.metadata.annotations };
    for (const key of [REPORT_ANNOTATION, CORDON_ANNOTATION]) {
      const value = key in action.annotations ? action.annotations[key] : annotationOf(node, key);
      if (value === undefined || value === null) delete known[key];
      else known[key] = value;
    }
    const conditions = new Map<string, Condition>();
    for (const each of [...(node.status.conditions ?? []), ...action.conditions]) conditions.set(each.type, each);
    const status = { ...node.status, conditions: [...conditions.values()] };
    return { ...node, metadata: { ...node.metadata, annotations: known }, status };
  });
}
