/** In tables whose last column is `Held by`, the named tests exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

interface Row {
  readonly what: string;
  readonly heldBy: string;
}

function rowsOf(page: string): readonly Row[] {
  const blocks = readFileSync(join(ROOT, 'docs', page), 'utf8').split('\n\n');
  const tables = blocks.filter((block) => /^\|.*\| Held by \|$/m.test(block.split('\n')[0] ?? ''));
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line, index) => {
      const cells = line.split('|').map((cell) => cell.trim());
      return index < 2 || cells.length < 3 ? [] : [{ what: cells[1] ?? '', heldBy: cells.at(-2) ?? '' }];
    }),
  );
}

const pages = readdirSync(join(ROOT, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .map((page) => ({ page, rows: rowsOf(page) }))
  .filter(({ rows }) => rows.length > 0);

it('the threat model and the guarantees are held by tests', () => {
  expect(pages.map(({ page }) => page)).toEqual(expect.arrayContaining(['guarantees.md', 'operations.md']));
  for (const { page, rows } of pages) expect(rows.length, page).toBeGreaterThan(20);
});

describe.each(pages)('$page', ({ rows }) => {
  it.each(rows)('names tests that exist: $what', ({ heldBy }) => {
    const named = [...heldBy.matchAll(/`([^`]+\.test\.ts)`: (.+?)(?=; `[^`]+\.test\.ts`|$)/g)];
    expect(named).not.toEqual([]);
    for (const [, file = '', title = ''] of named) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      // The title of a test or of a group of tests, or a part of one.
      expect(readFileSync(join(ROOT, file), 'utf8').includes(title), `${file}: ${title}`).toBe(true);
    }
  });
});
