/**
 * The border around decisions: everything that one loads at run time lies in `core` or in its own feature, is of packages zod
 * alone, and contains nothing that reads a clock, chance, the process or the network, or that waits.
 */
import { impuritiesIn } from './impurities.ts';
import type { SourceFile } from './source-files.ts';

const ALLOWED_PACKAGES: readonly string[] = ['zod'];

/** Folders of decisions, and files that hold one by themselves. */
const DECISIONS = [
  /^src\/[^/]+\/(decide|rules|explain|model)\//,
  /^src\/[^/]+\/(decide|sweep|explain|verdict|plan)[^/]*\.ts$/,
];

/** Whether a source is a decision, or a part of one that says itself where it belongs. */
export function isDecision(path: string): boolean {
  return (
    DECISIONS.some((pattern) => pattern.test(path)) &&
    !path.startsWith('src/core/') &&
    !path.startsWith('src/commands/')
  );
}

/**
 * What crosses the border, a line each, sorted: the file, what it contains or imports, and the shortest chain of imports from a
 * decision to it.
 *
 * @param sources by path; what a decision imports and is not among them counts as crossing.
 */
export function crossings(sources: ReadonlyMap<string, SourceFile>): readonly string[] {
  return [...sources.keys()]
    .filter(isDecision)
    .flatMap((entry) => crossingsOf(entry, sources))
    .filter(isFirst)
    .sort();
}

/** A fault that two decisions share is one fault. */
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
