/** Sends random sequences of requests to a sandbox and to a real API server, and compares the answers. */
import { Agent } from 'node:https';
import fc from 'fast-check';
import { eventually } from '../wait.ts';
import { comparable, type Exchanged, exchange, type Server } from './exchange.ts';
import { type Compared, KNOWN_DIFFERENCES } from './known-differences.ts';
import { WIDGETS } from './objects.ts';
import type { Step } from './request-parts.ts';
import { PARTIAL, sequences, TABLE } from './sequences.ts';

/** Two answers that should be equal. */
export interface Divergence {
  /** The steps that led to it; the last one is the request with different answers. */
  readonly steps: readonly Step[];
  readonly sandbox: unknown;
  readonly real: unknown;
}

export interface RunOptions {
  readonly seed: number;
  readonly runs: number;
  /** Unique among the runs against these servers; part of names. */
  readonly prefix: string;
  readonly onProgress?: (done: number) => void;
}

export interface Pair {
  readonly sandbox: Server;
  readonly real: Server;
}

export const FIXED_SEED = 1;

/** Gives both servers the kind that is not built in. May be called again. */
export async function prepare(pair: Pair): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const server of [pair.sandbox, pair.real]) {
    await exchange(server, { method: 'POST', path, body: WIDGETS });
    await eventually(
      async () => {
        const served = await exchange(server, { method: 'GET', path: '/apis/random.example.com/v1/widgets' });
        return served.code === 200 ? true : undefined;
      },
      { what: 'Widgets to be served' },
    );
  }
}

/** Keeps connections to both servers while `work` runs. */
async function keepingConnections<T>({ sandbox, real }: Pair, work: (pair: Pair) => Promise<T>): Promise<T> {
  const kept = [sandbox, real].map((server) => ({ ...server, agent: new Agent({ ca: server.ca, keepAlive: true }) }));
  const [ours, theirs] = kept;
  if (ours === undefined || theirs === undefined) throw new Error('Two servers were given');
  try {
    return await work({ sandbox: ours, real: theirs });
  } finally {
    for (const { agent } of kept) agent.destroy();
  }
}

/** @returns the shortest sequence found for each divergence, in order; each begins in a separate Namespace. */
export function compareServers(servers: Pair, options: RunOptions): Promise<readonly Divergence[]> {
  return keepingConnections(servers, (pair) => compareKept(pair, options));
}

async function compareKept(pair: Pair, options: RunOptions): Promise<readonly Divergence[]> {
  const { seed, runs, prefix, onProgress } = options;
  let tries = 0;
  const attempt = (steps: readonly Step[]): Promise<Divergence | undefined> => {
    tries += 1;
    return firstDivergence(pair, steps, `${prefix}-${tries}`);
  };
  const found: Divergence[] = [];
  for (const [index, drawn] of fc.sample(sequences, { seed, numRuns: runs }).entries()) {
    const watch = index % WATCHED_EVERY === 0 ? watchOf(drawn, index / WATCHED_EVERY) : [];
    const steps = [...drawn, ...watch];
    const divergence = await attempt(steps);
    if (divergence !== undefined) found.push(await shortened(divergence, attempt));
    onProgress?.(index + 1);
  }
  return found;
}

/** A watch takes time. */
const WATCHED_EVERY = 10;

/** Objects begin and cease to match these selectors when they change. */
const WATCHED = [
  '',
  '&labelSelector=app%3Da',
  '&labelSelector=app%21%3Da',
  '&labelSelector=%21told',
  '&fieldSelector=metadata.name%3Da',
  '&fieldSelector=metadata.name%21%3Da&labelSelector=app',
];

/** Further fields by which Pods can be selected. */
const PODS_WATCHED = [
  '&fieldSelector=status.phase%3DRunning',
  '&fieldSelector=spec.nodeName%3D$ns-a,status.phase%21%3DRunning',
];

/** Watches the objects of a sequence since the creation of its Namespace, or from their current state. */
function watchOf([first]: readonly Step[], turn: number): readonly Step[] {
  const [, collection] = /^([^?]*\/namespaces\/\$ns\/\w+)/.exec(first?.path ?? '') ?? [];
  if (collection === undefined) return [];
  const queries = collection.endsWith('/pods') ? [...WATCHED, ...PODS_WATCHED] : WATCHED;
  // Every second one begins with the current state.
  const from = turn % 2 === 0 ? '&resourceVersion=$start' : '';
  const path = `${collection}?watch=1&timeoutSeconds=1${from}${queries[turn % queries.length]}`;
  const accept = turn % 3 === 1 ? PARTIAL : turn % 3 === 2 ? TABLE : undefined;
  return [{ method: 'GET', path, ...(accept !== undefined && { accept }) }];
}

/** Leaves out the steps that are not needed for it. */
async function shortened(
  divergence: Divergence,
  attempt: (steps: readonly Step[]) => Promise<Divergence | undefined>,
): Promise<Divergence> {
  let best = divergence;
  for (let index = best.steps.length - 2; index >= 0; index -= 1) {
    const tried = await attempt(best.steps.filter((_, at) => at !== index));
    if (tried !== undefined && tried.steps.length < best.steps.length) {
      best = tried;
      index = Math.min(index, best.steps.length - 1);
    }
  }
  return best;
}

