/**
 * `npm run matrix -- [VERSION…] [--files FILE…]`: runs the tests on control planes of other versions, one after another, and records the
 * results in results.json beside this file, from which `npm run docs` writes docs/compatibility.md. Exit code 1 if a test failed or a
 * version could not be built; the others are run nevertheless.
 *
 * A version is `1.37`, `kubernetes@1.37.2` or `cluster-api@1.14`: the newest patch of it that the Go module proxy serves. A build takes
 * minutes and is kept in the cache; on a machine with other work, run it with `nice` and GOFLAGS=-p=1.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { ensureVersion, newestOf, PROJECTS, type Project, servedVersions } from '../../controlplane/versions.ts';
import { type FileResult, noteRun, type Results } from './results.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RESULTS = join(import.meta.dirname, 'results.json');

/**
 * The versions that operators run: the supported minor releases of Kubernetes, two of Cluster API, and the oldest other one that is served.
 */
const ALL = ['1.33', '1.34', '1.35', '1.36', '1.37', 'cluster-api@1.8', 'cluster-api@1.13', 'cluster-api@1.14'];

/** Of the tests in test/e2e, those of the chart, of its rights and policies, and of what an API server decides. */
const END_TO_END = [
  ...['chart', 'ramen-chart', 'rights', 'taken-rights', 'policy', 'refused-marks', 'uninstall'],
  ...['machine-drain', 'status', 'suspended'],
].map((name) => `test/e2e/${name}.test.ts`);

/** They make objects in `cluster.x-k8s.io/v1beta2`, which is served from Cluster API 1.11 on. */
const SINCE_V1BETA2 = ['hostile', 'known-clusters', 'machine-deployments'].map((name) => `test/e2e/${name}.test.ts`);

function filesFor(project: Project, version: string): readonly string[] {
  if (project === 'kubernetes') return ['test/scenarios', ...END_TO_END];
  const hasV1Beta2 = Number(version.split('.')[1]) >= 11;
  return ['test/scenarios/capi.test.ts', ...(hasV1Beta2 ? SINCE_V1BETA2 : [])];
}

const ASSETS: Readonly<Record<Project, string>> = {
  kubernetes: 'KUBEBUILDER_ASSETS',
  'cluster-api': 'CLUSTER_API_ASSETS',
};

/** The parts of vitest's JSON report, in Jest's format, that are used. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const at = process.argv.indexOf('--files');
const wanted = process.argv.slice(2, at === -1 ? undefined : at);
const files = at === -1 ? undefined : process.argv.slice(at + 1);
let isGreen = true;
for (const each of wanted.length === 0 ? ALL : wanted) {
  try {
    const [project, version] = await chosen(each);
    isGreen = run(project, version, await ensureVersion(project, version)) && isGreen;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    isGreen = false;
  }
}
process.exitCode = isGreen ? 0 : 1;

async function chosen(text: string): Promise<readonly [Project, string]> {
  const [first = '', second] = text.split('@');
  const [project, version] = second === undefined ? ['kubernetes', first] : [first, second];
  if (!isProject(project)) throw new Error(`Wanted a version of ${Object.keys(PROJECTS).join(' or ')}, found ${text}`);
  return [project, newestOf(version.replace(/^v/, ''), await servedVersions(project))];
}

function isProject(text: string): text is Project {
  return Object.hasOwn(PROJECTS, text);
}

/** @returns whether no test failed. */
function run(project: Project, version: string, assets: string): boolean {
  console.log(`\n== ${project} ${version} ==`);
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-bridge-matrix-'));
  try {
    const report = join(folder, 'report.json');
    const args = [
      'run',
      '--project',
      'controlplane',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    spawnSync(join(ROOT, 'node_modules/.bin/vitest'), [...args, ...(files ?? filesFor(project, version))], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, [ASSETS[project]]: assets },
    });
    const results = resultsOf(JSON.parse(readFileSync(report, 'utf8')) as Report);
    note({ project, version, date: new Date().toISOString().slice(0, 10), files: results });
    return results.every(({ failed }) => failed.length === 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that cannot be loaded, or whose set-up fails, counts as one failure. */
function resultsOf({ testResults }: Report): readonly FileResult[] {
  return testResults.map(({ name, status, assertionResults }): FileResult => {
    const count = (wanted: string): number => assertionResults.filter((test) => test.status === wanted).length;
    const failed = assertionResults.filter((test) => test.status === 'failed').map(({ fullName }) => fullName);
    const isUnready = status === 'failed' && failed.length === 0;
    return {
      file: relative(ROOT, name),
      passed: count('passed'),
      skipped: assertionResults.length - count('passed') - failed.length,
      failed: isUnready ? ['the whole file'] : failed,
    };
  });
}

function note(run: Results['runs'][number]): void {
  const before = JSON.parse(readFileSync(RESULTS, 'utf8')) as Results;
  writeFileSync(RESULTS, `${JSON.stringify(noteRun(before, run), null, 2)}\n`);
  // Formatted as the gate requires.
  spawnSync(join(ROOT, 'node_modules/.bin/biome'), ['format', '--write', RESULTS], { cwd: ROOT, stdio: 'ignore' });
}
