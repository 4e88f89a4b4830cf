/** `roll` as a user runs it: the order of steps on each Node, each exit code, and resuming after an interruption. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, command, MAIN, Running } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { parseRecord, ROLL_ANNOTATION, type RollRecord } from '../../src/core/roll-record.ts';
import { describeScenario, GROUND } from './suite.ts';

/** From util-linux: runs a command on a pseudo-terminal. */
const SCRIPT = '/usr/bin/script';

describeScenario('roll', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  const directory = mkdtempSync(join(tmpdir(), 'maintenance-bridge-roll-'));
  let bridge: Bridge;
  beforeAll(async () => {
    const flags = ['--leader-election-namespace=maintenance-bridge', '--tmm-max-concurrent-nodes=3'];
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags }).leads();
  });
  afterAll(async () => {
    await bridge?.end();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(removePlots);

  const argsOf = (...args: readonly string[]) => ['roll', ...args, '--kubeconfig', get().kubeconfig];
  const roll = (...args: readonly string[]) => command(argsOf(...args));
  const record = async (plot: Plot, node: string): Promise<RollRecord | undefined> => {
    const seen = parseRecord((await plot.node(node)).metadata.annotations?.[ROLL_ANNOTATION]);
    return seen.is === 'valid' ? seen.record : undefined;
  };
  const states = async (plot: Plot): Promise<readonly (string | undefined)[]> =>
    Promise.all(plot.nodes.map(async (node) => (await record(plot, node))?.state));
  const tainted = async (plot: Plot): Promise<readonly string[]> => {
    const nodes = await Promise.all(plot.nodes.map((name) => plot.node(name)));
    return nodes.flatMap(({ metadata, spec }) => ((spec.taints ?? []).length > 0 ? [metadata.name] : []));
  };
  /** A command that runs until the file exists. */
  const until = (file: string): string => `echo begun; while [ ! -e ${join(directory, file)} ]; do sleep 0.1; done`;
  const open = (file: string): void => writeFileSync(join(directory, file), '');
  const idOf = (text: string): string => /Roll ([a-z0-9]+)/.exec(text)?.[1] ?? '';

  it('0: takes five Nodes one after another, with the work in between, and leaves nothing behind', async () => {
    const plot = await Plot.make(get(), 'five', 5);
    await plot.deployment('web', 4);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.ready('web', 4);
    const work = 'echo "at $NODE_NAME $NODE_ADDRESS"; echo careful >&2';
    const found = await roll('-l', 'plot=five', '--exec', work, '--order', 'name', '--timeout', '5m');
    expect(found.code, found.out + found.err).toBe(0);
    const steps = found.out.split('\n').flatMap((line) => {
      const [, node, step] = /^\S+Z {2}node\/(\S+) +(Entering|Working|Returning|Done) /.exec(line) ?? [];
      return node === undefined ? [] : [`${node} ${step}`];
    });
    expect(steps).toEqual(
      plot.nodes.flatMap((node) => ['Entering', 'Working', 'Returning', 'Done'].map((step) => `${node} ${step}`)),
    );
    expect(found.out).toMatch(/^\[five-b\] at five-b/m);
    expect(found.err).toMatch(/^\[five-b\] careful$/m);
    expect(found.out).toMatch(/Finished +5\/5 +Roll \w+: 5 of 5 done after \d+s/);
    expect(await tainted(plot)).toEqual([]);
    expect(await states(plot)).toEqual(['Done', 'Done', 'Done', 'Done', 'Done']);
    // A finished roll blocks no other.
    expect((await roll('five-a', '--exec', 'true', '-o', 'json')).code).toBe(0);
  });

  it('3: stops at a rejection with what is in the way, and goes on when that is mended', async () => {
    const plot = await Plot.make(get(), 'mended', 3);
    await plot.bare('alone', { nodeName: 'mended-b' });
    await plot.ready('alone', 1);
    const dry = await roll('-l', 'plot=mended', '--dry-run', '-o', 'json');
    expect(dry.code).toBe(3);
    expect(JSON.parse(dry.out).items.map(({ node }: { node: string }) => node)).toEqual([
      'mended-a',
      'mended-c',
      'mended-b',
    ]);
    expect(await states(plot)).toEqual([undefined, undefined, undefined]);
    const stopped = await roll(...plot.nodes, '--exec', 'echo here', '--order', 'name');
    expect(stopped.code, stopped.out + stopped.err).toBe(3);
    expect(stopped.out).toMatch(/node\/mended-b +Rejected +1\/3 +GenericFailure: /);
    expect(stopped.out).toMatch(/mended\/alone: .*NoController/);
    expect(await tainted(plot)).toEqual([]);
    expect(await states(plot)).toEqual(['Done', 'Rejected', 'Pending']);
    const id = idOf(stopped.out);
    expect(stopped.err).toContain(`To go on: maintenance-bridge roll --resume ${id} --exec 'echo here' --kubeconfig`);

    const refused = await roll('mended-c', '--exec', 'true');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`Roll ${id} is not over: it has something to do on mended-c`);
    expect(refused.err).toContain(`maintenance-bridge roll --resume ${id}`);

    await get().api.delete('/api/v1/namespaces/mended/pods/alone');
    await eventually(async () => ((await plot.pods()).length === 0 ? true : undefined), { what: 'the Pod to go' });
    const resumed = await roll('--resume', id, '--exec', 'echo here');
    expect(resumed.code, resumed.out + resumed.err).toBe(0);
    expect(resumed.out).not.toMatch(/node\/mended-a +Entering/);
    expect(await states(plot)).toEqual(['Done', 'Done', 'Done']);
    expect(await roll('--resume', id, '--exec', 'true')).toMatchObject({
      code: 0,
      out: 'There is nothing left to do.\n',
    });
    expect(await roll('--resume', 'nosuch', '--exec', 'true')).toMatchObject({ code: 1 });
  });

  it('3: goes on without a Node that is rejected, where that is asked for; or asks it again until it is not', async () => {
    const plot = await Plot.make(get(), 'passed', 3);
    await plot.bare('alone', { nodeName: 'passed-a' });
    await plot.ready('alone', 1);
    const skipped = await roll(...plot.nodes, '--exec', 'true', '--order', 'name', '--on-rejection', 'skip');
    expect(skipped.code, skipped.out + skipped.err).toBe(3);
    expect(await states(plot)).toEqual(['Rejected', 'Done', 'Done']);
    const again = new Running(argsOf('passed-a', '--exec', 'true', '--on-rejection=retry'));
    await again.line(/node\/passed-a +Retrying .*it is asked again in 10s/);
    await get().api.delete('/api/v1/namespaces/passed/pods/alone');
    expect(await again.end(), again.out + again.err).toBe(0);
  });

  it('1: a command that fails leaves its Node tainted, and the next run begins there', async () => {
    const plot = await Plot.make(get(), 'broken', 3);
    const file = join(directory, 'broken');
    const work = `echo $NODE_NAME >> ${file}; test "$NODE_NAME" != broken-b -o -e ${join(directory, 'repaired')}`;
    const found = await roll(...plot.nodes, '--exec', work, '--order', 'name');
    expect(found.code, found.out + found.err).toBe(1);
    expect(found.err).toContain('node/broken-b: Failed: its command ended with code 1');
    expect(found.err).toContain('Still tainted: broken-b');
    expect(await tainted(plot)).toEqual(['broken-b']);
    expect(await states(plot)).toEqual(['Done', 'Failed', 'Pending']);
    open('repaired');
    expect((await roll('--resume', idOf(found.out), '--exec', work)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('broken-a\nbroken-b\nbroken-b\nbroken-c\n');
  });

  it('1: Ctrl-C once finishes the Node under way, and the roll goes on where it stopped', async () => {
    const plot = await Plot.make(get(), 'once', 3);
    const running = new Running(argsOf(...plot.nodes, '--exec', until('once'), '--order', 'name'));
    await running.line(/^\[once-a\] begun$/);
    running.signal('SIGINT');
    await running.line(/Stopping .*no further Node is begun; 1 under way is finished first/);
    open('once');
    expect(await running.end(), running.out + running.err).toBe(1);
    expect(await states(plot)).toEqual(['Done', 'Pending', 'Pending']);
    expect(await tainted(plot)).toEqual([]);
    expect((await roll('--resume', idOf(running.out), '--exec', 'true', '--max-unavailable', '100%')).code).toBe(0);
  });

  it('130: Ctrl-C twice leaves at once, says what stays tainted, and stops the command', async () => {
    const plot = await Plot.make(get(), 'twice', 2);
    const running = new Running(argsOf(...plot.nodes, '--exec', `echo $$; exec sleep 1000`, '--order', 'name'));
    const pid = Number((await running.line(/^\[twice-a\] \d+$/)).split(' ')[1]);
    running.signal('SIGINT');
    await running.line(/Stopping/);
    running.signal('SIGINT');
    expect(await running.end()).toBe(130);
    expect(running.err).toContain('Still tainted: twice-a');
    expect(running.err).toContain(`To go on: maintenance-bridge roll --resume ${idOf(running.out)}`);
    await eventually(async () => (isAlive(pid) ? undefined : true), { what: 'the command to end' });
    expect(await states(plot)).toEqual(['Working', 'Pending']);
    expect((await roll('--resume', idOf(running.out), '--exec', 'true')).code).toBe(0);
    expect(await tainted(plot)).toEqual([]);
  });

  it.skipIf(!existsSync(SCRIPT))(
    'draws bars on a terminal of any size, and Enter there says that the work is done',
    async () => {
      const plot = await Plot.make(get(), 'drawn', 2);
      const roll = [process.execPath, MAIN, ...argsOf(...plot.nodes, '--order', 'name')].join(' ');
      const env = { TERM: 'xterm', NO_COLOR: '' };
      const command = `stty rows 12 cols 90; tty; exec ${roll}`;
      const terminal = new Running(['-qefc', command, '/dev/null'], { env, program: [SCRIPT] });
      const [device = ''] = /\/dev\/\S+/.exec(await terminal.line(/^\/dev\//)) ?? [];
      const frame = (pattern: RegExp) => terminal.line(pattern);
      await frame(/Roll \w+ ░{24} 0 of 2 done, 1 under way, 1 to come/);
      await frame(/node\/drawn-a is drained: press Enter/);
      expect(terminal.out).toContain('\x1b[36m');
      // The window becomes smaller: the kernel notifies the program, as with any terminal.
      const before = terminal.out.length;
      await promisify(execFile)('stty', ['-F', device, 'cols', '30']);
      await eventually(() => (/Roll \w+ ░+…/.test(terminal.out.slice(before)) ? true : undefined), {
        what: 'the roll to be drawn for the smaller window',
        deadlineMs: 60_000,
      });
      terminal.type('\n');
      await frame(/node\/drawn-b is drained/);
      terminal.type('\n');
      expect(await terminal.end(), terminal.out).toBe(0);
      expect(terminal.out).toMatch(/Finished +2\/2/);
      expect(terminal.out.lastIndexOf('\x1b[?25h')).toBeGreaterThan(terminal.out.lastIndexOf('\x1b[?25l'));
      expect(await tainted(plot)).toEqual([]);
    },
  );

  it.skipIf(!existsSync(SCRIPT))('Ctrl-C on a terminal reaches the work only with the second', async () => {
    const plot = await Plot.make(get(), 'keys', 2);
    const work = join(directory, 'keys.sh');
    writeFileSync(work, `${until('keys')}; echo ended`);
    const roll = [process.execPath, MAIN, ...argsOf(...plot.nodes, '--order', 'name', '--exec', `"sh ${work}"`)].join(
      ' ',
    );
    const terminal = new Running(['-qefc', `exec ${roll}`, '/dev/null'], {
      env: { TERM: 'xterm', NO_COLOR: '1' },
      program: [SCRIPT],
    });
    await terminal.line(/\[keys-a\] begun/);
    terminal.type('\x03');
    await terminal.line(/Stopping .*1 under way is finished first/);
    open('keys');
    await terminal.line(/\[keys-a\] ended/);
    expect(await terminal.end(), terminal.out).toBe(1);
    const sequences = terminal.out.split('\x1b[').slice(1);
    expect(sequences.filter((sequence) => /^\d+m/.test(sequence))).toEqual([]);
    expect(await states(plot)).toEqual(['Done', 'Pending']);
  });

  it('goes on after a kill, and a process that was thought dead stops when another goes on', async () => {
    const plot = await Plot.make(get(), 'killed', 2);
    const first = new Running(argsOf(...plot.nodes, '--exec', until('killed'), '--order', 'name'));
    await first.line(/^\[killed-a\] begun$/);
    const second = new Running(argsOf('--resume', idOf(first.out), '--exec', until('killed')));
    await second.line(/^\[killed-a\] begun$/);
    expect(await first.end()).toBe(1);
    expect(first.out).toMatch(/node\/killed-a +Lost +/);
    await second.end('SIGKILL');
    open('killed');
    const third = await roll('--resume', idOf(first.out), '--exec', 'true');
    expect(third.code, third.out + third.err).toBe(0);
    expect(await states(plot)).toEqual(['Done', 'Done']);
  });

  it('4: releases a Node that is not drained in time', async () => {
    const plot = await Plot.make(get(), 'held', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
    await plot.budget('web', { maxUnavailable: 1 });
    await plot.gate('web');
    const found = await roll(plot.home, '--exec', 'true', '--node-timeout', '5s');
    expect(found.code, found.out + found.err).toBe(4);
    expect(found.err).toContain('it was not drained in time');
    expect(await tainted(plot)).toEqual([]);
    await plot.ungate('web');
  });

  // kwok reports every Node as Ready, regardless of other writes.
  it.skipIf(GROUND === 'controlplane')('4: keeps a Node that does not come back Ready', async () => {
    const plot = await Plot.make(get(), 'slow', 2);
    const setReady = async (status: 'True' | 'False'): Promise<void> => {
      const annotations = { 'sandbox.maintenance-bridge.io/ready': status === 'False' ? 'false' : null };
      await get().api.patch('/api/v1/nodes/slow-b', { metadata: { annotations } }, 'merge');
      const body = { status: { conditions: [{ type: 'Ready', status, reason: 'Test' }] } };
      await get().api.patch('/api/v1/nodes/slow-b/status', body, 'strategic-merge');
      await eventually(async () => ((await plot.condition('Ready', 'slow-b')) === status ? true : undefined), {
        what: `the Node to be Ready=${status}`,
      });
    };
    await setReady('True');
    const running = new Running(argsOf('slow-b', '--exec', until('slow'), '--node-timeout', '15s'));
    await running.line(/^\[slow-b\] begun$/);
    await setReady('False');
    open('slow');
    expect(await running.end(), running.out + running.err).toBe(4);
    expect(running.out).toMatch(/node\/slow-b +Returning /);
    expect(running.err).toContain('node/slow-b: TimedOut: it has not come back Ready');
    expect(running.err).toContain('Still tainted: slow-b');
    await setReady('True');
    expect((await roll('--resume', idOf(running.out), '--exec', 'true')).code).toBe(0);
    expect(await tainted(plot)).toEqual([]);
  });

  it('goes on while Nodes are deleted and added, and takes nobody else’s Node', async () => {
    const plot = await Plot.make(get(), 'moving', 4);
    await plot.taint('moving-c');
    const running = new Running(argsOf('-l', 'plot=moving', '--exec', until('moving'), '--order', 'name'));
    await running.line(/^\[moving-a\] begun$/);
    await get().api.delete('/api/v1/nodes/moving-b');
    await get().addNodes(['moving-e'], { labels: { plot: 'moving' } });
    open('moving');
    expect(await running.end(), running.out + running.err).toBe(1);
    expect(running.out).toMatch(/node\/moving-b +Gone /);
    expect(running.err).toContain('node/moving-c: Skipped: somebody else has asked for its maintenance');
    expect(running.err).toContain('Not part of this roll, since they came later: moving-e');
    expect(running.out).toMatch(/2 of 4 done, 1 gone, 1 skipped/);
    await get().addNodes(['moving-b']);
    expect(await tainted(plot)).toEqual(['moving-c']);
    await get().api.delete('/api/v1/nodes/moving-e');
  });

  it('survives an API server that is lost in the middle', async () => {
    const plot = await Plot.make(get(), 'lost', 2);
    const running = new Running(argsOf(...plot.nodes, '--exec', until('lost'), '--order', 'name'));
    await running.line(/^\[lost-a\] begun$/);
    await get().stopApiServer();
    open('lost');
    await eventually(() => (/Trouble|Writing fails|Watch failed/.test(running.err) ? true : undefined), {
      what: 'the trouble to be told',
    });
    await get().startApiServer();
    expect(await running.end(), running.out + running.err).toBe(0);
    expect(await states(plot)).toEqual(['Done', 'Done']);
    expect(await tainted(plot)).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
