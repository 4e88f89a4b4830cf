/**
 * `npm run bench -- machine-drain`: from the label on a Machine to the first eviction in its cluster and to the approval, and what machine
 * drain costs while there is nothing to drain. Machines live on a real API server, workload clusters are sandboxes in a process of their
 * own, or small simulated servers where nothing is drained. Reports, asserts nothing. Figures of a run stand in docs/performance.md.
 *
 * `--part first|rest|many` (default all), `--samples N` (default 30), `--nodes N` and `--pods N` of the large cluster (default 500, 10 000),
 * `--idle N` clusters (default 200), `--slow MS` an answer of the slow one (default 2000).
 */
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { installClusterApiCrds } from '../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { Bridge } from '../harness/program.ts';
import { shippedProgram } from '../harness/shipped.ts';
import { eventually } from '../harness/wait.ts';
import {
  APPROVED,
  DRAIN_ANNOTATION,
  DRAIN_LABEL,
  ENABLED_LABEL,
  HOOK_ANNOTATION,
  MAINTENANCE_LABEL,
  REQUESTED,
} from '../src/core/machine-keys.ts';
import { API, addCluster, addMachine, forEach, populate, requestsOf } from './population.ts';
import { quantiles } from './quantiles.ts';
import { type ClusterShape, type WorkloadCluster, WorkloadClusters } from './workload-clusters.ts';

const DEADLINE_MS = 10 * 60_000;
const POLL_MS = 10;
const SETTLE_MS = 60_000;
const REST_MS = 60_000;
const REST_ROUNDS = 2;
const BUSY_CLUSTERS = 20;
const SESSIONS = 50;
const ROUNDS = 2;
const FLAGS = [
  '--leader-elect=false',
  '--enable-tmm=false',
  '--enable-machine-drain',
  '--tmm-max-concurrent-nodes=100%',
  '--log-level=info',
];

interface DrainedMachine {
  readonly name: string;
  readonly path: string;
  readonly cluster: WorkloadCluster;
}

interface Served {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    samples: { type: 'string', default: '30' },
    nodes: { type: 'string', default: '500' },
    pods: { type: 'string', default: '10000' },
    idle: { type: 'string', default: '200' },
    slow: { type: 'string', default: '2000' },
  },
});

function report(what: string, figures: string): void {
  const [load = 0] = loadavg();
  console.log(`${what.padEnd(72)}${figures} (load ${load.toFixed(1)})`);
}

/** Built once, so that all figures of a run are of the same program. */
const program = await shippedProgram();

const started = ({ kubeconfig }: ControlPlane, flags: readonly string[]): Bridge =>
  new Bridge({ kubeconfig, ...program, flags });

async function hooked({ api }: ControlPlane, count: number): Promise<void> {
  await eventually(
    async () => {
      const found = await api.list<Served>(`${API}/machines`);
      const all = found.filter(({ metadata }) => metadata.annotations?.[HOOK_ANNOTATION] !== undefined);
      return all.length >= count ? true : undefined;
    },
    { what: `${count} hooks`, deadlineMs: DEADLINE_MS, pollMs: 500 },
  );
}

/** A workload cluster, and a Machine for each of its first Nodes. */
async function furnish(
  management: ControlPlane,
  clusters: WorkloadClusters,
  shape: ClusterShape,
  machines: number,
): Promise<readonly DrainedMachine[]> {
  const cluster = await clusters.start(shape);
  await addCluster(management, cluster.name, cluster.kubeconfig);
  const labels = { [ENABLED_LABEL]: 'true' };
  return Promise.all(
    cluster.nodes.slice(0, machines).map(async (name) => {
      const path = await addMachine(management, cluster.name, name, labels);
      return { name, path, cluster };
    }),
  );
}

const ask = ({ api }: ControlPlane, { path }: DrainedMachine, value: string | null): Promise<unknown> =>
  api.patch(path, { metadata: { labels: { [MAINTENANCE_LABEL]: value } } }, 'merge');

async function approved({ api }: ControlPlane, { name, path }: DrainedMachine): Promise<void> {
  await eventually(
    async () => {
      const { metadata } = await api.get<Served>(path);
      return metadata.labels?.[MAINTENANCE_LABEL] === APPROVED ? true : undefined;
    },
    { what: `the approval of ${name}`, deadlineMs: DEADLINE_MS, pollMs: POLL_MS },
  );
}

/** Ends the maintenance, and waits until nothing of it is left. */
async function giveBack(management: ControlPlane, machine: DrainedMachine): Promise<void> {
  const { name, path, cluster } = machine;
  await ask(management, machine, null);
  await eventually(
    async () => {
      const [node, { metadata }] = await Promise.all([
        cluster.rest.get<Served>(`/api/v1/nodes/${name}`),
        management.api.get<Served>(path),
      ]);
      const isLeft = node.metadata.labels?.[DRAIN_LABEL] ?? metadata.annotations?.[DRAIN_ANNOTATION];
      return isLeft === undefined ? true : undefined;
    },
    { what: `${name} to be given back`, deadlineMs: DEADLINE_MS },
  );
}

