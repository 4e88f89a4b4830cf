/** Tests the border itself: forbidden constructs are found wherever a decision would load them, and named. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { crossings } from './border.ts';
import { readSources } from './source-files.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The violations in a tree of these files. */
function crossingsIn(files: Readonly<Record<string, string>>): readonly string[] {
  const root = mkdtempSync(join(tmpdir(), 'border-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return crossings(readSources(root, ['src']));
}

const TRAIL = 'src/tmm/decide/decide.ts → src/tmm/model/near.ts → src/core/far.ts';

/** A decision, and code that it loads through another file. */
function twoImportsAway(code: string): readonly string[] {
  return crossingsIn({
    'src/tmm/decide/decide.ts': "import { near } from '../model/near.ts';\nexport const decide = () => near();",
    'src/tmm/model/near.ts': "export { far as near } from '../../core/far.ts';",
    'src/core/far.ts': code,
  });
}

describe('what a decision loads two imports away', () => {
  it.each([
    ['Date.now()', 'export const far = () => Date.now();'],
    ['Date.now()', "export const far = () => Date['now']();"],
    ['new Date()', 'export const far = () => new Date().toISOString();'],
    ['new Date()', 'export const far = () => new Date(undefined);'],
    ['new Date()', 'export const far = (...parts: [number]) => new Date(...parts);'],
    ['new Date()', 'export const far = () => Date();'],
    ['new Date()', 'export const far = () => { const { now } = Date; return now(); };'],
    ['new Date()', 'export const far = (clock = Date) => clock.now();'],
    ['performance', 'export const far = () => performance.now();'],
    ['Math.random()', 'export const far = () => Math.random();'],
    ['Math.random()', 'export const far = () => { const { random } = Math; return random(); };'],
    ['crypto', 'export const far = () => crypto.randomUUID();'],
    ['process', 'export const far = () => process.env.HOME;'],
    ['process', 'export const far = () => ({ process });'],
    ['setTimeout', 'export const far = () => setTimeout(() => {}, 1);'],
    ['setInterval', 'export const far = () => [1].map(setInterval);'],
    ['queueMicrotask', 'export const far = () => queueMicrotask(() => {});'],
    ['fetch', "export const far = () => fetch('https://api.test');"],
    ['globalThis', 'export const far = () => globalThis.Date.now();'],
    ['Promise', 'export const far = () => Promise.resolve();'],
    ['async', 'export const far = async () => {};'],
    ['async', 'export class Far { async *[Symbol.asyncIterator]() {} }'],
    ['import()', "export const far = () => import('../runtime/sleep.ts');"],
    ['import.meta', 'export const far = () => import.meta.url;'],
    ['.toLocaleDateString()', 'export const far = (at: Date) => at.toLocaleDateString();'],
    ['.getHours()', 'export const far = (at: Date) => at.getHours();'],
    ['eval', "export const far = () => eval('1');"],
  ])('is named: %s in %s', (what, code) => {
    expect(twoImportsAway(code)).toContain(`src/core/far.ts contains ${what} (${TRAIL})`);
  });

  it.each([
    ["import { request } from 'node:http';\nexport const far = () => request;", 'node:http'],
    ["import 'node:fs';\nexport const far = 1;", 'node:fs'],
    ["export { readFileSync as far } from 'fs';", 'fs'],
    ["import pino from 'pino';\nexport const far = pino;", 'pino'],
    ["import { far } from '../kube/http/api.ts';\nexport { far };", '../kube/http/api.ts'],
    ["import { far } from '../capi/decide.ts';\nexport { far };", '../capi/decide.ts'],
    ["export * from '../runtime/sleep.ts';", '../runtime/sleep.ts'],
    ["import { type Api } from '../kube/http/api.ts';\nexport const far: Api = 1;", '../kube/http/api.ts'],
  ])('is named: %s', (code, specifier) => {
    expect(twoImportsAway(code)).toContain(`src/core/far.ts imports ${specifier} (${TRAIL})`);
  });

  it.each([
    'export const far = (text: string) => Date.parse(text) + Date.UTC(2026, 1);',
    'export const far = (at: number) => new Date(at).toISOString();',
    'export const far = (at: unknown) => at instanceof Date;',
    'export const far = (at: Date): Promise<void> | undefined => undefined;',
    'export const far = Math.max(1, Math.floor(2));',
    'export const far = (row: { process: string; now: number }) => row.process + row.now;',
    'export const far = { fetch: 1, performance: 2, setTimeout() {} };',
    "// Date.now() and process.exit()\nexport const far = 'Date.now() fetch process';",
    "import type { Api } from '../kube/http/api.ts';\nexport const far = (api?: Api) => api;",
    "import { z } from 'zod';\nexport const far = z;",
  ])('may be %s', (code) => {
    expect(twoImportsAway(code)).toEqual([]);
  });
});

it('a file that is not there is named, with who wants it', () => {
  expect(
    crossingsIn({ 'src/metal3/sweep.ts': "import { gone } from './gone.ts';\nexport const sweep = gone;" }),
  ).toEqual(['src/metal3/gone.ts cannot be read (src/metal3/sweep.ts → src/metal3/gone.ts)']);
});

it('what no decision loads may read the clock', () => {
  expect(crossingsIn({ 'src/tmm/reconcile.ts': 'export const reconcile = async () => Date.now();' })).toEqual([]);
});
