/** Reports changes of one Secret, without reading it: a watch of its metadata, by its name. */
import type { Clock, Log } from '../../core/ports.ts';
import { CachedKind } from '../cache/cached-kind.ts';
import { inDetail } from '../cache/in-detail.ts';
import type { ApiClient } from '../http/api.ts';
import { trimMeta } from '../objects/trim.ts';
import { SECRET } from './kubeconfig-secret.ts';

export interface SecretWatchOptions {
  /** The client of the cluster that holds the Secret. */
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

const BACKOFF = { baseMs: 1000, maxMs: 60_000, jitter: 0.3 };

/** Watches while `run` runs. With the right to get the Secret but not to watch it, nothing is reported and `isOpen` is false. */
export class SecretWatch {
  readonly #cache: CachedKind<{ readonly metadata: NonNullable<ReturnType<typeof trimMeta>>['metadata'] }>;
  #isOpen = false;

  constructor({ client, namespace, name, clock, log, onChange }: SecretWatchOptions) {
    this.#cache = new CachedKind({
      client,
      resource: SECRET,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      metadataOnly: true,
      transform: trimMeta,
      backoff: BACKOFF,
      clock,
      log: inDetail(log),
      onWatching: () => {
        this.#isOpen = true;
      },
      onRestart: (reason) => {
        if (reason !== 'Closed') this.#isOpen = false;
      },
    });
    this.#cache.informer.addHandler({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  run(stop: AbortSignal): Promise<void> {
    return this.#cache.start(stop);
  }
}
