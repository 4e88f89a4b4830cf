/**
 * A hub and its cluster in one process, on one sandbox without a network, and the reconciler of works between them. Every event is a move
 * of the test: an edit on either side, an update of a cache, a pass, the death of the process in the middle of one.
 */
import { answerDirectly, makeServer, type ServerCore } from '../../sandbox/start.ts';
import type { ManagedClusterAccess } from '../../src/core/managed-clusters.ts';
import { keyOf } from '../../src/core/meta.ts';
import type { AnyObject, ObjectAddress } from '../../src/core/object-access.ts';
import { Informer } from '../../src/kube/cache/informer.ts';
import { fingerprintOf } from '../../src/kube/cache/kind-watches.ts';
import type { ApiClient } from '../../src/kube/http/api.ts';
import { KubeError } from '../../src/kube/http/errors.ts';
import { metaOf } from '../../src/kube/objects/trim-meta.ts';
import { makeObjectAccess } from '../../src/kube/write/object-access.ts';
import { Settling } from '../../src/ramen/clusters.ts';
import { BridgeMeter } from '../../src/ramen/metrics.ts';
import type { ManifestWork } from '../../src/ramen/objects.ts';
import { trimWork } from '../../src/ramen/trim.ts';
import { setupBridgeWatches, WORKS_BY_CLAIM } from '../../src/ramen/watches.ts';
import { WorkMemory } from '../../src/ramen/work-memory.ts';
import { reconcileWorks } from '../../src/ramen/work-reconcile.ts';
import { directClient } from './direct-client.ts';
import { recordingLog } from './recording-log.ts';

export const CLUSTER = 'east';
export const MAPS = 'configmaps';
export const WORKS = 'manifestworks.work.open-cluster-management.io';
const WORKS_PATH = `/apis/work.open-cluster-management.io/v1/namespaces/${CLUSTER}/manifestworks`;

/** The process was killed: none of its further work is done. */
export class Killed extends Error {}

/** A request of the bridge that the server has carried out. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** Of the answer. */
  readonly code: number;
}

export interface WorldHooks {
  /** Before each request of the bridge. */
  readonly before?: () => Promise<void>;
  /** Called after each request that was carried out, before the bridge gets the answer. @throws Killed */
  readonly after?: (sent: Sent) => void;
}

export class RamenWorld {
  readonly server: ServerCore;
  readonly #hooks: WorldHooks;
  #process: Process;

  constructor(hooks: WorldHooks = {}) {
    this.#hooks = hooks;
    const clock = { now: () => 1_000_000_000_000, setTimeout: () => () => undefined };
    this.server = makeServer(clock);
    const { api } = this.server;
    api.create('namespaces', { metadata: { name: CLUSTER } });
    api.create('customresourcedefinitions.apiextensions.k8s.io', DEFINITION);
    this.#process = new Process(this.server, hooks);
  }

  /** Keys of works for which a pass is due, in order. */
  get due(): readonly string[] {
    return [...this.#process.due].sort();
  }

  /** Updates the cache of works to the current state of the hub. */
  hear(): void {
    this.#process.hear();
  }

  /** Lets the watches of the cluster report everything. */
  look(): void {
    this.#process.look();
  }

  isReachable(isReachable: boolean): void {
    this.#process.isReachable = isReachable;
  }

  /** @throws Killed */
  pass(key: string): Promise<void> {
    return this.#process.pass(key);
  }

  /** The process is killed, and the next one starts. */
  restart(): void {
    this.#process.isDead = true;
    const { isReachable } = this.#process;
    this.#process = new Process(this.server, this.#hooks);
    this.#process.isReachable = isReachable;
    this.#process.hear();
  }

  stop(): void {
    this.server.stop();
  }
}

class Process {
  readonly #server: ServerCore;
  readonly #works: Informer<ManifestWork>;
  readonly #reconcile: ReturnType<typeof reconcileWorks>;
  readonly #log = recordingLog();
  #seen = new Map<string, { readonly fingerprint: string; readonly resourceVersion: string }>();
  readonly due = new Set<string>();
  isDead = false;
  isReachable = true;

