/**
 * `npm run bench -- drain`: duration and requests of drains, compared with `kubectl drain` on the same control plane in the same run.
 * Reports and asserts nothing. docs/performance.md has the figures of a run.
 *
 * `--pods N` changes the size of the Node (default 100), `--samples N` the number of first evictions (default 20), `--nodes 1,10,100` the
 * numbers of Nodes that are drained at once.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { Plot } from '../harness/plot.ts';
import { Bridge } from '../harness/program.ts';
import { eventually } from '../harness/wait.ts';
import { openingsToEvictions, requestCounts } from './drain-requests.ts';
import { quantile } from './quantiles.ts';

/** kubectl retries every 5 s; with a budget of one it can take minutes. */
const DEADLINE_MS = 15 * 60_000;

/** How long requests are counted while a budget stays closed. */
const BLOCKED_MS = 20_000;
const PODS_EACH = 10;
const [OURS, KUBECTL] = ['maintenance-bridge', 'kubectl'];

const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** A Node with `count` Pods of one Deployment under a budget, and two empty Nodes. */
async function fullNode(
  controlPlane: ControlPlane,
  name: string,
  count: number,
  maxUnavailable: number | string,
): Promise<Plot> {
  const plot = await Plot.make(controlPlane, name, 3);
  await plot.runAtHome(() => plot.deployment('web', count), 'web', count);
  await plot.budget('web', { maxUnavailable });
  return plot;
}

/** Milliseconds between the taint and the first eviction, both as the API server received them. */
async function firstEviction(controlPlane: ControlPlane, name: string): Promise<number> {
  const plot = await Plot.make(controlPlane, name, 2);
  await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
  await plot.taint();
  await plot.phase('InMaintenance');
  const events = await controlPlane.auditEvents();
  const at = (isMeant: (event: (typeof events)[number]) => boolean): number =>
    Date.parse(events.find(isMeant)?.requestReceivedTimestamp ?? '');
  const tainted = at(
    ({ verb, objectRef, userAgent }) =>
      verb === 'patch' && objectRef?.name === plot.home && userAgent?.startsWith(KUBECTL) === true,
  );
  const evicted = at(({ objectRef }) => objectRef?.subresource === 'eviction' && objectRef.namespace === name);
  await plot.remove();
  return evicted - tainted;
}

async function firstEvictions(controlPlane: ControlPlane, count: number): Promise<void> {
  const samples: number[] = [];
  for (let sample = 0; sample < count; sample++) samples.push(await firstEviction(controlPlane, `first-${sample}`));
  console.log(
    `Taint to first eviction, ${count} times: median ${quantile(samples, 0.5)}, worst ${quantile(samples, 1)}\n`,
  );
}

/** Both drains, one after the other, each on Nodes of its own. */
interface Pair<T> {
  readonly ours: T;
  readonly theirs: T;
}

const drainOurs = async (plot: Plot, homes: readonly string[]): Promise<void> => {
  await plot.kubectl('taint', 'nodes', ...homes, 'drain=planned-downtime:NoSchedule');
  await Promise.all(homes.map((home) => plot.phase('InMaintenance', home, DEADLINE_MS)));
};
const drainTheirs = (plot: Plot, homes: readonly string[]): Promise<string> =>
  plot.kubectl('drain', ...homes, '--ignore-daemonsets', '--delete-emptydir-data');

/** Times both drains of what `make` makes under these names, and looks at each Plot before it is removed. */
async function both<T>(
  name: string,
  make: (name: string) => Promise<Plot>,
  homesOf: (plot: Plot) => readonly string[],
  look: (plot: Plot, client: string, since: string) => Promise<T>,
): Promise<Pair<{ readonly ms: number; readonly seen: T }>> {
  const run = async (side: string, client: string, drain: typeof drainTheirs | typeof drainOurs) => {
    const plot = await make(`${side}-${name}`);
    const since = new Date().toISOString();
    const ms = await timed(() => drain(plot, homesOf(plot)));
    const seen = await look(plot, client, since);
    await plot.remove();
    return { ms, seen };
  };
  return { ours: await run('ours', OURS, drainOurs), theirs: await run('theirs', KUBECTL, drainTheirs) };
}

function printRow(what: string, ours: string, theirs: string): void {
  console.log(`${what.padEnd(44)}${ours.padStart(20)}${theirs.padStart(20)}`);
}

