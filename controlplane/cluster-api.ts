/** Cluster API's core controller on a control plane: the real deletion of Machines, with stub infrastructure. */
import { cp, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { eventually } from '../harness/wait.ts';
import { buildOnce, cacheDirectory, holds, lackingBuild } from './binaries.ts';
import { buildKey, goBuild, toolDirectory } from './build.ts';
import type { ControlPlane } from './controlplane.ts';
import { freePort } from './ports.ts';
import { ProcessGroup } from './processes.ts';
import { startProgress } from './progress.ts';
import { onFreshPort, whenReady } from './start.ts';

const MODULE = join(import.meta.dirname, 'tools', 'cluster-api');
const PROGRAM = 'cluster-api';
const CRDS = 'crds';
/** The files of a complete folder. */
export const CLUSTER_API_FILES = [PROGRAM, CRDS] as const;
const CRD_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Why the controller is not available here; undefined if it is in the cache, or Go can build it. */
export function lackingClusterApi(): string | undefined {
  const noBuild = isBuilt() ? undefined : lackingBuild();
  return noBuild && `the Cluster API controller is not built in ${cacheDirectory()}, and ${noBuild}`;
}

/** The program and the CRDs of its module, built into the cache if necessary. */
export async function ensureClusterApi(): Promise<string> {
  await buildOnce(buildDirectory(), isBuilt, build);
  return buildDirectory();
}

/** `CLUSTER_API_ASSETS` names a folder with another version, as `KUBEBUILDER_ASSETS` does for Kubernetes. */
function buildDirectory(): string {
  const assets = process.env.CLUSTER_API_ASSETS;
  if (assets !== undefined && assets !== '') return assets;
  return join(cacheDirectory(), `cluster-api-${buildKey([MODULE], CLUSTER_API_FILES)}`);
}

function isBuilt(): boolean {
  return holds(buildDirectory(), CLUSTER_API_FILES);
}

function build(directory: string): Promise<void> {
  return buildClusterApi(MODULE, directory);
}

/**
 * Builds the controller that `module` requires into `directory`, with its CRDs.
 *
 * @throws Error with the last lines of Go's output.
 */
export async function buildClusterApi(module: string, directory: string): Promise<void> {
  const progress = startProgress('Building the Cluster API controller with Go (once; minutes on the first run)');
  try {
    // The tool that go.mod names: the package of the core controller is another one since 1.14. Its CRDs are beside it.
    await goBuild(module, ['-ldflags', '-s -w', '-o', join(directory, PROGRAM), 'tool'], progress);
    const bases = join(await toolDirectory(module), 'config', 'crd', 'bases');
    await cp(bases, join(directory, CRDS), { recursive: true });
    progress.end('done');
  } catch (error) {
    progress.end('failed');
    throw error;
  }
}

/** A running core controller. */
export interface ClusterApi extends AsyncDisposable {
  /** The last lines of its log. */
  logTail(): Promise<string>;
}

/** Installs the CRDs of Cluster API and of a pretended infrastructure provider. */
export async function installClusterApiCrds({ api }: ControlPlane): Promise<void> {
  const folder = join(await ensureClusterApi(), CRDS);
  const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
  const crds = [
    ...files.flatMap((text) => [...parseAllDocuments(text)].map((document) => document.toJS() as Crd)),
    ...INFRASTRUCTURE_CRDS,
  ];
  await Promise.all(
    crds.map((crd) =>
      api.patch(`${CRD_PATH}/${crd.metadata.name}`, crd, 'apply', { fieldManager: 'test', force: true }),
    ),
  );
  await Promise.all(
    crds.map(({ metadata: { name } }) =>
      eventually(async () => (isEstablished(await api.get<Crd>(`${CRD_PATH}/${name}`)) ? true : undefined), {
        what: `CRD ${name} to be established`,
        deadlineMs: 60_000,
      }),
    ),
  );
}

/**
 * Starts the core controller as an administrator of the control plane with the CRDs installed. It ends with this process.
 *
 * @throws Error with the end of its log if it does not start.
 */
export async function startClusterApi(controlPlane: ControlPlane): Promise<ClusterApi> {
  const program = join(await ensureClusterApi(), PROGRAM);
  const directory = await mkdtemp(join(tmpdir(), 'maintenance-bridge-cluster-api-'));
  const logs = join(directory, 'logs');
  await mkdir(logs);
  const group = new ProcessGroup(directory, logs);
  try {
    const started = await onFreshPort(async (port) => {
      const args = [`POD_NAMESPACE=default`, program, ...(await flagsFor(controlPlane, port))];
      const launched = await group.launch(PROGRAM, '/usr/bin/env', args);
      await whenReady([launched], 'the Cluster API controller is ready', async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) });
        return answer.ok;
      });
      return launched;
    });
    return { logTail: () => started.logTail(), [Symbol.asyncDispose]: () => group.close() };
  } catch (error) {
    await group.close();
    throw error;
  }
}

/** The controller needs a certificate for webhooks that are never registered. */
async function flagsFor({ kubeconfig, caFile }: ControlPlane, healthPort: number): Promise<readonly string[]> {
  const certificate = basename(caFile, '.crt');
  return [
    `--kubeconfig=${kubeconfig}`,
    `--health-addr=127.0.0.1:${healthPort}`,
    `--webhook-port=${await freePort()}`,
    `--webhook-cert-dir=${dirname(caFile)}`,
    `--webhook-cert-name=${certificate}.crt`,
    `--webhook-key-name=${certificate}.key`,
    '--diagnostics-address=127.0.0.1:0',
    '--insecure-diagnostics',
  ];
}

interface Crd {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function isEstablished({ status }: Crd): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true;
}

/** Clusters, Machines, their templates and MachinePools of a pretended infrastructure provider, and Machines of Metal3's. */
export const INFRASTRUCTURE_CRDS = [
  'GenericInfrastructureCluster',
  'GenericInfrastructureMachine',
  'GenericInfrastructureMachineTemplate',
  'GenericInfrastructureMachinePool',
  'Metal3Machine',
  'Metal3MachineTemplate',
].map(infrastructureCrd);

/** A kind of a provider that follows the contract v1beta2 in its version v1beta1, and accepts any fields. */
function infrastructureCrd(kind: string): Crd {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.infrastructure.cluster.x-k8s.io`,
      labels: { 'cluster.x-k8s.io/v1beta1': 'v1beta1', 'cluster.x-k8s.io/v1beta2': 'v1beta1' },
    },
    spec: {
      group: 'infrastructure.cluster.x-k8s.io',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope: 'Namespaced',
      versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
    },
  };
  return crd;
}
