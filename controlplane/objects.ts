/** Operations on a control plane that consist of requests alone, for every provider. */
import { join } from 'node:path';
import { type Rest, RestError } from '../harness/rest.ts';
import { eventually } from '../harness/wait.ts';
import type { NodeOptions, ServiceAccountName } from './controlplane.ts';
import { writeKubeconfig } from './kubeconfig.ts';

const TOKEN_SECONDS = 24 * 3600;
const READY_DEADLINE_MS = 60_000;

interface NodeStatus {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Creates Nodes. With kwok, returns when all of them are Ready; else they are created Ready. */
export async function addSimulatedNodes(
  api: Rest,
  names: readonly string[],
  { labels, allocatable }: NodeOptions,
  kwok: boolean,
): Promise<void> {
  const resources = { cpu: '32', memory: '256Gi', pods: '110', ...allocatable };
  const ready = { type: 'Ready', status: 'True', reason: 'Simulated', message: '' };
  await Promise.all(
    names.map((name) =>
      api.create('/api/v1/nodes', {
        metadata: {
          name,
          annotations: { 'kwok.x-k8s.io/node': 'fake' },
          labels: {
            'kubernetes.io/hostname': name,
            'kubernetes.io/os': 'linux',
            'kubernetes.io/arch': 'amd64',
            ...labels,
          },
        },
        status: { capacity: resources, allocatable: resources, ...(kwok ? {} : { conditions: [ready] }) },
      }),
    ),
  );
  if (!kwok || names.length === 0) return;
  await eventually(
    async () => {
      const nodes = new Map((await api.list<NodeStatus>('/api/v1/nodes')).map((node) => [node.metadata.name, node]));
      return names.every((name) => isReady(nodes.get(name))) ? true : undefined;
    },
    { what: `kwok to make ${names.length} Nodes Ready`, deadlineMs: READY_DEADLINE_MS, pollMs: 100 },
  );
}

export interface AccountServer {
  readonly api: Rest;
  readonly server: string;
  readonly ca: string;
  /** The folder for the kubeconfig. */
  readonly folder: string;
}

/** Creates the ServiceAccount, and its Namespace, if missing, and writes a kubeconfig with a token for it. */
export async function writeKubeconfigFor(
  { api, server, ca, folder }: AccountServer,
  { namespace, name }: ServiceAccountName,
): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await createIfMissing(api, '/api/v1/namespaces', { metadata: { name: namespace } });
  await createIfMissing(api, accounts, { metadata: { name } });
  const { status } = await api.create<{ status: { token: string } }>(`${accounts}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: TOKEN_SECONDS },
  });
  return writeKubeconfig(join(folder, `${namespace}.${name}`), { server, ca, token: status.token, namespace });
}

async function createIfMissing(api: Rest, path: string, body: unknown): Promise<void> {
  try {
    await api.create(path, body);
  } catch (error) {
    if (!(error instanceof RestError && error.code === 409)) throw error;
  }
}

function isReady(node: NodeStatus | undefined): boolean {
  return node?.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}
