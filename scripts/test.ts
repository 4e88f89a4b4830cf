/**
 * The gate: every check of the project in order, cheap ones first, all of them even when one fails, so that one run shows
 * every fault. The last line is `N passed, N failed, N skipped`: tests, plus one for each stage that is no test run. Before it
 * stands each failure once more by name, since a CI's log may keep no more than its end.
 *
 * Where no more than a few files of a stage failed, they are run a second time, by themselves: most tests wait for several programs
 * on a machine that others use too. What passes only then is named as such, as a fault to be mended; `--once` leaves the second try
 * out. `--inner` leaves out what takes long. Run with `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { lackingBuild } from '../controlplane/binaries.ts';
import { canInstallPackages, findBrowser } from '../harness/find-browser.ts';
import {
  add,
  type Counts,
  countTests,
  type Failure,
  failuresOf,
  NOTHING,
  type Report,
  withSecondTry,
} from './test-report.ts';

interface Stage {
  readonly title: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly isTestRun: boolean;
  readonly isInner: boolean;
  /** Absent: always. */
  readonly isPossible?: () => boolean;
}

interface Outcome {
  readonly counts: Counts;
  readonly failures: readonly Failure[];
  /** Failed at first, and passed when they were run again. */
  readonly late: readonly Failure[];
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

/** More files than this do not fail because a machine is busy. */
const MAX_FILES_AGAIN = 3;

function main(args: readonly string[]): number {
  const onlyInner = args.includes('--inner');
  const tries = args.includes('--once') ? 1 : 2;
  const reports = mkdtempSync(join(tmpdir(), 'maintenance-bridge-test-'));
  try {
    const stages = STAGES.filter(({ isInner, isPossible }) => (isInner || !onlyInner) && isPossible?.() !== false);
    const outcomes = stages.map((stage, index) => run(stage, join(reports, `${index}.json`), tries));
    print(
      'Passed at the second try only',
      outcomes.flatMap(({ late }) => late),
    );
    print(
      'Failed',
      outcomes.flatMap(({ failures }) => failures),
    );
    const { passed, failed, skipped } = outcomes.map(({ counts }) => counts).reduce(add, NOTHING);
    console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? 0 : 1;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

function run(stage: Stage, reportPath: string, tries: number): Outcome {
  console.log(`\n== ${stage.title} ==`);
  const started = performance.now();
  const outcome = stage.isTestRun ? runTests(stage, reportPath, tries) : runCheck(stage);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`== ${stage.title}: ${outcome.counts.failed === 0 ? 'passed' : 'FAILED'} in ${seconds} s ==`);
  return outcome;
}

function runCheck({ title, script, args }: Stage): Outcome {
  if (start([script, ...args])) return { counts: { ...NOTHING, passed: 1 }, failures: [], late: [] };
  return { counts: { ...NOTHING, failed: 1 }, failures: [{ file: script, test: title, message: '' }], late: [] };
}

function runTests(stage: Stage, reportPath: string, tries: number): Outcome {
  const first = runVitest(stage, reportPath, []);
  const atFirst = first.report === undefined ? [] : failuresOf(first.report);
  const files = [...new Set(atFirst.map(({ file }) => file))];
  if (first.report === undefined || tries < 2 || files.length === 0 || files.length > MAX_FILES_AGAIN) {
    return { counts: countTests(first.report, first.isSuccess), failures: atFirst, late: [] };
  }
  console.log(`\n== ${stage.title}: again, by ${files.length === 1 ? 'itself' : 'themselves'}: ${files.join(', ')} ==`);
  const second = runVitest(stage, reportPath, ['--maxWorkers=1', ...files]);
  if (second.report === undefined) return { counts: countTests(first.report, false), failures: atFirst, late: [] };
  const report = withSecondTry(first.report, second.report);
  const failures = failuresOf(report);
  const isStillFailing = ({ file, test }: Failure) =>
    failures.some((other) => other.file === file && other.test === test);
  return {
    counts: countTests(report, second.isSuccess),
    failures,
    late: atFirst.filter((failure) => !isStillFailing(failure)),
  };
}

function runVitest({ script, args }: Stage, reportPath: string, more: readonly string[]) {
  // A run that crashes leaves none, and must not be judged by the one before it.
  rmSync(reportPath, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`];
  const isSuccess = start([script, ...args, ...more, ...reporters]);
  return { report: readReport(reportPath), isSuccess };
}

function start(command: readonly string[]): boolean {
  const { status, signal, error } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' });
  if (error !== undefined) console.log(error.message);
  if (signal !== null) console.log(`Ended by ${signal}`);
  return status === 0;
}

/** @returns undefined if a run crashed before or while it wrote its report. */
function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

function print(title: string, failures: readonly Failure[]): void {
  if (failures.length === 0) return;
  console.log(`\n${title}:`);
  for (const { file, test, message } of failures) {
    console.log(`- ${relative(ROOT, file)}: ${test}`);
    if (message !== '') console.log(message.replace(/^/gm, '    '));
  }
}

process.exitCode = main(process.argv.slice(2));
