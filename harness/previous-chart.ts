/** The chart from which an upgrade starts. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CHART } from '../scripts/chart-parts.ts';

const ROOT = resolve(import.meta.dirname, '..');
const RULES = 'templates/_generated.tpl';

export interface PreviousChart {
  /** As it reads after "from". */
  readonly what: string;
  /** Writes the chart below a folder that exists. @returns the chart's folder. */
  write(folder: string): string;
}

/**
 * That of the newest release before this commit, else that of the commit before. It must grant the program of this commit, which
 * runs under it before the upgrade, what Temporary Maintenance Mode needs. Where neither is at hand or does (new rights, no such
 * chart yet, a shallow clone, no checkout at all) it is this one under an older version, which is all that an upgrade then differs in.
 */
export function previousChart(): PreviousChart {
  const tags =
    git('tag', '--list', 'v*', '--merged', 'HEAD~1', '--sort=-version:refname')?.toString().split('\n') ?? [];
  const wanted = tmmRules(readFileSync(join(ROOT, CHART, RULES), 'utf8'));
  const revision = [...tags.filter((tag) => tag !== ''), 'HEAD~1'].find(
    (candidate) => tmmRules(git('show', `${candidate}:${CHART}/${RULES}`)?.toString() ?? '') === wanted,
  );
  if (revision === undefined) return { what: 'a copy with an older version', write: writeOlderCopy };
  return { what: `that of ${revision}`, write: (folder) => writeRevision(revision, folder) };
}

/** The templates of the rights that Temporary Maintenance Mode needs. */
function tmmRules(templates: string): string {
  return (templates.match(/^\{\{- define "maintenance-bridge\.rules\.tmm\b.*?^\{\{ end \}\}/gms) ?? []).join('\n');
}

function writeRevision(revision: string, folder: string): string {
  const archive = execFileSync('git', ['archive', revision, CHART], { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  return join(folder, CHART);
}

function writeOlderCopy(folder: string): string {
  const copy = join(folder, CHART);
  mkdirSync(copy, { recursive: true });
  cpSync(join(ROOT, CHART), copy, { recursive: true });
  const path = join(copy, 'Chart.yaml');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(/^(version|appVersion): .*$/gm, '$1: 0.0.1'));
  return copy;
}

/** @returns undefined if git fails, or is not installed. */
function git(...args: readonly string[]): Buffer | undefined {
  try {
    return execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
