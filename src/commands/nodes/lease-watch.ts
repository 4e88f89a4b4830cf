/** Watches the Leases of this program's leaders, as far as the caller's rights permit. */
import type { KubeObject } from '../../core/objects.ts';
import type { Resource } from '../../core/resources.ts';
import { Informer } from '../../kube/cache/informer.ts';
import { Reflector } from '../../kube/cache/reflector.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { fields, integer, text } from '../../kube/http/json.ts';
import { type Trim, trimMeta } from '../../kube/objects/trim.ts';
import { LEASE } from '../../kube/write/leases.ts';
import { SILENT } from '../notices.ts';
import type { LeaseSeen } from './controller-signs.ts';

interface LeaderLease extends KubeObject {
  readonly holder: string;
  readonly durationMs: number;
}

export interface LeaseWatchOptions {
  /** The id from the configuration, or the default. */
  readonly id: string;
  /** Absent: every namespace, or if that is refused, the likely ones. */
  readonly namespace?: string | undefined;
  /** The namespaces that are searched if the account may not read all. */
  readonly likely: readonly string[];
  readonly now: () => number;
}

/** Each kubelet has a Lease in this namespace, and no leader has. */
const NO_KUBELETS = 'metadata.namespace!=kube-node-lease';
const DEFAULT_DURATION_MS = 15_000;

export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  readonly #changes = new Map<string, number>();
  #leases: Informer<LeaderLease>[] = [];
  #searched: string;
  #refused: string | undefined;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
    this.#searched = options.namespace === undefined ? 'any namespace' : `namespace ${options.namespace}`;
  }

  /** The Lease that changed last, if there are several installations. */
  seen(): LeaseSeen {
    const now = this.#options.now();
    const found = this.#leases
      .flatMap((each) => {
        const known = each.list();
        return known.is === 'known' ? known.value : [];
      })
      .map((lease) => ({ lease, quietMs: now - (this.#changes.get(lease.metadata.uid) ?? now) }))
      // A held Lease is better evidence than a released one.
      .sort((a, b) => Number(a.lease.holder === '') - Number(b.lease.holder === '') || a.quietMs - b.quietMs);
    const [last] = found;
    if (last === undefined) {
      const isKnown = this.#leases.length > 0 && this.#leases.every((each) => each.hasSynced());
      if (isKnown) return { is: 'absent', searched: this.#searched };
      return { is: 'unknown', ...(this.#refused !== undefined && { why: this.#refused }) };
    }
    const { lease, quietMs } = last;
    const { metadata, holder, durationMs } = lease;
    return { is: 'present', lease: `${metadata.namespace ?? ''}/${metadata.name}`, holder, quietMs, durationMs };
  }

  /** Watches until the signal aborts. Never throws: a Lease that cannot be read is unknown. */
  async run(client: ApiClient, signal: AbortSignal): Promise<void> {
    const { namespace, likely } = this.#options;
    if (namespace !== undefined) return this.#follow(client, [namespace], signal);
    const refusal = new AbortController();
    await this.#follow(client, [undefined], AbortSignal.any([signal, refusal.signal]), () => refusal.abort());
    if (signal.aborted || !refusal.signal.aborted) return;
    this.#searched = `namespaces ${likely.join(' and ')} (others cannot be seen)`;
    return this.#follow(client, likely, signal);
  }

  async #follow(
    client: ApiClient,
    namespaces: readonly (string | undefined)[],
    signal: AbortSignal,
    onRefused: () => void = () => {},
  ): Promise<void> {
    this.#leases = namespaces.map(() => this.#informer());
    await Promise.all(
      this.#leases.map((informer, index) => {
        const namespace = namespaces[index];
        const reflector: Reflector<LeaderLease> = new Reflector<LeaderLease>({
          client,
          resource: LEADER_LEASE,
          transform: this.#trim,
          ...(namespace === undefined ? { fieldSelector: NO_KUBELETS } : { namespace }),
          clock: Date,
          log: SILENT,
          onRestart: (reason) => {
            if (reason !== 'Forbidden') return;
            queueMicrotask(() => {
              const condition = reflector.condition();
              this.#refused = 'message' in condition ? condition.message : 'forbidden';
              onRefused();
            });
          },
        });
        return reflector.run(informer, signal);
      }),
    );
  }

  #informer(): Informer<LeaderLease> {
    const informer = new Informer<LeaderLease>({ log: SILENT });
    const changed = ({ metadata }: LeaderLease): void => {
      this.#changes.set(metadata.uid, this.#options.now());
    };
    informer.addHandler({ onAdd: changed, onUpdate: (_, now) => changed(now) });
    return informer;
  }

  /** Excludes Leases of other programs. A release of the chart puts its own name before ours. */
  #isOurs(name: string): boolean {
    return name === this.#options.id || /(^|-)maintenance-bridge$/.test(name);
  }

  readonly #trim: Trim<LeaderLease> = (raw) => {
    const meta = trimMeta(raw);
    const spec = fields(fields(raw)?.spec);
    if (meta === undefined || !this.#isOurs(meta.metadata.name)) return undefined;
    const seconds = integer(spec?.leaseDurationSeconds) ?? 0;
    return {
      metadata: meta.metadata,
      holder: text(spec?.holderIdentity) ?? '',
      durationMs: seconds > 0 ? seconds * 1000 : DEFAULT_DURATION_MS,
    };
  };
}

const LEADER_LEASE: Resource<LeaderLease> = { ...LEASE } as Resource<LeaderLease>;
