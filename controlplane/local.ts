/** A control plane of processes on this machine. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runKubectl } from '../harness/kubectl.ts';
import { makeRest, type Rest } from '../harness/rest.ts';
import { eventually } from '../harness/wait.ts';
import type { BinaryFile } from './binaries.ts';
import { KWOK_STAGES } from './build.ts';
import type {
  AuditEvent,
  Capability,
  ControlPlane,
  ControlPlaneOptions,
  KubectlOptions,
  KubectlResult,
  NodeOptions,
  ServiceAccountName,
} from './controlplane.ts';
import {
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  kwokFlags,
  type Layout,
  layoutIn,
  type Ports,
  schedulerFlags,
} from './flags.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { addSimulatedNodes, writeKubeconfigFor } from './objects.ts';
import { isFree } from './ports.ts';
import { ProcessGroup, type Supervised } from './processes.ts';
import { podStages } from './stages.ts';
import { onFreshPort, PortTaken, whenReady } from './start.ts';

const STOP_DEADLINE_MS = 30_000;
const PORT_DEADLINE_MS = 60_000;

/** The users of the static tokens. The controller manager acts as an administrator: its roles are not tested here. */
const USERS = [
  { name: 'admin', user: 'admin', groups: ['system:masters'] },
  { name: 'controller-manager', user: 'system:kube-controller-manager', groups: ['system:masters'] },
  { name: 'scheduler', user: 'system:kube-scheduler', groups: [] },
  { name: 'kwok', user: 'kwok', groups: ['system:masters'] },
] as const;

