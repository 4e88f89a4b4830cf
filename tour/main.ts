/**
 * `npm start`: shows the main features in seconds, in a cluster in memory, with the program as a user runs it. Exit code 0 only if each
 * step ended as it should; 2 if the program refuses the flags; 128 and the signal's number if a signal ended it early. In every case
 * nothing is left behind.
 */
import { Command, InvalidArgumentError } from 'commander';
import { terminalOf } from '../src/commands/terminal.ts';
import { parseDuration } from '../src/core/duration.ts';
import { complaintOf } from './flags.ts';
import { Output } from './output.ts';
import { FLAGS, Runner } from './runner.ts';
import { exitCodeOf, firstSignal } from './signals.ts';
import { STEPS } from './steps.ts';

const STEP_DEADLINE_MS = 10_000;

interface Options {
  readonly stepDeadline: number;
}

/** @returns the exit code. */
async function tour(output: Output, flags: readonly string[], stepDeadlineMs: number): Promise<0 | 1> {
  output.heading(
    'maintenance-bridge: a tour. Program, requests and answers are real; the cluster is simulated, in memory.',
  );
  let runner: Runner | undefined;
  try {
    runner = await Runner.build({ output, flags, stepDeadlineMs });
    for (const [index, step] of STEPS.entries()) {
      output.heading(`${index + 1}. ${step.title}`);
      await step.play(runner);
    }
    output.heading(`Done: every step ended as it should, in ${(performance.now() / 1000).toFixed(1)} s.`);
    output.fact('Next: npm run sandbox keeps such a cluster up for you to try it on.');
    return 0;
  } catch (error) {
    const log = runner === undefined ? [] : ['The end of the program’s log:', ...runner.lastLogLines()];
    output.failure(['', 'The tour failed.', messageOf(error), ...log].join('\n'));
    return 1;
  } finally {
    await runner?.clear();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function parseDeadline(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('wanted: a duration, such as 10s.');
}

const program = new Command('npm start --')
  .description('A tour of the main job, in a cluster in memory. Further flags go to `maintenance-bridge run`.')
  .option('--step-deadline <duration>', 'how long each step may take', parseDeadline, STEP_DEADLINE_MS)
  .allowUnknownOption()
  .allowExcessArguments()
  .parse();

// Printed without the heading, since the tour does not begin.
const complaint = complaintOf([...FLAGS, ...program.args]);
if (complaint !== undefined) {
  process.stderr.write(complaint);
  process.exit(2);
}

const output = new Output(terminalOf(process.stdout, { env: process.env, noColour: false }));
// The cluster is in this process, and the program and the files are removed with it.
const interrupted = firstSignal().then((signal) => {
  output.end();
  output.failure(`\nStopped by ${signal}.`);
  return exitCodeOf(signal);
});
const { stepDeadline } = program.opts<Options>();
process.exit(await Promise.race([tour(output, program.args, stepDeadline), interrupted]));
