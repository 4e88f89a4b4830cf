/** What the gate reads of vitest's JSON report, whose form is Jest's: pure, so that the gate's own arithmetic has tests. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Report {
  readonly testResults: readonly FileResult[];
}

interface FileResult {
  /** The file's absolute path. */
  readonly name: string;
  readonly status: string;
  /** Why the file could not be loaded, or a hook of it failed; empty otherwise. */
  readonly message: string;
  readonly assertionResults: readonly TestResult[];
}

interface TestResult {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages?: readonly string[] | null;
}

/** A test that failed, or a file that could not be run. */
export interface Failure {
  readonly file: string;
  readonly test: string;
  /** The first lines of its error. */
  readonly message: string;
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

const MESSAGE_LINES = 12;

export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/**
 * @param report undefined if a run crashed before it wrote its report.
 * @param isSuccess whether vitest ended with 0. A run that failed for another reason than a test (an error outside a test) counts
 * as one failure.
 */
export function countTests(report: Report | undefined, isSuccess: boolean): Counts {
  if (report === undefined) return { ...NOTHING, failed: 1 };
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = failuresOf(report).length;
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: failed === 0 && !isSuccess ? 1 : failed,
    skipped: tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length,
  };
}

/** Each failed test; and each file without one that failed nevertheless, because it could not be loaded or a hook of it threw. */
export function failuresOf({ testResults }: Report): readonly Failure[] {
  return testResults.flatMap(({ name: file, status, message, assertionResults }): readonly Failure[] => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed')
      return [{ file, test: 'the file itself', message: firstLines(message) }];
    return failed.map(({ fullName, failureMessages }) => {
      return { file, test: fullName, message: firstLines(failureMessages?.[0] ?? '') };
    });
  });
}

/** The files of a run, each with its result of a second run, if any. */
export function withSecondTry(first: Report, second: Report): Report {
  const again = new Map(second.testResults.map((result) => [result.name, result]));
  return { testResults: first.testResults.map((result) => again.get(result.name) ?? result) };
}

/** Without the calls inside vitest, which are in each error. */
function firstLines(text: string): string {
  const ofOurs = text.split('\n').filter((line) => !/^\s+at .*(node_modules|<anonymous>)/.test(line));
  return ofOurs.slice(0, MESSAGE_LINES).join('\n');
}
