/** The process as a whole, as far as it can be tested without a cluster. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pass } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMPILED } from '../harness/program.ts';
import { parseCommandLine } from './cli/parse.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const DIRECTORY = mkdtempSync(join(tmpdir(), 'maintenance-bridge-main-'));
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(DIRECTORY, name);
  writeFileSync(path, text);
  return path;
}

/** A cluster whose server does not answer. */
const KUBECONFIG_TEXT = `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: "https://127.0.0.1:1" } }]
users: [{ name: u, user: { token: none } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`;
const KUBECONFIG = write('kubeconfig', KUBECONFIG_TEXT);
const QUIET = ['--metrics-bind-address=0', '--health-probe-bind-address=0', '--log-format=text'];

function start(...args: string[]): {
  child: ChildProcess;
  out: () => string;
  err: () => string;
  code: Promise<unknown>;
} {
  const child = spawn(process.execPath, [MAIN, ...args], { env: COMPILED, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  return { child, out: () => out, err: () => err, code: once(child, 'close').then(([code]) => code) };
}

describe('the process', () => {
  it('prints its version and exits with 0', async () => {
    const { out, code } = start('version', '-o', 'json');
    expect(await code).toBe(0);
    expect(JSON.parse(out())).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.version,
    });
  });

  it('exits with 2 on an unknown flag', async () => {
    const { err, code } = start('run', '--enable-tmn');
    expect(await code).toBe(2);
    expect(err()).toContain('Did you mean --enable-tmm?');
  });

  // Without a process for each: `main()` exits with the code that the parser returns.
  it.each([
    ['status', '--nonsense'],
    ['why'],
    ['plan'],
    ['enter'],
    ['exit'],
    ['wait'],
    ['wait', 'x', '--for', 'nonsense'],
    ['roll'],
    ['roll', 'x', '--max-unavailable', '-1'],
    ['dashboard', '--port', 'nonsense'],
    ['completion', 'nonsense'],
    ['version', '--nonsense'],
    ['nonsense'],
  ])('gives 2 on wrong usage: %s %s', (...args) => {
    const words = args.filter((word) => word !== undefined);
    const line = parseCommandLine(words, 'maintenance-bridge');
    expect(line).toMatchObject({ is: 'exit', code: 2, out: '' });
    expect(line.is === 'exit' && line.err).toContain('Try --help for usage.');
  });

  it('exits with 2 and one line per fault on a faulty configuration', async () => {
    const config = write(
      'bridge.yaml',
      'apiVersion: maintenance-bridge.io/v1alpha1\nkind: Bridge\ntmm: { cordn: true }\n',
    );
    const { out, err, code } = start('run', '--config', config);
    expect(await code).toBe(2);
    expect(out()).toBe('');
    expect(err()).toBe(
      `${config}:2: kind: wanted "BridgeConfiguration", found "Bridge"\n` +
        `${config}:3: tmm.cordn: wanted a known key (did you mean "cordon"?), found "cordn"\n`,
    );
  });

  it('exits with 2 where the kubeconfig cannot be read', async () => {
    const { err, code } = start('run', '--kubeconfig', join(DIRECTORY, 'none'));
    expect(await code).toBe(2);
    expect(err()).toContain('no such file');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'stops on %s and exits with 0, even with the API server out of reach',
    async (signal) => {
      const { child, out, code } = start('run', '--kubeconfig', KUBECONFIG, ...QUIET);
      child.stdout?.on('data', () => {
        if (out().includes('Starting') && !child.killed) child.kill(signal);
      });
      expect(await code).toBe(0);
      expect(out()).toContain(`Stopping signal=${signal}`);
    },
  );

  const NO_ANSWER = 'connect ECONNREFUSED 127.0.0.1:1';
  const COMMANDS = [
    ['status'],
    ['status', '--watch'],
    ['status', '--left-behind'],
    ['why', 'node/x'],
    ['plan', 'x'],
    ['enter', 'x'],
    ['exit', 'x'],
    ['wait', 'x'],
    ['roll', 'x', '--exec', 'true'],
    ['dashboard', '--no-open'],
  ];
  it.each(COMMANDS)('exits with 1 where the cluster does not answer: %s %s', async (...args) => {
    const words = args.filter((word) => word !== undefined);
    const { out, err, code } = start(...words, '--kubeconfig', KUBECONFIG);
    expect(await code).toBe(1);
    expect(out() + err()).toContain(NO_ANSWER);
    expect(out()).not.toContain('Nothing of ours was found');
  });

  it.each(COMMANDS)('exits with 2 where there is no kubeconfig: %s %s', async (...args) => {
    const words = args.filter((word) => word !== undefined);
    const { out, err, code } = start(...words, '--kubeconfig', join(DIRECTORY, 'none'));
    expect(await code).toBe(2);
    expect(err()).toContain('no such file');
    expect(out()).toBe('');
  });

  it('exits with 1 and says so where it cannot listen', async () => {
    const { out, code } = start('run', '--kubeconfig', KUBECONFIG, ...QUIET, '--metrics-bind-address=192.0.2.1:1');
    expect(await code).toBe(1);
    expect(out()).toContain('Cannot listen on 192.0.2.1:1 for /metrics');
  });
});

describe('an answer that is longer than a pipe holds', () => {
  const NODES = 2000;
  const list = JSON.stringify({
    kind: 'NodeList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '1' },
    items: Array.from({ length: NODES }, (_, n) => ({
      metadata: { name: `n${n}`, uid: `${n}`, resourceVersion: '1' },
    })),
  });
  const server = createServer(({ url = '' }, response) => {
    const isNodes = url.startsWith('/api/v1/nodes');
    response.writeHead(isNodes ? 200 : 404, { 'content-type': 'application/json' });
    response.end(isNodes ? list : JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 }));
  });
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  /** `status --all -o json` of all Nodes. */
  function ask(stdout: 'pipe' | number): ChildProcess {
    const { port } = server.address() as AddressInfo;
    const kubeconfig = write('many', KUBECONFIG_TEXT.replace('https://127.0.0.1:1', `http://127.0.0.1:${port}`));
    const args = [MAIN, 'status', '--all', '-o', 'json', '--kubeconfig', kubeconfig];
    return spawn(process.execPath, args, { env: {}, stdio: ['ignore', stdout, 'pipe'] });
  }

  it('is there to the end for whoever reads slowly', async () => {
    const child = ask('pipe');
    const ended = once(child, 'close');
    if (child.stdout === null) throw new Error('Its output is a pipe');
    await once(child.stdout, 'readable');
    // Longer than the process waits for open handles.
    await pass(1500);
    expect(JSON.parse(await text(child.stdout)).items).toHaveLength(NODES);
    expect((await ended)[0]).toBe(0);
  });

  it('ends without a word where nobody reads on, as in `| head -1`', async () => {
    const child = ask('pipe');
    child.stdout?.once('data', () => child.stdout?.destroy());
    const [err, [code]] = await Promise.all([child.stderr && text(child.stderr), once(child, 'exit')]);
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  it.skipIf(process.platform !== 'linux')('ends with 1 and says why where it cannot be written', async () => {
    const child = ask(openSync('/dev/full', 'w'));
    const [err, [code]] = await Promise.all([child.stderr && text(child.stderr), once(child, 'exit')]);
    expect(err).toBe('The answer cannot be written: ENOSPC: no space left on device, write\n');
    expect(code).toBe(1);
  });
});
