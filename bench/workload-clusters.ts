/**
 * Workload clusters in a process of their own: sandboxes with Nodes and Pods. `WorkloadClusters` starts that process, and asks it over
 * its IPC channel.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { makeRest, type Rest } from '../harness/rest.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';

const NAMESPACE = 'shop';
/** A user's Pod has more to it than our templates: with this it has 4.4 KB of JSON. */
const PADDING = 'x'.repeat(300);
const BRIDGE = 'maintenance-bridge';
/** On a busy machine the simulated scheduler takes minutes for ten thousand Pods. */
const DEADLINE_MS = 10 * 60_000;
const POLL_MS = 250;

export interface ClusterShape {
  readonly name: string;
  readonly nodes: number;
  /** Each is a Deployment with a budget. */
  readonly apps: number;
  readonly podsPerApp: number;
  readonly maxUnavailable: number;
  /** Evicted Pods do not end, so that the budget stays closed. */
  readonly isBlocked?: boolean;
}

export interface WorkloadCluster {
  readonly name: string;
  readonly nodes: readonly string[];
  readonly kubeconfig: string;
  readonly rest: Rest;
}

type Started = Omit<WorkloadCluster, 'rest'> & Readonly<Record<'url' | 'ca' | 'token', string>>;

type Call =
  | { readonly do: 'start'; readonly shape: ClusterShape }
  | { readonly do: 'requests'; readonly cluster: string }
  | { readonly do: 'answerLate'; readonly cluster: string; readonly ms: number };

/** The requests of the program that is measured, without those that open watches. */
export interface BridgeRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
}

export class WorkloadClusters implements AsyncDisposable {
  readonly #child: ChildProcess = fork(import.meta.filename);
  #last = 0;

  async start(shape: ClusterShape): Promise<WorkloadCluster> {
    const { url, ca, token, ...cluster } = await this.#ask<Started>({ do: 'start', shape });
    return { ...cluster, rest: makeRest({ server: url, ca, token }) };
  }

  /** Oldest first. */
  requests(cluster: string): Promise<readonly BridgeRequest[]> {
    return this.#ask({ do: 'requests', cluster });
  }

  /** @param ms 0 for at once again */
  async answerLate(cluster: string, ms: number): Promise<void> {
    await this.#ask({ do: 'answerLate', cluster, ms });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  #ask<T>(call: Call): Promise<T> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const onMessage = (answer: { id: number; value: T; error?: string }): void => {
      if (answer.id !== id) return;
      this.#child.off('message', onMessage);
      if (answer.error === undefined) resolve(answer.value);
      else reject(new Error(answer.error));
    };
    this.#child.on('message', onMessage);
    this.#child.send({ id, call });
    return promise;
  }
}

const sandboxes = new Map<string, Sandbox>();

async function answer(call: Call): Promise<unknown> {
  if (call.do === 'start') return start(call.shape);
  const sandbox = sandboxes.get(call.cluster);
  if (sandbox === undefined) throw new RangeError(`There is no cluster ${call.cluster}`);
  if (call.do === 'requests') {
    return sandbox
      .requests()
      .filter(({ userAgent, verb }) => userAgent.startsWith(BRIDGE) && verb !== 'watch')
      .map(({ atMs, method, path }) => ({ atMs, method, path }));
  }
  sandbox.faults.clear();
  if (call.ms > 0) sandbox.faults.add({ userAgent: BRIDGE }, { is: 'late', ms: call.ms });
  return undefined;
}

async function start(shape: ClusterShape): Promise<Started> {
  const { name, apps, podsPerApp, maxUnavailable, isBlocked = false } = shape;
  const nodes = Array.from({ length: shape.nodes }, (_, index) => `${name}-${index}`);
  const sandbox = await startSandbox({ nodes, logSize: 100_000 });
  const { api, url, ca, token, kubeconfig } = sandbox;
  sandboxes.set(name, sandbox);
  api.create('namespaces', { metadata: { name: NAMESPACE } });
  const annotations = { 'sandbox.maintenance-bridge.io/stops': 'false' };
  const containers = [
    {
      name: 'main',
      image: 'example.com/main',
      resources: { requests: { cpu: '100m' } },
      env: [{ name: 'PADDING', value: PADDING }],
    },
  ];
  for (let each = 0; each < apps; each += 1) {
    const app = `app-${each}`;
    const selector = { matchLabels: { app } };
    const template = {
      metadata: { labels: { app }, ...(isBlocked && { annotations }) },
      spec: { terminationGracePeriodSeconds: 1, containers },
    };
    const spec = { replicas: podsPerApp, selector, template };
    api.create('deployments.apps', { metadata: { name: app }, spec }, NAMESPACE);
    api.create(
      'poddisruptionbudgets.policy',
      { metadata: { name: app }, spec: { selector, maxUnavailable } },
      NAMESPACE,
    );
  }
  await allReady(sandbox, apps * podsPerApp);
  return { name, nodes, kubeconfig, url, ca, token };
}

/** Looks now and then: a look at ten thousand Pods after each change of one would take longer than the changes. */
async function allReady({ api }: Sandbox, count: number): Promise<void> {
  for (const untilMs = Date.now() + DEADLINE_MS; Date.now() < untilMs; ) {
    const deployments = api.list('deployments.apps', NAMESPACE) as readonly { status?: { readyReplicas?: number } }[];
    if (deployments.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${count} Pods are not ready`);
}

if (process.argv[1] === import.meta.filename) {
  process.on('message', ({ id, call }: { id: number; call: Call }) => {
    answer(call).then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}
