/** The API server of a workload cluster, with Nodes only, over TLS, which refuses, hangs and breaks on a test's request. */

import { kubeconfigText } from '../../controlplane/kubeconfig.ts';
import { createAuthority } from '../../sandbox/certificates.ts';
import {
  type ResponseStream,
  type ScriptedAnswer,
  type ScriptedRequest,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.ts';

type Labels = Readonly<Record<string, string>>;

interface StoredNode {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: Labels;
    readonly annotations: Labels;
  };
}

export class WorkloadServer implements AsyncDisposable {
  /** The bearer tokens that are accepted. */
  tokens = new Set(['token-1']);
  /** Answers in place of the server; undefined lets the server answer. */
  substitute: (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer> | undefined = () => undefined;
  readonly #server: ScriptedServer;
  readonly #ca: string;
  readonly #nodes = new Map<string, StoredNode>();
  readonly #watches = new Map<ResponseStream, ScriptedRequest>();
  #version = 0;

  private constructor(server: ScriptedServer, ca: string) {
    this.#server = server;
    this.#ca = ca;
    server.handle((request) => this.substitute(request) ?? this.#answer(request));
  }

  static async start(...nodes: readonly string[]): Promise<WorkloadServer> {
    const authority = createAuthority();
    const tls = authority.issueServer('127.0.0.1');
    const server = new WorkloadServer(await startScriptedServer(undefined, { tls }), authority.cert);
    for (const name of nodes) server.put(name);
    return server;
  }

  get requests(): readonly ScriptedRequest[] {
    return this.#server.requests;
  }

  get openConnections(): number {
    return this.#server.connections.open;
  }

  /** The tokens by which watches are open now. */
  get watchedBy(): readonly string[] {
    return [...this.#watches.values()].map(tokenOf);
  }

  kubeconfig(token = 'token-1'): string {
    return kubeconfigText({ server: this.#server.url.origin, ca: this.#ca, token });
  }

  /** Accepts every request from now on and answers none, like a server behind a dead backend. */
  hang(): void {
    this.substitute = () => new Promise(() => {});
  }

  recover(): void {
    this.substitute = () => undefined;
  }

  /** Adds a Node or gives it a new version. */
  put(name: string, labels: Labels = {}, uid = `uid-${name}`): void {
    const old = this.#nodes.get(name);
    const metadata = {
      name,
      uid: old?.metadata.uid ?? uid,
      resourceVersion: String(++this.#version),
      labels,
      annotations: { 'somebody.example/says': 'trust me' },
    };
    this.#nodes.set(name, { metadata });
    this.#tell(old === undefined ? 'ADDED' : 'MODIFIED', { metadata });
  }

  /** Reports Nodes to watchers that no list contains. */
  flood(count: number): void {
    for (let i = 0; i < count; i += 1) {
      const metadata = { name: `flood-${i}`, uid: `flood-${i}`, resourceVersion: String(++this.#version) };
      this.#tell('ADDED', { metadata: { ...metadata, labels: {}, annotations: {} } });
    }
  }

  remove(name: string): void {
    const old = this.#nodes.get(name);
    if (old === undefined) return;
    this.#nodes.delete(name);
    this.#tell('DELETED', { metadata: { ...old.metadata, resourceVersion: String(++this.#version) } });
  }

  labels(name: string): Labels | undefined {
    return this.#nodes.get(name)?.metadata.labels;
  }

  cutConnections(): void {
    this.#server.destroyConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }

  #tell(type: string, object: StoredNode): void {
    for (const out of this.#watches.keys()) out.line({ type, object });
  }

  #answer(request: ScriptedRequest): ScriptedAnswer {
    const { method, path, query, body } = request;
    if (!this.tokens.has(tokenOf(request))) return { status: 401, body: { kind: 'Status', message: 'Unauthorized' } };
    if (path === '/version') return { body: { major: '1' } };
    const [, name] = /^\/api\/v1\/nodes\/(.+)$/.exec(path) ?? [];
    if (method === 'PATCH' && name !== undefined) {
      this.put(name, { ...this.labels(name), ...JSON.parse(body).metadata.labels });
      return { body: this.#nodes.get(name) };
    }
    if (path !== '/api/v1/nodes') return { status: 404, body: { kind: 'Status', message: 'not found' } };
    return query.get('watch') === 'true' ? this.#watch(request) : this.#list(query);
  }

  #list(query: URLSearchParams): ScriptedAnswer {
    const name = query.get('fieldSelector')?.replace('metadata.name=', '');
    const items = [...this.#nodes.values()].filter(({ metadata }) => name === undefined || metadata.name === name);
    return { body: { metadata: { resourceVersion: String(this.#version) }, items } };
  }

  #watch(request: ScriptedRequest): ScriptedAnswer {
    const from = Number(request.query.get('resourceVersion'));
    return {
      stream: (out) => {
        this.#watches.set(out, request);
        void request.closed.then(() => this.#watches.delete(out));
        for (const object of this.#nodes.values()) {
          if (Number(object.metadata.resourceVersion) > from) out.line({ type: 'MODIFIED', object });
        }
      },
    };
  }
}

function tokenOf({ headers }: ScriptedRequest): string {
  return headers.authorization?.replace('Bearer ', '') ?? '';
}
