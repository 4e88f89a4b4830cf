/** The cluster of the tour and of `npm run sandbox`: Machines with hosts, and two workloads with different budgets. */

import type { SandboxApi } from '../sandbox/api.ts';
import { isReady, type Pod } from '../sandbox/cluster.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { ENABLED_LABEL } from '../src/core/machine-keys.ts';

export const FLEET = { namespace: 'fleet', name: 'prod' } as const;
/** Where the workloads run. */
export const SHOP = 'shop';
/** The prefix of the labels on Machines and their Nodes. */
export const LABEL_PREFIX = ENABLED_LABEL.slice(0, ENABLED_LABEL.lastIndexOf('/'));
export const WEB_PODS = 6;
/** How many of its Pods the budget allows to be missing. */
export const WEB_SPARE = 2;
export const DB_PODS = 3;

/** It takes seconds on a free machine, and longer on a busy one. */
const READY_DEADLINE_MS = 60_000;

export const nodeNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `worker-${index + 1}`);

/** Creates Machines with hosts and Nodes of the same names, all of them enabled for the bridge. */
export async function furnishMachines(sandbox: Sandbox, names: readonly string[]): Promise<void> {
  sandbox.addCluster(FLEET);
  const labels = { [ENABLED_LABEL]: 'true' };
  await sandbox.addMachines(names, { cluster: FLEET, labels, hasHost: true });
}

/**
 * Creates a Deployment `web` on the first Node, of which some Pods may be missing, a StatefulSet `db` on the second, of which none may be,
 * and a DaemonSet. If there is only one Node, all of them run there. On return everything is ready.
 */
export async function furnishWorkloads(
  sandbox: Sandbox,
  [first = '', second = first]: readonly string[],
): Promise<void> {
  const { api } = sandbox;
  api.create('namespaces', { metadata: { name: SHOP } });
  await runOn(sandbox, first, 'web', WEB_PODS, () => {
    api.create('deployments.apps', workload('web', { replicas: WEB_PODS }), SHOP);
    api.create('poddisruptionbudgets.policy', budget('web', WEB_SPARE), SHOP);
  });
  await runOn(sandbox, second, 'db', DB_PODS, () => {
    api.create(
      'statefulsets.apps',
      workload('db', { replicas: DB_PODS, serviceName: 'db', podManagementPolicy: 'Parallel' }),
      SHOP,
    );
    api.create('poddisruptionbudgets.policy', budget('db', 0), SHOP);
    api.create('daemonsets.apps', workload('agent', {}), SHOP);
  });
}

/** Makes the first Pods of a workload run on one Node: the others are closed in the meantime. */
async function runOn(sandbox: Sandbox, node: string, app: string, replicas: number, create: () => void): Promise<void> {
  const { api } = sandbox;
  const others = api.list('nodes').flatMap(({ metadata }) => (metadata.name === node ? [] : [metadata.name]));
  const close = (name: string, unschedulable: true | null): void =>
    void api.patch({ resource: 'nodes', name }, { spec: { unschedulable } });
  for (const other of others) close(other, true);
  create();
  const areReady = (): true | undefined => podsOf(api, app).filter(isReady).length === replicas || undefined;
  await sandbox.until(['pods'], areReady, `${replicas} Pods of ${app} to be ready`, READY_DEADLINE_MS);
  for (const other of others) close(other, null);
}

export function podsOf(api: SandboxApi, app: string): readonly Pod[] {
  // The API server has validated them as Pods.
  return (api.list('pods', SHOP) as readonly Pod[]).filter(({ metadata }) => metadata.labels?.app === app);
}

function workload(app: string, spec: object) {
  return {
    metadata: { name: app },
    spec: {
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [{ name: 'main', image: `example.com/${app}`, resources: { requests: { cpu: '500m' } } }],
        },
      },
      ...spec,
    },
  };
}

function budget(app: string, maxUnavailable: number) {
  return { metadata: { name: app }, spec: { maxUnavailable, selector: { matchLabels: { app } } } };
}
