/** `status`, `why` and the kubectl plugin on a real control plane, with the shipped file. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, Running } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BUNDLE = join(ROOT, 'dist/maintenance-bridge.cjs');
/** From util-linux: runs a command on a pseudo-terminal. */
const SCRIPT = '/usr/bin/script';

describeOnControlPlane('status', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  const directory = mkdtempSync(join(tmpdir(), 'maintenance-bridge-plugin-'));
  const path = process.env.PATH;
  let bridge: Bridge;
  let plot: Plot;
  let lines: Running;
  let documents: Running;

  beforeAll(async () => {
    await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build.ts')]);
    symlinkSync(BUNDLE, join(directory, 'kubectl-node_maintenance'));
    const { stdout } = await promisify(execFile)(process.execPath, [BUNDLE, 'completion', 'kubectl']);
    writeFileSync(join(directory, 'kubectl_complete-node_maintenance'), stdout, { mode: 0o755 });
    // kubectl finds its plugins here, and a plugin its interpreter.
    process.env.PATH = [directory, resolve(process.execPath, '..'), path].join(':');
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()) }).leads();
    plot = await Plot.make(get(), 'seen', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    const watch = ['status', '--watch'];
    const env = { KUBECONFIG: get().kubeconfig };
    const program = [process.execPath, BUNDLE];
    lines = new Running(watch, { env, program });
    documents = new Running([...watch, '--all', '-o', 'json', '-l', 'plot=seen'], { env, program });
    // Initial output of the watch: all Nodes that match the selector.
    await documents.line(/"name":"seen-b"/);
    // New Pods will not start, so the budget blocks the drain after the first.
    await plot.gate('web');
    await plot.taint();
  });
  afterAll(async () => {
    await Promise.all([lines?.end('SIGKILL'), documents?.end('SIGKILL')]);
    await removePlots();
    await bridge?.end();
    process.env.PATH = path;
    rmSync(directory, { recursive: true, force: true });
  });

  const plugin = (...args: readonly string[]) => get().kubectl(['node-maintenance', ...args]);

  it('prints a line as the drain is held up, and the plugin shows the same in kubectl', async () => {
    const line = await lines.line(/ node\/seen-a +Draining +1\/2 +Pod seen\/web-\S+ \(BudgetExhausted\)$/);
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /);
    const status = await plugin('status');
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(/^OBJECT +STATE +PROGRESS +SINCE +LEFT +WAITS FOR\n/);
    expect(status.stdout).toMatch(/^node\/seen-a +Draining +1\/2 +\d+s +59m +Pod seen\/web-\S+ \(BudgetExhausted\)$/m);
    expect(status.stdout).not.toContain('\x1b');
    const { stdout } = await plugin('status', '-o', 'json');
    const [item] = JSON.parse(stdout).items;
    expect(item).toMatchObject({
      kind: 'Node',
      name: 'seen-a',
      state: 'Draining',
      outlook: 'Waiting',
      progress: { done: 1, total: 2 },
      blockedBy: [{ cause: 'BudgetExhausted' }],
      release: 'kubectl taint node seen-a drain=planned-downtime:NoSchedule-',
    });
    expect((await plugin('why', 'node/seen-a')).stdout).toMatch(/^Node seen-a: Draining\n.*Until: .*BudgetExhausted/s);
    expect((await plugin('why', `pod/${item.blockedBy[0].pod}`)).stdout).toMatch(
      /: Blocking\n.*To end it: kubectl taint/s,
    );
    expect((await plugin('plan', 'seen-b')).code).toBe(0);
  });

  it('completes names by way of kubectl', async () => {
    const { stdout } = await get().kubectl(['__complete', 'node-maintenance', 'why', 'node/seen']);
    expect(stdout).toBe('node/seen-a\nnode/seen-b\n:4\n');
    const pods = await get().kubectl(['__complete', 'node-maintenance', 'why', 'pod/seen/']);
    expect(pods.stdout.split('\n').filter((line) => line.startsWith('pod/seen/web-'))).toHaveLength(2);
  });

  it.each([
    [0, ['version'], 'stdout', /^maintenance-bridge \d/],
    [1, ['why', 'node/none'], 'stderr', /^There is no Node none$/m],
    [0, ['-n', 'seen', 'status', '--watch=false', '-o=json'], 'stdout', /"name": "seen-a"/],
    [0, ['why', 'node', 'seen-b'], 'stdout', /^Node seen-b: /],
    [1, ['why', 'pod/none', '-n', 'seen'], 'stderr', /^There is no Pod seen\/none$/m],
    [1, ['why', 'machine/none', '-n', 'seen'], 'stderr', /^This cluster serves no Machines\.\nThe cluster asked was/m],
    [1, ['status', '-l', 'a b'], 'stderr', /unable to parse requirement/],
    [2, ['status', '-n', 'Bad_Name'], 'stderr', /^--namespace: wanted the name of a namespace/m],
    [2, ['status', '--config', '/nonexistent'], 'stderr', /^\/nonexistent: wanted a readable file/m],
    [2, ['status', '--kubeconfig', '/nonexistent'], 'stderr', /no such file/],
    [2, ['stats'], 'stderr', /Did you mean status\?/],
  ] as const)('ends with %i on %j', async (code, args, where, message) => {
    const found = await plugin(...args);
    // kubectl passes the code on.
    expect(found.code).toBe(code);
    expect(found[where]).toMatch(message);
  });

  it.skipIf(!existsSync(SCRIPT))('draws in place on a terminal, and ends with 0 on Ctrl-C', async () => {
    const command = `stty rows 10 cols 60; exec kubectl-node_maintenance status --watch`;
    const env = { KUBECONFIG: get().kubeconfig, TERM: 'xterm', NO_COLOR: '' };
    const terminal = new Running(['-qefc', command, '/dev/null'], { env, program: [SCRIPT] });
    await terminal.line(/node\/seen-a {2}\S*\[33mDraining\S* {2}██████░░░░░░ 1\/2 .*…/);
    terminal.type('\x03');
    expect(await terminal.end()).toBe(0);
    expect(terminal.out.lastIndexOf('\x1b[?25h')).toBeGreaterThan(terminal.out.lastIndexOf('\x1b[?25l'));
  });

  it('tells the end of the maintenance, and stops with 0 when it is asked to', async () => {
    await plot.ungate('web');
    await plot.phase('InMaintenance');
    await lines.line(/ node\/seen-a +InMaintenance +2\/2 /);
    await plot.untaint();
    await lines.line(/ node\/seen-a +Idle +- /);
    const last = async (): Promise<object | undefined> => {
      const all = documents.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const found = all.findLast(({ object }) => object.name === 'seen-a');
      return found.object.state === 'Idle' ? found : undefined;
    };
    // It is still shown with `--all`.
    expect(await eventually(last, { what: 'the document of the end' })).toMatchObject({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      type: 'MODIFIED',
      object: { kind: 'Node', isUnderWay: false },
    });
    expect(await lines.end('SIGTERM')).toBe(0);
    expect(await documents.end('SIGINT')).toBe(0);
  });
});
