/**
 * The process: the only file that reads the command line and the environment, and sets the exit code. Each command loads
 * what it needs when it is asked for, so that the short ones start fast.
 */
import { homedir, hostname } from 'node:os';
import { parseCommandLine, programmeName } from './cli.ts';
import { exitAfter, obeySignals } from './cli-shutdown.ts';
import type { CommandLine } from './command-line.ts';
import { COMPLETE } from './commands/completion-scripts.ts';
import type { InspectFlags } from './commands/inspect.ts';
import { deliver, failed, type Outcome } from './commands/outcome.ts';
import { type Terminal, terminalOf } from './commands/terminal.ts';
import { describeVersion, refuseNode } from './version.ts';

const { env } = process;

/** Exit codes: 0 done, 1 a failure while running, 2 wrong usage or configuration, 3 a planned Node would be rejected. */
async function main(script: string, args: readonly string[]): Promise<number> {
  const refusal = refuseNode(process.version, process.execPath);
  if (refusal !== undefined) return complain([refusal]);
  if (args[0] === COMPLETE) return completeWith(args.slice(1));
  const line = parseCommandLine(args, programmeName(script));
  switch (line.is) {
    case 'exit':
      return print(line);
    case 'version':
      return print({ code: 0, out: `${describeVersion(line.format, process.version)}\n`, err: '' });
    case 'status':
      if (line.flags.watch) return watchWith(line);
      return inspectWith(line);
    case 'why':
      return inspectWith(line);
    case 'plan':
      return planWith(line);
    case 'run':
      return runWith(line.flags);
  }
}

async function completeWith(words: readonly string[]): Promise<number> {
  const { complete, formatCompletion } = await import('./commands/complete.ts');
  const { namesFor } = await import('./commands/complete-names.ts');
  const { makeProgramme } = await import('./cli-programme.ts');
  const programme = makeProgramme('maintenance-bridge', () => {});
  const found = await complete(programme, words, namesFor({ env, homedir: homedir() }));
  return print({ code: 0, out: formatCompletion(found), err: '' });
}

async function inspectWith(line: Extract<CommandLine, { is: 'status' | 'why' }>): Promise<number> {
  const { inspect } = await import('./commands/inspect.ts');
  const canvas = terminal(line.flags).canvas();
  return print(await inspect(line, { env, homedir: homedir(), nowMs: Date.now(), canvas }));
}

async function watchWith(line: Extract<CommandLine, { is: 'status' }>): Promise<number> {
  const { watchStatus } = await import('./commands/watch.ts');
  const { noticesTo } = await import('./commands/notices.ts');
  const writeError = (text: string): void => void process.stderr.write(text);
  const stop = obeySignals(
    process,
    noticesTo(({ text }) => writeError(`${text}\n`)),
  );
  const closed = new AbortController();
  // Whoever reads has heard enough: `status --watch | head -1`.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => closed.abort());
  return print(
    await watchStatus(line, {
      env,
      homedir: homedir(),
      terminal: terminal(line.flags),
      writeError,
      now: Date.now,
      stop: AbortSignal.any([stop, closed.signal]),
    }),
  );
}

async function planWith(line: Extract<CommandLine, { is: 'plan' }>): Promise<number> {
  const { configure } = await import('./commands/settings.ts');
  const { plan } = await import('./commands/plan.ts');
  const { nodes, output, flags } = line;
  const canvas = terminal(line).canvas();
  const configured = configure(flags, env);
  if (configured.is === 'faults') return complain(configured.faults);
  return print(await plan(nodes, output, configured.options, { env, homedir: homedir(), nowMs: Date.now(), canvas }));
}

async function runWith(flags: ReadonlyMap<string, readonly string[]>): Promise<number> {
  const { resolveOptions } = await import('./config.ts');
  const { readFile } = await import('./read-file.ts');
  const { makeLog } = await import('./obs/log.ts');
  const { NoCluster, run } = await import('./run.ts');
  const resolved = resolveOptions({ flags, env, readFile });
  if (resolved.is === 'faults') return complain(resolved.faults);
  const log = makeLog(resolved.options.log);
  const stop = obeySignals(process, log);
  try {
    await run(resolved.options, { log, env, homedir: homedir(), hostname: hostname(), stop });
    return 0;
  } catch (err) {
    if (err instanceof NoCluster) return complain([err.message]);
    log.error('Running failed', { err });
    return 1;
  }
}

function terminal({ noColour }: Pick<InspectFlags, 'noColour'>): Terminal {
  return terminalOf(process.stdout, { env, noColour });
}

async function print({ code, out, err }: Outcome<number>): Promise<number> {
  const fault = await deliver(process.stdout, out);
  await deliver(process.stderr, err);
  return fault === undefined ? code : complain([`The answer cannot be written: ${fault}`], 1);
}

function complain(faults: readonly string[], code: 1 | 2 = 2): Promise<number> {
  return print(failed(code, ...faults));
}

/** For what is left open when the work is done: idle connections, a timer. */
const LINGER_MS = 500;

void main(process.argv[1] ?? '', process.argv.slice(2))
  // Node.js itself would quote the line of the fault, and in the bundle a line is the whole program.
  .catch((error: unknown) => complain([error instanceof Error ? (error.stack ?? error.message) : String(error)], 1))
  .then((code) => {
    process.exitCode = code;
    exitAfter(LINGER_MS, () => process.exit(code));
  });
