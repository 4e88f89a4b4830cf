/** The sandbox as a control plane for tests: in memory and in this process, so that it starts and ends in milliseconds. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { locate } from '../controlplane/binaries.ts';
import {
  type Capability,
  type ControlPlane,
  type ControlPlaneOptions,
  type KubectlOptions,
  NotSupported,
} from '../controlplane/controlplane.ts';
import { writeKubeconfig } from '../controlplane/kubeconfig.ts';
import { addSimulatedNodes, writeKubeconfigFor } from '../controlplane/objects.ts';
import { type Sandbox as Cluster, type SandboxOptions as ClusterOptions, startSandbox } from '../sandbox/sandbox.ts';
import { type Sandbox as ServerSandbox, startSandboxApi } from '../sandbox/start.ts';
import { auditEventOf } from './audit.ts';
import { runKubectl } from './kubectl.ts';
import { kubectl as knownCommands } from './kubectl-requests.ts';
import { makeRest } from './rest.ts';
import { eventually } from './wait.ts';

/** The capabilities of the sandbox as a control plane. */
export const SANDBOX_CAN: ReadonlySet<Capability> = new Set(['restart', 'simulatedNodes', 'audit']);

/** No test makes so many, so that none is missing from the audit log. */
const LOG_SIZE = 1_000_000;

export interface SandboxControlPlane extends ControlPlane {
  readonly sandbox: ServerSandbox;
  /** Undefined if no component acts on it. */
  readonly cluster: Cluster | undefined;
}

export interface SandboxControlPlaneOptions extends ControlPlaneOptions {
  /** For the simulated cluster, if there is one. */
  readonly cluster?: ClusterOptions;
}

/**
 * Starts a sandbox. With a controller manager, a scheduler or kwok it is a whole cluster, which has all three; else nobody
 * acts on it, as on a bare API server.
 */
export async function startSandboxControlPlane(options: SandboxControlPlaneOptions = {}): Promise<SandboxControlPlane> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'maintenance-bridge-sandbox-')));
  const isCluster = options.controllerManager === true || options.scheduler === true || options.kwok === true;
  const cluster = isCluster ? await startSandbox({ ...options.cluster, logSize: LOG_SIZE }) : undefined;
  const sandbox = cluster ?? (await startSandboxApi({ logSize: LOG_SIZE }));
  const { url: server, ca, token } = sandbox;
  const folder = join(directory, 'kubeconfigs');
  const caFile = join(directory, 'ca.crt');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(caFile, ca);
  const kubeconfig = await writeKubeconfig(join(directory, 'kubeconfig'), { server, ca, token });
  const api = makeRest({ server, ca, token });
  const program = kubectlProgram();
  const stop = async (): Promise<void> => {
    api.close();
    await sandbox.stop();
    await rm(directory, { recursive: true, force: true });
  };
  const controlPlane: SandboxControlPlane = {
    can: SANDBOX_CAN,
    directory,
    kubeconfig,
    serverUrl: server,
    caFile,
    adminToken: token,
    api,
    processes: new Map(),
    sandbox,
    cluster,
    kubeconfigFor: (account) => writeKubeconfigFor({ api, server, ca, folder }, account),
    kubectl: (args, given = {}) => {
      if (isKnown(args, given)) return knownCommands(api, args);
      if (program === undefined) return Promise.reject(notSupported(args));
      return runKubectl({ program, args, kubeconfig, home: directory, ...given });
    },
    addNodes: (names, more = {}) => cluster?.addNodes(names, more) ?? addSimulatedNodes(api, names, more, false),
    metrics: () => Promise.reject(new NotSupported('The sandbox has no metrics')),
    auditEvents: async () => sandbox.requests().map(auditEventOf),
    stopApiServer: () => sandbox.faults.takeDown(),
    killApiServer: () => sandbox.faults.takeDown(),
    startApiServer: async () => {
      await sandbox.faults.bringUp();
      // Connections that were kept and are broken now must not fail the next request.
      await eventually(() => api.text('/readyz'), { what: 'the sandbox to answer again' });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  await controlPlane.addNodes(options.nodes ?? []);
  return controlPlane;
}

/** @returns undefined if it is a real one. */
export function sandboxOf(controlPlane: ControlPlane): ServerSandbox | undefined {
  return 'sandbox' in controlPlane ? (controlPlane as SandboxControlPlane).sandbox : undefined;
}

/** kubectl, from the programs of a real control plane or the PATH. */
function kubectlProgram(): string | undefined {
  const found = locate(['kubectl'], process.env);
  if (found !== undefined) return join(found.directory, 'kubectl');
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'kubectl')).find((path) => existsSync(path));
}

/**
 * Whether our own few commands of kubectl can do it, which takes a hundredth of the time and needs no program. A test of theirs
 * compares them with the real one.
 */
function isKnown([command = '', , , ...changes]: readonly string[], { input, kubeconfig }: KubectlOptions): boolean {
  if (input !== undefined || kubeconfig !== undefined) return false;
  return ['taint', 'label', 'annotate'].includes(command) && changes.every((change) => /=|-$/.test(change));
}

function notSupported(args: readonly string[]): NotSupported {
  return new NotSupported(`kubectl ${args.join(' ')} needs kubectl, which is neither in the cache nor on the PATH`);
}
