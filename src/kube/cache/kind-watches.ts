/**
 * Watches of kinds that are known only at run time, each kept while somebody is interested in one of its objects: one watch per kind, for
 * any number of interested owners. Only metadata is transferred, and two short texts are kept per object.
 */
import { createHash } from 'node:crypto';
import { keyOf } from '../../core/meta.ts';
import type { AnyObject, ObjectAddress } from '../../core/object-access.ts';
import type { KubeObject, ObjectMeta } from '../../core/objects.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Resource } from '../../core/resources.ts';
import type { ApiClient } from '../http/api.ts';
import { metaOf } from '../objects/trim-meta.ts';
import { CachedKind } from './cached-kind.ts';
import { inDetail } from './in-detail.ts';
import type { RestartReason } from './list-watch.ts';

export interface KindWatchesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: (owner: string) => void;
  readonly onRestart?: (reason: RestartReason) => void;
}

/** An object of a watched kind. */
interface Marked extends KubeObject {
  readonly fingerprint: string;
}

interface KindWatch {
  readonly cache: CachedKind<Marked>;
  readonly stop: AbortController;
  /** Interested owners by the object's key, or `*` for all objects. */
  readonly owners: Map<string, Set<string>>;
  isOpen: boolean;
}

const EVERY = '*';
/** Short, because the connection itself backs off, and a caller that waits for an object waits for this delay too. */
const BACKOFF = { baseMs: 200, maxMs: 2000 };

export class KindWatches {
  readonly #options: KindWatchesOptions;
  readonly #kinds = new Map<string, KindWatch>();
  readonly #interests = new Map<string, ReadonlyMap<string, ObjectAddress>>();

  constructor(options: KindWatchesOptions) {
    this.#options = options;
  }

  /** Registers the objects that an owner is interested in; replaces its earlier interest. */
  watch(owner: string, objects: readonly ObjectAddress[]): void {
    const wanted = new Map(objects.map((at) => [`${kindOf(at.resource)} ${objectKey(at)}`, at]));
    const before = this.#interests.get(owner);
    if (before !== undefined && before.size === wanted.size && [...wanted.keys()].every((key) => before.has(key)))
      return;
    this.#interests.set(owner, wanted);
    for (const [key, at] of wanted) if (before?.has(key) !== true) this.#add(owner, at);
    for (const [key, at] of before ?? []) if (!wanted.has(key)) this.#remove(owner, at);
  }

  unwatch(owner: string): void {
    const before = this.#interests.get(owner);
    this.#interests.delete(owner);
    for (const at of before?.values() ?? []) this.#remove(owner, at);
  }

  /** Whether a watch of the kind is open. */
  isWatching(resource: Resource<unknown>): boolean {
    return this.#kinds.get(kindOf(resource))?.isOpen ?? false;
  }

  seen(at: ObjectAddress): { readonly fingerprint: string; readonly resourceVersion: string } | 'absent' | undefined {
    const kind = this.#kinds.get(kindOf(at.resource));
    if (kind?.isOpen !== true) return undefined;
    const seen = kind.cache.informer.get(objectKey(at));
    if (seen.is === 'unknown') return undefined;
    if (seen.is === 'absent') return 'absent';
    const { fingerprint, metadata } = seen.object;
    return { fingerprint, resourceVersion: metadata.resourceVersion };
  }

  /** How many kinds are watched. */
  get size(): number {
    return this.#kinds.size;
  }

  /** Ends all watches; all interest is dropped. */
  close(): void {
    for (const { stop } of this.#kinds.values()) stop.abort();
    this.#kinds.clear();
    this.#interests.clear();
  }

  #add(owner: string, at: ObjectAddress): void {
    const name = kindOf(at.resource);
    let kind = this.#kinds.get(name);
    if (kind === undefined) {
      kind = this.#open(at.resource);
      this.#kinds.set(name, kind);
    }
    const key = objectKey(at);
    const owners = kind.owners.get(key) ?? new Set();
    owners.add(owner);
    kind.owners.set(key, owners);
  }

  #remove(owner: string, at: ObjectAddress): void {
    const name = kindOf(at.resource);
    const kind = this.#kinds.get(name);
    const key = objectKey(at);
    const owners = kind?.owners.get(key);
    owners?.delete(owner);
    if (owners?.size === 0) kind?.owners.delete(key);
    if (kind === undefined || kind.owners.size > 0) return;
    this.#kinds.delete(name);
    kind.stop.abort();
  }

  #open(resource: Resource<unknown>): KindWatch {
    const { client, clock, log, onRestart } = this.#options;
    const cache = new CachedKind<Marked>({
      client,
      resource: resource as Resource<Marked>,
      metadataOnly: true,
      transform: marked,
      backoff: BACKOFF,
      clock,
      log: inDetail(log),
      onWatching: () => {
        kind.isOpen = true;
      },
      onRestart: (reason) => {
        // A watch that ends regularly is reopened at once, from where it ended.
        if (reason !== 'Closed') kind.isOpen = false;
        onRestart?.(reason);
      },
    });
    const kind: KindWatch = { cache, stop: new AbortController(), owners: new Map(), isOpen: false };
    const tell = (object: Marked): void => {
      const key = keyOf(object);
      for (const owner of kind.owners.get(key) ?? []) this.#options.onChange(owner);
      for (const owner of kind.owners.get(EVERY) ?? []) this.#options.onChange(owner);
    };
    cache.informer.addHandler({ onAdd: tell, onUpdate: (_, now) => tell(now), onDelete: tell });
    // Rejects only because of a bug. Nobody may take the content for that of a live watch then.
    void cache.start(kind.stop.signal).catch((error: unknown) => {
      kind.isOpen = false;
      log.error('Watch failed', { err: error });
    });
    return kind;
  }
}

/** Differs if the objects differ in anything except their status and the fields that the server writes. */
export function fingerprintOf(object: AnyObject): string {
  const metadata = metaOf(object);
  return metadata === undefined ? '' : markOf(metadata);
}

function marked(raw: unknown): Marked | undefined {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { name, namespace, uid, resourceVersion } = metadata;
  const kept: ObjectMeta = { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion };
  return { metadata: kept, fingerprint: markOf(metadata) };
}

/** Kinds without a generation (ClusterRole, ConfigMap, Namespace) change their version with every write. */
function markOf({
  uid,
  generation,
  resourceVersion,
  labels,
  annotations,
  finalizers,
  deletionTimestamp,
}: ObjectMeta): string {
  const version = generation === undefined ? `v${resourceVersion}` : `g${generation}`;
  const sorted = (map: Readonly<Record<string, string>> = {}): unknown => Object.entries(map).sort();
  const rest = JSON.stringify([sorted(labels), sorted(annotations), finalizers ?? [], deletionTimestamp ?? '']);
  return `${uid} ${version} ${createHash('sha256').update(rest).digest('base64url')}`;
}

function kindOf({ group, plural }: Resource<unknown>): string {
  return `${group}/${plural}`;
}

function objectKey({ namespace, name }: ObjectAddress): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
