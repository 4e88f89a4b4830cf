/** The commands that act on Nodes or wait for them: `enter`, `exit`, `wait`. */
import { type Command, Option } from 'commander';
import { FORMATS, type Format } from '../commands/format.ts';
import { GOALS, type Goal } from '../commands/maintain/goal.ts';
import type { MaintainFlags } from '../commands/maintain/maintain.ts';
import type { NodeChoice } from '../commands/nodes/choose.ts';
import type { CommandLine } from './command-line.ts';
import { collect, type Texts } from './option-flags.ts';
import { NO_COLOUR, onCluster, outputOption, readNodeNames, readTimeout } from './shared-options.ts';

type Choose = (chosen: CommandLine) => void;

interface GivenOnNodes {
  readonly output: Format;
  /** False after `--no-color`. */
  readonly color: boolean;
  readonly selector?: string;
  readonly timeout?: string;
}

export const NODES_HELP = 'names of Nodes, also as node/NAME';
export const SELECTOR_HELP = 'instead of names: all Nodes that match this label selector, as in kubectl';

export function addEnter(program: Command, choose: Choose): void {
  addRequest(
    program,
    choose,
    'enter',
    'Request maintenance of Nodes: set the taint, with your own rights. The controller checks, drains and reports.',
    'until they are drained, or rejected',
    `${EXIT_CODES}, 3 rejected, 4 timed out.`,
  );
}

export function addExit(program: Command, choose: Choose): void {
  addRequest(
    program,
    choose,
    'exit',
    'End the maintenance of Nodes: remove the taint, with your own rights. The controller brings displaced Pods back.',
    'until the maintenance has ended and displaced Pods are back',
    `${EXIT_CODES}, 4 timed out.`,
  );
}

function addRequest(
  program: Command,
  choose: Choose,
  is: 'enter' | 'exit',
  description: string,
  waitHelp: string,
  exitCodes: string,
): void {
  const command = onNodes(program.command(is).description(description))
    .option('--wait', `wait ${waitHelp}`)
    .action((words: readonly string[], given: GivenOnNodes & { readonly wait?: boolean } & Texts) => {
      const { wait = false, timeout } = given;
      if (timeout !== undefined && !wait) command.error('error: --timeout limits the waiting: it needs --wait.');
      choose({ is: 'maintain', command: { is, wait, flags: flagsOf(command, words, given) } });
    });
  command.addHelpText('after', exitCodes);
}

export function addWait(program: Command, choose: Choose): void {
  const command = onNodes(
    program
      .command('wait')
      .description('Wait for Nodes by watching them; nothing is written. A rejection ends the wait for a drain.'),
  )
    .addOption(new Option('--for <state>', 'the state to wait for').choices(GOALS).default('drained'))
    .action((words: readonly string[], given: GivenOnNodes & { readonly for: Goal } & Texts) => {
      choose({ is: 'maintain', command: { is: 'wait', goal: given.for, flags: flagsOf(command, words, given) } });
    });
  command.addHelpText('after', `${EXIT_CODES}, 3 rejected, 4 timed out.`);
}

const EXIT_CODES =
  '\nExit codes: 0 done or reached, 1 failure or stopped, 2 invalid usage or configuration, or no kubeconfig';

function onNodes(command: Command): Command {
  return onCluster(command.argument('[node...]', NODES_HELP), 'cluster')
    .option('-l, --selector <selector>', SELECTOR_HELP)
    .option('--timeout <duration>', 'how long to wait, such as 90s or 1h30m (default: no limit)')
    .addOption(outputOption(FORMATS))
    .option('--no-color', NO_COLOUR);
}

function flagsOf(command: Command, words: readonly string[], given: GivenOnNodes & Texts): MaintainFlags {
  const { output, color, selector, timeout } = given;
  return {
    given: collect(given),
    choice: readChoice(command, words, selector),
    output,
    noColour: !color,
    timeoutMs: readTimeout(command, '--timeout', timeout),
  };
}

/** Ends the command with its usage unless exactly one of names and selector is given. */
export function readChoice(command: Command, words: readonly string[], selector: string | undefined): NodeChoice {
  if (selector === undefined) {
    if (words.length === 0) return command.error('error: wanted names of Nodes, or -l SELECTOR.');
    return { names: readNodeNames(command, words) };
  }
  if (words.length > 0) return command.error('error: wanted names of Nodes or -l SELECTOR, found both.');
  if (selector.trim() === '') return command.error('error: -l: wanted a selector, found an empty one.');
  return { selector };
}
