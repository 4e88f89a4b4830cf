/** The shipped file, without any code for development. */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startScriptedServer } from '../../harness/doubles/scripted-server.ts';
import { bundle } from '../../scripts/build.ts';
import { noticesOf, packageFoldersOf } from '../../scripts/notices.ts';

/** Growth beyond it should be a conscious choice: loaded code takes about eight times its size in memory. */
const LIMIT_KIB = 1536;
/** Libraries try to load these, and work without them. */
const OPTIONAL = ['kerberos', 'supports-color'];

describe('the bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-bridge-bundle-'));
  const outfile = join(folder, 'maintenance-bridge.cjs');
  let metafile: Metafile;

  beforeAll(async () => {
    metafile = await bundle({ outfile });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const inputs = () => Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'));

  it('holds sources of the product alone: no sandbox, no tests', () => {
    expect(inputs()).toContain('src/main.ts');
    expect(
      inputs().filter((path) => path !== 'package.json' && !path.startsWith('src/') && !path.startsWith('unused:')),
    ).toEqual([]);
    expect(inputs().filter((path) => path.endsWith('.test.ts'))).toEqual([]);
  });

  it('needs nothing but Node.js', () => {
    const wanted = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    const modules = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)]);
    expect(wanted.filter((path) => !modules.has(path) && !OPTIONAL.includes(path))).toEqual([]);
  });

  // As in the tests of the sources: modules are strict, and a CommonJS file only if it says so.
  it('is strict code', () => {
    expect(readFileSync(outfile, 'utf8').slice(0, 40)).toMatch(/^#!\/usr\/bin\/env node\n"use strict";/);
  });

  it(`stays under ${LIMIT_KIB} KiB`, ({ annotate }) => {
    const kib = Math.round(statSync(outfile).size / 1024);
    expect(kib).toBeLessThan(LIMIT_KIB);
    return annotate(`${kib} KiB`);
  });

  it('is the same, byte for byte, when it is built again', async () => {
    const again = join(folder, 'again.cjs');
    await bundle({ outfile: again });
    expect(readFileSync(again).equals(readFileSync(outfile))).toBe(true);
  });

  it('has the licence text of every package in it beside it', () => {
    const folders = packageFoldersOf(Object.keys(metafile.inputs));
    const sections = noticesOf(Object.keys(metafile.inputs)).split(`\n${'-'.repeat(80)}\n\n`);
    expect(sections).toHaveLength(folders.length);
    const without = sections.filter((text) => text.includes('comes without'));
    expect(without.map((text) => text.split(' ')[0])).toEqual([]);
    expect(sections.filter((text) => !without.includes(text) && text.length < 500)).toEqual([]);
  });

  it('prints its version, and ends with 2 on wrong usage', () => {
    const run = (...args: string[]) => spawnSync(process.execPath, [outfile, ...args], { encoding: 'utf8' });
    expect(run('version').stdout).toMatch(/^maintenance-bridge \d+\.\d+\.\d+ /);
    expect(run('run', '--nonsense')).toMatchObject({ status: 2, stderr: expect.stringContaining("'--nonsense'") });
  });

  it('says which Node.js it needs, on one that lacks what it uses', () => {
    const old = join(folder, 'old-node.cjs');
    writeFileSync(
      old,
      `Object.defineProperty(process, 'version', { value: 'v20.20.2' });
for (const late of [[Map, 'groupBy'], [Object, 'groupBy'], [Promise, 'withResolvers'], [Array, 'fromAsync'], [AbortSignal, 'any']])
  delete late[0][late[1]];
`,
    );
    const { status, stderr } = spawnSync(process.execPath, ['--require', old, outfile, 'status'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/^maintenance-bridge needs Node\.js \S+ or later; \S+ is v20\.20\.2\n$/),
    });
  });

  // Parts of the library used for this are left out of the bundle.
  it('asks an exec plugin for credentials', async () => {
    await using server = await startScriptedServer(() => ({ status: 404, body: { kind: 'Status', code: 404 } }));
    const plugin = join(folder, 'plugin.sh');
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'of-plugin' },
    };
    writeFileSync(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
    chmodSync(plugin, 0o700);
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(
      kubeconfig,
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
        clusters: [{ name: 'test', cluster: { server: server.url.origin } }],
        users: [{ name: 'test', user: { exec: { apiVersion: credential.apiVersion, command: plugin } } }],
      }),
    );
    // The serving process must not block in `spawnSync`. The command's result on such a cluster does not matter here.
    await new Promise((ended) => execFile(process.execPath, [outfile, 'status', '--kubeconfig', kubeconfig], ended));
    expect(server.requests.length).toBeGreaterThan(0);
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer of-plugin']));
  });
});
