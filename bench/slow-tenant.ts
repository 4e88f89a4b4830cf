/**
 * `npm run bench -- slow-tenant`: latency of a change in one workload cluster while another answers thousands of writes
 * slowly, compared with the latency without the slow one. Reports and asserts nothing. docs/performance.md has the figures of
 * a run.
 *
 * `--machines N,N` of the slow cluster (default 600,5000), `--slow MS` per write (default 1800), `--others N` clusters (default 20),
 * `--changes N` (default 200).
 */
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { installClusterApiCrds } from '../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import type { WorkloadServer } from '../harness/doubles/workload-server.ts';
import { Bridge } from '../harness/program.ts';
import { shippedProgram } from '../harness/shipped.ts';
import { eventually } from '../harness/wait.ts';
import {
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
  REQUESTED,
} from '../src/core/machine-keys.ts';
import { API, type BenchMachine, forEach, populate } from './population.ts';
import { quantiles } from './quantiles.ts';

const DEADLINE_MS = 20 * 60_000;
const PAUSE_MS = 20;

interface Scene {
  readonly management: ControlPlane;
  readonly others: readonly BenchMachine[];
  readonly changes: number;
}

const label = ({ api }: ControlPlane, { path }: BenchMachine, labels: object): Promise<unknown> =>
  api.patch(path, { metadata: { labels } }, 'merge');

/** Milliseconds from the label on a Machine to the one on its Node, one change after another. */
async function latencies({ management, others, changes }: Scene): Promise<readonly number[]> {
  const found: number[] = [];
  for (let i = 0; i < changes; i += 1) {
    const machine = others[i % others.length] as BenchMachine;
    const isWanted = machine.server.labels(machine.name)?.[MACHINE_MAINTENANCE_LABEL] !== 'true';
    const startedMs = performance.now();
    await label(management, machine, { [MAINTENANCE_LABEL]: isWanted ? REQUESTED : null });
    await eventually(
      async () => {
        const isTold = machine.server.labels(machine.name)?.[MACHINE_MAINTENANCE_LABEL] === 'true';
        return isTold === isWanted ? true : undefined;
      },
      { what: 'the Node to be told', deadlineMs: DEADLINE_MS, pollMs: 2 },
    );
    found.push(performance.now() - startedMs);
    await sleep(PAUSE_MS);
  }
  return found;
}

function report(what: string, samples: readonly number[]): void {
  const [load = 0] = loadavg();
  console.log(`${what.padEnd(64)}${quantiles(samples, 0.5, 0.99, 1)} (load ${load.toFixed(1)})`);
}

async function hooked({ api }: ControlPlane, count: number): Promise<void> {
  await eventually(
    async () => {
      const found = await api.list<{ metadata: { annotations?: Record<string, string> } }>(`${API}/machines`);
      const all = found.filter(({ metadata }) => metadata.annotations?.[HOOK_ANNOTATION] !== undefined);
      return all.length >= count ? true : undefined;
    },
    { what: `${count} hooks`, deadlineMs: DEADLINE_MS, pollMs: 500 },
  );
}

async function run(machines: number, slowMs: number, clusters: number, changes: number): Promise<void> {
  await using management = await startControlPlane({});
  await installClusterApiCrds(management);
  const others = await populate(management, clusters * 5, clusters);
  const slow = await populate(management, machines, 1, clusters);
  const [{ server }] = slow as readonly [BenchMachine, ...BenchMachine[]];
  let waiting = 0;
  let served = 0;
  server.substitute = (request) => {
    if (request.method !== 'PATCH') return undefined;
    waiting += 1;
    return sleep(slowMs).then(() => {
      waiting -= 1;
      served += 1;
      const name = request.path.split('/').at(-1) ?? '';
      server.put(name, { ...server.labels(name), ...JSON.parse(request.body).metadata.labels });
      return { body: { metadata: { name } } };
    });
  };
  await forEach([...others, ...slow], (machine) => label(management, machine, { [ENABLED_LABEL]: 'true' }));
  const bridge = new Bridge({
    kubeconfig: management.kubeconfig,
    ...(await shippedProgram()),
    flags: ['--leader-elect=false', '--enable-tmm=false', '--log-level=info'],
  });
  const scene = { management, others, changes };
  try {
    await hooked(management, others.length + slow.length);
    await latencies({ ...scene, changes: 20 });
    report(`without a slow one (${machines} Machines idle)`, await latencies(scene));
    await forEach(slow, (machine) => label(management, machine, { [MAINTENANCE_LABEL]: REQUESTED }));
    await eventually(() => (waiting > 0 ? true : undefined), {
      what: 'the slow one to be asked',
      deadlineMs: DEADLINE_MS,
    });
    report(`beside one of ${machines} Machines, ${slowMs} ms a write`, await latencies(scene));
    console.log(`  meanwhile it has answered ${served} writes, and ${waiting} wait for their answer`);
  } finally {
    await bridge.end();
    const servers = new Set<WorkloadServer>([...others, ...slow].map((machine) => machine.server));
    await Promise.all([...servers].map((each) => each[Symbol.asyncDispose]()));
  }
}

const { values } = parseArgs({
  options: {
    machines: { type: 'string', default: '600,5000' },
    slow: { type: 'string', default: '1800' },
    others: { type: 'string', default: '20' },
    changes: { type: 'string', default: '200' },
  },
});
console.log(`${cpus().length} cores, Node.js ${process.version}, ${values.others} other clusters of 5 Machines\n`);
for (const machines of values.machines.split(',').map(Number)) {
  await run(machines, Number(values.slow), Number(values.others), Number(values.changes));
}
