/** A sandbox with many Nodes and three Pods for each, every one of them within a budget: what a roll over a whole cluster meets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';

export interface Fleet extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly kubeconfig: string;
  /** In the order of their names. */
  readonly nodes: readonly string[];
  readonly pods: number;
}

const NAMESPACE = 'shop';
const PODS_PER_NODE = 3;
/** Pods of a Deployment, of which a budget lets a tenth be away. */
const REPLICAS = 30;
/** A roll leaves a dozen requests for each Node, and the controller about as many. */
const LOG_SIZE = 200_000;

/** On return all Pods are Ready. */
export async function startFleet(count: number): Promise<Fleet> {
  const digits = String(count - 1).length;
  const nodes = Array.from({ length: count }, (_, index) => `node-${String(index).padStart(digits, '0')}`);
  const sandbox = await startSandbox({ logSize: LOG_SIZE });
  await sandbox.addNodes(nodes, { labels: { fleet: 'all' } });
  const folder = await mkdtemp(join(tmpdir(), 'maintenance-bridge-fleet-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await sandbox.writeKubeconfig(kubeconfig);
  const { api } = sandbox;
  const pods = PODS_PER_NODE * count;
  let ready = 0;
  const unwatch = api.watch('pods', ({ type, object, before }) => {
    if (type !== 'DELETED' && isReady(object)) ready += 1;
    if (before !== undefined && isReady(before)) ready -= 1;
  });
  api.create('namespaces', { metadata: { name: NAMESPACE } });
  for (let left = pods, index = 0; left > 0; left -= REPLICAS, index += 1) {
    const app = `web-${index}`;
    const selector = { matchLabels: { app } };
    const containers = [{ name: 'main', image: 'registry.invalid/main', resources: { requests: { cpu: '100m' } } }];
    const template = { metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 1, containers } };
    const spec = { replicas: Math.min(REPLICAS, left), selector, template };
    api.create('deployments.apps', { metadata: { name: app }, spec }, NAMESPACE);
    const budget = { metadata: { name: app }, spec: { maxUnavailable: '10%', selector } };
    api.create('poddisruptionbudgets.policy', budget, NAMESPACE);
  }
  await sandbox.until(['pods'], () => ready === pods || undefined, `${pods} Pods to be ready`, 600_000);
  unwatch();
  return {
    sandbox,
    kubeconfig,
    nodes,
    pods,
    [Symbol.asyncDispose]: async () => {
      await sandbox.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isReady({ status }: { readonly [field: string]: unknown }): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
