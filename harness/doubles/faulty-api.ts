/**
 * An `ApiClient` over a small store of Namespaces that changes and fails by a plan, in the middle of lists and watches:
 * the model that list and watch are tested against.
 */
import type { ApiClient, ApiRequest, StreamRequest } from '../../src/kube/http/api.ts';
import { KubeError, type KubeErrorReason } from '../../src/kube/http/errors.ts';

/** The fault of the next answer, be it a page, the opening of a watch or its next line. */
export const FAULTS = [
  'reset',
  'close',
  'gone',
  'throttled',
  'serverError',
  'brokenLine',
  'unknownType',
  'noVersion',
  'silence',
] as const;

/** One entry of a plan. `serve` lets an answer, or the next line of a watch, through. */
export type Happening =
  | { readonly put: string }
  | { readonly remove: string }
  /** Deletes the object and creates another of that name. */
  | { readonly renew: string }
  | { readonly fault: (typeof FAULTS)[number] }
  | 'serve'
  | 'bookmark'
  /** Forgets the history, so that only the current version can be watched, and no further page can be read. */
  | 'compact';

interface Stored {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

interface Recorded {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Stored;
}

/** Small, so that many changes can happen between two pages. */
const PAGE_SIZE = 1;

export class FaultyApi implements ApiClient {
  /** Resolves when the plan is used up and a watch has delivered everything. */
  readonly settled: Promise<void>;
  readonly clock = { now: () => this.#nowMs };
  readonly #objects = new Map<string, Stored>();
  readonly #history: Recorded[] = [];
  readonly #plan: Happening[];
  readonly #settle: () => void;
  #snapshot: readonly Stored[] = [];
  #snapshotVersion = 0;
  #version = 1;
  #compacted = 0;
  #nowMs = 0;

  constructor(plan: readonly Happening[]) {
    this.#plan = [...plan];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#settle = resolve;
  }

  /** Name → version of the current objects. */
  content(): ReadonlyMap<string, string> {
    return new Map([...this.#objects].map(([name, { metadata }]) => [name, metadata.resourceVersion]));
  }

  readonly sleep = async (ms: number): Promise<void> => {
    this.#nowMs += ms;
  };

  async request<T>({ query }: ApiRequest): Promise<T> {
    const token = query?.continue;
    const happening = this.#untilAnswer();
    if (typeof happening === 'object') throw failureOf(happening.fault);
    if (token === undefined) {
      this.#snapshot = [...this.#objects.values()];
      this.#snapshotVersion = this.#version;
    } else if (this.#snapshotVersion < this.#compacted) throw failureOf('gone');
    const start = Number(token ?? 0);
    const end = start + PAGE_SIZE;
    return {
      metadata: {
        resourceVersion: String(this.#snapshotVersion),
        continue: end < this.#snapshot.length ? String(end) : '',
      },
      items: this.#snapshot.slice(start, end),
    } as T;
  }

  async *lines({ query, signal }: StreamRequest): AsyncIterable<string> {
    let seen = Number(query?.resourceVersion);
    if (seen < this.#compacted) throw failureOf('gone');
    for (;;) {
      const happening = this.#untilAnswer();
      const pending = this.#history.find(({ version }) => version > seen);
      if (pending !== undefined) seen = pending.version;
      if (typeof happening === 'object') {
        yield* linesOf(happening.fault, pending);
        if (happening.fault === 'close') return;
        continue;
      }
      if (pending !== undefined) yield JSON.stringify({ type: pending.type, object: pending.object });
      else if (happening === 'bookmark') {
        yield JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#version) } } });
      } else if (happening === undefined) {
        this.#settle();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        throw failureOf('reset');
      }
    }
  }

  /** Applies changes up to the next step that affects an answer; undefined when the plan is used up. */
  #untilAnswer(): { readonly fault: (typeof FAULTS)[number] } | 'serve' | 'bookmark' | undefined {
    for (;;) {
      const happening = this.#plan.shift();
      this.#nowMs += 700;
      if (happening === undefined || happening === 'serve' || happening === 'bookmark') return happening;
      if (happening === 'compact') this.#compacted = this.#version;
      else if ('fault' in happening) return happening;
      else if ('put' in happening) this.#put(happening.put);
      else if ('remove' in happening) this.#remove(happening.remove);
      else {
        this.#remove(happening.renew);
        this.#put(happening.renew);
      }
    }
  }

  #put(name: string): void {
    const resourceVersion = String(++this.#version);
    const old = this.#objects.get(name);
    const object = { metadata: { name, uid: old?.metadata.uid ?? `uid-${resourceVersion}`, resourceVersion } };
    this.#objects.set(name, object);
    this.#history.push({ version: this.#version, type: old === undefined ? 'ADDED' : 'MODIFIED', object });
  }

  #remove(name: string): void {
    const old = this.#objects.get(name);
    if (old === undefined) return;
    this.#objects.delete(name);
    const object = { metadata: { ...old.metadata, resourceVersion: String(++this.#version) } };
    this.#history.push({ version: this.#version, type: 'DELETED', object });
  }
}

/** The effect of a fault on a running watch. Faults that spoil a line spoil the pending event, which is then not repeated. */
function* linesOf(fault: (typeof FAULTS)[number], pending: Recorded | undefined): Iterable<string> {
  const object = pending?.object;
  switch (fault) {
    case 'gone':
      yield JSON.stringify({ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } });
      break;
    case 'throttled':
      yield JSON.stringify({ type: 'ERROR', object: { code: 429, message: 'slow down' } });
      break;
    case 'brokenLine':
      yield JSON.stringify({ type: pending?.type, object }).slice(0, -3);
      break;
    case 'unknownType':
      yield JSON.stringify({ type: 'SYNCED', object });
      break;
    case 'noVersion':
      yield JSON.stringify({ type: 'MODIFIED', object: { metadata: { name: object?.metadata.name } } });
      break;
    case 'close':
      break;
    default:
      throw failureOf(fault);
  }
}

function failureOf(fault: (typeof FAULTS)[number]): KubeError {
  const reasons: Partial<Record<typeof fault, KubeErrorReason>> = {
    gone: 'Gone',
    throttled: 'TooManyRequests',
    serverError: 'ServerError',
    silence: 'TimedOut',
    brokenLine: 'Malformed',
  };
  return new KubeError({ reason: reasons[fault] ?? 'Unreachable', code: 0, message: fault });
}
