/**
 * Control planes of other versions than the one in `tools/`, for `npm run matrix`: their Go modules are written here, resolved by Go, and
 * built once into the cache, a folder for each version.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ALL_FILES, buildOnce, cacheDirectory, ensureBinaries, holds, KWOK_FILES } from './binaries.ts';
import { askGo, buildKubernetes, ETCD_PACKAGE, KUBERNETES_PACKAGES } from './build.ts';
import { buildClusterApi, CLUSTER_API_FILES, ensureClusterApi } from './cluster-api.ts';
import { startProgress } from './progress.ts';

/** The projects that are built in several versions, with their modules. */
export const PROJECTS = { kubernetes: 'k8s.io/kubernetes', 'cluster-api': 'sigs.k8s.io/cluster-api' } as const;
export type Project = keyof typeof PROJECTS;

/** The language version of a written module: at least that of every module that it requires. */
const GO = '1.26.0';
const FOLDER = /^\s*(?:replace\s+)?(\S+) => \.\//gm;

/**
 * The module that builds one version of a project. Where the project replaces modules by folders of its own, these are modules of the same
 * release from outside; those of Kubernetes have versions v0 instead of v1.
 *
 * @param goMod that of the project in this version.
 */
export function moduleFor(project: Project, version: string, goMod: string): string {
  const release = project === 'kubernetes' ? version.replace(/^v1\./, 'v0.') : version;
  const modules = [...goMod.matchAll(FOLDER)].map(([, module]) => module ?? '').sort();
  const replaced = modules.map((module) => `\t${module} => ${module} ${release}\n`).join('');
  const tools = toolsOf(project, version)
    .map((tool) => `\t${tool}\n`)
    .join('');
  return `module maintenance-bridge.io/matrix/${project}

go ${GO}

tool (
${tools})

require ${PROJECTS[project]} ${version}
${replaced && `\nreplace (\n${replaced})\n`}`;
}

/** Up to Cluster API 1.13 the core controller is the package of the module itself. */
function toolsOf(project: Project, version: string): readonly string[] {
  if (project === 'kubernetes') return [ETCD_PACKAGE, ...KUBERNETES_PACKAGES];
  const isOwnPackage = Number(version.split('.')[1]) >= 14;
  return [isOwnPackage ? `${PROJECTS[project]}/core` : PROJECTS[project]];
}

/**
 * The newest version in `served` that starts with `wanted`, such as `1.37` or `1.37.2`, without pre-releases.
 *
 * @throws Error if there is none.
 */
export function newestOf(wanted: string, served: readonly string[]): string {
  const numbers = (version: string): readonly number[] => version.slice(1).split('.').map(Number);
  const patch = (version: string): number => numbers(version)[2] ?? 0;
  const found = served
    .filter((version) => /^v\d+\.\d+\.\d+$/.test(version))
    .filter((version) => version === `v${wanted}` || version.startsWith(`v${wanted}.`))
    .sort((a, b) => patch(b) - patch(a));
  if (found[0] === undefined)
    throw new Error(`The Go module proxy serves no version ${wanted}, only ${served.join(', ')}`);
  return found[0];
}

/** Versions of a project that the Go module proxy serves. */
export async function servedVersions(project: Project): Promise<readonly string[]> {
  const printed = await askGo(cacheDirectory(), 'list', '-m', '-versions', PROJECTS[project]);
  return printed.trim().split(' ').slice(1);
}

/**
 * The folder with the programs of one version, for `KUBEBUILDER_ASSETS` or `CLUSTER_API_ASSETS`, after building them if they are not in the
 * cache.
 *
 * @throws Error with the end of Go's output if the build fails.
 */
export async function ensureVersion(project: Project, version: string): Promise<string> {
  if (version === (await pinnedVersion(project)))
    return project === 'kubernetes' ? ensureBinaries() : ensureClusterApi();
  const directory = join(cacheDirectory(), `${project}-${version}-${process.platform}-${process.arch}`);
  const files: readonly string[] = project === 'kubernetes' ? ALL_FILES : CLUSTER_API_FILES;
  await buildOnce(
    directory,
    () => holds(directory, files),
    async (unfinished) => {
      const module = join(unfinished, 'module');
      await mkdir(module);
      await writeFile(join(module, 'go.mod'), moduleFor(project, version, await goModOf(project, version)));
      await askGo(module, 'mod', 'tidy');
      await (project === 'kubernetes' ? fillKubernetes(module, unfinished) : buildClusterApi(module, unfinished));
    },
  );
  return directory;
}

/** The version that `tools/` builds, which all other test runs use. */
async function pinnedVersion(project: Project): Promise<string | undefined> {
  const goMod = await readFile(join(import.meta.dirname, 'tools', project, 'go.mod'), 'utf8');
  const line = goMod.split('\n').find((each) => each.trim().startsWith(`${PROJECTS[project]} `));
  return line?.trim().split(' ')[1];
}

/** kwok and its stages are the same for every version. */
async function fillKubernetes(module: string, directory: string): Promise<void> {
  const progress = startProgress('Building another Kubernetes with Go (once; half an hour where other work goes on)');
  try {
    await buildKubernetes(module, directory, progress);
    const own = await ensureBinaries();
    await Promise.all(KWOK_FILES.map((file) => copyFile(join(own, file), join(directory, file))));
    progress.end('done');
  } catch (error) {
    progress.end('failed');
    throw error;
  }
}

async function goModOf(project: Project, version: string): Promise<string> {
  const printed = await askGo(cacheDirectory(), 'mod', 'download', '-json', `${PROJECTS[project]}@${version}`);
  const { GoMod } = JSON.parse(printed) as { readonly GoMod: string };
  return readFile(GoMod, 'utf8');
}
