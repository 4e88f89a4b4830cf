/** The documentation matches the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedDocs } from '../scripts/generate-docs.ts';
import { OPTION_ROWS } from '../src/config/options.ts';
import { ENVIRONMENT_PREFIX, variableOf } from '../src/core/option.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FLAGS = new Set(OPTION_ROWS.flatMap(({ flag, alias }) => (alias === undefined ? [flag] : [flag, alias])));
const VARIABLES = new Set(OPTION_ROWS.map(variableOf));

/** Pages about the current state; decisions describe the time at which they were made. */
const pages = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs')).flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

function mentions(pattern: RegExp): { path: string; name: string }[] {
  return pages.flatMap(({ path, text }) => [...text.matchAll(pattern)].map(([, name = '']) => ({ path, name })));
}

describe('documentation', () => {
  it.each([...generatedDocs()])('%s is what `npm run docs` writes', (path, content) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(content);
  });

  // Other programs' flags appear in the pages too; ours are recognised by their prefixes.
  it('names no flag of ours that does not exist', () => {
    const ours = mentions(/(?<![\w-])--((?:enable|tmm|capi|leader|metrics|health|log)-[a-z0-9-]*[a-z0-9])/g);
    expect(ours.filter(({ name }) => !FLAGS.has(name))).toEqual([]);
  });

  it('names no variable of ours that does not exist', () => {
    const ours = mentions(new RegExp(`\\b(${ENVIRONMENT_PREFIX}(?!CACHE\\b|BUILD_)[A-Z0-9_]*[A-Z0-9])`, 'g'));
    expect(ours.filter(({ name }) => !VARIABLES.has(name))).toEqual([]);
  });
});
