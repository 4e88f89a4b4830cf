/** A control plane in a container, for machines with Docker and without Go. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartedK3sContainer } from '@testcontainers/k3s';
import { parse } from 'yaml';
import { makeRest } from '../harness/rest.ts';
import { eventually } from '../harness/wait.ts';
import {
  type Capability,
  type ControlPlane,
  type ControlPlaneOptions,
  type KubectlResult,
  NotSupported,
} from './controlplane.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { writeKubeconfigFor } from './objects.ts';

const IMAGE = 'rancher/k3s:v1.36.3-k3s1';
const ADMIN = 'maintenance-bridge-admin';
/** The address of the API server inside the container, where kubectl runs. */
const INSIDE_URL = 'https://127.0.0.1:6443';
const CAN: ReadonlySet<Capability> = new Set(['metrics', 'rbac', 'admission', 'versions']);

/**
 * k3s always runs a scheduler, a controller manager and its own Node, regardless of the options.
 *
 * @throws NotSupported for options that it does not support; Error if the container does not start.
 */
export async function startK3s({ kwok, nodes = [], auditLog, directory }: ControlPlaneOptions): Promise<ControlPlane> {
  if (kwok === true || nodes.length > 0) throw notSupported('simulated Nodes');
  if (auditLog === true) throw notSupported('an audit log');
  const { K3sContainer } = await import('@testcontainers/k3s');
  const container = await new K3sContainer(IMAGE).start();
  const folder = directory ?? (await mkdtemp(join(tmpdir(), 'maintenance-bridge-controlplane-')));
  try {
    return await controlPlaneIn(container, folder);
  } catch (error) {
    await container.stop();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function controlPlaneIn(container: StartedK3sContainer, directory: string): Promise<ControlPlane> {
  const kubeconfigs = join(directory, 'kubeconfigs');
  const caFile = join(directory, 'ca.crt');
  await mkdir(kubeconfigs, { recursive: true, mode: 0o700 });
  const { server, ca } = clusterOf(container.getKubeConfig());
  await writeFile(caFile, ca);
  const token = await adminToken(container);
  const kubeconfig = await writeKubeconfig(join(directory, 'kubeconfig'), { server, ca, token });
  const api = makeRest({ server, ca, token });
  await eventually(() => api.get('/api/v1/namespaces/default/serviceaccounts/default'), {
    what: 'the ServiceAccount default',
    deadlineMs: 60_000,
  });
  const stop = async (): Promise<void> => {
    api.close();
    await container.stop();
    await rm(directory, { recursive: true, force: true });
  };
  return {
    can: CAN,
    kubeconfig,
    directory,
    serverUrl: server,
    caFile,
    adminToken: token,
    api,
    processes: new Map(),
    kubeconfigFor: (account) => writeKubeconfigFor({ api, server, ca, folder: kubeconfigs }, account),
    kubectl: async (args, { input, kubeconfig: path = kubeconfig } = {}) => {
      const text = (await readFile(path, 'utf8')).replaceAll(server, INSIDE_URL);
      return kubectlIn(container, args, text, input ?? '');
    },
    metrics: () => api.text('/metrics'),
    addNodes: () => Promise.reject(notSupported('simulated Nodes')),
    auditEvents: () => Promise.reject(notSupported('an audit log')),
    stopApiServer: () => Promise.reject(notSupported('stopping the API server alone')),
    killApiServer: () => Promise.reject(notSupported('killing the API server alone')),
    startApiServer: () => Promise.reject(notSupported('starting the API server alone')),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** k3s' own administrator has a client certificate; everything here uses tokens. */
async function adminToken(container: StartedK3sContainer): Promise<string> {
  const commands = [
    ['create', 'serviceaccount', ADMIN, '--namespace=kube-system'],
    ['create', 'clusterrolebinding', ADMIN, '--clusterrole=cluster-admin', `--serviceaccount=kube-system:${ADMIN}`],
    ['create', 'token', ADMIN, '--namespace=kube-system', '--duration=24h'],
  ];
  let token = '';
  for (const command of commands) {
    const { exitCode, stdout, stderr } = await container.exec(['kubectl', ...command]);
    if (exitCode !== 0) throw new Error(`\`kubectl ${command.join(' ')}\` in k3s ended with ${exitCode}: ${stderr}`);
    token = stdout.trim();
  }
  return token;
}

/** `exec` has no stdin: the input is copied as a file. Calls may overlap, so each has its own files. */
let calls = 0;
async function kubectlIn(
  container: StartedK3sContainer,
  args: readonly string[],
  kubeconfig: string,
  input: string,
): Promise<KubectlResult> {
  calls += 1;
  const [config, stdin] = [`/tmp/kubeconfig-${calls}`, `/tmp/input-${calls}`];
  await container.copyContentToContainer([
    { content: kubeconfig, target: config },
    { content: input, target: stdin },
  ]);
  const script = `exec kubectl --kubeconfig=${config} "$@" < ${stdin}`;
  const { exitCode, stdout, stderr } = await container.exec(['sh', '-c', script, 'kubectl', ...args]);
  return { code: exitCode, stdout, stderr };
}

function clusterOf(kubeconfig: string): { server: string; ca: string } {
  const { clusters } = parse(kubeconfig) as {
    clusters: readonly { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const cluster = clusters[0]?.cluster;
  if (cluster === undefined) throw new Error('The kubeconfig of k3s names no cluster');
  return {
    server: cluster.server.replace(/\/$/, ''),
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64').toString(),
  };
}

function notSupported(what: string): NotSupported {
  return new NotSupported(`k3s in a container cannot give ${what}`);
}
