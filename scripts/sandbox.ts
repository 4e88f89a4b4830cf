/**
 * `npm run sandbox`: a cluster in memory with the controllers running against it, until Ctrl-C. Exit code 0 then; 1 if the controllers end
 * by themselves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { startSandbox } from '../sandbox/sandbox.ts';
import { FLEET, furnishMachines, furnishWorkloads, LABEL_PREFIX, nodeNames, SHOP } from '../tour/cluster.ts';
import { makeFolder } from '../tour/folder.ts';
import { firstSignal } from '../tour/signals.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const END_WITH_PARENT = new URL('../harness/end-with-parent.ts', import.meta.url).href;
const MAX_NODES = 5000;
const MAX_PORT = 65_535;
/** Machine drain approves: nobody else has to be simulated for it. */
const FEATURES = ['--enable-machine-drain', '--enable-metal3-maintenance', '--leader-elect=false'] as const;
/** Slow enough to be watched. */
const TIMING = { podStartMs: 1000, podStopMs: 1000 };
const POWER = { powerOffMs: 2000, powerOnMs: 2000 };

interface Options {
  readonly nodes: number;
  readonly bridge: boolean;
  readonly port: number;
}

async function main({ nodes, port, bridge: hasBridge }: Options): Promise<number> {
  const stopped = firstSignal();
  const kubeconfig = join(makeFolder('maintenance-bridge-sandbox-'), 'kubeconfig');
  await using sandbox = await startSandbox({
    port,
    clusterApi: true,
    metal3: POWER,
    timing: TIMING,
  });
  await sandbox.writeKubeconfig(kubeconfig);
  const names = nodeNames(nodes);
  await furnishMachines(sandbox, names);
  await furnishWorkloads(sandbox, names);
  console.log(introduction(names, kubeconfig, hasBridge));
  const bridge = hasBridge ? startBridge(kubeconfig) : undefined;
  const ended = bridge && once(bridge, 'exit').then(() => 'ended' as const);
  const why = await Promise.race([stopped, ...(ended === undefined ? [] : [ended])]);
  // The program ends while its cluster still answers.
  bridge?.kill('SIGTERM');
  await ended;
  if (why !== 'ended') return 0;
  console.error('The controllers have ended; the lines above say why.');
  return 1;
}

function startBridge(kubeconfig: string): ChildProcess {
  const flags = ['--kubeconfig', kubeconfig, ...FEATURES, '--log-format=text'];
  // Several sandboxes on one machine would need the same ports.
  const off = ['--metrics-bind-address=0', '--health-probe-bind-address=0'];
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, MAIN, 'run', ...flags, ...off], {
    // When this process ends, in whatever way, the child's stdin ends.
    stdio: ['pipe', 'inherit', 'inherit'],
    // Ctrl-C would reach the child in addition to our own signal, and a second signal would not be an orderly end.
    detached: true,
  });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

function introduction(names: readonly string[], kubeconfig: string, hasBridge: boolean): string {
  const { namespace, name } = FLEET;
  const last = names.at(-1);
  const run = `npm run -s cli -- run ${FEATURES.join(' ')}`;
  const commands = [
    [`kubectl get pods -n ${SHOP} -o wide`, 'what runs where'],
    ['kubectl taint node worker-1 drain=planned-downtime:NoSchedule', 'its Pods leave'],
    ['npm run -s cli -- status', 'what is under way, and whom it waits for'],
    ['kubectl taint node worker-1 drain-', 'the next Node may go'],
    [`kubectl label machine ${last} -n ${namespace} $P/maintenance=requested`, 'its Pods leave, off goes its host'],
    [`kubectl label machine ${last} -n ${namespace} $P/maintenance-`, 'its host comes back, and its Node'],
    [`kubectl delete machine ${last} -n ${namespace} --wait=false`, 'held until its Node is empty, then gone'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  const size = names.length === 1 ? '1 Node and its Machine' : `${names.length} Nodes and their Machines`;
  return `A cluster in memory: ${size} of Cluster ${namespace}/${name}, workloads in Namespace ${SHOP}.
It ends with Ctrl-C, and so does its kubeconfig: ${kubeconfig}

In another terminal:
  export KUBECONFIG=${kubeconfig} P=${LABEL_PREFIX}
${commands.map(([command, what]) => `  ${command.padEnd(width)}  # ${what}`).join('\n')}
${hasBridge ? '\nThe controllers’ log:' : `\nThe controllers are yours to run: ${run}`}`;
}

function parseNodes(text: string): number {
  const nodes = Number(text);
  if (/^\d+$/.test(text) && nodes >= 1 && nodes <= MAX_NODES) return nodes;
  throw new InvalidArgumentError(`wanted: a whole number from 1 to ${MAX_NODES}.`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= MAX_PORT) return port;
  throw new InvalidArgumentError(`wanted: a whole number from 0, for a free one, to ${MAX_PORT}.`);
}

const program = new Command('npm run sandbox --')
  .description('A cluster in memory, with the controllers running against it, until Ctrl-C.')
  .option('--nodes <number>', 'Machines with hosts, and their Nodes worker-1, worker-2, …', parseNodes, 4)
  .option('--port <number>', 'where the API server listens on 127.0.0.1; 0 for a free one', parsePort, 0)
  .option('--no-bridge', 'without the controllers, to run them yourself')
  .allowExcessArguments(false)
  .parse();

try {
  process.exitCode = await main(program.opts<Options>());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
