/** A management cluster and its workload clusters in memory, which carry out decisions like API servers. */
import type { Action, PatchMeta, RecordEvent } from '../../src/core/action.ts';
import type { ClusterKey, ConnectionState, ConnectionStatus, WorkloadClusters } from '../../src/core/clusters.ts';
import { parseKnownNodes } from '../../src/core/known-nodes.ts';
import { KNOWN_NODES_ANNOTATION } from '../../src/core/machine-keys.ts';
import { CLUSTER, type Cluster, type Machine } from '../../src/core/machine-objects.ts';
import { keyOf } from '../../src/core/meta.ts';
import type { KubeObject, ObjectMeta } from '../../src/core/objects.ts';
import type { Apply, Known, Seen, Source } from '../../src/core/ports.ts';
import { KubeError } from '../../src/kube/http/errors.ts';

type Handler<T extends KubeObject> = Parameters<Source<T>['addHandler']>[0];

/** A cache that a test fills by hand. */
export class MemorySource<T extends KubeObject> implements Source<T> {
  readonly objects = new Map<string, T>();
  isSynced = true;
  readonly #indexes = new Map<string, (object: T) => readonly string[]>();
  #handlers: Handler<T>[] = [];

  put(object: T): void {
    const old = this.objects.get(keyOf(object));
    this.objects.set(keyOf(object), object);
    for (const handler of this.#handlers) {
      if (old === undefined) handler.onAdd?.(object);
      else handler.onUpdate?.(old, object);
    }
  }

  remove(key: string): void {
    const last = this.objects.get(key);
    this.objects.delete(key);
    if (last !== undefined) for (const handler of this.#handlers) handler.onDelete?.(last);
  }

  get(key: string): Seen<T> {
    if (!this.isSynced) return { is: 'unknown' };
    const object = this.objects.get(key);
    return object === undefined ? { is: 'absent' } : { is: 'present', object };
  }

  byIndex(name: string, value: string): Known<readonly T[]> {
    const of = this.#indexes.get(name);
    if (of === undefined) throw new Error(`There is no index '${name}'`);
    if (!this.isSynced) return { is: 'unknown' };
    return { is: 'known', value: [...this.objects.values()].filter((object) => of(object).includes(value)) };
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    this.#indexes.set(name, valuesOf);
  }

  addHandler(handler: Handler<T>): () => void {
    this.#handlers.push(handler);
    for (const object of this.objects.values()) handler.onAdd?.(object);
    return () => this.#handlers.splice(this.#handlers.indexOf(handler), 1);
  }

  /** Drops the handlers of a process that has ended. */
  dropHandlers(): void {
    this.#handlers = [];
  }
}

/** Workload clusters that are connected as soon as they are needed, unless a test changes this. */
export class MemoryClusters implements WorkloadClusters {
  wanted: ReadonlySet<ClusterKey> = new Set();
  /** Nodes by cluster and name: the content of the API servers. */
  readonly stored = new Map<string, KubeObject>();
  /** Nodes that the caches still show although they have changed. */
  readonly stale = new Map<string, Seen<KubeObject>>();
  readonly states = new Map<ClusterKey, ConnectionState>();
  readonly asked: string[] = [];
  /** Clusters whose API server refuses every write, with its answer. */
  readonly refusals = new Map<ClusterKey, KubeError>();
  /** Requests that were carried out. */
  readonly patches: PatchMeta[] = [];
  /** Nodes by cluster and name that have been given a taint, and not lost it. */
  readonly tainted = new Set<string>();

  want(clusters: ReadonlySet<ClusterKey>): void {
    this.wanted = clusters;
  }

  put(cluster: ClusterKey, node: KubeObject): void {
    this.stored.set(`${cluster}/${node.metadata.name}`, node);
  }

  labels(cluster: ClusterKey, name: string): Readonly<Record<string, string>> {
    return this.stored.get(`${cluster}/${name}`)?.metadata.labels ?? {};
  }

  node(cluster: ClusterKey, name: string): Seen<KubeObject> {
    if (this.status(cluster)?.state !== 'Connected') return { is: 'unknown' };
    return this.stale.get(`${cluster}/${name}`) ?? this.#live(cluster, name);
  }

  nodes(cluster: ClusterKey): readonly KubeObject[] {
    if (this.status(cluster)?.state !== 'Connected') return [];
    return [...this.stored].filter(([key]) => key.startsWith(`${cluster}/`)).map(([, node]) => node);
  }

  async confirmNode(cluster: ClusterKey, name: string): Promise<Seen<KubeObject>> {
    this.asked.push(`${cluster}/${name}`);
    return this.status(cluster)?.state === 'Connected' ? this.#live(cluster, name) : { is: 'unknown' };
  }

