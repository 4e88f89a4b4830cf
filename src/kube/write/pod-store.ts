/**
 * Stores Pods in Secrets and creates them again.
 *
 * The Secret exists before the Pod is evicted (the decision waits for it), and is deleted only when the API server has the Pod again:
 * wherever the process ends, one of the two exists. Repeating any step changes nothing.
 */
import type { DiscardStored, ObjectRef, RecordEvent, RestoreOutcome, RestorePod, StorePod } from '../../core/action.ts';
import { type Backoff, backoffMs } from '../../core/backoff.ts';
import { POD } from '../../core/objects.ts';
import type { Clock, KeepingAttempt, KeepingOutcome, Log, PodStore } from '../../core/ports.ts';
import {
  type PodIdentity,
  SECRET,
  STORED_POD_KEY,
  STORED_POD_TYPE,
  storedMetadata,
  storedPodOf,
} from '../../core/stored-pods.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError, type KubeError, orUndefined } from '../http/errors.ts';
import { fields, type Raw, text } from '../http/json.ts';
import { trimMeta } from '../objects/trim.ts';
import { manifestOf } from './pod-manifest.ts';

export interface PodKeeperOptions {
  readonly client: ApiClient;
  /** The namespace of the Secrets: our own. */
  readonly namespace: string;
  readonly recorder: { record(event: RecordEvent): void };
  readonly clock: Clock;
  /** Called after an attempt that did not succeed, so that the owner's controller reconciles again. */
  readonly onFailure: (owner: string) => void;
}

/** A Secret holds 1 MiB in total (kubernetes `MaxSecretSize`), and etcd 1.5 MiB with everything around it. */
const MAX_MANIFEST_BYTES = 900 * 1024;
const RETRY: Backoff = { baseMs: 1000, maxMs: 60_000 };
/** This name in a Pod's managedFields distinguishes a Pod that we have created from one created by another client. */
const FIELD_MANAGER = 'maintenance-bridge-restore';

const NO_ATTEMPTS: ReadonlyMap<string, KeepingAttempt> = new Map();

/** The failure of an attempt; undefined if it succeeded. */
type Failure = { readonly outcome: KeepingOutcome; readonly detail: string } | undefined;

/** Stores and restores Pods of one cluster. */
export class PodKeeper implements PodStore {
  readonly #options: PodKeeperOptions;
  readonly #owners = new Map<string, Map<string, KeepingAttempt>>();

  constructor(options: PodKeeperOptions) {
    this.#options = options;
  }

  attempts(owner: string): ReadonlyMap<string, KeepingAttempt> {
    return this.#owners.get(owner) ?? NO_ATTEMPTS;
  }

  forget(owner: string): void {
    this.#owners.delete(owner);
  }

