/** The process: the only file that reads the command line and the environment, and sets the exit code. */
import { closeSync, openSync, readSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { type CommandLine, parseCommandLine } from './cli.ts';
import { exitAfter, obeySignals } from './cli-shutdown.ts';
import { inspect } from './commands/inspect.ts';
import { plan } from './commands/plan.ts';
import { resolveOptions } from './config.ts';
import { makeLog } from './obs/log.ts';
import { NoCluster, run } from './run.ts';
import { describeVersion } from './version.ts';

/** Exit codes: 0 done, 1 a failure while running, 2 wrong usage or configuration, 3 a planned Node would be rejected. */
async function main(args: readonly string[]): Promise<number> {
  const line = parseCommandLine(args);
  switch (line.is) {
    case 'exit':
      process.stdout.write(line.out);
      process.stderr.write(line.err);
      return line.code;
    case 'version':
      process.stdout.write(`${describeVersion(line.format, process.version)}\n`);
      return 0;
    case 'status':
    case 'why': {
      const { code, out, err } = await inspect(line, { env: process.env, homedir: homedir(), nowMs: Date.now() });
      process.stdout.write(out);
      process.stderr.write(err);
      return code;
    }
    case 'plan':
      return planWith(line);
    case 'run':
      return runWith(line.flags);
  }
}

async function planWith({ nodes, output, flags }: Extract<CommandLine, { is: 'plan' }>): Promise<number> {
  const resolved = resolveOptions({ flags, env: process.env, readFile });
  if (resolved.is === 'faults') {
    process.stderr.write(resolved.faults.map((fault) => `${fault}\n`).join(''));
    return 2;
  }
  const { code, out, err } = await plan(nodes, output, resolved.options, {
    env: process.env,
    homedir: homedir(),
    nowMs: Date.now(),
  });
  process.stdout.write(out);
  process.stderr.write(err);
  return code;
}

async function runWith(flags: ReadonlyMap<string, readonly string[]>): Promise<number> {
  const resolved = resolveOptions({ flags, env: process.env, readFile });
  if (resolved.is === 'faults') {
    process.stderr.write(resolved.faults.map((fault) => `${fault}\n`).join(''));
    return 2;
  }
  const log = makeLog(resolved.options.log);
  const stop = obeySignals(process, log);
  try {
    await run(resolved.options, { log, env: process.env, homedir: homedir(), hostname: hostname(), stop });
    return 0;
  } catch (err) {
    if (err instanceof NoCluster) {
      process.stderr.write(`${err.message}\n`);
      return 2;
    }
    log.error('Running failed', { err });
    return 1;
  }
}

/** At most `limit` bytes, whatever the file is. */
function readFile(path: string, limit: number): string {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(limit);
    let length = 0;
    while (length < limit) {
      const count = readSync(descriptor, buffer, length, limit - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** For what is left open when the work is done: idle connections, a timer. */
const LINGER_MS = 500;

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  exitAfter(LINGER_MS, () => process.exit(code));
});
