/**
 * `npm run bench -- machines`: the Cluster API bridge under load, beside a bare loop of the same patches on the same API servers
 * in the same run. Reports, asserts nothing. Figures of a run stand in docs/performance.md.
 *
 * `--machines N` (default 3000), `--clusters N` (default 10).
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  APPROVE_MAINTENANCE_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
} from '../src/core/machine-keys.ts';
import { installClusterApiCrds } from '../test/controlplane/cluster-api.ts';
import { startControlPlane } from '../test/controlplane/controlplane.ts';
import { kubeconfigText } from '../test/controlplane/kubeconfig.ts';
import type { Rest } from '../test/controlplane/rest.ts';
import { eventually } from '../test/controlplane/wait.ts';
import { Bridge } from '../test/support/bridge.ts';

const API = '/apis/cluster.x-k8s.io/v1beta2';
const IN_FLIGHT = 32;
const SINGLE_CHANGES = 100;
const DEADLINE_MS = 10 * 60_000;

interface Named {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Runs `work` for each item with `IN_FLIGHT` at once. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** Waits until `count` objects of a list are as wanted. */
const until = (api: Rest, path: string, count: number, isDone: (object: Named) => boolean): Promise<unknown> =>
  eventually(async () => ((await api.list<Named>(path)).filter(isDone).length >= count ? true : undefined), {
    what: `${count} objects of ${path}`,
    deadlineMs: DEADLINE_MS,
    pollMs: 250,
  });

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { machines: { type: 'string', default: '3000' }, clusters: { type: 'string', default: '10' } },
  });
  const machines = Array.from({ length: Number(values.machines) }, (_, index) => {
    const cluster = `cluster-${index % Number(values.clusters)}`;
    return { name: `machine-${index}`, cluster, path: `${API}/namespaces/${cluster}/machines/machine-${index}` };
  });
  const clusters = [...new Set(machines.map(({ cluster }) => cluster))];
  await using management = await startControlPlane({ auditLog: true });
  await using workload = await startControlPlane({ auditLog: true });
  await installClusterApiCrds(management);
  const kubeconfig = kubeconfigText({
    server: workload.serverUrl,
    ca: await readFile(workload.caFile, 'utf8'),
    token: workload.adminToken,
  });
  for (const name of clusters) {
    await management.api.create('/api/v1/namespaces', { metadata: { name } });
    await management.api.create(`/api/v1/namespaces/${name}/secrets`, {
      metadata: { name: `${name}-kubeconfig` },
      data: { value: Buffer.from(kubeconfig).toString('base64') },
    });
  }
  await forEach(machines, async ({ name, cluster, path }) => {
    const reference = { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'GenericInfrastructureMachine', name };
    await workload.api.create('/api/v1/nodes', { metadata: { name } });
    await management.api.create(`${API}/namespaces/${cluster}/machines`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Machine',
      metadata: { name },
      spec: { clusterName: cluster, bootstrap: { dataSecretName: 'none' }, infrastructureRef: reference },
    });
    await management.api.patch(`${path}/status`, { status: { nodeRef: { name } } }, 'merge');
  });
  const label = (key: string, value: string | null) => (machine: { readonly path: string }) =>
    management.api.patch(machine.path, { metadata: { labels: { [key]: value } } }, 'merge');

  spawnSync(process.execPath, [join(import.meta.dirname, '../scripts/build.ts')], { stdio: 'ignore' });
  const bridge = new Bridge({
    kubeconfig: management.kubeconfig,
    // As it is shipped.
    program: ['--max-semi-space-size=2', join(import.meta.dirname, '../dist/maintenance-bridge.cjs')],
    flags: ['--leader-elect=false', '--enable-tmm=false', '--log-level=info'],
  });
  try {
    await bridge.logged(({ msg }) => msg === 'Starting', 'the program to start');
    console.log(
      `${cpus().length} cores, Node.js ${process.version}, ${machines.length} Machines in ${clusters.length} clusters\n`,
    );

    const bareMs = await timed(() =>
      forEach(machines, ({ path }) =>
        management.api.patch(path, { metadata: { annotations: { bare: 'loop' } } }, 'merge'),
      ),
    );
    console.log(`bare loop of one patch a Machine, ${IN_FLIGHT} in flight      ${seconds(bareMs)}`);
    const hooksMs = await timed(async () => {
      await forEach(machines, label(ENABLED_LABEL, 'true'));
      await until(
        management.api,
        `${API}/machines`,
        machines.length,
        ({ metadata }) => metadata.annotations?.[HOOK_ANNOTATION] !== undefined,
      );
    });
    console.log(`enabled by such a loop, until all have their hook       ${seconds(hooksMs)}`);
    const labelsMs = await timed(async () => {
      await forEach(machines, label(MAINTENANCE_LABEL, 'requested'));
      await until(
        workload.api,
        '/api/v1/nodes',
        machines.length,
        ({ metadata }) => metadata.labels?.[MACHINE_MAINTENANCE_LABEL] === 'true',
      );
    });
    console.log(`requested by such a loop, until all Nodes are told      ${seconds(labelsMs)}`);

    const latencies: number[] = [];
    for (const machine of machines.slice(0, SINGLE_CHANGES)) {
      await workload.api.patch(
        `/api/v1/nodes/${machine.name}`,
        { metadata: { labels: { [APPROVE_MAINTENANCE_LABEL]: 'true' } } },
        'merge',
      );
      await eventually(
        async () =>
          (await management.api.get<Named>(machine.path)).metadata.labels?.[MAINTENANCE_LABEL] === 'approved'
            ? true
            : undefined,
        { what: 'the approval', pollMs: 5 },
      );
    }
    const asked = await workload.auditEvents();
    const answered = await management.auditEvents();
    for (const { name } of machines.slice(0, SINGLE_CHANGES)) {
      const at = (events: typeof asked, resource: string): number =>
        Date.parse(
          events.findLast(
            ({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === resource && objectRef.name === name,
          )?.requestReceivedTimestamp ?? '',
        );
      latencies.push(at(answered, 'machines') - at(asked, 'nodes'));
    }
    latencies.sort((a, b) => a - b);
    const quantile = (part: number): string => `${latencies[Math.floor(part * (latencies.length - 1))]} ms`;
    console.log(
      `Node's approval to the Machine's patch, ${latencies.length} times        p50 ${quantile(0.5)}, p99 ${quantile(0.99)}`,
    );
    console.log(`resident memory                                         ${await bridge.residentMiB()} MiB`);
  } finally {
    await bridge.end();
  }
}

await main();
