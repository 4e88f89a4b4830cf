/**
 * The border around decisions: everything that a decision loads at run time is in `core` or in its own feature, uses no package but zod,
 * and contains nothing that reads a clock, randomness, the process or the network, or that waits.
 */
import { impuritiesIn } from './impurities.ts';
import type { SourceFile } from './source-files.ts';

const ALLOWED_PACKAGES: readonly string[] = ['zod'];

/** Folders of decisions, and single files that contain a decision. */
const DECISIONS = [
  /^src\/[^/]+\/(decide|rules|explain|model)\//,
  /^src\/[^/]+\/(decide|sweep|explain|verdict|plan)[^/]*\.ts$/,
];

/** Whether a source is a decision, or a part of one. */
export function isDecision(path: string): boolean {
  return (
    DECISIONS.some((pattern) => pattern.test(path)) &&
    !path.startsWith('src/core/') &&
    !path.startsWith('src/commands/')
  );
}

/**
 * The violations, a line each, sorted: the file, the forbidden construct or import, and the shortest chain of imports from a decision to
 * it.
 *
 * @param sources by path; an imported file that is not among them counts as a violation.
 */
export function crossings(sources: ReadonlyMap<string, SourceFile>): readonly string[] {
  return [...sources.keys()]
    .filter(isDecision)
    .flatMap((entry) => crossingsOf(entry, sources))
    .filter(isFirst)
    .sort();
}

/** A violation that two decisions share is reported once. */
function isFirst(line: string, index: number, lines: readonly string[]): boolean {
  const [fault] = line.split(' (');
  return lines.findIndex((other) => other.split(' (')[0] === fault) === index;
}

function crossingsOf(entry: string, sources: ReadonlyMap<string, SourceFile>): readonly string[] {
  const home = entry.split('/').slice(0, 2).join('/');
  const found: string[] = [];
  const trails = new Map([[entry, [entry]]]);
  for (const [path, trail] of trails) {
    const by = trail.length === 1 ? '' : ` (${trail.join(' → ')})`;
    const source = sources.get(path);
    if (source === undefined) {
      found.push(`${path} cannot be read${by}`);
      continue;
    }
    found.push(...impuritiesIn(source.program).map((what) => `${path} contains ${what}${by}`));
    for (const { specifier, target, atRunTime } of source.imports) {
      if (!atRunTime) continue;
      const isInside = target === undefined ? ALLOWED_PACKAGES.includes(specifier) : isWithin(target, home);
      if (!isInside) found.push(`${path} imports ${specifier}${by}`);
      else if (target !== undefined && !trails.has(target)) trails.set(target, [...trail, target]);
    }
  }
  return found;
}

const isWithin = (path: string, home: string): boolean => path.startsWith(`${home}/`) || path.startsWith('src/core/');
