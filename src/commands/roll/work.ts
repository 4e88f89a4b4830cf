/** The work on a drained Node: a command of the user, or the user. */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface WorkOn {
  readonly name: string;
  /** The first internal address, else an external one, else the host name; empty if the Node has none. */
  readonly address: string;
}

export interface WorkEnd {
  /** 0: success. Null if a signal ended it, or it could not be started. */
  readonly code: number | null;
  /** A phrase that follows "the command": `ended with code 3`. */
  readonly how: string;
}

export interface Work {
  /** Never rejects. */
  readonly ended: Promise<WorkEnd>;
  /** Asks the work to end, and kills it ten seconds later. */
  stop(): void;
}

export type StartWork = (on: WorkOn) => Work;

export interface CommandOptions {
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with whole lines, without their end. */
  readonly output: (node: string, stream: 'stdout' | 'stderr', line: string) => void;
  /** The directory for the files `NODE.log` that receive the output instead. */
  readonly logDirectory?: string | undefined;
}

const HAS_GROUPS = process.platform !== 'win32';
const KILL_AFTER_MS = 10_000;
/** Time for the last lines of a command that has ended. */
const FLUSH_MS = 1000;

/**
 * Runs the command in the shell, with `NODE_NAME` and `NODE_ADDRESS`, and without input. It has a process group of its own: a Ctrl-C that
 * ends the roll after the Nodes under way must not end the work on them.
 */
export function commandWork({ command, env, output, logDirectory }: CommandOptions): StartWork {
  return ({ name, address }) => {
    const child = startShell(command, { ...env, NODE_NAME: name, NODE_ADDRESS: address });
    if (child instanceof Error) return { ended: Promise.resolve(notStarted(child)), stop: () => {} };
    const kill = (signal: NodeJS.Signals): void => {
      const { pid } = child;
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        // Processes that the shell has started are ended with it.
        if (HAS_GROUPS) process.kill(-pid, signal);
        else child.kill(signal);
      } catch {
        // It ended at this very moment.
      }
    };
    if (logDirectory === undefined) {
      for (const stream of ['stdout', 'stderr'] as const) {
        createInterface({ input: child[stream], crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) =>
          output(name, stream, line),
        );
      }
    } else logTo(join(logDirectory, `${name}.log`), child.stdout, child.stderr);
    let killer: NodeJS.Timeout | undefined;
    const ended = new Promise<WorkEnd>((resolve) => {
      child.once('error', (error) => resolve(notStarted(error)));
      const end = (code: number | null, signal: NodeJS.Signals | null): void =>
        resolve({ code, how: signal === null ? `ended with code ${code}` : `was ended by ${signal}` });
      child.once('close', end);
      // Processes that it left in the background may keep the pipes open forever.
      child.once('exit', (code, signal) => void setTimeout(() => end(code, signal), FLUSH_MS).unref());
    }).finally(() => clearTimeout(killer));
    return {
      ended,
      stop: () => {
        kill('SIGTERM');
        killer ??= setTimeout(() => kill('SIGKILL'), KILL_AFTER_MS);
      },
    };
  };
}

function startShell(command: string, env: CommandOptions['env']) {
  try {
    return spawn(command, { shell: true, detached: HAS_GROUPS, stdio: ['ignore', 'pipe', 'pipe'], env });
  } catch (error) {
    // Node.js reports the usual errors by an event, and throws the rest: no memory for another process, a text that is too long.
    if (error instanceof Error) return error;
    throw error;
  }
}

const notStarted = ({ message }: Error): WorkEnd => ({ code: null, how: `could not be started: ${message}` });

function logTo(file: string, ...streams: readonly Readable[]): void {
  const log = createWriteStream(file, { flags: 'a' });
  // A full disk must not end a roll in the middle; the work continues without a log.
  log.on('error', () => {});
  let open = streams.length;
  for (const stream of streams) {
    stream.on('data', (chunk: Buffer) => void log.write(chunk));
    stream.on('end', () => {
      open -= 1;
      if (open === 0) log.end();
    });
  }
}

/** @throws Error if the directory cannot be created */
export function makeLogDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
}

/** Without a command the user does the work, one Node after another, and confirms each with Enter. */
export function confirmedWork(input: Readable, ask: (node: string | undefined) => void): StartWork {
  const waiting: { readonly name: string; readonly done: (end: WorkEnd) => void }[] = [];
  const askNext = (): void => ask(waiting[0]?.name);
  createInterface({ input }).on('line', () => {
    waiting.shift()?.done({ code: 0, how: 'was confirmed' });
    askNext();
  });
  return ({ name }) => {
    let stop = (): void => {};
    const ended = new Promise<WorkEnd>((done) => {
      const entry = { name, done };
      waiting.push(entry);
      stop = () => {
        const at = waiting.indexOf(entry);
        if (at === -1) return;
        waiting.splice(at, 1);
        done({ code: null, how: 'was not confirmed' });
        askNext();
      };
    });
    askNext();
    return { ended, stop: () => stop() };
  };
}
