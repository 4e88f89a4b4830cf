/** The sandbox's API server: in memory, over HTTPS on 127.0.0.1. For kubectl and our own client it is a server like any other. */
import type { SandboxClock } from './api.ts';
import { createAuthority } from './certificates.ts';
import { SteppedClock } from './clock.ts';
import { type Fault, type FaultMatch, FaultRules } from './faults/rules.ts';
import { Listener } from './http/listen.ts';
import type { WatchEnd } from './http/watch.ts';
import type { InProcessApi } from './in-process.ts';
import { type LoggedRequest, RequestLog } from './request-log.ts';
import { makeServer } from './server.ts';

export { SteppedClock } from './clock.ts';
export type { Fault, FaultMatch } from './faults/rules.ts';
export { answerDirectly, type DirectRequest } from './http/direct.ts';
export type { LoggedRequest } from './request-log.ts';
export { makeServer, type ServerCore } from './server.ts';

export interface SandboxOptions {
  /** @default the machine's time, which `clock.step()` moves */
  readonly clock?: SandboxClock;
  /** How many changes of each kind can still be watched. @default 5000 */
  readonly historySize?: number;
  /** @default 200_000 */
  readonly maxObjects?: number;
  /** Entries of the request log. @default 10_000 */
  readonly logSize?: number;
  /** The port on 127.0.0.1. @default a free one */
  readonly port?: number;
}

/** Faults, and operations that only an operator of a real server could do. */
export interface SandboxFaults {
  /** Adds a fault for requests from now on. @returns a function that removes it. */
  add(match: FaultMatch, fault: Fault): () => void;
  /** Removes all faults that were added. */
  clear(): void;
  /** Ends open watches. @param how @default 'close' @returns how many there were */
  endWatches(match?: FaultMatch, how?: WatchEnd): number;
  /** Sends a bookmark to open watches. @returns how many there were */
  bookmark(match?: FaultMatch): number;
  /** Forgets the history: older versions and continue tokens are answered with 410. */
  compact(): void;
  /** Breaks all connections; new ones are accepted. */
  breakConnections(): void;
  /** Stops listening and breaks all connections; the port is free on return. May be called again. */
  takeDown(): Promise<void>;
  /** Listens again, on the same port with the same data. */
  bringUp(): Promise<void>;
  /** Takes the server down and brings it up again. @param downMs @default 0 */
  restart(downMs?: number): Promise<void>;
}

export interface Sandbox extends AsyncDisposable {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** Text of a kubeconfig of a user who may do everything. */
  readonly kubeconfig: string;
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** Requests without HTTP. */
  readonly api: InProcessApi;
  readonly clock: SandboxClock & Partial<Pick<SteppedClock, 'step'>>;
  readonly faults: SandboxFaults;
  /** The last requests, oldest first. */
  requests(): readonly LoggedRequest[];
  /** Connections that are open. */
  connections(): number;
  /** Breaks all connections and frees the port. May be called again. */
  stop(): Promise<void>;
}

/** Starts an API server with the usual Namespaces and nothing else; it answers on return. */
export async function startSandboxApi(options: SandboxOptions = {}): Promise<Sandbox> {
  const { clock = new SteppedClock(), historySize, maxObjects, logSize = 10_000, port = 0 } = options;
  const core = makeServer(clock, {
    ...(historySize !== undefined && { historySize }),
    ...(maxObjects !== undefined && { maxObjects }),
  });
  const rules = new FaultRules();
  const log = new RequestLog(logSize);
  const token = core.context.accounts.adminToken;
  const authority = createAuthority();
  const certificate = authority.issueServer('127.0.0.1', 'localhost');
  const listener = new Listener({ context: core.context, certificate, faults: rules, log, port });
  try {
    await listener.open();
  } catch (error) {
    core.stop();
    throw error;
  }
  const url = `https://127.0.0.1:${listener.port}`;
  const faults: SandboxFaults = {
    add: (match, fault) => rules.add(match, fault),
    clear: () => rules.clear(),
    endWatches: (match = {}, how = 'close') => listener.endWatches(match, how),
    bookmark: (match = {}) => listener.bookmark(match),
    compact: () => core.context.store.compact(),
    breakConnections: () => listener.breakConnections(),
    takeDown: () => listener.close(),
    bringUp: () => listener.open(),
    restart: async (downMs = 0) => {
      await listener.close();
      await new Promise<void>((resolve) => clock.setTimeout(resolve, downMs));
      await listener.open();
    },
  };
  const stop = async (): Promise<void> => {
    core.stop();
    await listener.close();
  };
  return {
    url,
    token,
    ca: authority.cert,
    kubeconfig: kubeconfigText(url, authority.cert, token),
    api: core.api,
    clock,
    faults,
    requests: () => log.entries(),
    connections: () => listener.openConnections,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** JSON, which is YAML. */
function kubeconfigText(server: string, ca: string, token: string): string {
  const name = 'sandbox';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