  constructor(server: ServerCore, hooks: WorldHooks) {
    this.#server = server;
    const access = (isOfCluster: boolean) => makeObjectAccess(this.#client(hooks, isOfCluster), OPTIONS);
    const cluster = this.#cluster(access(true));
    this.#works = new Informer<ManifestWork>({ log: this.#log, freeze: true });
    const nothing = new Informer<never>({ log: this.#log });
    setupBridgeWatches(
      { works: this.#works, views: nothing, applications: nothing },
      { enqueueWork: (key) => this.due.add(key), enqueueView: () => undefined, isOwnWrite: () => false },
    );
    this.#reconcile = reconcileWorks({
      cluster: (name) => (name === CLUSTER ? cluster : undefined),
      hubId: () => 'hub',
      hub: access(false),
      works: this.#works,
      applications: nothing,
      claimants: (claim) => this.#works.byIndex(WORKS_BY_CLAIM, claim),
      enqueue: (key) => this.due.add(key),
      servedBy: () => Promise.resolve('us'),
      record: () => undefined,
      memory: new WorkMemory(),
      settling: new Settling(() => undefined),
      meter: new BridgeMeter({ set: () => undefined, increment: () => undefined, observe: () => undefined }),
      clock: { now: () => 1_000_000_000_000 },
    });
  }

  hear(): void {
    const works = this.#server.api.list(WORKS, CLUSTER).map((raw) => trimWork(raw, metaOf));
    this.#works.replace(works.filter((work) => work !== undefined));
  }

  look(): void {
    const all = this.#server.api.list(MAPS, 'default');
    this.#seen = new Map(
      all.map((map) => {
        const { resourceVersion } = map.metadata;
        return [keyOf(map), { fingerprint: fingerprintOf(map as unknown as AnyObject), resourceVersion }];
      }),
    );
    const works = this.#works.list();
    for (const work of works.is === 'known' ? works.value : []) this.due.add(keyOf(work));
  }

  async pass(key: string): Promise<void> {
    this.due.delete(key);
    const { requeueAfterMs } = await this.#reconcile(key, { log: this.#log });
    if (this.isDead) throw new Killed();
    if (requeueAfterMs !== undefined) this.due.add(key);
  }

  #client(hooks: WorldHooks, isOfCluster: boolean): ApiClient {
    const direct = directClient(this.#server, {
      after: ({ method, path, body }, code) => hooks.after?.({ method, path, body, code }),
    });
    return {
      ...direct,
      request: async (request) => {
        if (this.isDead) throw new Killed();
        await hooks.before?.();
        if (this.isDead) throw new Killed();
        if (isOfCluster && !this.isReachable)
          throw new KubeError({ reason: 'Unreachable', code: 0, message: 'no route' });
        return direct.request(request);
      },
    };
  }

  #cluster(objects: ManagedClusterAccess['objects']): ManagedClusterAccess {
    return {
      name: CLUSTER,
      objects,
      condition: () => (this.isReachable ? { is: 'connected' } : { is: 'lost', detail: 'no route' }),
      confirm: () => Promise.resolve(this.isReachable ? undefined : 'no route'),
      watch: () => undefined,
      unwatch: () => undefined,
      isWatching: () => true,
      seen: ({ namespace, name }: ObjectAddress) => this.#seen.get(`${namespace}/${name}`) ?? 'absent',
      fingerprintOf,
    };
  }
}

const OPTIONS = { now: () => 0, dryRun: false };

const DEFINITION = {
  metadata: { name: WORKS },
  spec: {
    group: 'work.open-cluster-management.io',
    scope: 'Namespaced',
    names: { kind: 'ManifestWork', plural: 'manifestworks', singular: 'manifestwork', listKind: 'ManifestWorkList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/** Whether a request of the bridge changes a work. */
export const isOnHub = ({ path }: Pick<Sent, 'path'>): boolean => path.startsWith(WORKS_PATH);

/** Sends a request like people on the hub or the cluster, with their own field manager. */
export function sendAs(server: ServerCore, manager: string, method: string, path: string, body?: object): number {
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const text = body === undefined ? '' : JSON.stringify(body);
  return answerDirectly(server, { method, path: `${path}?fieldManager=${manager}`, contentType, body: text }).code;
}