async function oneNode(controlPlane: ControlPlane, count: number): Promise<void> {
  printRow(`One Node of ${count} Pods`, 'maintenance-bridge', 'kubectl drain');
  for (const maxUnavailable of [1, '10%', '100%']) {
    const { ours, theirs } = await both(
      String(maxUnavailable).replace('%', 'pc'),
      (name) => fullNode(controlPlane, name, count, maxUnavailable),
      ({ home }) => [home],
      async (plot, client, since) => {
        const events = await controlPlane.auditEvents();
        const requests = [...requestCounts(events, client, since).values()].reduce((all, each) => all + each, 0);
        return { each: requests / count, opened: openingsToEvictions(events, plot.namespace) };
      },
    );
    printRow(`budget ${maxUnavailable}`, `${seconds(ours.ms)} s`, `${seconds(theirs.ms)} s`);
    printRow('  requests per Pod', ours.seen.each.toFixed(2), theirs.seen.each.toFixed(2));
    const text = ({ seen: { opened } }: typeof ours): string =>
      `${quantile(opened, 0.5)}, ${quantile(opened, 0.99)} (${opened.length})`;
    printRow('  budget open to eviction, p50, p99 (of)', text(ours), text(theirs));
  }
}

async function severalNodes(controlPlane: ControlPlane, counts: readonly number[]): Promise<void> {
  printRow(`\nNodes of ${PODS_EACH} Pods, budget 10%`, 'maintenance-bridge', 'kubectl drain');
  for (const count of counts) {
    const homesOf = ({ nodes }: Plot): readonly string[] => nodes.slice(0, count);
    const { ours, theirs } = await both(
      `nodes-${count}`,
      async (name) => {
        const plot = await Plot.make(controlPlane, name, 2 * count + 1);
        const pods = count * PODS_EACH;
        await plot.runOn(homesOf(plot), () => plot.deployment('web', pods), 'web', pods);
        await plot.budget('web', { maxUnavailable: '10%' });
        return plot;
      },
      homesOf,
      async () => undefined,
    );
    printRow(`${count}`, `${seconds(ours.ms)} s`, `${seconds(theirs.ms)} s`);
  }
}

/** Requests of each while the replacement of the first evicted Pod cannot start. */
async function whileBlocked(controlPlane: ControlPlane): Promise<void> {
  const requests: string[] = [];
  for (const [side, client] of [
    ['ours', OURS],
    ['theirs', KUBECTL],
  ] as const) {
    const plot = await Plot.make(controlPlane, `${side}-blocked`, 2);
    await plot.runAtHome(() => plot.replicaSet('web', 20), 'web', 20);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    const homes = [plot.home];
    const drained = side === 'ours' ? drainOurs(plot, homes) : drainTheirs(plot, homes);
    await eventually(async () => ((await plot.on(plot.home)).length < 20 ? true : undefined), { what: 'an eviction' });
    const since = new Date().toISOString();
    await sleep(BLOCKED_MS);
    const counts = requestCounts(await controlPlane.auditEvents(), client, since);
    requests.push([...counts].map(([what, times]) => `${times} ${what}`).join(', ') || 'none');
    await plot.ungate('web');
    await drained;
    await plot.remove();
  }
  console.log(`\nRequests in ${BLOCKED_MS / 1000} s while a budget of 20 Pods is closed`);
  console.log(`maintenance-bridge: ${requests[0]}\nkubectl drain: ${requests[1]}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pods: { type: 'string', default: '100' },
      samples: { type: 'string', default: '20' },
      nodes: { type: 'string', default: '1,10,100' },
    },
  });
  await using controlPlane = await startControlPlane({
    scheduler: true,
    controllerManager: true,
    kwok: true,
    auditLog: true,
  });
  const bridge = await new Bridge({
    kubeconfig: controlPlane.kubeconfig,
    // kubectl takes all Nodes of its command; the default is one at a time.
    flags: ['--leader-elect=false', '--tmm-max-concurrent-nodes=100%'],
  }).leads();
  try {
    console.log(`${cpus().length} cores, Node.js ${process.version}\n`);
    await firstEvictions(controlPlane, Number(values.samples));
    await oneNode(controlPlane, Number(values.pods));
    await severalNodes(controlPlane, values.nodes.split(',').map(Number));
    await whileBlocked(controlPlane);
  } finally {
    await bridge.end();
    await eventually(() => (bridge.isRunning() ? undefined : true), { what: 'the program to end' });
  }
}

await main();
