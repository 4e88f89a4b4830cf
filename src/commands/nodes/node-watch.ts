/** The Nodes that a command applies to, kept up to date by watches. */
import { NODE, type Node } from '../../core/objects.ts';
import type { Log, Seen } from '../../core/ports.ts';
import { Informer } from '../../kube/cache/informer.ts';
import type { RestartReason } from '../../kube/cache/list-watch.ts';
import { Outages } from '../../kube/cache/outages.ts';
import { Reflector } from '../../kube/cache/reflector.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { KubeError } from '../../kube/http/errors.ts';
import { aborted } from '../../runtime/sleep.ts';
import { SILENT } from '../notices.ts';

/** Up to this many Nodes have a watch each, which needs no right on other Nodes and little work in a large cluster. */
const MAX_SINGLE_WATCHES = 8;

/** After these, a retry is useless until somebody changes the rights. */
const REFUSALS: ReadonlySet<RestartReason> = new Set(['Forbidden', 'Unauthorized']);

export class NodeWatch {
  readonly #parts: readonly Part[];
  readonly #partOf: (name: string) => Part | undefined;
  /** By Node, the resourceVersion of our own last write: a watch may deliver older versions later. */
  readonly #written = new Map<string, bigint>();
  readonly #refused = Promise.withResolvers<never>();
  #listeners: readonly ((name: string) => void)[] = [];

  constructor(names: readonly string[]) {
    if (names.length <= MAX_SINGLE_WATCHES) {
      const parts = new Map(
        names.map((name) => [name, this.#part({ fieldSelector: `metadata.name=${name}` })] as const),
      );
      this.#parts = [...parts.values()];
      this.#partOf = (name) => parts.get(name);
    } else {
      const whole = this.#part({});
      this.#parts = [whole];
      this.#partOf = () => whole;
    }
    // Nothing may be awaiting the first answer when it comes.
    this.#refused.promise.catch(() => {});
  }

  /** `unknown` before the first answer, and while the watch has not delivered our own write. */
  get(name: string): Seen<Node> {
    const seen = this.#partOf(name)?.informer.get(name) ?? { is: 'absent' };
    if (seen.is !== 'present') return seen;
    const written = this.#written.get(name);
    const isOld = written !== undefined && versionOf(seen.object) < written;
    return isOld ? { is: 'unknown' } : seen;
  }

  /** @param node as returned by the server. */
  wrote(node: Node): void {
    this.#written.set(node.metadata.name, versionOf(node));
  }

  /** @param listener called with the name of each Node that was added, changed or deleted. */
  onChange(listener: (name: string) => void): void {
    this.#listeners = [...this.#listeners, listener];
  }

  /** Every Node that is seen; if one watch serves all, this includes Nodes that were not named. */
  all(): readonly Node[] {
    return this.#parts.flatMap(({ informer }) => {
      const known = informer.list();
      return known.is === 'known' ? known.value : [];
    });
  }

  /** Watches until the signal aborts. Failures of the server or the network are logged and survived. */
  async run(client: ApiClient, log: Log, signal: AbortSignal): Promise<void> {
    const outages = new Outages({ log, clock: Date });
    await Promise.all(
      this.#parts.map(({ informer, ...query }) => {
        const reflector: Reflector<Node> = new Reflector<Node>({
          ...query,
          resource: NODE,
          client,
          clock: Date,
          log,
          outages,
          // Its message is available after the answer was processed.
          onRestart: (reason) => {
            if (REFUSALS.has(reason)) queueMicrotask(() => this.#refuse(reflector));
          },
        });
        return reflector.run(informer, signal);
      }),
    );
  }

  /**
   * Resolves when every Node is known; also, without knowledge, when the signal aborts.
   *
   * @throws KubeError if the account may not list and watch these Nodes.
   */
  async synced(signal: AbortSignal): Promise<void> {
    const all = Promise.all(this.#parts.map(({ informer }) => informer.whenSynced()));
    await Promise.race([all, this.#refused.promise, aborted(signal)]);
  }

  #part(query: Pick<Part, 'fieldSelector'>): Part {
    const informer = new Informer<Node>({ log: SILENT });
    const tell = ({ metadata: { name } }: Node): void => {
      for (const listener of this.#listeners) listener(name);
    };
    informer.addHandler({ onAdd: tell, onUpdate: (_, now) => tell(now), onDelete: tell });
    return { informer, ...query };
  }

  #refuse(reflector: Reflector<Node>): void {
    const condition = reflector.condition();
    const message = 'message' in condition ? condition.message : 'refused';
    this.#refused.reject(
      new KubeError({ reason: 'Forbidden', code: 403, message: `The Nodes cannot be followed: ${message}` }),
    );
  }
}

interface Part {
  readonly informer: Informer<Node>;
  readonly fieldSelector?: string;
}

/** Versions of one kind grow (KEP-5504); a version that is not a number never counts as old. */
function versionOf({ metadata: { resourceVersion } }: Node): bigint {
  return /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n;
}
