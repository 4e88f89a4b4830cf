/**
 * Life cycles of protected applications, replayed from recordings of an unmodified Ramen hub: works and views are created and deleted as
 * by Ramen, the operators of the clusters are simulated from the recorded views, and each step of Ramen waits until our bridge
 * reports the same condition as in the recording.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { FaultProxy } from '../../harness/fault-proxy.ts';
import { RamenHub } from '../../harness/ramen.ts';
import { installCluster, installHub } from '../../harness/ramen-kinds.ts';
import { type Answered, saysAbsent, viewsPath, worksPath } from '../../harness/ramen-objects.ts';
import { find, type Rest } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const RECORDED = resolve(import.meta.dirname, '../recorded');
const DEADLINE_MS = 60_000;

interface Entry {
  readonly t: number;
  readonly stage: string;
  readonly event: 'added' | 'modified' | 'deleted';
  readonly kind: 'ManifestWork' | 'ManagedClusterView';
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly spec?: object;
  readonly metadata?: {
    readonly labels?: object;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
    readonly result?: Recorded;
  };
}

interface Recorded {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: object;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: object;
  readonly status?: object;
  readonly [field: string]: unknown;
}

interface Named {
  readonly metadata: { readonly name: string };
}

interface WorkSpec {
  readonly workload: { readonly manifests: readonly Recorded[] };
}

function entriesOf(folder: string): readonly Entry[] {
  return ['works', 'views']
    .flatMap((file) => readFileSync(join(RECORDED, folder, `${file}.jsonl`), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
    .sort((a, b) => a.t - b.t);
}

const PLURALS: Readonly<Record<string, string>> = {
  VolumeReplicationGroup: 'volumereplicationgroups',
  DRClusterConfig: 'drclusterconfigs',
  MaintenanceMode: 'maintenancemodes',
  StorageClass: 'storageclasses',
  VolumeReplicationClass: 'volumereplicationclasses',
  VolumeSnapshotClass: 'volumesnapshotclasses',
  Namespace: 'namespaces',
};
/** Objects that an administrator created before, and that are in no work. */
const CLASSES = ['StorageClass', 'VolumeReplicationClass', 'VolumeSnapshotClass'];

