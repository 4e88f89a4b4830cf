import { describe, expect, it } from 'vitest';
import { countTests, failuresOf, type Report, withSecondTry } from './test-report.ts';

const file = (name: string, tests: Record<string, string>, message = ''): Report['testResults'][number] => ({
  name,
  status: message !== '' || Object.values(tests).includes('failed') ? 'failed' : 'passed',
  message,
  assertionResults: Object.entries(tests).map(([fullName, status]) => ({
    fullName,
    status,
    failureMessages:
      status === 'failed'
        ? [`${fullName} is wrong\n    at line 1\n    at run (file:///x/node_modules/vitest/run.js:1:2)`]
        : [],
  })),
});

describe('a report of the tests', () => {
  it('is counted: passed, failed, and all else as skipped', () => {
    const report = {
      testResults: [file('a', { one: 'passed', two: 'failed', three: 'pending' }), file('b', { one: 'todo' })],
    };
    expect(countTests(report, false)).toEqual({ passed: 1, failed: 1, skipped: 2 });
  });

  it('counts a file that cannot be loaded, and a hook that throws, as one failure', () => {
    const unloaded = { testResults: [file('a', {}, 'no such module')] };
    expect(countTests(unloaded, false)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    const hook = { testResults: [file('a', { one: 'skipped' }, 'the hook timed out')] };
    expect(countTests(hook, false)).toEqual({ passed: 0, failed: 1, skipped: 1 });
  });

  it('fails where a run crashed, or failed outside its tests', () => {
    expect(countTests(undefined, false).failed).toBe(1);
    expect(countTests({ testResults: [file('a', { one: 'passed' })] }, false)).toMatchObject({ passed: 1, failed: 1 });
  });

  it('names each failure, with the first lines of its error', () => {
    const report = { testResults: [file('a', { one: 'failed', two: 'passed' }), file('b', {}, 'no such module')] };
    expect(failuresOf(report)).toEqual([
      { file: 'a', test: 'one', message: 'one is wrong\n    at line 1' },
      { file: 'b', test: 'the file itself', message: 'no such module' },
    ]);
  });

  it('takes the second result of a file that was run again, and the first of all others', () => {
    const first = { testResults: [file('a', { one: 'failed', two: 'passed' }), file('b', { one: 'passed' })] };
    const second = { testResults: [file('a', { one: 'passed', two: 'failed' })] };
    const both = withSecondTry(first, second);
    expect(failuresOf(both).map(({ test }) => test)).toEqual(['two']);
    expect(countTests(both, false)).toEqual({ passed: 2, failed: 1, skipped: 0 });
    expect(countTests(withSecondTry(first, { testResults: [] }), false).failed).toBe(1);
  });
});
