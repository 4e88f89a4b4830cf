/**
 * `npm run bench -- roll`: what `roll` itself costs over 100 and 1 000 Nodes with three Pods each, beside a controller on the sandbox, with a
 * command that does nothing. Reports, asserts nothing. Figures of a run are in docs/performance.md.
 *
 * `--nodes N`: that number of Nodes only. `--at-once N` (default 10).
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Fleet, startFleet } from '../harness/fleet.ts';
import { Bridge, Running } from '../harness/program.ts';
import { usageOf } from '../harness/usage.ts';

const SIZES = [100, 1000];
/** How often the process is looked at: what it used after the last look is not counted. */
const LOOK_MS = 200;

const report = (what: string, value: string): void => console.log(`${what.padEnd(56)}${value}`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { nodes: { type: 'string' }, 'at-once': { type: 'string', default: '10' } },
  });
  console.log(`${cpus().length} cores, Node.js ${process.version}, ${values['at-once']} Nodes at once`);
  for (const size of values.nodes === undefined ? SIZES : [Number(values.nodes)]) {
    console.log(`\n${size} Nodes`);
    await using fleet = await startFleet(size);
    await rollOver(fleet, values['at-once']);
  }
}

async function rollOver({ sandbox, kubeconfig, nodes }: Fleet, atOnce: string): Promise<void> {
  const flags = ['--leader-elect=false', `--tmm-max-concurrent-nodes=${atOnce}`];
  const bridge = await new Bridge({ kubeconfig, flags }).leads();
  try {
    const startedMs = performance.now();
    const bridgeBefore = await bridge.cpuSeconds();
    const work = ['--exec', 'true', '--order', 'name', '--max-unavailable', atOnce];
    const roll = new Running(['roll', ...nodes, ...work, '--kubeconfig', kubeconfig]);
    let last = await usageOf(roll.pid);
    const looking = setInterval(async () => {
      last = (await usageOf(roll.pid)) ?? last;
    }, LOOK_MS);
    const code = await roll.end();
    clearInterval(looking);
    const seconds = (performance.now() - startedMs) / 1000;
    if (code !== 0) throw new Error(`The roll ended with ${code}: ${roll.err}`);
    const requests = sandbox.requests().filter(({ userAgent }) => userAgent.endsWith('(command)'));
    const perNode = (count: number, digits: number): string => (count / nodes.length).toFixed(digits);
    const { cpuSeconds = Number.NaN, peakMiB = Number.NaN } = last ?? {};
    report('the whole roll', `${seconds.toFixed(0)} s, ${perNode(seconds, 3)} s a Node`);
    report('CPU time of the roll', `${cpuSeconds.toFixed(1)} s, ${perNode(cpuSeconds, 4)} s a Node`);
    const bridgeSeconds = (await bridge.cpuSeconds()) - bridgeBefore;
    report(
      'CPU time of the controller beside it',
      `${bridgeSeconds.toFixed(1)} s, ${perNode(bridgeSeconds, 4)} s a Node`,
    );
    report('requests of the roll', `${requests.length}, ${perNode(requests.length, 2)} a Node`);
    report('resident memory of the roll, at most', `${peakMiB} MiB`);
  } finally {
    await bridge.end();
  }
}

await main();