const isEviction = ({ path }: { readonly path: string }): boolean =>
  path.includes('/eviction') && !path.includes('dryRun=All');

/** Milliseconds from the label on each Machine to the first eviction in its cluster, one Machine after another. */
async function firstEvictions(
  management: ControlPlane,
  clusters: WorkloadClusters,
  machines: readonly DrainedMachine[],
  isOpen: boolean,
): Promise<{ readonly evicted: readonly number[]; readonly approved: readonly number[] }> {
  const [evicted, ended]: [number[], number[]] = [[], []];
  for (const machine of machines) {
    const askedMs = Date.now();
    await ask(management, machine, REQUESTED);
    await approved(management, machine);
    ended.push(Date.now() - askedMs);
    const since = (await clusters.requests(machine.cluster.name)).filter(({ atMs }) => atMs >= askedMs);
    const first = since.find(isEviction);
    if (first === undefined) throw new Error(`Nothing was evicted from ${machine.name}`);
    const lists = since.filter(({ method, path }) => method === 'GET' && path.startsWith('/api/v1/pods?limit='));
    if (isOpen === lists.length > 0) throw new Error(`The caches were ${isOpen ? 'closed' : 'open'} before the label`);
    evicted.push(first.atMs - askedMs);
    await giveBack(management, machine);
  }
  return { evicted, approved: ended };
}

async function measureFirst(): Promise<void> {
  await using management = await startControlPlane({});
  await installClusterApiCrds(management);
  await using clusters = new WorkloadClusters();
  const samples = Number(values.samples);
  const [nodes, pods] = [Number(values.nodes), Number(values.pods)];
  const shapes: readonly ClusterShape[] = [
    { name: 'small', nodes: samples + 1, apps: 10, podsPerApp: (samples + 1) * 2, maxUnavailable: 5 },
    { name: 'large', nodes, apps: pods / 200, podsPerApp: 200, maxUnavailable: 20 },
  ];
  const machines = new Map<string, readonly DrainedMachine[]>();
  for (const shape of shapes) machines.set(shape.name, await furnish(management, clusters, shape, samples + 1));
  const bridge = started(management, FLAGS);
  const memory = async (): Promise<string> =>
    `${await bridge.residentMiB()} MiB, at most ${await bridge.peakMiB()} MiB`;
  try {
    await hooked(management, shapes.length * (samples + 1));
    report('resident memory, no caches open', await memory());
    for (const { name, nodes: size, apps, podsPerApp } of shapes) {
      const [anchor, ...others] = machines.get(name) as readonly [DrainedMachine, ...DrainedMachine[]];
      const what = `${size} Nodes, ${apps * podsPerApp} Pods`;
      const cold = await firstEvictions(management, clusters, others, false);
      report(`label to first eviction, ${what}, caches closed`, quantiles(cold.evicted, 0.5, 0.99, 1));
      report('  to the approval', quantiles(cold.approved, 0.5, 0.99, 1));
      await ask(management, anchor, REQUESTED);
      await approved(management, anchor);
      const warm = await firstEvictions(management, clusters, others, true);
      report(`label to first eviction, ${what}, caches open`, quantiles(warm.evicted, 0.5, 0.99, 1));
      report('  to the approval', quantiles(warm.approved, 0.5, 0.99, 1));
      report('resident memory then', await memory());
      await giveBack(management, anchor);
    }
  } finally {
    await bridge.end();
  }
}

/** What clusters without a session cost, with machine drain and without it, in turn. */
async function measureRest(): Promise<void> {
  await using management = await startControlPlane({ auditLog: true });
  await installClusterApiCrds(management);
  const count = Number(values.idle);
  const machines = await populate(management, count * 5, count);
  await forEach(machines, ({ path }) =>
    management.api.patch(path, { metadata: { labels: { [ENABLED_LABEL]: 'true' } } }, 'merge'),
  );
  for (let round = 0; round < REST_ROUNDS; round += 1) {
    for (const isOn of [false, true]) {
      const flags = FLAGS.filter((flag) => isOn || flag !== '--enable-machine-drain');
      const before = (await requestsOf(management, machines)).length;
      const bridge = started(management, flags);
      try {
        await hooked(management, machines.length);
        await eventually(() => (machines.every(({ server }) => server.watchedBy.length === 1) ? true : undefined), {
          what: 'all clusters to be connected',
          deadlineMs: DEADLINE_MS,
          pollMs: 500,
        });
        await sleep(SETTLE_MS);
        const start = (await requestsOf(management, machines)).length;
        const cpu = await bridge.cpuSeconds();
        await sleep(REST_MS);
        const perSecond = ((await requestsOf(management, machines)).length - start) / (REST_MS / 1000);
        const percent = ((await bridge.cpuSeconds()) - cpu) / (REST_MS / 100_000);
        const memory = `${await bridge.residentMiB()} MiB (at most ${await bridge.peakMiB()} MiB)`;
        report(
          `${count} clusters, none in session, capi.drain ${isOn ? 'on' : 'off'}`,
          `${memory}, ${start - before} requests until then, ${perSecond.toFixed(2)} a second, ${percent.toFixed(2)} % of a core`,
        );
      } finally {
        await bridge.end();
      }
    }
  }
  await Promise.all([...new Set(machines.map(({ server }) => server))].map((server) => server[Symbol.asyncDispose]()));
}