function collectionOf({ apiVersion, kind, metadata }: Recorded): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${PLURALS[kind]}`;
}

/** Replays one recording to its end. */
class Player {
  readonly #ramen: RamenHub;
  readonly #api: Rest;
  readonly #proxies: Readonly<Record<string, FaultProxy>>;
  /** The last content of each work. */
  readonly #manifests = new Map<string, readonly Recorded[]>();
  /** Paths of works that the recorded bridge has not applied yet. */
  readonly #pending = new Set<string>();

  /** @param proxies through which the bridge reaches clusters that go down in a recording. */
  constructor(ramen: RamenHub, proxies: Readonly<Record<string, FaultProxy>>) {
    this.#ramen = ramen;
    this.#api = ramen.hub.api;
    this.#proxies = proxies;
  }

  async play(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      this.#turn(entry);
      const what = `${entry.stage} at ${entry.t}: ${entry.event} ${entry.kind} ${entry.namespace}/${entry.name}`;
      try {
        await (entry.kind === 'ManifestWork' ? this.#work(entry) : this.#view(entry));
      } catch (error) {
        throw new Error(`${what}: ${String(error)}`, { cause: error });
      }
    }
  }

  /** Whether the cluster is available: as recorded by the temporary bridge, or as the next steps need it. */
  #turn({ kind, event, namespace, status }: Entry): void {
    const proxy = this.#proxies[namespace];
    const [condition] = status?.conditions ?? [];
    if (proxy === undefined) return;
    if (kind === 'ManagedClusterView' && isDown(condition)) {
      if (proxy.mode === 'ok') proxy.cut();
      proxy.mode = 'down';
    } else if (condition?.status === 'True' || (kind === 'ManifestWork' && event === 'deleted')) {
      proxy.mode = 'ok';
    }
  }

  async #work({ event, namespace, name, spec, metadata, status, generation }: Entry): Promise<void> {
    const path = `${worksPath(namespace)}/${name}`;
    if (event === 'deleted') {
      for (const manifest of this.#manifests.get(path) ?? []) {
        if (manifest.apiVersion.startsWith('ramendr.')) await this.#operatorLetsGo(namespace, manifest);
      }
      return this.#gone(path);
    }
    if (spec !== undefined) {
      this.#manifests.set(path, (spec as WorkSpec).workload.manifests);
      this.#pending.add(path);
    }
    const applied = status?.conditions?.find(({ type }) => type === 'Applied');
    if (applied?.status === 'True' || metadata?.deletionTimestamp !== undefined) this.#pending.delete(path);
    if (event === 'added') {
      const { labels, annotations } = metadata ?? {};
      await this.#api.create(worksPath(namespace), {
        apiVersion: 'work.open-cluster-management.io/v1',
        kind: 'ManifestWork',
        metadata: { name, labels, annotations: foreign(annotations) },
        spec,
      });
      return;
    }
    if (spec !== undefined) await this.#replaceSpec(path, spec);
    if (metadata?.deletionTimestamp !== undefined) await this.#api.delete(path);
    // The condition that Ramen waited for; until then `Applied` is False with our bridge too.
    if (applied?.status !== 'True' || metadata?.deletionTimestamp !== undefined) return;
    await eventually(
      async () => {
        const work = await this.#ramen.work(namespace, name);
        const isApplied = work.status?.conditions?.some(
          (each) => each.type === 'Applied' && each.status === 'True' && each.observedGeneration === generation,
        );
        return isApplied === true ? true : undefined;
      },
      { what: `generation ${generation} to be applied`, deadlineMs: DEADLINE_MS },
    ).catch(async (error: unknown) => {
      const { status } = await this.#ramen.work(namespace, name);
      throw new Error(`${String(error)}: ${JSON.stringify(status?.conditions)}`);
    });
  }

  async #view({ stage, event, namespace, name, spec, metadata, status }: Entry): Promise<void> {
    const path = `${viewsPath(namespace)}/${name}`;
    if (event === 'deleted') {
      if ((await find(this.#api, path)) !== undefined) await this.#api.delete(path);
      return this.#gone(path);
    }
    if (event === 'added') {
      const { labels, annotations } = metadata ?? {};
      const view = { apiVersion: 'view.open-cluster-management.io/v1beta1', kind: 'ManagedClusterView' };
      await this.#api.create(viewsPath(namespace), { ...view, metadata: { name, labels, annotations }, spec });
      return;
    }
    const [condition] = status?.conditions ?? [];
    if (condition === undefined) return;
    if (isDown(condition)) {
      const isHonest = ({ status: said, message = '', result }: Answered): boolean =>
        said === 'False' && !saysAbsent(message) && result === undefined;
      await this.#ramen.says(namespace, name, isHonest, 'that the cluster cannot be asked', DEADLINE_MS);
      return;
    }
    // Shown by the recorded bridge before it applied a pending work: two primaries, for half a second.
    if (stage === 'primary-back' && this.#isOverdue(namespace, status?.result)) return;
    if (status?.result !== undefined && condition.status === 'True') {
      await this.#operate(namespace, status.result);
      const wanted = status.result;
      await this.#ramen.says(
        namespace,
        name,
        ({ status, result }) =>
          status === 'True' &&
          includes(result?.spec ?? {}, wanted.spec ?? {}) &&
          includes(result?.status ?? {}, wanted.status ?? {}),
        'what the operator on the cluster has done',
        DEADLINE_MS,
      );
      return;
    }
    if (!condition.message.endsWith('not found')) return;
    const shown = await this.#objectOf(namespace, name);
    // The recorded bridge showed this for a moment before it applied the work; ours may or may not.
    if (this.#isDue(namespace, shown)) {
      const isShown = ({ status: said, message = '', result }: Answered): boolean =>
        said === 'True' ? result !== undefined : saysAbsent(message);
      await this.#ramen.says(namespace, name, isShown, 'not found, or what its work has brought', DEADLINE_MS);
      return;
    }
    await this.#operatorLetsGo(namespace, shown);
    await this.#ramen.notFound(namespace, name, DEADLINE_MS);
  }

  /** Whether a work that is not applied yet contains the object. */
  #isDue(cluster: string, { kind, metadata }: Recorded): boolean {
    return [...this.#manifests].some(
      ([path, manifests]) =>
        path.startsWith(`${worksPath(cluster)}/`) &&
        this.#pending.has(path) &&
        manifests.some((each) => each.kind === kind && each.metadata.name === metadata.name),
    );
  }

  /** Whether a work has requested another role in the meantime. */
  #isOverdue(cluster: string, shown: Recorded | undefined): boolean {
    const roleOf = (object: Recorded | undefined): unknown =>
      (object?.spec as { replicationState?: string } | undefined)?.replicationState;
    return [...this.#manifests].some(
      ([path, manifests]) =>
        path.startsWith(`${worksPath(cluster)}/`) &&
        manifests.some(
          (each) =>
            each.kind === shown?.kind && each.metadata.name === shown.metadata.name && roleOf(each) !== roleOf(shown),
        ),
    );
  }

  /** Simulates the operators of the cluster, which write status; an administrator has created the classes. */
  async #operate(cluster: string, recorded: Recorded): Promise<void> {
    const { api } = this.#cluster(cluster);
    const collection = collectionOf(recorded);
    const { name } = recorded.metadata;
    const path = `${collection}/${name}`;
    if (CLASSES.includes(recorded.kind)) {
      if ((await find(api, path)) !== undefined) return;
      const { status: _status, metadata, ...rest } = recorded;
      await api.create(collection, { ...rest, metadata: { name: metadata.name, labels: metadata.labels } });
      return;
    }
    // Objects of a work exist as soon as it is applied.
    await eventually(() => find(api, path), { what: `${path} on ${cluster}`, deadlineMs: DEADLINE_MS });
    if (recorded.kind === 'Namespace' || recorded.status === undefined) return;
    // Its finalizer belongs to the operator, and is removed when the view says that the object is gone.
    const finalizers = ['recorded.example.org/operator'];
    if (recorded.metadata.deletionTimestamp === undefined) await api.patch(path, { metadata: { finalizers } }, 'merge');
    await api.patch(`${path}/status`, { status: null }, 'merge');
    await api.patch(`${path}/status`, { status: recorded.status }, 'merge');
  }

  /** The object of a view. */
  async #objectOf(cluster: string, view: string): Promise<Recorded> {
    const { spec } = await this.#api.get<{
      spec: { scope: { apiGroup?: string; version: string; kind: string; name: string; namespace?: string } };
    }>(`${viewsPath(cluster)}/${view}`);
    const { apiGroup, version, kind, name, namespace } = spec.scope;
    const apiVersion = apiGroup === undefined ? version : `${apiGroup}/${version}`;
    return { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } };
  }

  /** The operator of the cluster has finished its work before the object is removed. */
  async #operatorLetsGo(cluster: string, object: Recorded): Promise<void> {
    const path = `${collectionOf(object)}/${object.metadata.name}`;
    const { api } = this.#cluster(cluster);
    const isNoneOrLeaving = await eventually(
      async () => {
        const found = await find<{ metadata: { deletionTimestamp?: string } }>(api, path);
        if (found === undefined) return 'none' as const;
        return found.metadata.deletionTimestamp === undefined ? undefined : ('leaving' as const);
      },
      { what: `${path} to be deleted`, deadlineMs: DEADLINE_MS },
    );
    if (isNoneOrLeaving === 'leaving')
      await api.patch(path, { metadata: { finalizers: null } }, 'merge').catch(() => undefined);
  }

  /** Deletes all works and views of a cluster, and simulates the reaction of its operators. */
  async removeAll(cluster: string): Promise<void> {
    for (const path of [viewsPath(cluster), worksPath(cluster)]) {
      for (const { metadata } of await this.#api.list<Named>(path)) {
        await this.#api.delete(`${path}/${metadata.name}`);
        for (const manifest of this.#manifests.get(`${path}/${metadata.name}`) ?? []) {
          if (manifest.apiVersion.startsWith('ramendr.')) await this.#operatorLetsGo(cluster, manifest);
        }
        await this.#gone(`${path}/${metadata.name}`);
      }
    }
  }

  async #replaceSpec(path: string, spec: object): Promise<void> {
    await this.#api.patch(path, [{ op: 'replace', path: '/spec', value: spec }], 'json');
  }

  async #gone(path: string): Promise<void> {
    await eventually(async () => ((await find(this.#api, path)) === undefined ? true : undefined), {
      what: `${path} to go`,
      deadlineMs: DEADLINE_MS,
    });
  }

  #cluster(name: string): ControlPlane {
    const cluster = this.#ramen.clusters[name];
    if (cluster === undefined) throw new Error(`There is no cluster ${name}`);
    return cluster;
  }
}

/** Whether a view says that its cluster is unavailable. */
function isDown(condition: { readonly reason: string; readonly message: string } | undefined): boolean {
  return condition?.reason === 'GetResourceFailed' && !saysAbsent(condition.message);
}

/** The recorded bridge uses other annotations than this one. */
function foreign(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.startsWith('maintenance-bridge.io/')));
}

/** Whether all expected fields are present; fields that a server adds do not matter. */
function includes(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  if (Array.isArray(wanted))
    return (
      Array.isArray(found) && wanted.length === found.length && wanted.every((each, at) => includes(found[at], each))
    );
  const fields = found as Readonly<Record<string, unknown>>;
  return (
    typeof found === 'object' &&
    found !== null &&
    Object.entries(wanted).every(([key, each]) => includes(fields[key], each))
  );
}

describeOnControlPlane('recorded lives', {}, (get) => {
  let clusters: Readonly<Record<string, ControlPlane>>;
  let ramen: RamenHub;
  let proxies: Readonly<Record<string, FaultProxy>>;

  beforeAll(async () => {
    const [east, west] = await Promise.all([startControlPlane(), startControlPlane()]);
    clusters = { east, west };
    await Promise.all([installHub(get()), installCluster(east), installCluster(west)]);
    for (const { api } of [east, west]) {
      for (const name of ['ramen-ops', 'ramen-system']) await api.create('/api/v1/namespaces', { metadata: { name } });
    }
    ramen = new RamenHub(get(), clusters);
    const proxy = await FaultProxy.start(east);
    proxies = { east: proxy };
    await ramen.register({ east: proxy.kubeconfig() });
    ramen.start();
    for (const name of Object.keys(clusters)) {
      await eventually(() => find(get().api, `/apis/cluster.open-cluster-management.io/v1/managedclusters/${name}`), {
        what: `the bridge to serve ${name}`,
        deadlineMs: 60_000,
      });
    }
  });
  afterAll(async () => {
    await ramen?.bridge?.end();
    await Promise.all(Object.values(proxies ?? {}).map((proxy) => proxy.close()));
    await Promise.all(Object.values(clusters ?? {}).map((cluster) => cluster.stop()));
  });

  /** No new object is left on the hub or on the clusters. */
  const isClean = async (): Promise<void> => {
    for (const [name, { api }] of Object.entries(clusters)) {
      expect(await get().api.list(worksPath(name))).toEqual([]);
      expect(await get().api.list(viewsPath(name))).toEqual([]);
      for (const plural of ['volumereplicationgroups', 'drclusterconfigs', 'maintenancemodes']) {
        expect(await api.list(`/apis/ramendr.openshift.io/v1alpha1/${plural}`), `${plural} on ${name}`).toEqual([]);
      }
      const roles = await api.list<{ metadata: { name: string } }>('/apis/rbac.authorization.k8s.io/v1/clusterroles');
      expect(roles.filter(({ metadata }) => metadata.name.startsWith('open-cluster-management:'))).toEqual([]);
      for (const kept of ['ramen-ops', 'ramen-system']) {
        expect(await find(api, `/api/v1/namespaces/${kept}`), `${kept} on ${name}`).toMatchObject({
          status: { phase: 'Active' },
        });
      }
    }
  };

  it.each(['life', 'discovered', 'primary-dead', 'volsync-psk', 'volsync-no-psk', 'deployment-automation'])(
    'plays %s to its end, and leaves nothing behind',
    async (folder) => {
      await new Player(ramen, proxies).play(entriesOf(folder));
      await isClean();
    },
    240_000,
  );

  it('plays delete-while-down to its end, says what an honest view has left behind, and takes it away as it says', async () => {
    const player = new Player(ramen, proxies);
    await player.play(entriesOf('delete-while-down'));
    const left = (await get().api.list<Named>(worksPath('east'))).map(({ metadata }) => metadata.name);
    expect(left).toContain('x-shop-vrg-mw');
    const told = await eventually(
      async () => {
        const events = await get().api.list<{ reason: string; note: string; regarding: { name: string } }>(
          '/apis/events.k8s.io/v1/namespaces/east/events',
        );
        return events.find(
          ({ reason, regarding }) => reason === 'ApplicationGone' && regarding.name === 'x-shop-vrg-mw',
        );
      },
      { what: 'the Event ApplicationGone', deadlineMs: DEADLINE_MS },
    );
    expect(told.note).toContain('kubectl delete manifestwork -n east x-shop-vrg-mw');
    // The recording ends here; an administrator continues, and policy and clusters are deleted as usual.
    for (const name of Object.keys(clusters)) await player.removeAll(name);
    await isClean();
  });
});
