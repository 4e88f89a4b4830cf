/** `maintenance-bridge dashboard`, as a user runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { COMPILED, MAIN } from './program.ts';
import { eventually } from './wait.ts';

export class Dashboard {
  out = '';
  err = '';
  readonly #child: ChildProcess;

  constructor(kubeconfig: string, ...flags: readonly string[]) {
    const args = [MAIN, 'dashboard', '--no-open', '--kubeconfig', kubeconfig, ...flags];
    this.#child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, ...COMPILED } });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
  }

  url(): Promise<string> {
    return eventually(() => /http:\S+/.exec(this.out)?.[0], { what: 'the address', deadlineMs: 60_000 });
  }

  async end(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill(signal);
      await once(this.#child, 'close');
    }
    return this.#child.exitCode;
  }
}
