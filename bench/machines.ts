/**
 * `npm run bench -- machines`: the Cluster API bridge under load, beside a bare loop of the same patches on the same API server in
 * the same run. Machines live on a real API server, Nodes on one small simulated server a workload cluster. Reports, asserts
 * nothing. Figures of a run stand in docs/performance.md.
 *
 * `--machines N` (default 5000), `--burst N` of them (default 3000), `--clusters N` (default 200).
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Stage, variablesOf, wordsOf } from '../scripts/dockerfile.ts';
import { imageStage } from '../scripts/image-rootfs.ts';
import {
  APPROVE_MAINTENANCE_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
} from '../src/core/machine-keys.ts';
import { installClusterApiCrds } from '../test/controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../test/controlplane/controlplane.ts';
import { eventually } from '../test/controlplane/wait.ts';
import { Bridge } from '../test/support/bridge.ts';
import { WorkloadServer } from '../test/support/workload-server.ts';

const API = '/apis/cluster.x-k8s.io/v1beta2';
const IN_FLIGHT = 32;
const SINGLE_CHANGES = 100;
const DEADLINE_MS = 10 * 60_000;
/** The chart's memory limit. */
const LIMIT_MIB = 256;

interface BenchMachine {
  readonly name: string;
  readonly path: string;
  readonly namespace: string;
  readonly server: WorkloadServer;
}

async function timed(work: () => Promise<unknown>): Promise<string> {
  const started = performance.now();
  await work();
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

const report = (what: string, value: string): void => console.log(`${what.padEnd(64)}${value}`);

/** Runs `work` for each item with `IN_FLIGHT` at once. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** Clusters with their Secrets, and Machines spread over them, each with a Node. */
async function populate(management: ControlPlane, count: number, clusters: number): Promise<readonly BenchMachine[]> {
  const { api } = management;
  const servers = await Promise.all(Array.from({ length: clusters }, () => WorkloadServer.start()));
  await forEach([...servers.entries()], async ([index, server]) => {
    const name = `cluster-${index}`;
    await api.create('/api/v1/namespaces', { metadata: { name } });
    await api.create(`/api/v1/namespaces/${name}/secrets`, {
      metadata: { name: `${name}-kubeconfig` },
      data: { value: Buffer.from(server.kubeconfig()).toString('base64') },
    });
  });
  const machines = Array.from({ length: count }, (_, index) => {
    const namespace = `cluster-${index % clusters}`;
    const server = servers[index % clusters] as WorkloadServer;
    const name = `machine-${index}`;
    return { name, namespace, server, path: `${API}/namespaces/${namespace}/machines/${name}` };
  });
  await forEach(machines, async ({ name, namespace, server, path }) => {
    server.put(name);
    const reference = { apiGroup: 'infrastructure.cluster.x-k8s.io', kind: 'GenericInfrastructureMachine', name };
    await api.create(`${API}/namespaces/${namespace}/machines`, {
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      kind: 'Machine',
      metadata: { name },
      spec: { clusterName: namespace, bootstrap: { dataSecretName: 'none' }, infrastructureRef: reference },
    });
    await api.patch(`${path}/status`, { status: { nodeRef: { name } } }, 'merge');
  });
  return machines;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      machines: { type: 'string', default: '5000' },
      burst: { type: 'string', default: '3000' },
      clusters: { type: 'string', default: '200' },
    },
  });
  await using management = await startControlPlane({ auditLog: true });
  await installClusterApiCrds(management);
  const { api } = management;
  const machines = await populate(management, Number(values.machines), Number(values.clusters));
  const burst = machines.slice(0, Number(values.burst));
  const patch = (machine: BenchMachine, metadata: object): Promise<unknown> =>
    api.patch(machine.path, { metadata }, 'merge');
  const hooked = (count: number): Promise<unknown> =>
    eventually(
      async () => {
        const found = await api.list<{ metadata: { annotations?: Record<string, string> } }>(`${API}/machines`);
        return found.filter(({ metadata }) => metadata.annotations?.[HOOK_ANNOTATION] !== undefined).length >= count
          ? true
          : undefined;
      },
      { what: `${count} hooks`, deadlineMs: DEADLINE_MS, pollMs: 500 },
    );

  console.log(
    `${cpus().length} cores, Node.js ${process.version}, ${machines.length} Machines in ${values.clusters} workload clusters\n`,
  );
  const others = machines.slice(burst.length);
  await forEach(others, (machine) => patch(machine, { labels: { [ENABLED_LABEL]: 'true' } }));
  spawnSync(process.execPath, [join(import.meta.dirname, '../scripts/build.ts')], { stdio: 'ignore' });
  const image = imageStage();
  const bridge = new Bridge({
    kubeconfig: management.kubeconfig,
    program: [...shippedFlags(image), join(import.meta.dirname, '../dist/maintenance-bridge.cjs')],
    env: variablesOf(image),
    flags: ['--leader-elect=false', '--enable-tmm=false', '--log-level=info'],
  });
  try {
    report(
      `start of the process until ${others.length} Machines have their hook`,
      await timed(() => hooked(others.length)),
    );
    report(
      `bare loop: one patch each of ${burst.length} Machines, ${IN_FLIGHT} in flight`,
      await timed(() => forEach(burst, (machine) => patch(machine, { annotations: { bare: 'loop' } }))),
    );
    report(
      'enabled by such a loop, until all of them have their hook',
      await timed(async () => {
        await forEach(burst, (machine) => patch(machine, { labels: { [ENABLED_LABEL]: 'true' } }));
        await hooked(machines.length);
      }),
    );
    report(
      'maintenance requested by such a loop, until all Nodes are told',
      await timed(async () => {
        await forEach(burst, (machine) => patch(machine, { labels: { [MAINTENANCE_LABEL]: 'requested' } }));
        const isTold = ({ name, server }: BenchMachine): boolean =>
          server.labels(name)?.[MACHINE_MAINTENANCE_LABEL] === 'true';
        await eventually(() => (burst.every(isTold) ? true : undefined), {
          what: 'all Nodes to be told',
          deadlineMs: DEADLINE_MS,
        });
      }),
    );
    report(`a Node's approval to the Machine's patch, ${SINGLE_CHANGES} times`, await singleChanges(management, burst));
    report('resident memory', `${await bridge.residentMiB()} MiB`);
  } finally {
    await bridge.end();
    await Promise.all(
      [...new Set(machines.map(({ server }) => server))].map((server) => server[Symbol.asyncDispose]()),
    );
  }
}