  async apply(cluster: ClusterKey, actions: readonly Action[]): Promise<void> {
    if (this.status(cluster)?.state !== 'Connected') {
      throw new KubeError({ reason: 'Unreachable', code: 0, message: `${cluster} is not connected` });
    }
    const refusal = this.refusals.get(cluster);
    if (refusal !== undefined) throw refusal;
    for (const action of actions) {
      if (action.do !== 'patchMeta' && action.do !== 'setTaint') {
        throw new Error(`Nobody does ${action.do} to a workload cluster`);
      }
      const key = `${cluster}/${action.target.name}`;
      if (action.do === 'setTaint') {
        const { labels, annotations, target } = action;
        this.stored.set(
          key,
          patched(this.stored.get(key), {
            do: 'patchMeta',
            target,
            ...(labels && { labels }),
            ...(annotations && { annotations }),
          }),
        );
        if (action.isSet) this.tainted.add(key);
        else this.tainted.delete(key);
        continue;
      }
      const node = this.stored.get(key);
      this.stored.set(key, patched(node, action));
      this.patches.push(action);
    }
  }

  status(cluster: ClusterKey): ConnectionStatus | undefined {
    return this.wanted.has(cluster) ? { state: this.states.get(cluster) ?? 'Connected', sinceMs: 0 } : undefined;
  }

  #live(cluster: ClusterKey, name: string): Seen<KubeObject> {
    const object = this.stored.get(`${cluster}/${name}`);
    return object === undefined ? { is: 'absent' } : { is: 'present', object };
  }
}

/** What is in the management cluster, and its caches, which are always up to date. */
export class MemoryManagement {
  readonly machines = new MemorySource<Machine>();
  readonly clusters = new MemorySource<Cluster>();
  readonly patches: PatchMeta[] = [];
  readonly events: string[] = [];
  readonly notes: string[] = [];
  /** `namespace/name` and reason of each Event. */
  readonly told: string[] = [];
  /** The API server's answer to every patch of a Cluster. */
  clusterRefusal: KubeError | undefined;
  readonly #once = new Set<string>();
  /** The next patch is carried out, but its answer is lost. */
  losesAnswer = false;

  readonly apply: Apply = async (actions) => {
    for (const action of actions) {
      if (action.do === 'recordEvent') this.#record(action);
      else if (action.do === 'patchMeta') {
        const key = `${action.target.namespace}/${action.target.name}`;
        if (action.target.resource === CLUSTER) {
          this.#patchCluster(key, action);
          continue;
        }
        this.patches.push(action);
        this.machines.put(patched(this.machines.objects.get(key), action));
        if (this.losesAnswer) {
          this.losesAnswer = false;
          throw new KubeError({ reason: 'Unreachable', code: 0, message: 'reset' });
        }
      } else throw new Error(`Nobody does ${action.do} to a Machine`);
    }
  };

  #patchCluster(key: string, action: PatchMeta): void {
    if (this.clusterRefusal !== undefined) throw this.clusterRefusal;
    const { knownNodes: _, ...object } = patched(this.clusters.objects.get(key), action);
    const known = object.metadata.annotations?.[KNOWN_NODES_ANNOTATION];
    this.clusters.put({ ...object, ...(known !== undefined && { knownNodes: parseKnownNodes(known) }) });
  }

  readonly tellOnce = async (event: RecordEvent): Promise<boolean> => this.#record(event);

  /** @returns whether it did not exist yet. */
  #record({ regarding: { namespace, name }, type, reason, note, onceAs }: RecordEvent): boolean {
    if (onceAs !== undefined && this.#once.has(onceAs)) return false;
    if (onceAs !== undefined) this.#once.add(onceAs);
    this.events.push(reason);
    this.told.push(`${namespace}/${name} ${reason}`);
    this.notes.push(`${type} ${reason}: ${note}`);
    return true;
  }

  /** Changes a Machine as another client. */
  edit(key: string, change: (machine: Machine) => Machine): void {
    const machine = this.machines.objects.get(key);
    if (machine !== undefined) this.machines.put(change({ ...machine, metadata: bumped(machine.metadata) }));
  }
}

/** @throws KubeError for patches that a server would refuse. */
export function patched<T extends KubeObject>(object: T | undefined, action: PatchMeta): T {
  if (object === undefined) throw new KubeError({ reason: 'NotFound', code: 404, message: 'not found' });
  const { metadata } = object;
  const isStale = action.resourceVersion !== undefined && action.resourceVersion !== metadata.resourceVersion;
  if (isStale || action.target.uid !== metadata.uid) {
    throw new KubeError({ reason: 'Conflict', code: 409, message: 'changed' });
  }
  const { labels, annotations } = metadata;
  return {
    ...object,
    metadata: {
      ...bumped(metadata),
      labels: merged(labels, action.labels),
      annotations: merged(annotations, action.annotations),
    },
  };
}

export function bumped(metadata: ObjectMeta): ObjectMeta {
  return { ...metadata, resourceVersion: String(Number(metadata.resourceVersion) + 1) };
}

/** Merges like a merge patch: null removes. */
export function merged(
  map: Readonly<Record<string, string>> = {},
  changes: Readonly<Record<string, string | null>> = {},
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries({ ...map, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
