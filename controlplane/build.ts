/** Builds the control plane from Go modules: the only source is the Go module proxy that the machine already uses. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Progress, startProgress } from './progress.ts';

const TOOLS = join(import.meta.dirname, 'tools');
const KUBERNETES = join(TOOLS, 'kubernetes');
const KWOK = join(TOOLS, 'kwok');
const MODULES = [KUBERNETES, KWOK];

const KUBERNETES_COMMANDS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];
export const ETCD_PACKAGE = 'go.etcd.io/etcd/server/v3';
export const KUBERNETES_PACKAGES = KUBERNETES_COMMANDS.map((command) => `k8s.io/kubernetes/cmd/${command}`);
/** Without stages kwok refuses to start. */
const STAGES = [
  'node/fast/node-initialize.yaml',
  'pod/fast/pod-ready.yaml',
  'pod/fast/pod-complete.yaml',
  'pod/fast/pod-delete.yaml',
];

/** Modules are read-only: a build that wants to change go.mod must fail, and not change the input of the cache key. */
const FLAGS = ['-trimpath', '-mod=readonly', '-buildvcs=false'];
/** A `go.work` in a folder above is ignored; the user's other Go settings (proxy, caches) apply. */
const ENVIRONMENT = { GOWORK: 'off' };
const LAST_LINES = 20;

/** The name of kwok's stages in the folder of the binaries. */
export const KWOK_STAGES = 'kwok-stages.yaml';

/** Changes with everything that a build depends on: the modules, the built packages, the platform and the build flags. */
export function buildKey(
  modules: readonly string[] = MODULES,
  contents: readonly unknown[] = [KUBERNETES_COMMANDS, STAGES],
): string {
  const hash = createHash('sha256');
  for (const folder of modules) {
    for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(folder, file))).update('\0');
  }
  hash.update(JSON.stringify([process.platform, process.arch, FLAGS, ...contents]));
  return hash.digest('hex').slice(0, 16);
}

/**
 * Fills `directory` with every binary and kwok's stages, with progress on stderr.
 *
 * @throws Error with the last lines of Go's output.
 */
export async function build(directory: string): Promise<void> {
  const progress = startProgress('Building a Kubernetes control plane with Go (once; minutes on the first run)');
  try {
    await buildKubernetes(KUBERNETES, directory, progress);
    progress.detail('kwok');
    await goBuild(KWOK, ['-ldflags', '-s -w', '-o', `${directory}/`, 'sigs.k8s.io/kwok/cmd/kwok'], progress);
    await writeFile(join(directory, KWOK_STAGES), await stages());
    progress.end('done');
  } catch (error) {
    progress.end('failed');
    throw error;
  }
}

/**
 * Builds the packages of etcd and Kubernetes that `module` requires into `directory`.
 *
 * @throws Error with the last lines of Go's output.
 */
export async function buildKubernetes(module: string, directory: string, progress: Progress): Promise<void> {
  progress.detail('etcd and Kubernetes');
  const packages = [ETCD_PACKAGE, ...KUBERNETES_PACKAGES];
  await goBuild(module, ['-ldflags', await versionStamp(module), '-o', `${directory}/`, ...packages], progress);
  // Go names a binary after the last folder of its package.
  await rename(join(directory, 'server'), join(directory, 'etcd'));
}

/** Without the stamp, the server reports v0.0.0 and clients refuse features. */
async function versionStamp(module: string): Promise<string> {
  const goMod = await readFile(join(module, 'go.mod'), 'utf8');
  const found = /\bk8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(goMod);
  if (found === null) throw new Error(`Cannot find the version of k8s.io/kubernetes in ${module}/go.mod`);
  const [, version, major, minor] = found;
  const stamp = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return ['-s', '-w']
    .concat(Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`))
    .join(' ');
}

async function stages(): Promise<string> {
  const folder = join(await moduleDirectory(KWOK, 'sigs.k8s.io/kwok'), 'kustomize', 'stage');
  return (await Promise.all(STAGES.map((stage) => readFile(join(folder, stage), 'utf8')))).join('\n---\n');
}

/** The folder with the sources of a module that the module in `cwd` requires. */
export async function moduleDirectory(cwd: string, module: string): Promise<string> {
  return (await askGo(cwd, 'list', '-mod=readonly', '-m', '-f', '{{.Dir}}', module)).trim();
}

/** The folder with the sources of the only tool of the module in `cwd`. */
export async function toolDirectory(cwd: string): Promise<string> {
  return (await askGo(cwd, 'list', '-mod=readonly', '-f', '{{.Dir}}', 'tool')).trim();
}

/** The output of a Go command, run in `cwd`. @throws Error if it fails. */
export async function askGo(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('go', [...args], { cwd, env: { ...process.env, ...ENVIRONMENT } });
  return stdout;
}

/** @throws Error with the last lines of Go's output. */
export async function goBuild(cwd: string, args: readonly string[], progress: Progress): Promise<void> {
  const go = spawn('go', ['build', '-v', ...FLAGS, ...args], {
    cwd,
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const last: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of createInterface({ input: go.stderr })) {
      // `-v` prints each package as it is compiled: a path without spaces. All other lines are kept for the error.
      if (/^[\w./~-]+$/.test(line)) progress.detail(line);
      else last.push(line);
      if (last.length > LAST_LINES) last.shift();
    }
  };
  const [code] = await Promise.all([exitCode(go), read()]);
  if (code !== 0) throw new Error(`\`go build\` in ${cwd} ended with ${code}:\n${last.join('\n')}`);
}

function exitCode(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error('Starting `go`; is Go on the PATH?', { cause })));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'an unknown signal'));
  });
}
