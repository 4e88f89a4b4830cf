/** Third-party programs that tests and checks run: in the cache, or put there from a package of Debian, or built from their Go modules. */
import { join } from 'node:path';
import { buildOnce, cacheDirectory, holds, lackingBuild } from '../../controlplane/binaries.ts';
import { buildKey, goBuild } from '../../controlplane/build.ts';
import { startProgress } from '../../controlplane/progress.ts';
import { type DebianPackage, takeFromDebian } from './debian-package.ts';

/** Programs that are built together, since they share a `go.mod`; the value is each program's package. */
export interface Toolbox<Program extends string> {
  /** Folder of the `go.mod` in this one, and of the programs in the cache. */
  readonly name: string;
  readonly programs: Readonly<Record<Program, string>>;
  readonly tags: readonly string[];
  /** A package that contains all of them, in a version that is new enough: used if it is available, in seconds instead of minutes. */
  readonly debian?: DebianPackage;
}

/** Tools that check and install the chart. */
export const CHART_TOOLS: Toolbox<'helm' | 'kubeconform' | 'helm-unittest' | 'helm-docs'> = {
  name: 'chart',
  programs: {
    helm: 'helm.sh/helm/v4/cmd/helm',
    kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
    'helm-unittest': 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
    'helm-docs': 'github.com/norwoodj/helm-docs/cmd/helm-docs',
  },
  tags: [],
};

/** Tools that check the alert rules, and that scrape and query for the dashboard. */
export const PROMETHEUS_TOOLS: Toolbox<'promtool' | 'prometheus'> = {
  name: 'prometheus',
  programs: {
    promtool: 'github.com/prometheus/prometheus/cmd/promtool',
    prometheus: 'github.com/prometheus/prometheus/cmd/prometheus',
  },
  debian: { name: 'prometheus', folder: 'usr/bin' },
  // Service discovery of two dozen platforms is most of the build, and none of it is used.
  tags: ['remove_all_sd'],
};

const moduleOf = ({ name }: Toolbox<string>): string => join(import.meta.dirname, name);
const directoryOf = (toolbox: Toolbox<string>): string =>
  join(
    cacheDirectory(),
    `${toolbox.name}-tools-${buildKey([moduleOf(toolbox)], [Object.entries(toolbox.programs), toolbox.tags, ...(toolbox.debian ? [toolbox.debian] : [])])}`,
  );
const isBuilt = (toolbox: Toolbox<string>): boolean => holds(directoryOf(toolbox), Object.keys(toolbox.programs));

/** Why the programs are not available here; undefined if they are in the cache, or Go can build them. */
export function lackingTools(toolbox: Toolbox<string>): string | undefined {
  const noBuild = isBuilt(toolbox) ? undefined : lackingBuild();
  return noBuild && `the ${toolbox.name} tools are not built in ${cacheDirectory()}, and ${noBuild}`;
}

/**
 * Paths of the programs, after building them if they are not in the cache; concurrent processes wait for one build.
 *
 * @throws Error with the end of Go's output if the build fails.
 */
export async function ensureTools<Program extends string>(
  toolbox: Toolbox<Program>,
): Promise<Readonly<Record<Program, string>>> {
  const directory = directoryOf(toolbox);
  await buildOnce(
    directory,
    () => isBuilt(toolbox),
    (unfinished) => build(toolbox, unfinished),
  );
  const paths = Object.keys(toolbox.programs).map((program) => [program, join(directory, program)]);
  return Object.fromEntries(paths) as Readonly<Record<Program, string>>;
}

async function build(toolbox: Toolbox<string>, directory: string): Promise<void> {
  const programs = Object.keys(toolbox.programs).join(', ');
  if (toolbox.debian !== undefined) {
    const lacking = await takeFromDebian(toolbox.debian, Object.keys(toolbox.programs), ['--version'], directory);
    process.stderr.write(`${programs} from Debian's package: ${lacking ?? 'done'}\n`);
    if (lacking === undefined) return;
  }
  const progress = startProgress(`Building ${programs} with Go (once; minutes on the first run)`);
  try {
    const tags = toolbox.tags.length === 0 ? [] : ['-tags', toolbox.tags.join(',')];
    const packages = Object.values(toolbox.programs);
    await goBuild(moduleOf(toolbox), [...tags, '-ldflags', '-s -w', '-o', `${directory}/`, ...packages], progress);
    progress.end('done');
  } catch (error) {
    progress.end('failed');
    throw error;
  }
}
