/**
 * The process: the only file that reads the command line and the environment, and sets the exit code. Each command loads its modules on
 * demand, so that the short ones start fast; and so does the parser, because what it declares cannot be evaluated by a Node.js that is too
 * old to be told so.
 */
import { homedir, hostname } from 'node:os';
import type { CommandLine } from './cli/command-line.ts';
import { COMPLETE } from './cli/completion/completion-scripts.ts';
import { exitAfter, handleSignals, handleSignalsPatiently } from './cli/signals.ts';
import type { InspectFlags } from './commands/inspect.ts';
import type { Maintenance } from './commands/maintain/maintain.ts';
import { deliver, failed, type Outcome } from './commands/outcome.ts';
import type { Display } from './commands/presenters.ts';
import type { RollFlags } from './commands/roll/flags.ts';
import { type Terminal, terminalOf } from './commands/terminal.ts';
import { describeVersion, refuseNode } from './version.ts';

const { env } = process;

/** Exit codes: 0 done, 1 a failure while running, 2 wrong usage or configuration, 3 a planned Node would be rejected. */
async function main(script: string, args: readonly string[]): Promise<number> {
  const refusal = refuseNode(process.version, process.execPath);
  if (refusal !== undefined) return complain([refusal]);
  if (args[0] === COMPLETE) return completeWith(args.slice(1));
  const { parseCommandLine, programName } = await import('./cli/parse.ts');
  const line = parseCommandLine(args, programName(script));
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
    case 'observed':
      return observedWith(line);
    case 'plan':
      return planWith(line);
    case 'maintain':
      return maintainWith(line.command);
    case 'roll':
      return rollWith(line.flags);
    case 'dashboard':
      return dashboardWith(line);
    case 'run':
      return runWith(line.flags);
  }
}

async function completeWith(words: readonly string[]): Promise<number> {
  const { complete, formatCompletion } = await import('./cli/completion/complete.ts');
  const { namesFor } = await import('./cli/completion/complete-names.ts');
  const { makeProgram } = await import('./cli/commands.ts');
  const program = makeProgram('maintenance-bridge', () => {});
  const found = await complete(program, words, namesFor({ env, homedir: homedir() }));
  return print({ code: 0, out: formatCompletion(found), err: '' });
}

async function inspectWith(line: Extract<CommandLine, { is: 'status' | 'why' }>): Promise<number> {
  const { inspect } = await import('./commands/inspect.ts');
  const canvas = terminal(line.flags).canvas();
  return print(await inspect(line, { env, homedir: homedir(), nowMs: Date.now(), canvas }));
}

async function watchWith(line: Extract<CommandLine, { is: 'status' }>): Promise<number> {
  const { watchStatus } = await import('./commands/watch.ts');
  const stop = await untilStopped();
  return print(await watchStatus(line, { env, homedir: homedir(), stop, ...display(line.flags) }));
}

async function dashboardWith({ flags }: Extract<CommandLine, { is: 'dashboard' }>): Promise<number> {
  const { dashboard } = await import('./commands/dashboard.ts');
  const stop = await untilStopped();
  return print(await dashboard(flags, { env, homedir: homedir(), stop, ...display({ noColour: true }) }));
}

async function maintainWith(command: Maintenance): Promise<number> {
  const { maintain } = await import('./commands/maintain/maintain.ts');
  const stop = await untilStopped();
  return print(await maintain(command, { env, homedir: homedir(), stop, ...display(command.flags) }));
}

async function rollWith(flags: RollFlags): Promise<number> {
  const { roll } = await import('./commands/roll/roll.ts');
  const { randomInt } = await import('node:crypto');
  const signals = handleSignalsPatiently(process);
  // A reader that has gone does not end the work on machines; and there is nobody to notify.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const randomWord = (): string => randomInt(36 ** 6, 36 ** 7).toString(36);
  const code = await print(
    await roll(flags, { env, homedir: homedir(), input: process.stdin, randomWord, ...signals, ...display(flags) }),
  );
  process.stdin.destroy();
  return code;
}

/** Aborts on the first signal, and when the reader has closed the pipe: `status --watch | head -1`. */
async function untilStopped(): Promise<AbortSignal> {
  const { noticesTo } = await import('./commands/notices.ts');
  const stop = handleSignals(
    process,
    noticesTo(({ text }) => void process.stderr.write(`${text}\n`)),
  );
  const closed = new AbortController();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => closed.abort());
  return AbortSignal.any([stop, closed.signal]);
}

function display(flags: Pick<InspectFlags, 'noColour'>): Display {
  return {
    terminal: terminal(flags),
    writeError: (text) => void process.stderr.write(text),
    now: Date.now,
  };
}

async function observedWith({ node, flags }: Extract<CommandLine, { is: 'observed' }>): Promise<number> {
  const { configure } = await import('./commands/settings.ts');
  const { printObserved } = await import('./commands/observed.ts');
  const configured = configure(flags, env);
  if (configured.is === 'faults') return complain(configured.faults);
  return print(await printObserved(node, configured.options, { env, homedir: homedir(), nowMs: Date.now() }));
}

async function planWith(line: Extract<CommandLine, { is: 'plan' }>): Promise<number> {
  const { configure } = await import('./commands/settings.ts');
  const { plan } = await import('./commands/plan.ts');
  const { planned, output, flags } = line;
  const canvas = terminal(line).canvas();
  const configured = configure(flags, env);
  if (configured.is === 'faults') return complain(configured.faults);
  return print(await plan(planned, output, configured.options, { env, homedir: homedir(), nowMs: Date.now(), canvas }));
}

async function runWith(flags: ReadonlyMap<string, readonly string[]>): Promise<number> {
  const { resolveOptions } = await import('./config/resolve.ts');
  const { readFile } = await import('./config/read-file.ts');
  const { makeLog } = await import('./obs/log.ts');
  const { NoCluster, run } = await import('./app/run.ts');
  const resolved = resolveOptions({ flags, env, readFile });
  if (resolved.is === 'faults') return complain(resolved.faults);
  const log = makeLog(resolved.options.log);
  const stop = handleSignals(process, log);
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

/** Time for open handles when the work is done: idle connections, a timer. */
const LINGER_MS = 500;

void main(process.argv[1] ?? '', process.argv.slice(2))
  // Node.js itself would quote the line of the error, and in the bundle one line is the whole program.
  .catch((error: unknown) => complain([error instanceof Error ? (error.stack ?? error.message) : String(error)], 1))
  .then((code) => {
    process.exitCode = code;
    exitAfter(LINGER_MS, () => process.exit(code));
  });
