/**
 * A separate process that owns the processes of one control plane, so that none outlives its user.
 *
 * It takes commands as JSON lines on stdin and reports on stdout. When stdin closes, which the system does for a parent that
 * was killed too, it kills everything it started, removes the folder that it was given, and ends. The data is disposable,
 * so it kills without asking first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

export type Command =
  | {
      readonly do: 'launch';
      readonly id: number;
      readonly command: string;
      readonly args: readonly string[];
      /** Takes stdout and stderr; appended to. */
      readonly log: string;
    }
  | { readonly do: 'signal'; readonly id: number; readonly signal: NodeJS.Signals };

export type Report =
  | { readonly is: 'launched'; readonly id: number; readonly pid: number }
  | { readonly is: 'failed'; readonly id: number; readonly message: string }
  | { readonly is: 'exited'; readonly id: number; readonly how: string };

const directory = process.argv[2] ?? '';
if (directory === '') throw new Error('Usage: supervisor.ts DIRECTORY');

const running = new Map<number, ChildProcess>();

function launch({ id, command, args, log }: Extract<Command, { do: 'launch' }>): void {
  const output = openSync(log, 'a');
  const child = spawn(command, args, { stdio: ['ignore', output, output] });
  closeSync(output);
  child.once('error', (error) => report({ is: 'failed', id, message: error.message }));
  child.once('exit', (code, signal) => {
    running.delete(id);
    report({ is: 'exited', id, how: signal ?? `code ${code}` });
  });
  if (child.pid === undefined) return;
  running.set(id, child);
  report({ is: 'launched', id, pid: child.pid });
}

async function end(): Promise<never> {
  const children = [...running.values()];
  const exits = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(exits);
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
}

function report(message: Report): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

// After the parent's death nobody reads the output; the clean-up continues.
process.stdout.on('error', () => {});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => void end());

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as Command;
    if (command.do === 'launch') launch(command);
    else running.get(command.id)?.kill(command.signal);
  })
  .on('close', () => void end());