async function firstDivergence(
  { sandbox, real }: Pair,
  steps: readonly Step[],
  namespace: string,
): Promise<Divergence | undefined> {
  const memories = [new Memory(sandbox, namespace), new Memory(real, namespace)] as const;
  const setUp: readonly Step[] = [
    { method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } },
    { method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: `${namespace}-a` } } },
  ];
  for (const [index, step] of [...setUp, ...steps].entries()) {
    const [ours, theirs] = await Promise.all(memories.map((memory) => memory.send(step)));
    if (isAlike(ours, theirs)) continue;
    const [mine, other] = [ours as Compared, theirs as Compared];
    // Further steps would compare servers in different states.
    if (KNOWN_DIFFERENCES.some(({ explains }) => explains?.(step, mine, other) === true)) return undefined;
    return { steps: steps.slice(0, index - setUp.length + 1), sandbox: ours, real: theirs };
  }
  return undefined;
}

/** If a request has several faults, the same ones need not be found: the order of checks after the first differs by kind. */
function isAlike(ours: unknown, theirs: unknown): boolean {
  const [found = [], expected = []] = [ours, theirs].map(
    (answer) => (answer as { readonly faults?: readonly string[] }).faults,
  );
  if (expected.length < 2) return JSON.stringify(ours) === JSON.stringify(theirs);
  const withoutFaults = (answer: unknown): string => JSON.stringify({ ...(answer as object), faults: [] });
  const isPart = found.length > 0 && found.every((fault) => expected.includes(fault));
  return isPart && withoutFaults(ours) === withoutFaults(theirs);
}

interface Seen {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly continue?: string;
  };
}

/** One server and its answers: the values that `$…` stands for. */
class Memory {
  readonly #server: Server;
  readonly #values = new Map<string, string>();

  constructor(server: Server, namespace: string) {
    this.#server = server;
    this.#values.set('$ns', namespace);
  }

  /** @returns the answer without values that differ from server to server. */
  async send(step: Step): Promise<unknown> {
    const filled = JSON.parse(this.#fill(JSON.stringify(step))) as Step;
    const answer = await exchange(this.#server, filled);
    this.#learn(step, answer);
    return sorted(answered(answer));
  }

  #fill(text: string): string {
    return text
      .replaceAll(/"(\$(?:version|old|uid):[^"]+)"/g, (_, token: string) =>
        JSON.stringify(this.#values.get(this.#named(token)) ?? '1'),
      )
      .replaceAll('$continue', () => encodeURIComponent(this.#values.get('$continue') ?? ''))
      .replaceAll('$start', () => this.#values.get('$start') ?? '')
      .replaceAll('$ns', () => this.#values.get('$ns') ?? '');
  }

  #named(token: string): string {
    return token.replaceAll('$ns', this.#values.get('$ns') ?? '');
  }

  #learn({ path, method }: Step, { code, body }: Exchanged): void {
    const { metadata = {} } = (body ?? {}) as Seen;
    if (metadata.continue !== undefined) this.#values.set('$continue', metadata.continue);
    if (code >= 300 || metadata.uid === undefined) return;
    const [place = ''] = path.split('?');
    const named =
      method === 'POST' && !place.endsWith('/eviction')
        ? `${place}/${metadata.name}`
        : place.replace(/\/(status|scale)$/, '');
    const at = this.#named(named);
    const version = metadata.resourceVersion ?? '';
    if (!this.#values.has('$start')) this.#values.set('$start', version);
    this.#values.set(`$version:${at}`, version);
    if (!this.#values.has(`$old:${at}`)) this.#values.set(`$old:${at}`, version);
    this.#values.set(`$uid:${at}`, metadata.uid);
  }
}

interface Failure {
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly causes?: readonly { readonly reason?: string; readonly field?: string }[];
  };
}

/** The code, the reason and the subject of a refusal; messages are compared only for fixed requests. */
function answered({ code, body }: Exchanged): unknown {
  if (code < 300) return { code, body: comparable(typeof body === 'string' ? eventsIn(body) : body) };
  const { reason, details: { name, group, kind, causes = [] } = {} } = (body ?? {}) as Failure;
  const faults = [...new Set(causes.map(({ reason, field }) => `${field} ${reason}`))].sort();
  // In some places the server calls a Pod without a name "Unknown".
  return { code, reason, name: name === 'Unknown' ? undefined : name, group, kind, faults };
}

/** The events of a watch, a line for each change. */
function eventsIn(text: string): readonly unknown[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line): unknown => JSON.parse(line));
}

/** Sorts fields, and makes generated names and continue tokens equal. */
function sorted(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\bg-([a-z0-9]{5}\b|$)/g, 'g-(suffix)');
  if (Array.isArray(value)) return inOrder(value.map(sorted));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(withoutTime(value)).map(([key, found]): [string, unknown] => [
    key,
    key === 'continue' && found !== '' ? '(token)' : sorted(found),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Objects with generated names may be anywhere. */
function inOrder(items: readonly unknown[]): readonly unknown[] {
  const texts = new Map(items.map((item) => [item, JSON.stringify(item) ?? '']));
  const isAnywhere = [...texts.values()].some((text) => text.includes('"name":"g-(suffix)"'));
  return isAnywhere ? items.toSorted((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1)) : items;
}

/** The parts of an entry of `managedFields` that are compared. */
function withoutTime(value: object): object {
  if (!('fieldsV1' in value)) return value;
  const { time: _, ...entry } = value as { readonly time?: unknown };
  return entry;
}