/** Asks for all Machines at once. @returns for each cluster, milliseconds to the approval of its last one */
async function drainAtOnce(management: ControlPlane, machines: readonly DrainedMachine[]): Promise<readonly number[]> {
  const waiting = new Map(machines.map((machine) => [machine.name, machine]));
  const lastMs = new Map<string, number>();
  const askedMs = Date.now();
  await Promise.all(machines.map((machine) => ask(management, machine, REQUESTED)));
  await eventually(
    async () => {
      const nowMs = Date.now() - askedMs;
      for (const { metadata } of await management.api.list<Served>(`${API}/machines`)) {
        const machine = waiting.get(metadata.name);
        if (machine === undefined || metadata.labels?.[MAINTENANCE_LABEL] !== APPROVED) continue;
        waiting.delete(metadata.name);
        lastMs.set(machine.cluster.name, nowMs);
      }
      return waiting.size === 0 ? true : undefined;
    },
    { what: 'all approvals', deadlineMs: DEADLINE_MS, pollMs: POLL_MS },
  );
  await Promise.all(machines.map((machine) => giveBack(management, machine)));
  return [...lastMs.values()];
}

async function measureMany(): Promise<void> {
  await using management = await startControlPlane({});
  await installClusterApiCrds(management);
  await using clusters = new WorkloadClusters();
  const slowMs = Number(values.slow);
  const size = { nodes: 6, apps: 3, podsPerApp: 12, maxUnavailable: 2 };
  const all: (readonly DrainedMachine[])[] = [];
  for (let index = 0; index < BUSY_CLUSTERS; index += 1) {
    const machines =
      Math.floor(((index + 1) * SESSIONS) / BUSY_CLUSTERS) - Math.floor((index * SESSIONS) / BUSY_CLUSTERS);
    all.push(await furnish(management, clusters, { name: `busy-${index}`, ...size }, machines));
  }
  const busy = all.flat();
  const slow = await furnish(management, clusters, { name: 'slow', ...size }, 4);
  const blocked = await furnish(
    management,
    clusters,
    { name: 'blocked', ...size, maxUnavailable: 1, isBlocked: true },
    4,
  );
  const bridge = started(management, FLAGS);
  try {
    await hooked(management, busy.length + slow.length + blocked.length);
    const measure = async (what: string): Promise<void> => {
      const found: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) found.push(...(await drainAtOnce(management, busy)));
      report(`${busy.length} sessions in ${BUSY_CLUSTERS} clusters, ${what}`, quantiles(found, 0.5, 1));
    };
    await drainAtOnce(management, busy);
    await measure('alone');
    await clusters.answerLate('slow', slowMs);
    await Promise.all(slow.map((machine) => ask(management, machine, REQUESTED)));
    await sleep(slowMs);
    await measure(`beside one of ${slowMs} ms an answer`);
    await Promise.all(slow.map((machine) => ask(management, machine, null)));
    await clusters.answerLate('slow', 0);
    await Promise.all(slow.map((machine) => giveBack(management, machine)));
    await measure('alone, again');
    await Promise.all(blocked.map((machine) => ask(management, machine, REQUESTED)));
    await eventually(async () => ((await clusters.requests('blocked')).some(isEviction) ? true : undefined), {
      what: 'an eviction in the blocked cluster',
      deadlineMs: DEADLINE_MS,
    });
    await measure('beside one whose budgets stay closed');
    report('resident memory then', `${await bridge.residentMiB()} MiB, at most ${await bridge.peakMiB()} MiB`);
  } finally {
    await bridge.end();
  }
}

console.log(`${cpus().length} cores, Node.js ${process.version}\n`);
const PARTS = { first: measureFirst, rest: measureRest, many: measureMany };
for (const [name, measure] of Object.entries(PARTS)) {
  if (values.part === undefined || values.part === name) await measure();
}