/** What the image starts Node.js with. No container limits the memory here, so a share of it is written as it would come out. */
function shippedFlags(image: Stage): readonly string[] {
  const [, ...words] = wordsOf(image, 'ENTRYPOINT');
  const share = /^--max-old-space-size-percentage=(\d+)$/;
  return words
    .filter((word) => word.startsWith('--'))
    .map((word) => word.replace(share, (_, percent) => `--max-old-space-size=${(LIMIT_MIB * Number(percent)) / 100}`));
}

async function singleChanges(management: ControlPlane, burst: readonly BenchMachine[]): Promise<string> {
  const askedAtMs = new Map<string, number>();
  for (const { name, path, server } of burst.slice(0, SINGLE_CHANGES)) {
    askedAtMs.set(name, Date.now());
    server.put(name, { ...server.labels(name), [APPROVE_MAINTENANCE_LABEL]: 'true' });
    await eventually(
      async () => {
        const { metadata } = await management.api.get<{ metadata: { labels?: Record<string, string> } }>(path);
        return metadata.labels?.[MAINTENANCE_LABEL] === 'approved' ? true : undefined;
      },
      { what: 'the approval', pollMs: 5 },
    );
  }
  const events = await management.auditEvents();
  const latencies = [...askedAtMs]
    .map(([name, atMs]) => {
      const found = events.findLast(({ verb, objectRef }) => verb === 'patch' && objectRef?.name === name);
      return Date.parse(found?.requestReceivedTimestamp ?? '') - atMs;
    })
    .sort((a, b) => a - b);
  const quantile = (part: number): string => `${latencies[Math.floor(part * (latencies.length - 1))]} ms`;
  return `p50 ${quantile(0.5)}, p99 ${quantile(0.99)}`;
}

await main();
