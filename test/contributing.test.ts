/** The paths in CONTRIBUTING.md exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
const TREE = /```text\n(.*?)```/s.exec(PAGE)?.[1] ?? '';

const TABLE = PAGE.split('## Where do I change …')[1]?.split('\n## ')[0] ?? '';

/** Paths in backquotes that begin with a folder of the checkout. */
const named = [
  ...TABLE.matchAll(/`((?:src|sandbox|controlplane|harness|tour|scripts|bench|test|charts|docs)\/[^\s`]*)`/g),
].map(([, path = '']) => path);

/** Top folders and files of the tree, with the entries that are indented below them. */
function pathsOfTree(): readonly string[] {
  let top = '';
  return TREE.split('\n').flatMap((line) => {
    const [, indent = '', names = ''] = /^( *)((?:[\w.-]+\/? )*[\w.-]+\/?)(?: {2}|$)/.exec(`${line}  `) ?? [];
    const paths = names.split(' ').filter((name) => /[/.]/.test(name));
    if (indent === '') top = paths[0] ?? '';
    return paths.map((path) => (indent === '' ? path : `${top}${path}`));
  });
}

describe('CONTRIBUTING.md', () => {
  it.each([...new Set(named)])('names %s, which is there', (path) => {
    expect(existsSync(join(ROOT, path))).toBe(true);
  });

  it('shows the tree as it is: every folder of `src`, and none that is not there', () => {
    const shown = pathsOfTree();
    expect(shown.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => `src/${name}/`).filter((folder) => !shown.includes(folder))).toEqual([]);
  });

  it('answers ten questions', () => {
    expect([...TABLE.matchAll(/^\| (?!Change|---)/gm)]).toHaveLength(10);
  });
});
