import { describe, expect, it } from 'vitest';
import { noteRun, type Run, renderResults } from './results.ts';

const run = (version: string, files: readonly string[], part: Partial<Run> = {}): Run => ({
  project: 'kubernetes',
  version,
  date: '2026-11-29',
  files: files.map((file) => ({ file, passed: 2, skipped: 0, failed: [] })),
  ...part,
});

describe('the results of the matrix', () => {
  it('keep the newest run of each file, versions in their order', () => {
    const older = noteRun({ runs: [run('v1.37.2', ['a'])] }, run('v1.8.4', ['a'], { project: 'cluster-api' }));
    const all = noteRun(
      noteRun(older, run('v1.33.13', ['a', 'c'])),
      run('v1.33.13', ['b', 'c'], { date: '2026-11-30' }),
    );
    expect(all.runs.map(({ version, date, files }) => [version, date, files.map(({ file }) => file).join('')])).toEqual(
      [
        ['v1.33.13', '2026-11-30', 'abc'],
        ['v1.37.2', '2026-11-29', 'a'],
        ['v1.8.4', '2026-11-29', 'a'],
      ],
    );
  });

  it('name each test that failed', () => {
    const files = [{ file: 'test/e2e/a.test.ts', passed: 3, skipped: 1, failed: ['does it'] }];
    const text = renderResults({ runs: [run('v1.33.13', [], { files })] }, (_, rows) => rows.join('\n'));
    expect(text).toContain('Kubernetes v1.33.13,2026-11-29,3,1,1,`e2e/a`');
    expect(text).toContain('- Kubernetes v1.33.13, `test/e2e/a.test.ts`: does it');
    expect(renderResults({ runs: [] }, () => '')).toContain('No test failed.');
  });
});