/** Each finished request once, with the body of writes. */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules: [{ level: Request }]
`;

type UserName = (typeof USERS)[number]['name'];
type Tokens = Readonly<Record<UserName, string>>;

/**
 * @param binaries the folder of the programs that the options require.
 * @throws Error with the end of a log; nothing is left running or on disk then.
 */
export async function startLocal(binaries: string, options: ControlPlaneOptions): Promise<ControlPlane> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'maintenance-bridge-controlplane-')));
  const layout = layoutIn(directory);
  const tokens = await prepare(layout);
  const group = new ProcessGroup(directory, layout.logs);
  try {
    const controlPlane = new LocalControlPlane(binaries, options, layout, tokens, group);
    await controlPlane.start();
    return controlPlane;
  } catch (error) {
    await group.close();
    throw error;
  }
}

class LocalControlPlane implements ControlPlane {
  readonly can: ReadonlySet<Capability> = new Set<Capability>([
    'restart',
    'simulatedNodes',
    'audit',
    'metrics',
    'rbac',
    'admission',
    'versions',
  ]);
  readonly directory: string;
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly adminToken: string;

  readonly #binaries: string;
  readonly #options: ControlPlaneOptions;
  readonly #layout: Layout;
  readonly #tokens: Tokens;
  readonly #group: ProcessGroup;
  readonly #running = new Map<string, Supervised>();
  #ports: Ports = { etcd: 0, apiServer: 0 };
  #ca = '';
  #api: Rest | undefined;

  constructor(binaries: string, options: ControlPlaneOptions, layout: Layout, tokens: Tokens, group: ProcessGroup) {
    this.#binaries = binaries;
    this.#options = options;
    this.#layout = layout;
    this.#tokens = tokens;
    this.#group = group;
    this.directory = layout.directory;
    this.kubeconfig = layout.adminKubeconfig;
    this.caFile = layout.ca;
    this.adminToken = tokens.admin;
  }

  get serverUrl(): string {
    return `https://127.0.0.1:${this.#ports.apiServer}`;
  }

  get api(): Rest {
    if (this.#api === undefined) throw new Error('The API server has never been ready');
    return this.#api;
  }

  get processes(): ReadonlyMap<string, number> {
    const running = [...this.#running.values()].filter(({ ending }) => ending === undefined);
    return new Map(running.map(({ name, pid }) => [name, pid]));
  }

  async start(): Promise<void> {
    const { nodes = [] } = this.#options;
    await onFreshPort((etcd) => this.#bootEtcd(etcd));
    await onFreshPort((apiServer) => {
      this.#ports = { ...this.#ports, apiServer };
      return this.#bootApiServer();
    });
    await this.#writeKubeconfig('admin', this.kubeconfig);
    await this.#launchClients();
    const all = [...this.#running.values()];
    await whenReady(all, 'the Namespace default exists', () => this.#exists('/api/v1/namespaces/default'));
    if (this.#options.controllerManager === true) {
      const account = '/api/v1/namespaces/default/serviceaccounts/default';
      await whenReady(all, 'the ServiceAccount default exists', () => this.#exists(account));
    }
    await this.addNodes(nodes);
  }

  async startApiServer(): Promise<void> {
    const deadline = performance.now() + PORT_DEADLINE_MS;
    for (;;) {
      await this.#portIsFree();
      try {
        return await this.#bootApiServer();
      } catch (error) {
        // Clients know this port: unlike at the first start, no other one can be used.
        if (!(error instanceof PortTaken) || performance.now() > deadline) throw error;
      }
    }
  }

  async stopApiServer(): Promise<void> {
    await this.#endApiServer('SIGTERM');
  }

  async killApiServer(): Promise<void> {
    await this.#endApiServer('SIGKILL');
  }

  kubeconfigFor(account: ServiceAccountName): Promise<string> {
    const { kubeconfigs: folder } = this.#layout;
    return writeKubeconfigFor({ api: this.api, server: this.serverUrl, ca: this.#ca, folder }, account);
  }

  kubectl(
    args: readonly string[],
    { input, kubeconfig = this.kubeconfig }: KubectlOptions = {},
  ): Promise<KubectlResult> {
    return runKubectl({ program: join(this.#binaries, 'kubectl'), args, kubeconfig, home: this.directory, input });
  }

  addNodes(names: readonly string[], options: NodeOptions = {}): Promise<void> {
    return addSimulatedNodes(this.api, names, options, this.#options.kwok === true);
  }

  metrics(): Promise<string> {
    return this.api.text('/metrics');
  }

  async auditEvents(): Promise<readonly AuditEvent[]> {
    if (this.#options.auditLog !== true) throw new Error('Started without the option auditLog');
    const text = await readFile(this.#layout.auditLog, 'utf8');
    // The server may be in the middle of its last line.
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AuditEvent);
  }

  async stop(): Promise<void> {
    this.#api?.close();
    await this.#group.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #bootEtcd(port: number): Promise<void> {
    this.#ports = { ...this.#ports, etcd: port };
    const etcd = await this.#launch('etcd', etcdFlags(this.#layout, this.#ports));
    await whenReady([etcd], 'etcd is healthy', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(2000) });
      return answer.ok;
    });
  }

  async #bootApiServer(): Promise<void> {
    const { controllerManager = false, auditLog = false } = this.#options;
    const flags = apiServerFlags(this.#layout, this.#ports, { controllerManager, auditLog });
    const server = await this.#launch('kube-apiserver', flags);
    const etcd = this.#running.get('etcd');
    await whenReady(etcd === undefined ? [server] : [server, etcd], 'the API server is ready', async () => {
      if (this.#api !== undefined) return (await this.#api.text('/readyz')) === 'ok';
      // At its first start the server creates the certificate that clients trust. The file may be incomplete: only a working one is kept.
      const ca = await readFile(this.#layout.ca, 'utf8');
      const api = makeRest({ server: this.serverUrl, ca, token: this.adminToken });
      try {
        await api.text('/readyz');
      } catch (error) {
        api.close();
        throw error;
      }
      this.#ca = ca;
      this.#api = api;
      return true;
    });
  }

  /** Starts all programs that are only clients of the API server, at once. */
  async #launchClients(): Promise<void> {
    const { controllerManager, scheduler, kwok, jobsRun = false } = this.#options;
    const kubeconfig = (name: UserName) => this.#writeKubeconfig(name, join(this.#layout.kubeconfigs, name));
    const launches: Promise<Supervised>[] = [];
    if (controllerManager === true) {
      const flags = controllerManagerFlags(this.#layout, await kubeconfig('controller-manager'));
      launches.push(this.#launch('kube-controller-manager', flags));
    }
    if (scheduler === true) {
      launches.push(this.#launch('kube-scheduler', schedulerFlags(await kubeconfig('scheduler'))));
    }
    if (kwok === true) {
      const stages = join(this.#layout.directory, KWOK_STAGES);
      await writeFile(stages, podStages(await readFile(join(this.#binaries, KWOK_STAGES), 'utf8'), jobsRun));
      launches.push(this.#launch('kwok', kwokFlags(await kubeconfig('kwok'), stages)));
    }
    await Promise.all(launches);
  }

  async #launch(name: BinaryFile, flags: readonly string[]): Promise<Supervised> {
    const launched = await this.#group.launch(name, join(this.#binaries, name), flags);
    this.#running.set(name, launched);
    return launched;
  }

  async #endApiServer(signal: NodeJS.Signals): Promise<void> {
    const server = this.#running.get('kube-apiserver');
    server?.signal(signal);
    const late = AbortSignal.timeout(STOP_DEADLINE_MS);
    // It waits for requests in flight; a watch that does not end must not hold up the test.
    late.addEventListener('abort', () => server?.signal('SIGKILL'), { once: true });
    await server?.ended;
    this.#running.delete('kube-apiserver');
    await this.#portIsFree();
  }

  #portIsFree(): Promise<true> {
    const { apiServer } = this.#ports;
    return eventually(async () => ((await isFree(apiServer)) ? true : undefined), {
      what: `port ${apiServer} to be free`,
      deadlineMs: PORT_DEADLINE_MS,
    });
  }

  #writeKubeconfig(name: UserName, path: string): Promise<string> {
    return writeKubeconfig(path, { server: this.serverUrl, ca: this.#ca, token: this.#tokens[name] });
  }

  async #exists(path: string): Promise<boolean> {
    await this.api.get(path);
    return true;
  }
}

/** Writes the files that must exist before the first program starts. */
async function prepare({ directory, ...layout }: Layout): Promise<Tokens> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await Promise.all([layout.logs, layout.certificates, layout.kubeconfigs].map((folder) => mkdir(folder)));
  const tokens = Object.fromEntries(USERS.map(({ name }) => [name, randomBytes(16).toString('hex')])) as Tokens;
  const rows = USERS.map(({ name, user, groups }) => `${tokens[name]},${user},${name},"${groups.join(',')}"\n`);
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await Promise.all([
    writeFile(layout.tokens, rows.join(''), { mode: 0o600 }),
    writeFile(layout.serviceAccountKey, privateKey, { mode: 0o600 }),
    writeFile(layout.auditPolicy, AUDIT_POLICY),
  ]);
  return tokens;
}
