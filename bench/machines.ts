/**
 * `npm run bench -- machines`: the Cluster API bridge under load, beside a bare loop of the same patches on the same API server in
 * the same run. Machines live on a real API server, Nodes on one small simulated server a workload cluster. Reports, asserts
 * nothing. Figures of a run stand in docs/performance.md.
 *
 * `--machines N` (default 5000), `--burst N` of them (default 3000), `--clusters N` (default 200).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { installClusterApiCrds } from '../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { Bridge } from '../harness/program.ts';
import { shippedProgram } from '../harness/shipped.ts';
import { eventually } from '../harness/wait.ts';
import {
  APPROVE_MAINTENANCE_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
} from '../src/core/machine-keys.ts';
import { API, type BenchMachine, forEach, IN_FLIGHT, populate } from './population.ts';

const SINGLE_CHANGES = 100;
const DEADLINE_MS = 10 * 60_000;

async function timed(work: () => Promise<unknown>): Promise<string> {
  const started = performance.now();
  await work();
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

const report = (what: string, value: string): void => console.log(`${what.padEnd(64)}${value}`);

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
  const bridge = new Bridge({
    kubeconfig: management.kubeconfig,
    ...(await shippedProgram()),
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
