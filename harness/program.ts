/** The program as a user runs it: in a separate process, with a kubeconfig and flags. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Usage, usageOf } from './usage.ts';
import { eventually } from './wait.ts';

/** The main file of the program. */
export const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const END_WITH_PARENT = new URL('end-with-parent.ts', import.meta.url).href;

/** Compiled once for all processes that tests start, which halves the time of a start. Node.js validates the cache against the sources. */
export const COMPILED = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)),
};

const RUNNING = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of RUNNING) child.kill('SIGKILL');
});

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface BridgeOptions {
  readonly kubeconfig: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Interpreter flags and the file to run. @default the sources, which end with the test process even if that is killed */
  readonly program?: readonly string[];
}

/** Runs a command that ends by itself. */
export async function command(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...COMPILED },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.err += chunk.toString();
  });
  await once(child, 'close');
  return { code: child.exitCode, ...text };
}

export interface RunningOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The interpreter and the file to run. @default the sources */
  readonly program?: readonly string[];
}

/** A command that runs until something happens, or until it is stopped. */
export class Running {
  /** Its standard output so far. */
  out = '';
  err = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(args: readonly string[], { env = {}, program = [process.execPath, MAIN] }: RunningOptions = {}) {
    const [interpreter = process.execPath, ...before] = program;
    this.#child = spawn(interpreter, [...before, ...args], { env: { ...process.env, ...COMPILED, ...env } });
    this.#ended = once(this.#child, 'close');
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
    RUNNING.add(this.#child);
    this.#child.once('exit', () => RUNNING.delete(this.#child));
  }

  /** Waits for a line on standard output. On a busy machine, a process takes seconds to start. */
  line(pattern: RegExp, deadlineMs = 60_000): Promise<string> {
    const find = () => {
      const found = this.out.split('\n').find((line) => pattern.test(line));
      if (found !== undefined) return found;
      throw new Error(`it has printed: ${this.out}${this.err}`);
    };
    return eventually(find, { what: `a line like ${pattern}`, deadlineMs });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** @returns the exit code; null if a signal ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.#child.kill(signal);
    await this.#ended;
    return this.#child.exitCode;
  }
}

/** A running `maintenance-bridge run`. It ends with the test process at the latest. */
export class Bridge {
  readonly lines: LogLine[] = [];
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #text = '';

  constructor({ kubeconfig, flags = [], env = {}, program = ['--import', END_WITH_PARENT, MAIN] }: BridgeOptions) {
    const args = [...program, 'run', '--kubeconfig', kubeconfig, '--log-level=debug'];
    this.#process = spawn(
      process.execPath,
      [...args, '--metrics-bind-address=0', '--health-probe-bind-address=0', ...flags],
      {
        env: { PATH: process.env.PATH ?? '', ...COMPILED, ...env },
        // Nothing is written to stdin; its end shows the child that we have ended.
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#exited = once(this.#process, 'exit');
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    RUNNING.add(this.#process);
    this.#process.once('exit', () => RUNNING.delete(this.#process));
  }

  /** Waits until the controllers run: the caches are synced and the Lease is ours. */
  async leads(deadlineMs = 60_000): Promise<this> {
    await this.logged(
      (line) => line.msg === 'Starting' && line.runnable === 'tmm',
      'the controller to start',
      deadlineMs,
    );
    return this;
  }

  /** Waits for a line. @throws Error as soon as the process has exited without it */
  async logged(isMeant: (line: LogLine) => boolean, what: string, deadlineMs = 60_000): Promise<LogLine> {
    const found = await eventually(
      () => this.lines.find(isMeant) ?? (this.isRunning() ? undefined : ('exited' as const)),
      { what, deadlineMs },
    );
    if (found !== 'exited') return found;
    const last = JSON.stringify(this.lines.slice(-5));
    throw new Error(`Waiting for ${what}: it has exited with ${this.#process.exitCode}: ${last}`);
  }

  /** The current memory of the process, as Linux counts it. */
  async residentMiB(): Promise<number> {
    return (await this.#usage()).residentMiB;
  }

  /** The peak memory of the process, as Linux counts it. */
  async peakMiB(): Promise<number> {
    return (await this.#usage()).peakMiB;
  }

  /** CPU time of all threads since the start, as Linux counts it: in hundredths of a second. */
  async cpuSeconds(): Promise<number> {
    return (await this.#usage()).cpuSeconds;
  }

  isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** For signals that do not end it, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** @returns the exit code; null if a signal ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.isRunning()) this.#process.kill(signal);
    await this.#exited;
    return this.#process.exitCode;
  }

  async #usage(): Promise<Usage> {
    const usage = await usageOf(this.#process.pid);
    if (usage === undefined) throw new Error('Linux counts nothing of a process that has ended');
    return usage;
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.lines.push(parse(line));
  }
}

function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 'none', msg: line };
  }
}
