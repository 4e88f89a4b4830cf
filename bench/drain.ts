/**
 * `npm run bench -- drain`: duration of a drain, compared with `kubectl drain` on the same control plane in the same run. Reports and
 * asserts nothing. docs/performance.md has the figures of a run.
 *
 * `--pods N` changes the size of the Node (default 100), `--samples N` the number of first evictions (default 20).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { Bridge } from '../harness/program.ts';
import { eventually } from '../harness/wait.ts';
import { Plot } from '../harness/workloads.ts';

/** kubectl retries every 5 s; with a budget of one it can take minutes. */
const DEADLINE_MS = 15 * 60_000;

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
      verb === 'patch' && objectRef?.name === plot.home && userAgent?.startsWith('kubectl') === true,
  );
  const evicted = at(({ objectRef }) => objectRef?.subresource === 'eviction' && objectRef.namespace === name);
  await plot.remove();
  return evicted - tainted;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { pods: { type: 'string', default: '100' }, samples: { type: 'string', default: '20' } },
  });
  const count = Number(values.pods);
  await using controlPlane = await startControlPlane({
    scheduler: true,
    controllerManager: true,
    kwok: true,
    auditLog: true,
  });
  const bridge = await new Bridge({
    kubeconfig: controlPlane.kubeconfig,
    flags: ['--leader-elect=false'],
  }).leads();
  try {
    console.log(`${cpus().length} cores, Node.js ${process.version}\n`);
    const samples: number[] = [];
    for (let sample = 0; sample < Number(values.samples); sample++)
      samples.push(await firstEviction(controlPlane, `first-${sample}`));
    samples.sort((a, b) => a - b);
    const quantile = (part: number): string =>
      `${samples[Math.min(samples.length - 1, Math.floor(part * samples.length))]} ms`;
    console.log(`Taint to first eviction, ${samples.length} times: median ${quantile(0.5)}, worst ${quantile(1)}\n`);

    console.log(`A Node of ${count} Pods    maintenance-bridge    kubectl drain`);
    for (const maxUnavailable of [1, '10%', '100%']) {
      const id = String(maxUnavailable).replace('%', 'pc');
      const ours = await fullNode(controlPlane, `ours-${id}`, count, maxUnavailable);
      const oursMs = await timed(async () => {
        await ours.taint();
        await ours.phase('InMaintenance', ours.home, DEADLINE_MS);
      });
      await ours.remove();
      const theirs = await fullNode(controlPlane, `theirs-${id}`, count, maxUnavailable);
      const theirsMs = await timed(() =>
        theirs.kubectl('drain', theirs.home, '--ignore-daemonsets', '--delete-emptydir-data'),
      );
      await theirs.remove();
      console.log(
        `budget ${String(maxUnavailable).padEnd(18)}${`${seconds(oursMs)} s`.padStart(16)}${`${seconds(theirsMs)} s`.padStart(17)}`,
      );
    }
  } finally {
    await bridge.end();
    await eventually(() => (bridge.isRunning() ? undefined : true), { what: 'the program to end' });
  }
}

await main();
