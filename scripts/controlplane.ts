/**
 * Real Kubernetes clusters for experiments, with simulated Nodes and Pods: `npm run controlplane -- up`.
 *
 * A cluster belongs to a background process of this same script, which outlives the shell; when that process ends, in whatever way, the
 * cluster's processes and its folder are removed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { cacheDirectory, ensureBinaries } from '../controlplane/binaries.ts';
import { startControlPlane } from '../controlplane/controlplane.ts';
import { lockOwner, withLock } from '../controlplane/lock.ts';
import { isAlive, pidOf } from '../harness/identity.ts';
import { eventually } from '../harness/wait.ts';

const CLUSTERS = join(cacheDirectory(), 'clusters');
const MAX_NODES = 10_000;
const START_DEADLINE_MS = 5 * 60_000;
const STOP_DEADLINE_MS = 60_000;

/** The file that a cluster's owner writes into its folder once the cluster is ready. */
interface ClusterState {
  readonly kubeconfig: string;
  readonly nodes: number;
}

/** A cluster exists as long as a process holds its lock. */
interface Cluster {
  /** Identity of the process that owns it. */
  readonly owner: string;
  /** undefined until it is ready. */
  readonly state: ClusterState | undefined;
}

interface Name {
  readonly name: string;
}
interface UpOptions extends Name {
  readonly nodes: number;
}

const folderOf = (name: string): string => join(CLUSTERS, name);
const logOf = (name: string): string => join(CLUSTERS, `${name}.log`);
const lockOf = (name: string): string => join(CLUSTERS, `${name}.lock`);
const stateFileIn = (folder: string): string => join(folder, 'cluster.json');

async function up({ name, nodes }: UpOptions): Promise<void> {
  await mkdir(CLUSTERS, { recursive: true });
  // Here and not in the background, so that the progress of a first build is visible.
  const binaries = await ensureBinaries();
  const isThere = (await find(name)) !== undefined;
  const { kubeconfig } = await (isThere ? whenReady(name) : startInBackground({ name, nodes }));
  if (isThere) {
    console.log(`Cluster "${name}" runs already.\nKubeconfig: ${kubeconfig}`);
    return;
  }
  console.log(
    [
      `Cluster "${name}" runs; simulated Nodes: ${nodes}.`,
      `Kubeconfig: ${kubeconfig}`,
      'Try:',
      `  export KUBECONFIG=${kubeconfig}; alias kubectl=${join(binaries, 'kubectl')}`,
      '  kubectl create deployment web --image=example.com/web --replicas=6; kubectl get pods -o wide',
      '  kubectl taint node worker-1 drain=planned-downtime:NoSchedule',
    ].join('\n'),
  );
}

async function startInBackground({ name, nodes }: UpOptions): Promise<ClusterState> {
  const log = openSync(logOf(name), 'w');
  const owner = spawn(process.execPath, [import.meta.filename, 'own', '--name', name, '--nodes', `${nodes}`], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  const failed = once(owner, 'exit').then(async () => {
    throw new Error(`Cluster "${name}" did not start:\n${await readFile(logOf(name), 'utf8')}`);
  });
  const state = await Promise.race([whenReady(name), failed]);
  owner.unref();
  return state;
}

/** The background process: holds the cluster's lock until it is asked to end. */
async function own({ name, nodes }: UpOptions): Promise<void> {
  const giveUp = (owner: string): never => {
    throw new Error(`Process ${pidOf(owner)} is starting it already`);
  };
  const work = async (): Promise<void> => {
    // Left if an owner and its supervisor were both killed.
    await rm(folderOf(name), { recursive: true, force: true });
    await using controlPlane = await startControlPlane({
      scheduler: true,
      controllerManager: true,
      kwok: true,
      nodes: Array.from({ length: nodes }, (_, index) => `worker-${index + 1}`),
      directory: folderOf(name),
    });
    const { kubeconfig, directory } = controlPlane;
    const state: ClusterState = { kubeconfig, nodes };
    await writeFile(`${stateFileIn(directory)}.new`, JSON.stringify(state));
    await rename(`${stateFileIn(directory)}.new`, stateFileIn(directory));
    await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  };
  await withLock(lockOf(name), work, { onWait: giveUp });
}

async function down({ name }: Name): Promise<void> {
  const cluster = await find(name);
  if (cluster !== undefined) {
    process.kill(pidOf(cluster.owner), 'SIGTERM');
    await eventually(() => (isAlive(cluster.owner) || existsSync(folderOf(name)) ? undefined : true), {
      what: `cluster "${name}" to end`,
      deadlineMs: STOP_DEADLINE_MS,
    });
  }
  await Promise.all([folderOf(name), logOf(name)].map((path) => rm(path, { recursive: true, force: true })));
  console.log(cluster === undefined ? `No cluster "${name}" runs.` : `Cluster "${name}" is gone.`);
}

async function list(): Promise<void> {
  await mkdir(CLUSTERS, { recursive: true });
  const entries = await readdir(CLUSTERS, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const rows: string[] = [];
  for (const name of names.sort()) {
    const cluster = await find(name);
    if (cluster?.state !== undefined) rows.push(`${name}\t${cluster.state.nodes} Nodes\t${cluster.state.kubeconfig}`);
    else if (cluster !== undefined) rows.push(`${name}\tstarting`);
  }
  console.log(rows.length === 0 ? 'No cluster runs.' : rows.join('\n'));
}

async function find(name: string): Promise<Cluster | undefined> {
  const owner = await lockOwner(lockOf(name));
  if (owner === undefined) return undefined;
  const file = stateFileIn(folderOf(name));
  const state = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as ClusterState) : undefined;
  return { owner, state };
}

function whenReady(name: string): Promise<ClusterState> {
  return eventually(async () => (await find(name))?.state, {
    what: `cluster "${name}" to be ready; see ${logOf(name)}`,
    deadlineMs: START_DEADLINE_MS,
    pollMs: 100,
  });
}

function parseName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('wanted: 1 to 42 lower-case letters, digits and inner dashes.');
}

function parseNodes(text: string): number {
  const nodes = Number(text);
  if (/^\d+$/.test(text) && nodes <= MAX_NODES) return nodes;
  throw new InvalidArgumentError(`wanted: a whole number from 0 to ${MAX_NODES}.`);
}

const program = new Command('controlplane').description('Real Kubernetes clusters with simulated Nodes');
const withName = (command: Command): Command =>
  command.option('--name <name>', 'which cluster; several may run at once', parseName, 'default');
const withNodes = (command: Command): Command =>
  command.option('--nodes <number>', 'simulated Nodes worker-1, worker-2, …', parseNodes, 3);

withNodes(withName(program.command('up').description('start a cluster, which goes on after this shell'))).action(up);
withName(program.command('down').description('end a cluster and remove all of it')).action(down);
program.command('list').description('the clusters that run').action(list);
program
  .command('build')
  .description('only build the programs, if that has not been done yet')
  .action(async () => console.log(await ensureBinaries()));
withNodes(withName(program.command('own', { hidden: true }))).action(own);

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
