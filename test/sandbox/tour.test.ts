/** `npm start` and `npm run sandbox` as processes on a machine that has Node.js and nothing else. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locate } from '../controlplane/binaries.ts';
import { runKubectl } from '../controlplane/kubectl.ts';
import { eventually } from '../controlplane/wait.ts';
import { command } from '../support/bridge.ts';

const SCRIPTS = resolve(import.meta.dirname, '../../scripts');
const SLOW_MS = 90_000;
/** One screen. */
const SCREEN = { lines: 64, columns: 110 } as const;
const KUBECTL = locate(['kubectl'], process.env)?.directory;

/** The folder for temporary files of what a test starts: nothing may be left in it. */
let folder: string;
const running = new Set<Script>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tour-test-'));
});
afterEach(async () => {
  for (const script of running) await script.end('SIGKILL');
  running.clear();
  await rm(folder, { recursive: true, force: true });
});

/** A script of ours that runs. */
class Script {
  out = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(name: string, args: readonly string[]) {
    const env = { PATH: dirname(process.execPath), TMPDIR: folder };
    this.#child = spawn(process.execPath, [join(SCRIPTS, name), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = once(this.#child, 'close');
    const read = (chunk: Buffer): void => {
      this.out += chunk.toString();
    };
    this.#child.stdout?.on('data', read);
    this.#child.stderr?.on('data', read);
    running.add(this);
  }

  /** Waits for a text and returns what the expression's group found. */
  said(expression: RegExp): Promise<string> {
    return eventually(
      () => {
        const found = expression.exec(this.out);
        return found === null ? undefined : (found[1] ?? found[0]);
      },
      { what: `${expression} in what it says`, deadlineMs: 30_000 },
    );
  }

