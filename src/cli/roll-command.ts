/** The command `roll`: its flags. */
import { type Command, Option } from 'commander';
import { ON_REJECTION, type OnRejection } from '../commands/roll/decide.ts';
import type { RollFlags } from '../commands/roll/flags.ts';
import { ORDERS, type Order, parseShare, type Share } from '../commands/roll/order.ts';
import type { RollFormat } from '../commands/roll/presenters.ts';
import type { CommandLine } from './command-line.ts';
import { NODES_HELP, readChoice, SELECTOR_HELP } from './node-commands.ts';
import { collect, gathering, type Texts } from './option-flags.ts';
import { NO_COLOUR, onCluster, outputOption, readTimeout } from './shared-options.ts';

interface GivenRoll {
  readonly output: RollFormat;
  /** False after `--no-color`. */
  readonly color: boolean;
  readonly selector?: string;
  readonly maxUnavailable: string;
  readonly exec?: string;
  readonly outputDir?: string;
  readonly order: Order;
  readonly onRejection: OnRejection;
  readonly timeout?: string;
  readonly nodeTimeout?: string;
  readonly resume?: string;
}

export function addRoll(program: Command, choose: (chosen: CommandLine) => void): void {
  const command = program
    .command('roll')
    .description(
      'Rolling maintenance: enter each Node, wait until it is drained, do the work, wait until it is Ready, exit, and continue with the next.',
    );
  onCluster(command.argument('[node...]', NODES_HELP), 'cluster')
    .option('-l, --selector <selector>', SELECTOR_HELP)
    .option(
      '--exec <command>',
      'the work: run by the shell with NODE_NAME and NODE_ADDRESS; exit code 0 means that it is done and the machine is up again (default: you do the work and press Enter)',
    )
    .option('--max-unavailable <n|n%>', 'maximum number or percentage of Nodes under way at once', '1')
    .addOption(
      new Option('--order <order>', 'order of the Nodes: by the sets of plan, or by name')
        .choices(ORDERS)
        .default('plan'),
    )
    .addOption(
      new Option('--on-rejection <what>', 'stop, skip the Node, or request it again later')
        .choices(ON_REJECTION)
        .default('stop'),
    )
    .option('--timeout <duration>', 'time limit of the whole roll, such as 8h (default: none)')
    .option('--node-timeout <duration>', 'time limit per Node, without the time in the queue (default: none)')
    .option('--output-dir <directory>', 'directory for the output of the work, one NODE.log per Node')
    .option('--resume <id>', 'continue a roll that was stopped')
    .addOption(gathering(new Option('--dry-run <boolean>', 'show the order and the verdicts, and write nothing')))
    .addOption(outputOption(['text', 'json']))
    .option('--no-color', NO_COLOUR)
    .configureHelp({ optionTerm: (option) => (option.long === '--dry-run' ? '--dry-run[=true|false]' : option.flags) })
    .addHelpText('after', HELP)
    .action((words: readonly string[], given: GivenRoll & Texts) => {
      choose({ is: 'roll', flags: rollFlags(command, words, given) });
    });
}

const HELP = `
Ctrl-C once finishes the Nodes under way and stops; twice exits at once and lists the Nodes that stay tainted.
The command may run again for the same Node when a roll is resumed, so it should be idempotent.

Exit codes: 0 all done, 1 failure or stopped, 2 invalid usage or configuration, or no kubeconfig, 3 at least one Node was (with
--dry-run: would be) rejected, 4 timed out, 130 exited at once.`;

function rollFlags(command: Command, words: readonly string[], given: GivenRoll & Texts): RollFlags {
  const { output, color, selector, exec, outputDir, order, onRejection, resume } = given;
  return {
    given: collect(given),
    what: whatOf(command, words, selector, resume),
    ...(exec !== undefined && { exec: nonEmpty(command, exec) }),
    ...(outputDir !== undefined && { logDirectory: outputDir }),
    maxUnavailable: shareOf(command, given.maxUnavailable),
    order,
    onRejection,
    timeoutMs: readTimeout(command, '--timeout', given.timeout),
    nodeTimeoutMs: readTimeout(command, '--node-timeout', given.nodeTimeout),
    output,
    noColour: !color,
    again: againOf(given),
  };
}

function whatOf(
  command: Command,
  words: readonly string[],
  selector: string | undefined,
  resume: string | undefined,
): RollFlags['what'] {
  if (resume === undefined) return { choice: readChoice(command, words, selector) };
  if (words.length > 0 || selector !== undefined) {
    return command.error('error: --resume goes on with the Nodes of that roll: it takes neither names nor -l.');
  }
  if (!/^[a-z0-9]{1,32}$/.test(resume))
    return command.error(`error: --resume: wanted the id of a roll, found '${resume}'.`);
  return { resume };
}

function shareOf(command: Command, text: string): Share {
  const share = parseShare(text);
  if (share === undefined) {
    return command.error(`error: --max-unavailable: wanted a number above 0 or 1% to 100%, found '${text}'.`);
  }
  return share;
}

function nonEmpty(command: Command, exec: string): string {
  return exec.trim() === '' ? command.error('error: --exec: wanted a command, found an empty one.') : exec;
}

/** Flags of a roll that must be given again when it resumes: nothing that is executed is read from the cluster. */
function againOf(given: GivenRoll & Texts): readonly string[] {
  const { kubeconfig, context, config } = given;
  const values = [
    ['--exec', given.exec],
    ['--output-dir', given.outputDir],
    ['--max-unavailable', given.maxUnavailable === '1' ? undefined : given.maxUnavailable],
    ['--on-rejection', given.onRejection === 'stop' ? undefined : given.onRejection],
    ['--timeout', given.timeout],
    ['--node-timeout', given.nodeTimeout],
    ['--kubeconfig', kubeconfig?.at(-1)],
    ['--context', context?.at(-1)],
    ['--config', config?.at(-1)],
  ] as const;
  return values.flatMap(([flag, value]) => (value === undefined ? [] : [flag, quoted(value)]));
}

/** Quotes a text for a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
