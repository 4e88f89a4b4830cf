/** The results of the matrix, as stored in results.json, and their rendering in docs/compatibility.md. */
import type { Project } from '../../controlplane/versions.ts';

export interface FileResult {
  /** Path from the root of the checkout. */
  readonly file: string;
  readonly passed: number;
  readonly skipped: number;
  /** Names of the tests. */
  readonly failed: readonly string[];
}

export interface Run {
  readonly project: Project;
  /** `v1.37.2` */
  readonly version: string;
  /** The date of its latest part. */
  readonly date: string;
  /** Anything unusual about this run, for people. */
  readonly note?: string;
  readonly files: readonly FileResult[];
}

export interface Results {
  /** One for each version, by project and version. */
  readonly runs: readonly Run[];
}

/** Adds a run; files of the same version that were run before are replaced, others stay. */
export function noteRun({ runs }: Results, run: Run): Results {
  const isSame = (other: Run): boolean => other.project === run.project && other.version === run.version;
  const earlier = runs.find(isSame)?.files.filter(({ file }) => !run.files.some((now) => now.file === file)) ?? [];
  const files = [...earlier, ...run.files].sort((a, b) => (a.file < b.file ? -1 : 1));
  const all = [...runs.filter((other) => !isSame(other)), { ...run, files }];
  return {
    runs: all.sort((a, b) =>
      a.project === b.project ? compare(a.version, b.version) : a.project < b.project ? 1 : -1,
    ),
  };
}

/** By their numbers: v1.8 before v1.13. */
function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

const TITLES: Readonly<Record<Project, string>> = { kubernetes: 'Kubernetes', 'cluster-api': 'Cluster API' };

/** The sections of docs/compatibility.md that are rendered from results. */
export function renderResults(
  { runs }: Results,
  table: (head: readonly string[], rows: readonly (readonly string[])[]) => string,
): string {
  const rows = runs.map(({ project, version, date, note, files }) => {
    const sum = (count: (file: FileResult) => number): string => `${files.reduce((all, file) => all + count(file), 0)}`;
    return [
      `${TITLES[project]} ${version}${note === undefined ? '' : ` (${note})`}`,
      date,
      sum(({ passed }) => passed),
      sum(({ failed }) => failed.length),
      sum(({ skipped }) => skipped),
      files.map(({ file }) => `\`${file.replace(/^test\//, '').replace(/\.test\.ts$/, '')}\``).join(' '),
    ];
  });
  const failures = runs.flatMap(({ project, version, files }) =>
    files.flatMap(({ file, failed }) =>
      failed.map((name) => `- ${TITLES[project]} ${version}, \`${file}\`: ${name}\n`),
    ),
  );
  const failed = failures.length === 0 ? 'No test failed.\n' : failures.join('');
  return `${table(['Version', 'Run on', 'Passed', 'Failed', 'Skipped', 'Files of tests'], rows)}\n${failed}`;
}
