/** Finds the programs of the control plane: in `KUBEBUILDER_ASSETS`, in our cache, or by a build with Go into that cache. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pidOf } from '../harness/identity.ts';
import { build, buildKey, KWOK_STAGES } from './build.ts';
import { withLock } from './lock.ts';

/** The files of a complete folder; those of envtest's archives come first. */
export const BASE_FILES = ['etcd', 'kube-apiserver', 'kubectl'] as const;
export const KWOK_FILES = ['kwok', KWOK_STAGES] as const;
export const ALL_FILES = [...BASE_FILES, 'kube-controller-manager', 'kube-scheduler', ...KWOK_FILES] as const;

export type BinaryFile = (typeof ALL_FILES)[number];
export type Environment = Readonly<Record<string, string | undefined>>;

export type Availability =
  | { readonly is: 'available'; readonly by: 'assets' | 'cache' | 'go' | 'k3s' }
  | { readonly is: 'unavailable'; readonly why: string };

export interface Lookup {
  /** @default process.env */
  readonly environment?: Environment;
  /** Whether a program can be run; replaced in tests. */
  readonly runs?: (command: string, args: readonly string[]) => boolean;
}

/** `$MAINTENANCE_BRIDGE_CACHE`, else `$XDG_CACHE_HOME/maintenance-bridge`, else `~/.cache/maintenance-bridge`. */
export function cacheDirectory(environment: Environment = process.env): string {
  const { MAINTENANCE_BRIDGE_CACHE: own, XDG_CACHE_HOME: xdg } = environment;
  if (own !== undefined && own !== '') return own;
  return join(xdg !== undefined && xdg !== '' ? xdg : join(homedir(), '.cache'), 'maintenance-bridge');
}

/**
 * How a control plane with the given programs would be provided, without building or starting anything.
 *
 * k3s has its own scheduler and controller manager, but no simulated Nodes: it cannot replace kwok.
 */
export function availability(needs: readonly BinaryFile[] = BASE_FILES, lookup: Lookup = {}): Availability {
  const { environment = process.env, runs = canRun } = lookup;
  const found = locate(needs, environment);
  if (found !== undefined) return { is: 'available', by: found.by };
  const noBuild = lackingBuild(environment, runs);
  if (noBuild === undefined) return { is: 'available', by: 'go' };
  // Unlike `docker info`, `docker version` fails in every release if the daemon does not answer.
  const docker = runs('docker', ['version', '--format', '{{.Server.Version}}']);
  if (docker && !needs.includes('kwok')) return { is: 'available', by: 'k3s' };
  return {
    is: 'unavailable',
    why: [
      'KUBEBUILDER_ASSETS names no folder with what is needed',
      `nothing is built in ${cacheDirectory(environment)}`,
      noBuild,
      docker ? 'k3s has no simulated Nodes' : 'no Docker daemon answers',
    ].join(', '),
  };
}

/**
 * Why nothing can be built here; undefined if Go can. Tests are run with `MAINTENANCE_BRIDGE_BUILD=never`: a build takes minutes, for which
 * no test waits, and runs before the tests, where its progress is visible (`harness/build-first.ts`).
 */
export function lackingBuild(environment: Environment = process.env, runs = canRun): string | undefined {
  if (environment.MAINTENANCE_BRIDGE_BUILD === 'never') return 'nothing is built while tests run';
  return runs('go', ['version']) ? undefined : 'Go is not on the PATH';
}

/**
 * The folder of the programs, after building them if no other source has them.
 *
 * Several processes may call this at once: one builds, the others wait. A build that failed or was killed leaves nothing that could be
 * mistaken for a complete one.
 *
 * @throws Error with the end of Go's output if the build fails.
 */
export async function ensureBinaries(
  needs: readonly BinaryFile[] = ALL_FILES,
  environment: Environment = process.env,
): Promise<string> {
  const found = locate(needs, environment);
  if (found !== undefined) return found.directory;
  const directory = buildDirectory(environment);
  await buildOnce(directory, () => holds(directory, ALL_FILES), build);
  return directory;
}

/**
 * Fills `directory`, a folder of the cache, in one process while all others wait.
 *
 * @param isComplete called again once this process holds the lock.
 * @param fill gets an empty folder, which replaces `directory` when it is done.
 * @throws Error if it is not complete and nothing can be built here; see `lackingBuild()`.
 */
export async function buildOnce(
  directory: string,
  isComplete: () => boolean,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  if (isComplete()) return;
  const lacking = lackingBuild();
  if (lacking !== undefined)
    throw new Error(`${basename(directory)} is not built in ${dirname(directory)}, and ${lacking}`);
  await mkdir(dirname(directory), { recursive: true });
  await withLock(
    `${directory}.lock`,
    async () => {
      if (!isComplete()) await buildInto(directory, fill);
    },
    {
      onWait: (owner) =>
        process.stderr.write(`Waiting for process ${pidOf(owner)}, which is building ${basename(directory)}\n`),
    },
  );
}

/** The first source that needs no building. The order is part of the contract with users: the source that they name takes precedence. */
export function locate(
  needs: readonly BinaryFile[],
  environment: Environment,
): { readonly by: 'assets' | 'cache'; readonly directory: string } | undefined {
  const assets = environment.KUBEBUILDER_ASSETS;
  if (assets !== undefined && assets !== '' && holds(assets, needs)) return { by: 'assets', directory: assets };
  const cached = buildDirectory(environment);
  return holds(cached, needs) ? { by: 'cache', directory: cached } : undefined;
}

export function buildDirectory(environment: Environment = process.env): string {
  return join(cacheDirectory(environment), `controlplane-${buildKey()}`);
}

async function buildInto(directory: string, fill: (directory: string) => Promise<void>): Promise<void> {
  await removeLeftovers(directory);
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    await fill(unfinished);
    await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Removes the remains of killed builds, and a folder from which files were removed by hand. Only the lock's holder may call this. */
async function removeLeftovers(directory: string): Promise<void> {
  const parent = join(directory, '..');
  const leftovers = (await readdir(parent)).filter((name) => name.startsWith(`${basename(directory)}.unfinished-`));
  await Promise.all(
    [directory, ...leftovers.map((name) => join(parent, name))].map((path) =>
      rm(path, { recursive: true, force: true }),
    ),
  );
}

/** Whether all of `files` are in the folder. */
export function holds(directory: string, files: readonly string[]): boolean {
  return files.every((file) => existsSync(join(directory, file)));
}

/** Whether a program exists and runs without an error. */
export function canRun(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}
