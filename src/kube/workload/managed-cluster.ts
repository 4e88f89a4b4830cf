/** Clusters in which objects of any kind are managed, each with a separate connection, watches and identity. */
import type { ConnectionStatus } from '../../core/clusters.ts';
import type { ClusterCondition, ManagedClusterAccess } from '../../core/managed-clusters.ts';
import type { AnyObject, ObjectAccess, ObjectAddress } from '../../core/object-access.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Resource } from '../../core/resources.ts';
import { fingerprintOf, KindWatches } from '../cache/kind-watches.ts';
import type { RestartReason } from '../cache/list-watch.ts';
import type { ApiClient, ApiRequest, StreamRequest } from '../http/api.ts';
import type { ClientOptions } from '../http/client.ts';
import { KubeError } from '../http/errors.ts';
import { type DiscoveringAccess, makeObjectAccess } from '../write/object-access.ts';
import { findKlusterlet, KLUSTERLET_AT_WORK, tracesOfKlusterlet } from './klusterlet.ts';
import type { SecretRead } from './kubeconfig-secret.ts';
import { type ManagedSession, openManagedSession } from './managed-session.ts';
import { SecretWatch, type SecretWatchOptions } from './secret-watch.ts';
import { SessionKeeper } from './session-keeper.ts';

/** In milliseconds. The result of a view of a cluster that is gone is withdrawn within 20 s: 2 + 2 × 4 here. */
export const MANAGED_TIMINGS = {
  probeIntervalMs: 2000,
  probeTimeoutMs: 4000,
  requestTimeoutMs: 5000,
  stallMs: 3000,
  checkIntervalMs: 30_000,
  backoff: { baseMs: 500, maxMs: 2000, jitter: 0.3 },
};

export interface ManagedClusterOptions {
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly dryRun: boolean;
  readonly random?: () => number;
  readonly timings?: typeof MANAGED_TIMINGS;
  /** The Secret of the kubeconfig, for a watch; without it, the kubeconfig is read at intervals. */
  readonly secret?: Pick<SecretWatchOptions, 'client' | 'namespace' | 'name'>;
  /** Reads the kubeconfig. */
  readonly read: (stop: AbortSignal) => Promise<SecretRead>;
  /** Why the cluster with that UID of kube-system is not the intended one; undefined if it is. */
  readonly admit: (id: string, client: ApiClient) => Promise<string | undefined>;
  /** Called when one of the objects that the owner is interested in has changed. */
  readonly onChange: (owner: string) => void;
  /** Called after `condition()` has changed, or another session serves. */
  readonly onCondition: () => void;
  readonly onRequest?: ClientOptions['onRequest'];
  readonly onWatchRestart?: (reason: RestartReason) => void;
  readonly mayWrite?: () => boolean;
}

/** Owner of the interest in traces of Open Cluster Management. */
const KLUSTERLET = 'klusterlet';

/** Connects while `run` runs. Requests and watches fail as `Unreachable` while there is no connection. */
export class ManagedCluster implements ManagedClusterAccess {
  readonly name: string;
  readonly objects: ObjectAccess;
  /** For watches of known kinds. */
  readonly client: ApiClient;
  readonly #keeper: SessionKeeper<ManagedSession>;
  readonly #discovery: DiscoveringAccess;
  readonly #watches: KindWatches;
  readonly #secret: SecretWatch | undefined;

  constructor(options: ManagedClusterOptions) {
    const {
      name,
      clock,
      onChange,
      onCondition,
      onWatchRestart,
      random = Math.random,
      timings = MANAGED_TIMINGS,
    } = options;
    const log = options.log.child({ cluster: name });
    this.name = name;
    this.client = {
      request: async <T>(request: ApiRequest) => this.#session().client.request<T>(request),
      lines: (request) => this.#lines(request),
    };
    this.#discovery = makeObjectAccess(this.client, { now: () => performance.now(), dryRun: options.dryRun });
    this.objects = this.#discovery;
    this.#watches = new KindWatches({
      client: this.client,
      clock,
      log,
      onChange: (owner) => {
        if (owner === KLUSTERLET) void this.#lookForKlusterlet();
        else onChange(owner);
      },
      ...(onWatchRestart !== undefined && { onRestart: onWatchRestart }),
    });
    const changed = (): void => {
      this.#discovery.forget();
      if (this.#keeper.session !== undefined) this.#watches.watch(KLUSTERLET, tracesOfKlusterlet(false));
      onCondition();
    };
    const { secret } = options;
    this.#secret = secret && new SecretWatch({ ...secret, clock, log, onChange: () => this.#keeper.recheck() });
    this.#keeper = new SessionKeeper<ManagedSession>({
      timings,
      clock,
      log,
      random,
      isToldOfChanges: () => this.#secret?.isOpen ?? false,
      read: options.read,
      open: (access, { onTrouble }, stop) =>
        openManagedSession(access, { ...options, timings, onTrouble, onAnswering: changed }, stop),
      onStateChange: changed,
      onReplaced: changed,
    });
  }

  async run(stop: AbortSignal): Promise<void> {
    await Promise.all([this.#keeper.run(stop), this.#secret?.run(stop)]);
    this.#watches.close();
  }

  get status(): ConnectionStatus {
    return this.#keeper.status;
  }

  /** The UID of kube-system; undefined while there is no connection. */
  get id(): string | undefined {
    return this.#keeper.session?.id;
  }

  condition(): ClusterCondition {
    const { state, detail } = this.#keeper.status;
    if (state === 'Connecting') return { is: 'connecting' };
    if (state === 'Connected') {
      const isAnswering = this.#keeper.session?.isAnswering ?? false;
      return isAnswering ? { is: 'connected' } : { is: 'lost', detail: 'the API server does not answer' };
    }
    return { is: 'lost', detail: detail === undefined ? state : `${state}: ${detail}` };
  }

  async confirm(): Promise<string | undefined> {
    const { session } = this.#keeper;
    const why = session === undefined ? 'there is no connection' : await session.confirm();
    // An answer through a session that no longer serves came from whichever cluster that session led to.
    return why ?? (session === this.#keeper.session ? undefined : 'the connection was replaced meanwhile');
  }

  watch(owner: string, objects: readonly ObjectAddress[]): void {
    this.#watches.watch(owner, objects);
  }

  unwatch(owner: string): void {
    this.#watches.unwatch(owner);
  }

  isWatching(resource: Resource<unknown>): boolean {
    return this.#watches.isWatching(resource);
  }

  seen(at: ObjectAddress): ReturnType<ManagedClusterAccess['seen']> {
    return this.#watches.seen(at);
  }

  fingerprintOf(object: AnyObject): string {
    return fingerprintOf(object);
  }

  /** A klusterlet that is installed while we serve is noticed by the definition of its kind, and then by its objects. */
  async #lookForKlusterlet(): Promise<void> {
    const { session } = this.#keeper;
    if (session === undefined) return;
    const found = await findKlusterlet(session.client);
    if (session !== this.#keeper.session) return;
    this.#watches.watch(KLUSTERLET, tracesOfKlusterlet(found !== 'noKind'));
    if (found === 'works') session.expel(KLUSTERLET_AT_WORK);
  }

  #session(): ManagedSession {
    const { session, status } = this.#keeper;
    if (session !== undefined) return session;
    const why = [status.state, status.detail].filter(Boolean).join(', ');
    const message = `no connection to cluster ${this.name}: ${why}`;
    throw new KubeError({ reason: 'Unreachable', code: 0, message });
  }

  async *#lines(request: StreamRequest): AsyncIterable<string> {
    yield* this.#session().client.lines(request);
  }
}
