/**
 * A whole cluster in memory: the API server of `start.ts`, and behind it the simulated cluster of `cluster/`. The tour, `npm run sandbox`
 * and tests use it; for kubectl and our own program it is a cluster like any other.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type ClusterName,
  createCluster,
  createMachine,
  createNode,
  type MachineOptions,
  type NodeOptions,
} from './additions.ts';
import type { ResourceName } from './api.ts';
import type { ClusterAccess } from './cluster/base/cluster-access.ts';
import { isTrue } from './cluster/base/conditions.ts';
import type { Node } from './cluster/base/kinds.ts';
import type { Machine } from './cluster/base/machine-kinds.ts';
import type { OnError } from './cluster/base/work-loop.ts';
import { MACHINES } from './cluster/machines/lookup.ts';
import type { ApproverOptions, Metal3Options, Timing } from './cluster/options.ts';
import { simulateCluster } from './cluster/simulate.ts';
import { type SandboxOptions as ServerOptions, type Sandbox as ServerSandbox, startSandboxApi } from './start.ts';

const DEADLINE_MS = 60_000;
/** The time that a slow machine takes per object. */
const MS_PER_OBJECT = 20;
/** Short enough for a test, long enough that a drain has steps. */
const FAST: Partial<Timing> = { podStartMs: 50, podStopMs: 50 };
const FAST_POWER: Metal3Options = { powerOffMs: 100, powerOnMs: 100 };

export interface SandboxOptions extends ServerOptions {
  /** Names of Nodes that are Ready from the start. */
  readonly nodes?: readonly string[];
  /** Serves Machines and Clusters, and deletes them as Cluster API does. @default false */
  readonly clusterApi?: boolean;
  /** Serves BareMetalHosts, and switches them like Metal3, by default within 100 ms. @default false */
  readonly metal3?: boolean | Metal3Options;
  /** Approves maintenance and deletion on the Nodes of this API server. @default no approvals */
  readonly approver?: ApproverOptions;
  /** How long things take. @default Pods start and end within 50 ms; everything else as in `DEFAULT_TIMING` */
  readonly timing?: Partial<Timing>;
  /** Called for each failed pass of a simulated controller; it is retried. @default a warning of the process */
  readonly onError?: OnError;
}

export interface Sandbox extends ServerSandbox {
  /** Creates Nodes. They are Ready on return. @throws ApiError if one is refused */
  addNodes(names: readonly string[], options?: NodeOptions): Promise<void>;
  /**
   * Creates a Cluster, its Namespace if missing, and the Secret `NAME-kubeconfig` that leads to its Nodes. Needs `clusterApi`.
   *
   * @param workload the sandbox that its Nodes are in. @default this one
   */
  addCluster(cluster: ClusterName, workload?: Sandbox): void;
  /** Creates Machines with Nodes and, if wanted, hosts of the same names; on return each Machine has found its Node. */
  addMachines(names: readonly string[], options: MachineOptions): Promise<void>;
  /** Writes the kubeconfig, readable by its owner only, and the folders above it. */
  writeKubeconfig(path: string): Promise<void>;
  /**
   * Waits for a state of objects: `probe` is called now, and again after each change of these resources.
   *
   * @param what a phrase that follows "Waited 60 s for"
   * @param deadlineMs in real time, independent of the clock. @default 60 000
   * @throws Error that names `what` once the deadline has passed; any error of `probe`
   */
  until<T>(
    resources: readonly ResourceName[],
    probe: () => T | undefined,
    what: string,
    deadlineMs?: number,
  ): Promise<T>;
}

