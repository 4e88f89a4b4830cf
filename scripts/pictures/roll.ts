/**
 * The session of a user who rolls over five Nodes for the first time: one is rejected, its budget is widened as the output suggests, and
 * the roll is resumed with the command that it has printed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { Bridge, MAIN } from '../../harness/program.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import { furnishWorkloads, nodeNames, SHOP } from '../../tour/cluster.ts';
import { makeFolder } from '../../tour/folder.ts';
import type { TimedLine } from './animate.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const NODES = nodeNames(5);
const COLUMNS = 98;
/** The time that a person takes to read and to type. */
const PAUSE_MS = 1500;
const ROLL = `maintenance-bridge roll ${NODES.join(' ')} --order name --exec 'echo updating $NODE_NAME; sleep 0.3'`;
const WIDEN = `kubectl -n ${SHOP} patch poddisruptionbudget db --type merge -p '{"spec":{"maxUnavailable":1}}'`;

/** @throws Error if the session differs from what the documentation shows. */
export async function recordRoll(): Promise<readonly TimedLine[]> {
  const kubeconfig = join(makeFolder('maintenance-bridge-roll-'), 'kubeconfig');
  await using sandbox = await startSandbox({ nodes: NODES, timing: { podStartMs: 300, podStopMs: 800 } });
  await sandbox.writeKubeconfig(kubeconfig);
  await furnishWorkloads(sandbox, NODES);
  const session = new Session(kubeconfig);
  const bridge = await new Bridge({ kubeconfig }).leads();
  try {
    const stopped = await session.run(ROLL, 3);
    const [, resume] = /^To go on: (.+)$/m.exec(stopped) ?? [];
    if (resume === undefined) throw new Error(`No word on how to go on in:\n${stopped}`);
    session.type(WIDEN);
    sandbox.api.patch(
      { resource: 'poddisruptionbudgets.policy', namespace: SHOP, name: 'db' },
      { spec: { maxUnavailable: 1 } },
    );
    session.print(['poddisruptionbudget.policy/db patched']);
    await session.run(resume, 0);
    return session.lines;
  } finally {
    await bridge.end();
  }
}

/** A shell's window, in which lines that are too long continue on the next line. */
class Session {
  readonly lines: TimedLine[] = [];
  readonly #kubeconfig: string;
  #nowMs = 0;

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  type(command: string): void {
    if (this.lines.length > 0) this.#nowMs += PAUSE_MS;
    this.print([` $ ${command}`]);
    this.#nowMs += PAUSE_MS;
  }

  print(texts: readonly string[]): void {
    const wrapped = texts.flatMap((text) => text.match(new RegExp(`.{1,${COLUMNS}}`, 'gu')) ?? ['']);
    this.lines.push(...wrapped.map((text) => ({ atMs: Math.round(this.#nowMs), text })));
  }

  /** Runs a command like a shell with the program on its PATH. @returns its output */
  async run(command: string, expected: number): Promise<string> {
    this.type(command);
    const env = { ...process.env, KUBECONFIG: this.#kubeconfig };
    const line = command.replace(/^maintenance-bridge/, '"$0" "$1"');
    const child = spawn('/bin/sh', ['-c', line, process.execPath, MAIN], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    const startedMs = performance.now();
    const beganMs = this.#nowMs;
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
        this.#nowMs = beganMs + performance.now() - startedMs;
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() ?? '';
        this.print(parts);
      });
    }
    const [code] = await once(child, 'close');
    if (code !== expected) throw new Error(`\`${command}\` ended with ${code}, not ${expected}:\n${printed}`);
    return printed;
  }
}
