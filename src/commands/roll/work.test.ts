import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { eventually } from '../../../harness/wait.ts';
import { commandWork, makeLogDirectory } from './work.ts';

const ENV = { PATH: process.env.PATH };
const COMMAND = 'echo "at $NODE_NAME $NODE_ADDRESS"; echo careful >&2; exit 3';

describe('`commandWork()`', () => {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-bridge-work-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function start(command: string, logDirectory?: string) {
    const lines: string[] = [];
    const output = (node: string, stream: string, line: string) => void lines.push(`${node} ${stream}: ${line}`);
    const work = commandWork({ command, env: ENV, output, logDirectory })({ name: 'worker-1', address: '10.0.0.1' });
    return { work, lines };
  }

  it('runs the command for the Node, and gives its lines and its code', async () => {
    const { work, lines } = start(COMMAND);
    expect(await work.ended).toEqual({ code: 3, how: 'ended with code 3' });
    expect(lines.sort()).toEqual(['worker-1 stderr: careful', 'worker-1 stdout: at worker-1 10.0.0.1']);
  });

  it('writes them to NODE.log instead, and adds to what is there', async () => {
    const directory = join(folder, 'made', 'for', 'it');
    makeLogDirectory(directory);
    for (const times of [1, 2]) {
      const { work, lines } = start(COMMAND, directory);
      expect((await work.ended).code).toBe(3);
      expect(lines).toEqual([]);
      const written = () => readFileSync(join(directory, 'worker-1.log'), 'utf8').trimEnd().split('\n').sort();
      const expected = ['at worker-1 10.0.0.1', 'careful'].flatMap((line) => Array.from({ length: times }, () => line));
      await eventually(() => (written().join() === expected.join() ? true : undefined), { what: 'the lines' });
    }
  });

  it('goes on without a log that cannot be written', async () => {
    const { work } = start(COMMAND, join(folder, 'nowhere'));
    expect((await work.ended).code).toBe(3);
  });

  it('says so where the system cannot start a process at all', async () => {
    // Longer than any text that the system hands to a process.
    const env = { ...ENV, HUGE: 'x'.repeat(4_000_000) };
    const work = commandWork({ command: 'true', env, output: () => {} })({ name: 'worker-1', address: '' });
    expect(await work.ended).toEqual({ code: null, how: expect.stringMatching(/^could not be started: spawn E2BIG/) });
    work.stop();
  });

  it('ends the command with what it has started', async () => {
    const { work } = start('sleep 1000 & wait');
    work.stop();
    expect(await work.ended).toEqual({ code: null, how: 'was ended by SIGTERM' });
  });
});
