/** Our scripts as processes on a machine that has only Node.js. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { it as base } from 'vitest';
import { COMPILED } from '../../harness/program.ts';
import { eventually } from '../../harness/wait.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

/** A running script. */
export class Script {
  out = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(name: string, args: readonly string[], folder: string) {
    const env = { PATH: dirname(process.execPath), TMPDIR: folder, ...COMPILED };
    this.#child = spawn(process.execPath, [join(ROOT, name), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exited = once(this.#child, 'close');
    const read = (chunk: Buffer): void => {
      this.out += chunk.toString();
    };
    this.#child.stdout?.on('data', read);
    this.#child.stderr?.on('data', read);
  }

  /** Waits for a text and returns the match of the expression's group. */
  said(expression: RegExp): Promise<string> {
    return eventually(
      () => {
        const found = expression.exec(this.out);
        return found === null ? undefined : (found[1] ?? found[0]);
      },
      { what: `${expression} in what it says`, deadlineMs: 30_000 },
    );
  }

  /** @returns the exit code; null if a signal ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined && this.#child.exitCode === null) this.#child.kill(signal);
    await this.#exited;
    return this.#child.exitCode;
  }
}

/** The processes that a test starts, and the folder for their temporary files, in which nothing may be left. */
export class Scripts {
  readonly #running: Script[] = [];
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  start(name: 'tour/main.ts' | 'scripts/sandbox.ts', ...args: readonly string[]): Script {
    const script = new Script(name, args, this.folder);
    this.#running.push(script);
    return script;
  }

  async kill(): Promise<void> {
    await Promise.all(this.#running.map((script) => script.end('SIGKILL')));
  }
}

/** An `it` whose test may start scripts, which are stopped after it. */
export const it = base.extend<{ readonly scripts: Scripts }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs.
  scripts: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'script-test-'));
    const scripts = new Scripts(folder);
    await use(scripts);
    await scripts.kill();
    await rm(folder, { recursive: true, force: true });
  },
});
