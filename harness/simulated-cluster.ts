/** A simulated cluster on the sandbox's API server, without HTTP, and the objects that its users would create and read. */
import type { Draft, ResourceName, SandboxClock, Stored } from '../sandbox/api.ts';
import { type ClusterAccess, type Kinds, type SimulationOptions, simulateCluster } from '../sandbox/cluster.ts';
import { makeServer, SteppedClock } from '../sandbox/start.ts';
import { eventually } from './wait.ts';

const QUICK = { podStartMs: 2, podStopMs: 2, podRunMs: 20 };

/** Time that stands still until it is advanced. */
export class ManualClock implements SandboxClock {
  #nowMs = Date.parse('2026-11-21T02:00:00Z');
  readonly #timers = new Map<number, { readonly dueMs: number; readonly callback: () => void }>();
  #next = 0;

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, ms: number): () => void {
    const id = this.#next++;
    this.#timers.set(id, { dueMs: this.#nowMs + ms, callback });
    return () => this.#timers.delete(id);
  }

  /** Calls the timers that become due, and lets their effects complete. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      await turns();
      const due = [...this.#timers]
        .filter(([, timer]) => timer.dueMs <= end)
        .sort(([, a], [, b]) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      const [id, { dueMs, callback }] = due;
      this.#timers.delete(id);
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      callback();
    }
    this.#nowMs = end;
    await turns();
  }
}

/** Enough for every controller that has been woken to have had its turn, and those that it woke. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class SimulatedSandbox {
  readonly api: ClusterAccess;
  /** What controllers threw. */
  readonly errors: string[] = [];
  readonly #stop: () => void;

  constructor(options: SimulationOptions = {}, clock: SandboxClock = new SteppedClock()) {
    const server = makeServer(clock);
    this.api = server.api;
    const onError = (controller: string, key: string, error: unknown): void => {
      this.errors.push(`${controller} ${key}: ${error instanceof Error ? error.message : error}`);
    };
    const timing = clock instanceof ManualClock ? {} : QUICK;
    const cluster = simulateCluster(this.api, clock, { ...timing, onError, ...options });
    this.#stop = () => {
      cluster.stop();
      server.stop();
    };
  }

  stop(): void {
    this.#stop();
  }

  nodes(...names: readonly string[]): void {
    for (const name of names) this.node(name);
  }

  node(
    name: string,
    part: { readonly labels?: object; readonly allocatable?: object; readonly spec?: object } = {},
  ): void {
    const { labels = {}, allocatable, spec = {} } = part;
    const resources = allocatable && { pods: '110', ...allocatable };
    this.create('nodes', {
      metadata: { name, labels },
      spec,
      ...(resources && { status: { capacity: resources, allocatable: resources } }),
    });
  }

  create<K extends keyof Kinds>(resource: K, draft: Draft, namespace?: string): Kinds[K] {
    return this.api.create(resource, draft, namespace) as Kinds[K];
  }

  workload(
    resource: 'deployments.apps' | 'replicasets.apps' | 'statefulsets.apps' | 'daemonsets.apps',
    name: string,
    spec: object = {},
    podSpec: object = {},
  ): void {
    this.create(
      resource,
      {
        metadata: { name },
        spec: {
          selector: { matchLabels: { app: name } },
          ...(resource === 'statefulsets.apps' && { serviceName: name }),
          template: template(name, podSpec),
          ...spec,
        },
      },
      'default',
    );
  }

  pod(name: string, spec: object = {}, metadata: object = {}): void {
    this.create('pods', { metadata: { name, ...metadata }, spec: { ...containers(), ...spec } }, 'default');
  }

  budget(name: string, spec: object): void {
    const selector = { matchLabels: { app: name } };
    this.create('poddisruptionbudgets.policy', { metadata: { name }, spec: { selector, ...spec } }, 'default');
  }

  get<K extends keyof Kinds>(resource: K, name: string, namespace?: string): Kinds[K] | undefined {
    const scope = namespace === undefined ? {} : { namespace };
    return this.api.get({ resource, name, ...scope }) as Kinds[K] | undefined;
  }

  /** In namespace `default` where the kind has namespaces. */
  must<K extends keyof Kinds>(resource: K, name: string, namespace?: string): Kinds[K] {
    const found = this.get(resource, name, namespace);
    if (found === undefined) throw new Error(`There is no ${resource} ${name}`);
    return found;
  }

  patch(resource: ResourceName, name: string, patch: object, namespace?: string): void {
    const scope = namespace === undefined ? {} : { namespace };
    this.api.patch({ resource, name, ...scope }, { ...patch });
  }

  delete(resource: ResourceName, name: string, namespace?: string, options: object = {}): void {
    this.api.delete({ resource, name, ...(namespace === undefined ? {} : { namespace }) }, options);
  }

  list<K extends keyof Kinds>(resource: K, namespace?: string): readonly Kinds[K][] {
    return this.api.list(resource, namespace) as readonly Stored[] as readonly Kinds[K][];
  }

  /** Pods by label `app`; all without. */
  pods(app?: string): readonly Kinds['pods'][] {
    return this.list('pods').filter(({ metadata }) => app === undefined || metadata.labels?.app === app);
  }

  ready(app: string, count: number): Promise<readonly Kinds['pods'][]> {
    return this.until(`${count} ready Pods of ${app}`, () => {
      const ready = this.pods(app).filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
      return ready.length === count && this.pods(app).length === count ? ready : undefined;
    });
  }

  /** Events by the name of what they are about, as `Reason: message`. */
  events(name: string): readonly string[] {
    return this.api
      .list('events')
      .filter(({ involvedObject }) => (involvedObject as { readonly name?: string } | undefined)?.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`);
  }

  until<T>(what: string, probe: () => T | undefined): Promise<T> {
    return eventually(probe, {
      what: `${what} (errors: ${this.errors.join('; ') || 'none'})`,
      deadlineMs: 5000,
      pollMs: 2,
    });
  }
}

export function containers(requests?: object): object {
  return {
    containers: [{ name: 'main', image: 'registry.invalid/main', ...(requests && { resources: { requests } }) }],
  };
}

export function template(app: string, spec: object = {}): object {
  return { metadata: { labels: { app } }, spec: { ...containers(), ...spec } };
}

export function isReady({ status }: Kinds['pods']): boolean {
  return conditionOf({ status }, 'Ready') === 'True';
}

/** `True`, `False`, `Unknown`; undefined if the condition is absent. */
export function conditionOf(
  {
    status,
  }: {
    readonly status?:
      | { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
      | undefined;
  },
  type: string,
): string | undefined {
  return status?.conditions?.find((each) => each.type === type)?.status;
}
