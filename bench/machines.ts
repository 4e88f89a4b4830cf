/**
 * `npm run bench -- machines`: the Cluster API bridge under load, compared with a bare loop of the same patches on the same API server in
 * the same run. Machines are on a real API server, Nodes on one small simulated server per workload cluster. Reports and asserts
 * nothing. docs/performance.md has the figures of a run.
 *
 * `--machines N` (default 5000), `--burst N` of them (default 3000), `--clusters N` (default 200).
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
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
import { API, type BenchMachine, forEach, IN_FLIGHT, isWrite, populate, requestsOf, type Sent } from './population.ts';
import { quantiles } from './quantiles.ts';

const SINGLE_CHANGES = 100;
const DEADLINE_MS = 10 * 60_000;
/** After a burst, V8 collects its garbage for a while. */
const SETTLE_MS = 60_000;
const REST_MS = 60_000;
/** How often a kubelet sends an unchanged status. */
const STATUS_EVERY_MS = 5 * 60_000;

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
  const memory = async (): Promise<string> =>
    `${await bridge.residentMiB()} MiB, at most ${await bridge.peakMiB()} MiB`;
  const writes = async (): Promise<number> => (await requestsOf(management, machines)).filter(isWrite).length;
  const perMachine = (count: number, of: number): string => (count / of).toFixed(2);
  try {
    report(
      `start of the process until ${others.length} Machines have their hook`,
      await timed(() => hooked(others.length)),
    );
    report('resident memory then', await memory());
    const before = await writes();
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
    const hooksWritten = await writes();
    report('requests per Machine that is enabled', perMachine(hooksWritten - before, burst.length));
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
    const told = await writes();
    report('requests per Machine that is asked for', perMachine(told - hooksWritten, burst.length));
    report(`a Node's approval to the Machine's patch, ${SINGLE_CHANGES} times`, await singleChanges(management, burst));
    const approved = await writes();
    const singles = burst.slice(0, SINGLE_CHANGES);
    report('requests per Machine that is approved', perMachine(approved - told, singles.length));
    await forEach(singles, (machine) => patch(machine, { labels: { [MAINTENANCE_LABEL]: null } }));
    const isOver = ({ name, server }: BenchMachine): boolean =>
      server.labels(name)?.[MACHINE_MAINTENANCE_LABEL] !== 'true';
    await eventually(() => (singles.every(isOver) ? true : undefined), {
      what: 'all Nodes to be told of the end',
      deadlineMs: DEADLINE_MS,
    });
    report('requests per Machine whose maintenance ends', perMachine((await writes()) - approved, singles.length));
    report('resident memory after all that', await memory());
    await reportRest(bridge, management, machines);
    report('resident memory at the end', await memory());
  } finally {
    await bridge.end();
    await Promise.all(
      [...new Set(machines.map(({ server }) => server))].map((server) => server[Symbol.asyncDispose]()),
    );
  }
}

/** Each Node gets new versions with the same labels, as often as a kubelet sends its status. */
async function reportRest(bridge: Bridge, management: ControlPlane, machines: readonly BenchMachine[]): Promise<void> {
  let sent = 0;
  const sendFor = async (ms: number): Promise<void> => {
    for (const untilMs = performance.now() + ms; performance.now() < untilMs; sent += 1) {
      const { name, server } = machines[sent % machines.length] as BenchMachine;
      server.put(name, server.labels(name));
      await sleep(STATUS_EVERY_MS / machines.length);
    }
  };
  await sendFor(SETTLE_MS);
  const before = countKinds(await requestsOf(management, machines));
  const cpu = await bridge.cpuSeconds();
  const startedMs = performance.now();
  await sendFor(REST_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const percent = ((await bridge.cpuSeconds()) - cpu) / seconds;
  report('CPU at rest; each Node sends its status every five minutes', `${(percent * 100).toFixed(2)} % of a core`);
  const since = [...countKinds(await requestsOf(management, machines))]
    .map(([kind, count]) => [kind, (count - (before.get(kind) ?? 0)) / seconds] as const)
    .filter(([, perSecond]) => perSecond > 0);
  const total = since.reduce((all, [, perSecond]) => all + perSecond, 0);
  report('requests a second meanwhile, Leases and watches aside', total.toFixed(2));
  for (const [kind, perSecond] of since) report(`  ${kind}`, perSecond.toFixed(2));
}

/** By method and path, with all objects of a collection as one. */
function countKinds(requests: readonly Sent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { method, path } of requests) {
    const kind = `${method} ${path.replace(/\?.*/, '').replaceAll(/\d+/g, 'N')}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
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
  const latencies = [...askedAtMs].map(([name, atMs]) => {
    const found = events.findLast(({ verb, objectRef }) => verb === 'patch' && objectRef?.name === name);
    return Date.parse(found?.requestReceivedTimestamp ?? '') - atMs;
  });
  return quantiles(latencies, 0.5, 0.99);
}

await main();
