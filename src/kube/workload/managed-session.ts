/** One set of credentials of a cluster in which objects of any kind are managed: its requests, and its identity. */
import type { Credentials } from '../auth/credentials.ts';
import type { ClusterAccess } from '../auth/kubeconfig.ts';
import type { ApiClient, ApiRequest, StreamRequest } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { GuardedClient } from '../http/guarded-client.ts';
import { fields, text } from '../http/json.ts';
import type { Opened, Probed, SessionTimings } from './session.ts';
import { openClient, type SessionClient, type SessionClientOptions } from './session-client.ts';
import { detailOf, REFUSES_CREDENTIALS } from './session-faults.ts';

const MAX_SOCKETS = 32;
/** Its UID is commonly used as the identity of a cluster (the claim `id.k8s.io`). */
const IDENTITY_PATH = '/api/v1/namespaces/kube-system';

export interface ManagedSessionOptions extends SessionClientOptions {
  readonly timings: Pick<SessionTimings, 'probeTimeoutMs' | 'requestTimeoutMs' | 'stallMs'>;
  readonly onTrouble: (session: ManagedSession) => void;
  /** Called when the server answers again, or no longer does. */
  readonly onAnswering: (session: ManagedSession) => void;
  /** Why this cluster is not the intended one; undefined if it is. */
  readonly admit: (id: string, client: ApiClient) => Promise<string | undefined>;
}

type Identity =
  | { readonly is: 'known'; readonly id: string }
  | { readonly is: 'unauthorized' }
  | { readonly is: 'unknown'; readonly detail: string };

export async function openManagedSession(
  access: ClusterAccess,
  options: ManagedSessionOptions,
  stop: AbortSignal,
): Promise<Opened<ManagedSession>> {
  const opened = await openClient(access, options, MAX_SOCKETS);
  if (opened.is === 'failed') return opened;
  const session = new ManagedSession(opened, options);
  const failed = (state: 'Refused' | 'Unauthorized' | 'Unreachable', detail: string): Opened<ManagedSession> => {
    session.close();
    return { is: 'failed', fault: { state, detail } };
  };
  const identity = await session.identify(stop);
  if (identity.is === 'unauthorized') return failed('Unauthorized', REFUSES_CREDENTIALS);
  if (identity.is === 'unknown') return failed('Unreachable', identity.detail);
  const why = await options.admit(identity.id, session.client);
  if (why !== undefined) return failed('Refused', why);
  session.id = identity.id;
  return { is: 'opened', session };
}

export class ManagedSession {
  readonly #credentials: Credentials;
  readonly #options: ManagedSessionOptions;
  readonly #closing = new AbortController();
  readonly #guarded: GuardedClient;
  readonly client: ApiClient;
  /** The UID of kube-system, once it is accepted. */
  id = '';
  #isAnswering = true;
  /** Why the cluster must not be served any more, whatever it answers. */
  #outcast: string | undefined;
  #checking: Promise<string | undefined> | undefined;
  #nextCheck: Promise<string | undefined> | undefined;

  constructor({ credentials, client }: SessionClient, options: ManagedSessionOptions) {
    const { clock, timings } = options;
    this.#credentials = credentials;
    this.#options = options;
    this.#guarded = new GuardedClient(client, { clock, timings, onTrouble: () => options.onTrouble(this) });
    this.client = {
      request: (request) => this.#guarded.request(request),
      lines: (request) => this.#lines(request),
    };
  }

  /** Whether the last check got an answer. */
  get isAnswering(): boolean {
    return this.#isAnswering;
  }

  /** Ends streams at once; requests in flight finish. */
  close(): void {
    this.#closing.abort();
    this.#credentials.retire();
  }

  async probe(stop: AbortSignal): Promise<Probed> {
    // One missed answer may be chance, and the change of state would notify every reader of the status that we write.
    const probed = await this.#look(stop).then((first) =>
      first.is === 'missed' && !stop.aborted ? this.#look(stop) : first,
    );
    const isAnswering = probed.is === 'answered';
    if (isAnswering !== this.#isAnswering) {
      this.#isAnswering = isAnswering;
      this.#options.onAnswering(this);
    }
    return probed;
  }

  /**
   * Checks whether it is still the same cluster, with a request sent after this call. Concurrent calls share one request.
   *
   * @returns undefined if it is; else the reason.
   */
  confirm(): Promise<string | undefined> {
    if (this.#checking === undefined) {
      this.#checking = this.#check();
      return this.#checking;
    }
    // The request in flight may have been answered already: it proves nothing about later moments.
    this.#nextCheck ??= this.#checking.then(() => {
      this.#checking = this.#nextCheck;
      this.#nextCheck = undefined;
      return this.#check();
    });
    return this.#nextCheck;
  }

  async identify(stop?: AbortSignal): Promise<Identity> {
    const { probeTimeoutMs: timeoutMs } = this.#options.timings;
    const request: ApiRequest = { method: 'GET', path: IDENTITY_PATH, timeoutMs, retry: 'never' };
    try {
      const body = await this.#guarded.send<unknown>(stop === undefined ? request : { ...request, signal: stop });
      const id = text(fields(fields(body)?.metadata)?.uid);
      return id ? { is: 'known', id } : { is: 'unknown', detail: 'the answer holds no Namespace kube-system' };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.reason === 'Unauthorized') return { is: 'unauthorized' };
      const why =
        error.reason === 'Forbidden' ? 'the credentials may not get the Namespace kube-system' : detailOf(error);
      return { is: 'unknown', detail: why };
    }
  }

  async #check(): Promise<string | undefined> {
    try {
      const identity = await this.identify();
      if (identity.is === 'unauthorized') return REFUSES_CREDENTIALS;
      if (identity.is === 'unknown') return identity.detail;
      return identity.id === this.id ? this.#outcast : this.expel(ANOTHER);
    } finally {
      if (this.#nextCheck === undefined) this.#checking = undefined;
    }
  }

  async #look(stop: AbortSignal): Promise<Probed> {
    if (this.#outcast !== undefined) return { is: 'unauthorized', detail: this.#outcast };
    const identity = await this.identify(stop);
    switch (identity.is) {
      case 'unauthorized':
        return { is: 'unauthorized', detail: REFUSES_CREDENTIALS };
      case 'unknown':
        return { is: 'missed', detail: identity.detail };
      case 'known':
        if (identity.id === this.id) return { is: 'answered' };
        return { is: 'unauthorized', detail: this.expel(ANOTHER) };
    }
  }

  /** Stops serving, and opens the cluster again: `admit` then decides whether it may serve. @returns the first reason that was given. */
  expel(why: string): string {
    if (this.#outcast === undefined) {
      this.#outcast = why;
      this.#options.onTrouble(this);
    }
    return this.#outcast;
  }

  #lines(request: StreamRequest): AsyncIterable<string> {
    return this.#guarded.lines({ ...request, signal: AbortSignal.any([request.signal, this.#closing.signal]) });
  }
}

const ANOTHER = 'another cluster answers there now';
