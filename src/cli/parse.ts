/** Parses the command line: the command, with its flags. The meaning of the flags of `run` is resolved in `config/resolve.ts`. */
import { type Command, CommanderError } from 'commander';
import { ordered } from './arguments.ts';
import type { CommandLine } from './command-line.ts';
import { makeProgram } from './commands.ts';

/**
 * @param args without the interpreter and the script.
 * @param name as the user calls the program, for usage texts. Never throws, prints nothing and does not end the process.
 */
export function parseCommandLine(args: readonly string[], name = 'maintenance-bridge'): CommandLine {
  let result: CommandLine | undefined;
  const printed = { out: '', err: '' };
  const program = makeProgram(name, (chosen) => {
    result = chosen;
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        printed.out += text;
      },
      writeErr: (text) => {
        printed.err += text;
      },
    });
  }
  try {
    program.parse(args[0] === '--version' ? ['version'] : withoutHelpOnNothing(program, ordered(program, args)), {
      from: 'user',
    });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const unknown =
      error.code === 'commander.unknownOption' ? args.findIndex((arg) => error.message.includes(`'${arg}'`)) : -1;
    const [flag = '', value] = args[unknown]?.split('=', 2) ?? [];
    // Similar flags are found only for the flag alone; if that one exists, the value is wrong.
    const similar = value === undefined ? undefined : parseCommandLine(args.with(unknown, flag), name);
    if (similar?.is === 'exit') return similar;
    return { is: 'exit', code: error.exitCode === 0 ? 0 : 2, ...printed };
  }
  return result ?? { is: 'exit', code: 2, ...printed };
}

/** Asked for help on a command that it does not have, commander shows the general help and says nothing of the mistake. */
function withoutHelpOnNothing(program: Command, args: readonly string[]): readonly string[] {
  const name = args[0] === 'help' ? args[1] : args[0];
  if (name === 'help') return ['help'];
  const isKnown = program.commands.some((command) => command.name() === name);
  return name === undefined || name.startsWith('-') || isKnown ? args : [name];
}

/** The name by which the user calls the program, from the path of the script: kubectl runs plugins by the names of their files. */
export function programName(script: string): string {
  const file = script.split(/[/\\]/).at(-1) ?? '';
  return /^kubectl-node_maintenance(\.|$)/.test(file) ? 'kubectl node-maintenance' : 'maintenance-bridge';
}
