/** Watches of kinds in single namespaces, for callers that only need to know that something changes there, and then read it themselves. */
import type { KubeObject } from '../../core/objects.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Resource } from '../../core/resources.ts';
import type { ApiClient } from '../http/api.ts';
import { trimMeta } from '../objects/trim.ts';
import { CachedKind } from './cached-kind.ts';
import { inDetail } from './in-detail.ts';

export interface NamespaceScope {
  readonly resource: Resource<unknown>;
  readonly namespace: string;
}

export interface NamespaceWatchesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

interface ScopeWatch {
  readonly stop: AbortController;
  isOpen: boolean;
}

const BACKOFF = { baseMs: 200, maxMs: 10_000, jitter: 0.3 };

/** Only metadata is transferred. If a watch is not permitted, no change is reported and `isOpen()` returns false. */
export class NamespaceWatches {
  readonly #options: NamespaceWatchesOptions;
  readonly #watches = new Map<string, ScopeWatch>();

  constructor(options: NamespaceWatchesOptions) {
    this.#options = options;
  }

  /** Opens the wanted watches, and closes all others. */
  want(scopes: readonly NamespaceScope[]): void {
    const wanted = new Map(
      scopes.map((each) => [`${each.resource.group}/${each.resource.plural}/${each.namespace}`, each]),
    );
    for (const [key, { stop }] of this.#watches) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.#watches.delete(key);
    }
    for (const [key, scope] of wanted) if (!this.#watches.has(key)) this.#watches.set(key, this.#open(scope));
  }

  /** Whether every change in the wanted scopes is reported, from before this call on. */
  isOpen(): boolean {
    return [...this.#watches.values()].every(({ isOpen }) => isOpen);
  }

  #open({ resource, namespace }: NamespaceScope): ScopeWatch {
    const { client, clock, log, onChange } = this.#options;
    const watch: ScopeWatch = { stop: new AbortController(), isOpen: false };
    const cache = new CachedKind<KubeObject>({
      client,
      resource: resource as Resource<KubeObject>,
      namespace,
      metadataOnly: true,
      transform: trimMeta,
      backoff: BACKOFF,
      clock,
      log: inDetail(log),
      onWatching: () => {
        watch.isOpen = true;
      },
      onRestart: (reason) => {
        // A watch that ends regularly is reopened at once, from where it ended.
        if (reason !== 'Closed') watch.isOpen = false;
      },
    });
    cache.informer.addHandler({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
    // Rejects only because of a bug. Nobody may rely on being notified then.
    void cache.start(watch.stop.signal).catch((error: unknown) => {
      watch.isOpen = false;
      log.error('Watch failed', { err: error });
    });
    return watch;
  }
}
