/** Starts and watches processes through a supervisor, which ends them when we die. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import type { Command, Report } from './supervisor.ts';

const LOG_TAIL_LINES = 20;

/** One process. It is not started again by itself. */
export interface Supervised {
  readonly name: string;
  readonly pid: number;
  /** How it ended (`code 1`, `SIGKILL`), undefined while it runs. */
  readonly ending: string | undefined;
  /** Resolves, with the same words, once it has ended. */
  readonly ended: Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** The last lines of its output. */
  logTail(): Promise<string>;
}

interface Entry {
  onReport(report: Report): void;
}

/** The processes of one control plane. Their output goes to `NAME.log` in `logs`. */
export class ProcessGroup {
  readonly #supervisor: ChildProcess;
  readonly #stdin: Writable;
  readonly #entries = new Map<number, Entry>();
  readonly #logs: string;
  #nextId = 0;

  /**
   * @param directory removed with all it holds when the group is closed, or when this process dies.
   * @param logs an existing folder below it.
   */
  constructor(directory: string, logs: string) {
    this.#logs = logs;
    const log = openSync(join(logs, 'supervisor.log'), 'a');
    // A separate process group keeps a terminal's Ctrl-C away; a separate environment keeps proxies and user settings away.
    this.#supervisor = spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), directory], {
      detached: true,
      stdio: ['pipe', 'pipe', log],
      env: { PATH: process.env.PATH, HOME: directory },
    });
    closeSync(log);
    const { stdin, stdout } = this.#supervisor;
    if (stdin === null || stdout === null) throw new Error('The supervisor was started without pipes');
    this.#stdin = stdin;
    // The death of a supervisor shows in its `exit`, which every waiter receives; the broken pipe adds nothing.
    stdin.on('error', () => {});
    this.#supervisor.once('exit', () => this.#fail('The supervisor has ended'));
    this.#supervisor.once('error', (error) => this.#fail(`Starting the supervisor: ${error.message}`));
    createInterface({ input: stdout }).on('line', (line) => {
      const report = JSON.parse(line) as Report;
      this.#entries.get(report.id)?.onReport(report);
    });
  }

  /** @throws Error if the program cannot be started at all. One that starts and ends at once shows in `ending`. */
  launch(name: string, command: string, args: readonly string[]): Promise<Supervised> {
    const id = this.#nextId++;
    const log = join(this.#logs, `${name}.log`);
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    let ending: string | undefined;
    const launched = new Promise<Supervised>((resolve, reject) => {
      this.#entries.set(id, {
        onReport: (report) => {
          if (report.is === 'launched') {
            resolve({
              name,
              pid: report.pid,
              get ending() {
                return ending;
              },
              ended,
              signal: (signal) => this.#send({ do: 'signal', id, signal }),
              logTail: async () =>
                (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n'),
            });
            return;
          }
          this.#entries.delete(id);
          ending = report.is === 'exited' ? report.how : report.message;
          end(ending);
          reject(new Error(`Starting ${name}: ${ending}`));
        },
      });
    });
    this.#send({ do: 'launch', id, command, args, log });
    return launched;
  }

  /** Kills what still runs and removes the directory. May be called more than once. */
  async close(): Promise<void> {
    if (this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null) return;
    const exited = once(this.#supervisor, 'exit');
    this.#stdin.end();
    await exited;
  }

  #send(command: Command): void {
    this.#stdin.write(`${JSON.stringify(command)}\n`);
  }

  #fail(message: string): void {
    for (const [id, entry] of [...this.#entries]) entry.onReport({ is: 'failed', id, message });
  }
}