/** Starts a cluster in memory. On return it answers, and its Nodes are Ready. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const server = await startSandboxApi(options);
  const workloads = new Map<string, Sandbox>();
  const simulated = simulateCluster(server.api, server.clock, simulationOf(options, server, workloads));
  const sandbox = assemble(server, workloads, async () => {
    simulated.stop();
    await server.stop();
  });
  try {
    await sandbox.addNodes(options.nodes ?? []);
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

function simulationOf(
  { timing, approver, clusterApi, metal3 = false, onError = warn }: SandboxOptions,
  { ca, api }: ServerSandbox,
  workloads: ReadonlyMap<string, Sandbox>,
) {
  const find = (cluster: ClusterName): ClusterAccess => workloads.get(keyOf(cluster))?.api ?? api;
  return {
    ...FAST,
    ...timing,
    rootCertificate: ca,
    onError,
    ...(approver !== undefined && { approver }),
    ...(clusterApi === true && { clusterApi: { workload: find } }),
    ...(metal3 !== false && { metal3: metal3 === true ? FAST_POWER : metal3 }),
  };
}

function assemble(server: ServerSandbox, workloads: Map<string, Sandbox>, stop: () => Promise<void>): Sandbox {
  const { api, kubeconfig } = server;
  const until: Sandbox['until'] = (...request) => waitFor(api, ...request);
  const sandbox: Sandbox = {
    ...server,
    stop,
    [Symbol.asyncDispose]: stop,
    until,
    addNodes: async (names, nodeOptions = {}) => {
      for (const name of names) createNode(api, name, nodeOptions);
      await nodesAreReady(sandbox, names);
    },
    addCluster: (cluster, workload = sandbox) => {
      workloads.set(keyOf(cluster), workload);
      createCluster(api, cluster, workload === sandbox ? kubeconfig : workload.kubeconfig);
    },
    addMachines: async (names, machineOptions) => {
      const { cluster } = machineOptions;
      const workload = workloads.get(keyOf(cluster));
      if (workload === undefined) throw new Error(`Cluster ${keyOf(cluster)} has not been added`);
      for (const name of names) {
        const providerID = createMachine(api, name, machineOptions);
        createNode(workload.api, name, { providerID });
      }
      await nodesAreReady(workload, names);
      await machinesHaveNodes(sandbox, cluster, names);
    },
    writeKubeconfig: async (path) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, kubeconfig, { mode: 0o600 });
    },
  };
  return sandbox;
}

function nodesAreReady({ api, until }: Sandbox, names: readonly string[]): Promise<true> {
  const isReady = (name: string): boolean => {
    const node = api.get({ resource: 'nodes', name }) as Node | undefined;
    return isTrue(node?.status?.conditions, 'Ready');
  };
  return until(['nodes'], oneByOne(names, isReady), `${names.length} Nodes to be Ready`, deadlineFor(names));
}

function machinesHaveNodes(
  { api, until }: Sandbox,
  { namespace }: ClusterName,
  names: readonly string[],
): Promise<true> {
  const hasNode = (name: string): boolean => {
    const machine = api.get({ resource: MACHINES, namespace, name }) as Machine | undefined;
    return machine?.status?.nodeRef?.name === name;
  };
  return until(
    [MACHINES],
    oneByOne(names, hasNode),
    `${names.length} Machines to find their Nodes`,
    deadlineFor(names),
  );
}

const deadlineFor = (names: readonly string[]): number => DEADLINE_MS + names.length * MS_PER_OBJECT;

/** A probe that continues where it stopped, so that not every change of one object leads to a check of thousands. */
function oneByOne(names: readonly string[], isDone: (name: string) => boolean): () => true | undefined {
  let done = 0;
  return () => {
    for (let name = names[done]; name !== undefined && isDone(name); name = names[done]) done += 1;
    return done === names.length || undefined;
  };
}

function waitFor<T>(
  api: ServerSandbox['api'],
  resources: readonly ResourceName[],
  probe: () => T | undefined,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const ends: (() => void)[] = [];
  const waiting = new Promise<T>((resolve, reject) => {
    const look = (): void => {
      try {
        const found = probe();
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => reject(new Error(`Waited ${deadlineMs / 1000} s for ${what}`)), deadlineMs);
    ends.push(() => clearTimeout(timer), ...resources.map((resource) => api.watch(resource, look)));
    look();
  });
  return waiting.finally(() => {
    for (const end of ends) end();
  });
}

const keyOf = ({ namespace, name }: ClusterName): string => `${namespace}/${name}`;

function warn(controller: string, key: string, error: unknown): void {
  process.emitWarning(
    `The simulated ${controller} failed on ${key}: ${error instanceof Error ? error.message : String(error)}`,
  );
}
