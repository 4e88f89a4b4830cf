import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildKey } from './build.ts';

let folder: string;
let modules: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'build-'));
  modules = ['a', 'b'].map((name) => join(folder, name));
  for (const path of modules) {
    mkdirSync(path);
    for (const file of ['go.mod', 'go.sum']) writeFileSync(join(path, file), file);
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

it('`buildKey()` is the same for the same modules, and fit for the name of a folder', () => {
  expect(buildKey(modules)).toBe(buildKey(modules));
  expect(buildKey(modules)).toMatch(/^[0-9a-f]{16}$/);
});

it.each(['a/go.mod', 'a/go.sum', 'b/go.mod', 'b/go.sum'])('`buildKey()` changes with %s', (file) => {
  const before = buildKey(modules);
  writeFileSync(join(folder, file), 'changed');
  expect(buildKey(modules)).not.toBe(before);
});

it('`buildKey()` changes when text moves from one file to the next', () => {
  const [a = ''] = modules;
  const before = buildKey(modules);
  writeFileSync(join(a, 'go.mod'), 'go.modgo');
  writeFileSync(join(a, 'go.sum'), '.sum');
  expect(buildKey(modules)).not.toBe(before);
});
