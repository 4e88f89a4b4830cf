/**
 * The gate: every check of the project in order, cheap ones first, all of them even when one fails, so that one run shows
 * every fault. The last line is `N passed, N failed, N skipped`: tests, plus one for each stage that is no test run.
 * `--inner` leaves out what takes long. Run with `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lackingBuild } from '../controlplane/binaries.ts';
import { canInstallPackages, findBrowser } from '../harness/find-browser.ts';

interface Stage {
  readonly title: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly isTestRun: boolean;
  readonly isInner: boolean;
  /** Absent: always. */
  readonly isPossible?: () => boolean;
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What is read of vitest's JSON report, whose form is Jest's. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const ROOT = resolve(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules/.bin');

const vitest = (project: string) => ({ script: `${BIN}/vitest`, args: ['run', '--project', project], isTestRun: true });

const canBuild = (): boolean => lackingBuild() === undefined;

const STAGES: readonly Stage[] = [
  { title: 'Format and lint', script: `${BIN}/biome`, args: ['ci', '.'], isTestRun: false, isInner: true },
  { title: 'Types', script: `${BIN}/tsc`, args: [], isTestRun: false, isInner: true },
  // Code that runs in a browser knows other globals.
  ...['src/dashboard/page', 'test/dashboard'].map((folder) => ({
    title: `Types of ${folder}`,
    script: `${BIN}/tsc`,
    args: ['--project', folder],
    isTestRun: false,
    isInner: true,
  })),
  {
    title: 'Generated documentation',
    script: join(ROOT, 'scripts/generate-docs.ts'),
    args: ['--check'],
    isTestRun: false,
    isInner: true,
  },
  { title: 'Unit tests', ...vitest('unit'), isInner: true },
  { title: 'Tests on the sandbox', ...vitest('sandbox'), isInner: true },
  {
    // Debian's package: the tests of the dashboard need a browser, and fail without one under `CI=true`.
    title: 'Installing Chromium',
    script: join(ROOT, 'scripts/install-chromium.ts'),
    args: [],
    isTestRun: false,
    isInner: false,
    isPossible: () => process.env.CI === 'true' && findBrowser() === undefined && canInstallPackages(),
  },
  { title: 'The dashboard in a browser', ...vitest('browser'), isInner: false },
  { title: 'Faults and crashes on the sandbox', ...vitest('crashes'), isInner: false },
  {
    // Before the tests and not inside them, as the next but one, so that the progress of a first build is seen. Where nothing can be
    // built, the tests say so themselves.
    title: 'Building the tools of the checks',
    script: join(ROOT, 'scripts/build-tools.ts'),
    args: ['tools'],
    isTestRun: false,
    isInner: false,
    isPossible: canBuild,
  },
  { title: 'Chart, alerts and image', ...vitest('tools'), isInner: false },
  {
    title: 'Building the control plane',
    script: join(ROOT, 'scripts/build-tools.ts'),
    args: ['controlplane'],
    isTestRun: false,
    isInner: false,
    isPossible: canBuild,
  },
  { title: 'Tests on a real control plane', ...vitest('controlplane'), isInner: false },
];

const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

function main(args: readonly string[]): number {
  const onlyInner = args.includes('--inner');
  const reports = mkdtempSync(join(tmpdir(), 'maintenance-bridge-test-'));
  try {
    const stages = STAGES.filter(({ isInner, isPossible }) => (isInner || !onlyInner) && isPossible?.() !== false);
    const counts = stages.map((stage, index) => run(stage, join(reports, `${index}.json`)));
    const { passed, failed, skipped } = counts.reduce(add, NOTHING);
    console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

function run({ title, script, args, isTestRun }: Stage, report: string): Counts {
  console.log(`\n== ${title} ==`);
  const started = performance.now();
  const reporters = isTestRun ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : [];
  const { status, signal, error } = spawnSync(process.execPath, [script, ...args, ...reporters], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (error !== undefined) console.log(error.message);
  if (signal !== null) console.log(`Ended by ${signal}`);
  const counts = isTestRun ? countTests(report, status === 0) : { ...NOTHING, [status === 0 ? 'passed' : 'failed']: 1 };
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`== ${title}: ${counts.failed === 0 ? 'passed' : 'FAILED'} in ${seconds} s ==`);
  return counts;
}

/** A run that failed for another reason than a test (a file that cannot be loaded, an error outside a test) counts as one failure. */
function countTests(path: string, isSuccess: boolean): Counts {
  const report = readReport(path);
  if (report === undefined) return { ...NOTHING, failed: 1 };
  const unloaded = report.testResults.filter(({ status, assertionResults }) => {
    return status === 'failed' && assertionResults.length === 0;
  });
  const failed = report.numFailedTests + unloaded.length;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !isSuccess ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @returns undefined where a run crashed before it wrote its report, or while it did. */
function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

process.exitCode = main(process.argv.slice(2));
