/** The objects of one kind that a command shows, read once or kept up to date by watches. */
import type { KubeObject } from '../core/objects.ts';
import type { Known, Log, Source } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { Informer } from '../kube/cache/informer.ts';
import type { RestartReason } from '../kube/cache/list-watch.ts';
import { NamespacedSource } from '../kube/cache/namespaced-source.ts';
import type { Outages } from '../kube/cache/outages.ts';
import { Reflector } from '../kube/cache/reflector.ts';
import type { ApiClient } from '../kube/http/api.ts';
import type { Trim } from '../kube/objects/trim.ts';
import { sleep } from '../runtime/sleep.ts';
import { SILENT } from './notices.ts';

export interface ViewOptions<T> {
  /** In the version that is served; absent if the kind is not served, so that there are no objects. */
  readonly resource: Resource<T> | undefined;
  /** Empty means all, and is used for kinds without namespaces. */
  readonly namespaces: readonly string[];
  readonly trim: Trim<T>;
  readonly labelSelector?: string;
  readonly metadataOnly?: boolean;
}

/** After these the same request may succeed: the server is busy. */
const PASSING: ReadonlySet<RestartReason> = new Set(['Throttled', 'ServerError']);
const MAX_TRIES = 3;

export class View<T extends KubeObject> {
  readonly source: Source<T>;
  readonly #options: ViewOptions<T>;
  readonly #parts: ReadonlyMap<string | undefined, Informer<T>>;
  readonly #listeners: (() => void)[] = [];
  #isUnseen = false;

  constructor(options: ViewOptions<T>, log: Log = SILENT) {
    const { namespaces } = options;
    const part = (): Informer<T> => new Informer<T>({ log });
    this.#options = options;
    if (namespaces.length === 0) {
      const whole = part();
      this.#parts = new Map([[undefined, whole]]);
      this.source = whole;
    } else {
      const parts = new Map(namespaces.map((namespace) => [namespace, part()]));
      this.#parts = parts;
      this.source = new NamespacedSource(parts);
    }
  }

  /** Unknown while a part is unknown. If there is only one part, returns the same array while nothing changes. */
  all(): Known<readonly T[]> {
    const lists: (readonly T[])[] = [];
    for (const part of this.#parts.values()) {
      const found = part.list();
      if (found.is === 'unknown') return found;
      lists.push(found.value);
    }
    const [first = [], ...others] = lists;
    return { is: 'known', value: others.length === 0 ? first : lists.flat() };
  }

  /** Whether a part is unknown and will stay so: it may not be read, or the single read has failed. */
  isUnseen(): boolean {
    return this.#isUnseen && this.all().is === 'unknown';
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
    for (const part of this.#parts.values()) {
      part.addHandler({ onAdd: listener, onUpdate: listener, onDelete: listener });
      // An empty list is a change as well.
      void part.whenSynced().then(listener);
    }
  }

  /** Lists once, page by page. @returns the messages of the server or the network if that failed; the view then stays unknown. */
  async look(client: ApiClient, signal: AbortSignal): Promise<readonly string[]> {
    const faults = await this.#each((resource, namespace, part) =>
      this.#lookAt(resource, namespace, part, client, signal),
    );
    const found = faults.flatMap((fault) => fault ?? []);
    if (found.length > 0) this.#giveUp();
    return found;
  }

  /** Lists and watches until the signal aborts. Failures of the server or the network are logged and survived. */
  async follow(client: ApiClient, log: Log, outages: Outages, signal: AbortSignal): Promise<void> {
    await this.#each((resource, namespace, part) =>
      new Reflector<T>({
        ...this.#feed(resource, namespace),
        client,
        clock: Date,
        log,
        outages,
        onRestart: (reason) => {
          if (reason === 'Forbidden') this.#giveUp();
        },
      }).run(part, signal),
    );
  }

  #giveUp(): void {
    if (this.#isUnseen) return;
    this.#isUnseen = true;
    for (const listener of this.#listeners) listener();
  }

  async #each<R>(
    work: (resource: Resource<T>, namespace: string | undefined, part: Informer<T>) => Promise<R>,
  ): Promise<readonly R[]> {
    const { resource } = this.#options;
    if (resource === undefined) {
      for (const part of this.#parts.values()) part.replace([]);
      return [];
    }
    return Promise.all([...this.#parts].map(([namespace, part]) => work(resource, namespace, part)));
  }

  async #lookAt(
    resource: Resource<T>,
    namespace: string | undefined,
    part: Informer<T>,
    client: ApiClient,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const done = new AbortController();
    const until = AbortSignal.any([done.signal, signal]);
    let last: RestartReason | undefined;
    let tries = 0;
    const reflector = new Reflector<T>({
      ...this.#feed(resource, namespace),
      client,
      clock: Date,
      log: SILENT,
      onRestart: (reason) => {
        last = reason;
      },
      sleep: async (ms, stop) => {
        tries += 1;
        if (last !== undefined && PASSING.has(last) && tries < MAX_TRIES) await sleep(ms, stop);
        else done.abort();
      },
    });
    const replace = (objects: readonly T[]): void => {
      part.replace(objects);
      done.abort();
    };
    await reflector.run({ replace, apply: () => {} }, until);
    if (part.hasSynced()) return undefined;
    const condition = reflector.condition();
    return 'message' in condition ? condition.message : `GET ${resource.plural}: no answer in time`;
  }

  #feed(resource: Resource<T>, namespace: string | undefined) {
    const { trim, labelSelector, metadataOnly = false } = this.#options;
    return {
      resource,
      transform: trim,
      metadataOnly,
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
    };
  }
}