  /** @returns the exit code; null where a signal ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined && this.#child.exitCode === null) this.#child.kill(signal);
    await this.#exited;
    return this.#child.exitCode;
  }
}

describe('npm start', { timeout: SLOW_MS }, () => {
  it('shows the main job on one screen, as README.md has recorded it, and ends with 0', async () => {
    const tour = new Script('tour.ts', []);
    expect(await tour.end(), tour.out).toBe(0);
    const lines = tour.out.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(SCREEN.lines);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(SCREEN.columns);
    for (const line of [
      '$ kubectl taint node worker-1 drain=planned-downtime:NoSchedule',
      'InMaintenance [████████████████████████] 6/6',
      'Event NodeDrained: 6 Pods gone',
      'Never fewer than 4 were ready',
      'conditions MaintenanceInProgress=True, DrainInProgress=False, Drained=True',
      'Event MaintenanceEnded: Maintenance ended',
      'Node worker-2: would be rejected (TooManyExistingFailures)',
      '(exit code 3)',
      'Event MaintenanceRejected: TooManyExistingFailures',
      'annotation emm-failure=TooManyExistingFailures',
      'condition Deleting=True, WaitingForPreDrainHook',
      '$ kubectl label node worker-3 $P/approve-deletion=true',
      'Machine and Node are gone',
      'BareMetalHost worker-4: powered off; Node worker-4: NotReady',
      'BareMetalHost worker-4: powered on; Node worker-4: Ready',
    ]) {
      expect(tour.out).toContain(line);
    }
    expect(tour.out).toMatch(/Done: every step ended as it should, in \d+\.\d s\./);
    const readme = await readFile(join(SCRIPTS, '../README.md'), 'utf8');
    const recording = /```text\n(maintenance-bridge: a tour.*?)```/s.exec(readme)?.[1] ?? '';
    expect(lastingOf(tour.out)).toEqual(lastingOf(recording));
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what was expected, what was found and what the program did, and ends with 1, where a step fails', async () => {
    const tour = new Script('tour.ts', ['--dry-run', '--step-deadline=200ms']);
    expect(await tour.end(), tour.out).toBe(1);
    expect(tour.out).toContain('Expected Node worker-1 to be in phase InMaintenance\nFound    no report on the Node\n');
    expect(tour.out).toMatch(/The end of the program’s log:\nINFO /);
    expect(tour.out).not.toContain('Done');
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['an unknown flag', ['--nonsense'], "error: unknown option '--nonsense'\nTry --help for usage.\n"],
    [
      'a value out of range',
      ['--tmm-max-concurrent-nodes=0'],
      '--tmm-max-concurrent-nodes: wanted at least 1, found 0\n',
    ],
  ])('says only what is wrong with %s, and ends with 2', async (_, flags, complaint) => {
    const tour = new Script('tour.ts', flags);
    expect(await tour.end(), tour.out).toBe(2);
    expect(tour.out).toBe(complaint);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    const tour = new Script('tour.ts', []);
    await tour.said(/taint node worker-1/);
    expect(await tour.end('SIGINT'), tour.out).toBe(130);
    expect(tour.out).toContain('Stopped by SIGINT.');
    expect(await readdir(folder)).toEqual([]);
  });
});

/** What is the same whenever the tour goes well: no times, no generated names, and none of the steps of a drain. */
function lastingOf(output: string): readonly string[] {
  const lines = output
    .replaceAll(/\b\d+(\.\d+)? ?m?s\b/g, '<time>')
    .replaceAll(/(shop\/(?:web|agent))-\S+( +Moves +)?(?:worker-\d)?/g, '$1$2');
  return lines.split('\n').filter((line) => line !== '' && !/^ +(Checking|Draining) /.test(line));
}

describe('npm run sandbox', { timeout: SLOW_MS }, () => {
  const kubectl = (kubeconfig: string, ...args: readonly string[]) =>
    runKubectl({ program: join(KUBECTL ?? '', 'kubectl'), args, kubeconfig, home: folder });

  it.skipIf(KUBECTL === undefined)('prints commands that do what it says, and leaves nothing behind', async () => {
    const sandbox = new Script('sandbox.ts', ['--nodes=3']);
    const kubeconfig = await sandbox.said(/KUBECONFIG=(\S+)/);
    const prefix = await sandbox.said(/P=(\S+)/);
    await sandbox.said(/Workload cluster connected/);
    const shown = [...sandbox.out.matchAll(/^ {2}kubectl (.+?) +#/gm)].map((match) => match[1] ?? '');
    expect(shown).toHaveLength(4);
    const run = async (line = ''): Promise<string> => {
      const { code, stdout, stderr } = await kubectl(kubeconfig, ...line.replace('$P', prefix).split(' '));
      expect(code, stderr).toBe(0);
      return stdout;
    };
    expect(await run(shown[0])).toMatch(/web-.*Running.*worker-1/);
    await run(shown[1]);
    await run(shown[2]);
    const status = await command(['status', '--kubeconfig', kubeconfig]);
    expect(status).toMatchObject({ code: 0, out: expect.stringContaining('node/worker-1') });
    await run('wait bmh/worker-3 -n fleet --for=jsonpath={.status.poweredOn}=false --timeout=30s');
    await run('wait node/worker-1 --for=condition=Drained --timeout=30s');
    await run(shown[3]);
    await run('wait machine/worker-3 -n fleet --for=delete --timeout=30s');
    expect(await sandbox.end('SIGINT'), sandbox.out).toBe(0);
    expect(sandbox.out).toMatch(/INFO +Stopped\n/);
    expect((await readdir(folder)).filter((name) => name !== '.kube')).toEqual([]);
  });

  it('says how to run the controllers with `--no-bridge`', async () => {
    const sandbox = new Script('sandbox.ts', ['--no-bridge', '--nodes=1']);
    const kubeconfig = await sandbox.said(/KUBECONFIG=(\S+)/);
    await sandbox.said(/yours to run: npm run -s cli -- run/);
    const plan = await command(['plan', 'worker-1', '--kubeconfig', kubeconfig]);
    expect(plan).toMatchObject({ code: 3, out: expect.stringContaining('NotEnoughResources') });
    expect(await sandbox.end('SIGTERM')).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it('listens where it is told to, unless somebody else does', async () => {
    const first = new Script('sandbox.ts', ['--no-bridge', '--nodes=1']);
    const kubeconfig = await readFile(await first.said(/KUBECONFIG=(\S+)/), 'utf8');
    const port = /https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfig)?.[1];
    const second = new Script('sandbox.ts', ['--no-bridge', '--nodes=1', `--port=${port}`]);
    expect(await second.end()).toBe(1);
    expect(second.out).toContain(`address already in use 127.0.0.1:${port}`);
    await first.end('SIGTERM');
    const third = new Script('sandbox.ts', ['--no-bridge', '--nodes=1', `--port=${port}`]);
    const again = await readFile(await third.said(/KUBECONFIG=(\S+)/), 'utf8');
    expect(again).toContain(`https://127.0.0.1:${port}"`);
    await third.end('SIGTERM');
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes its controllers along where it is killed, and removes what was left with the next start', async () => {
    const killed = new Script('sandbox.ts', ['--nodes=1']);
    await killed.said(/Workload cluster connected/);
    expect(killed.out).toContain('1 Node and its Machine of Cluster fleet/prod');
    // Its output closes with the last process that writes there.
    expect(await killed.end('SIGKILL')).toBeNull();
    expect(killed.out).toMatch(/INFO +Stopped\n/);
    const [left] = await readdir(folder);
    const living = new Script('sandbox.ts', ['--no-bridge', '--nodes=1']);
    await living.said(/yours to run/);
    const another = new Script('sandbox.ts', ['--no-bridge', '--nodes=1']);
    await another.said(/yours to run/);
    const folders = await readdir(folder);
    expect(folders).toHaveLength(2);
    expect(folders).not.toContain(left);
    for (const script of [living, another]) await script.end('SIGTERM');
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a number of Nodes that it cannot make', async () => {
    const sandbox = new Script('sandbox.ts', ['--nodes=0']);
    expect(await sandbox.end()).toBe(1);
    expect(sandbox.out).toContain('wanted: a whole number from 1 to 5000');
  });
});