  /** Does not throw for answers of the API server; they are in `attempts`. */
  async store(action: StorePod, log: Log): Promise<void> {
    const { pod, node, session } = action.as;
    const failure = await attempt('NotStored', () => this.#store(action));
    this.#record(node, pod, session, failure, log);
  }

  /** Does not throw for answers of the API server; they are in `attempts`. */
  async restore(action: RestorePod, log: Log): Promise<void> {
    const { pod, node, resourceVersion } = action;
    const failure = await attempt('NotRestored', () => this.#restore(action, log));
    this.#record(node, pod, resourceVersion, failure, log);
  }

  /** @throws KubeError */
  async discard({ target, resourceVersion }: DiscardStored): Promise<void> {
    await this.#delete(target, resourceVersion);
  }

  async #store({ target, as }: StorePod): Promise<Failure> {
    const { client, namespace } = this.#options;
    const pod = await orUndefined(this.#get(POD, target.namespace, target.name), 'NotFound');
    if (pod === undefined || trimMeta(pod)?.metadata.uid !== target.uid) return undefined;
    const manifest = Buffer.from(JSON.stringify(manifestOf(pod)));
    if (manifest.length > MAX_MANIFEST_BYTES) {
      const detail = `Its manifest has ${manifest.length} bytes, and a Secret takes ${MAX_MANIFEST_BYTES}`;
      return { outcome: 'TooLarge', detail };
    }
    const metadata = storedMetadata(as);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: STORED_POD_TYPE,
      metadata,
      data: { [STORED_POD_KEY]: manifest.toString('base64') },
    };
    const created = client.request({ method: 'POST', path: pathOf(SECRET, { namespace }), body: secret });
    if (
      (await orUndefined(
        created.then(() => true as const),
        'AlreadyExists',
      )) === true
    )
      return undefined;
    const found = trimMeta(await this.#get(SECRET, namespace, metadata.name));
    const known = found && storedPodOf(found);
    // An eviction that was sent, for whichever session, may still take effect.
    const next = known?.eviction === 'sent' ? { ...as, eviction: known.eviction } : as;
    if (known?.session === next.session && known.eviction === next.eviction) return undefined;
    // In one request, so that there is no moment without a copy. If another process did the same, its copy is just as good.
    const { resourceVersion } = found?.metadata ?? {};
    const body = { ...secret, metadata: { ...storedMetadata(next), resourceVersion } };
    await client.request({ method: 'PUT', path: pathOf(SECRET, { namespace, name: metadata.name }), body });
    return undefined;
  }

  async #restore({ target, pod, tell }: RestorePod, log: Log): Promise<Failure> {
    const secret = await orUndefined(this.#get(SECRET, target.namespace, target.name), 'NotFound');
    if (secret === undefined || trimMeta(secret)?.metadata.uid !== target.uid) return undefined;
    const manifest = manifestIn(secret, pod);
    if (manifest === undefined) {
      const detail = `Secret ${target.namespace}/${target.name} does not hold the manifest of Pod ${pod.namespace}/${pod.name}`;
      return { outcome: 'Unreadable', detail };
    }
    const outcome = await this.#create(manifest, pod);
    if (outcome === 'StillThere') return { outcome: 'NotRestored', detail: 'A Pod of that name is still there' };
    await this.#delete(target);
    log.info('Pod is no longer stored', { Pod: `${pod.namespace}/${pod.name}`, reason: outcome });
    if (tell !== undefined) this.#options.recorder.record(tell[outcome]);
    return undefined;
  }

  async #create(manifest: Raw, { namespace, name, uid }: PodIdentity): Promise<RestoreOutcome | 'StillThere'> {
    try {
      const query = { fieldManager: FIELD_MANAGER };
      await this.#options.client.request({ method: 'POST', path: pathOf(POD, { namespace }), query, body: manifest });
      return 'Restored';
    } catch (error) {
      if (isNamespaceGone(error)) return 'NamespaceGone';
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    }
    const metadata = fields((await this.#get(POD, namespace, name)).metadata);
    if (metadata?.uid === uid || metadata?.deletionTimestamp !== undefined) return 'StillThere';
    const writers = Array.isArray(metadata?.managedFields) ? metadata.managedFields : [];
    return writers.some((entry) => fields(entry)?.manager === FIELD_MANAGER) ? 'Restored' : 'NameTaken';
  }

  #get(resource: typeof SECRET | typeof POD, namespace: string | undefined, name: string): Promise<Raw> {
    return this.#options.client.request<Raw>({ method: 'GET', path: pathOf(resource, { namespace, name }) });
  }

  /** @param target counts as deleted if it has gone, or if another object has taken its name. */
  async #delete({ namespace, name, uid }: ObjectRef, resourceVersion?: string): Promise<void> {
    const path = pathOf(SECRET, { namespace, name });
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
    await orUndefined(this.#options.client.request({ method: 'DELETE', path, body }), 'NotFound', 'Conflict');
  }

  #record(owner: string, { namespace, name, uid }: PodIdentity, basis: string, failure: Failure, log: Log): void {
    const known = this.#owners.get(owner) ?? new Map<string, KeepingAttempt>();
    const before = known.get(uid);
    if (failure === undefined) {
      known.delete(uid);
      return;
    }
    const { outcome, detail } = failure;
    const count = before?.outcome === outcome ? before.count + 1 : 1;
    const isTransient = outcome === 'NotStored' || outcome === 'NotRestored';
    const retryAtMs = this.#options.clock.now() + backoffMs(RETRY, count - 1);
    known.set(uid, { outcome, basis, count, detail, ...(isTransient && { retryAtMs }) });
    this.#owners.set(owner, known);
    if (before?.detail !== detail)
      log.warn('Keeping a Pod failed', { Pod: `${namespace}/${name}`, reason: outcome, detail });
    this.#options.onFailure(owner);
  }
}

async function attempt(outcome: 'NotStored' | 'NotRestored', life: () => Promise<Failure>): Promise<Failure> {
  try {
    return await life();
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return { outcome, detail: detailOf(error) };
  }
}

/** The message of an answer that is not JSON quotes it, and may contain the beginning of a Secret. */
function detailOf({ reason, message }: KubeError): string {
  return reason === 'Malformed' ? 'The API server answered with something that is no JSON' : message;
}

/** The API server answers the creation of a Pod with 404 only if its namespace is gone (NamespaceLifecycle admission). */
function isNamespaceGone(error: unknown): boolean {
  return isKubeError(error, 'NotFound') && error.message.includes('namespaces "');
}

/** @returns undefined for content that does not match the Secret's name and annotations: nobody may make us create another Pod. */
function manifestIn(secret: Raw, { namespace, name }: PodIdentity): Raw | undefined {
  const encoded = text(fields(secret.data)?.[STORED_POD_KEY]);
  if (secret.type !== STORED_POD_TYPE || encoded === undefined) return undefined;
  let manifest: Raw | undefined;
  try {
    manifest = fields(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')));
  } catch {
    return undefined; // The parser's message is left out, as it quotes the content.
  }
  const metadata = fields(manifest?.metadata);
  const isMeant = manifest?.kind === 'Pod' && metadata?.namespace === namespace && metadata.name === name;
  return isMeant && fields(manifest?.spec) !== undefined ? manifest : undefined;
}
