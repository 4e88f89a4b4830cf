/** The command line: which command was asked for, with which flags. What the flags mean is `config.ts`'s matter. */
import { Command, CommanderError, Option } from 'commander';
import { ENVIRONMENT_PREFIX, OPTION_ROWS, type OptionRow } from './options.ts';

export type CommandLine =
  /** The texts of each flag by its name, in the order given. */
  | { readonly is: 'run'; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'version'; readonly format: 'text' | 'json' }
  /** Help that was asked for (code 0), or wrong usage (code 2): print and exit. */
  | { readonly is: 'exit'; readonly code: 0 | 2; readonly out: string; readonly err: string };

/**
 * @param args without the interpreter and the script.
 * Never throws, prints nothing and does not end the process.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  let result: CommandLine | undefined;
  const printed = { out: '', err: '' };
  const programme = makeProgramme((chosen) => {
    result = chosen;
  });
  for (const command of [programme, ...programme.commands]) {
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
    programme.parse(withExplicitBooleans(args), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { is: 'exit', code: error.exitCode === 0 ? 0 : 2, ...printed };
  }
  return result ?? { is: 'exit', code: 2, ...printed };
}

function makeProgramme(choose: (chosen: CommandLine) => void): Command {
  const programme = new Command('maintenance-bridge')
    .description(
      'Bridges node maintenance on Kubernetes: taint a Node, and its Pods are judged, evicted and brought back.',
    )
    .showHelpAfterError('Try --help for usage.');

  const run = programme
    .command('run')
    .description('Run the controllers against a cluster, until SIGTERM.')
    .allowExcessArguments(false)
    .configureHelp({ optionTerm: (option) => TERMS.get(option.long ?? '') ?? option.flags })
    .addHelpText(
      'after',
      `\nEach option has a variable too: --log-level is ${ENVIRONMENT_PREFIX}LOG_LEVEL. Flags beat variables,`,
    )
    .addHelpText(
      'after',
      'variables beat the configuration file. Exit codes: 0 done, 1 failure, 2 wrong usage or configuration.',
    )
    .action((given: Readonly<Record<string, readonly string[]>>) => choose({ is: 'run', flags: collect(given) }));
  for (const row of OPTION_ROWS) {
    run.addOption(optionOf(row, row.flag));
    if (row.alias !== undefined) run.addOption(optionOf(row, row.alias).hideHelp());
  }

  programme
    .command('version')
    .description('Print the version, the commit it was built from and the version of Node.js.')
    .allowExcessArguments(false)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(({ output }: { readonly output: 'text' | 'json' }) => choose({ is: 'version', format: output }));
  return programme;
}

const GROUPS = { core: 'Options:', tmm: 'Temporary Maintenance Mode:' } as const;

const TERMS: ReadonlyMap<string, string> = new Map(
  OPTION_ROWS.map((row) => [
    `--${row.flag}`,
    row.kind === 'boolean' ? `--${row.flag}[=true|false]` : flagsOf(row, row.flag),
  ]),
);

function flagsOf({ kind, values }: OptionRow, name: string): string {
  const placeholder = kind === 'enum' ? (values ?? []).join('|') : kind === 'list' ? 'name,…' : kind;
  return `--${name} <${placeholder}>`;
}

function optionOf(row: OptionRow, name: string): Option {
  const standard = row.defaultText ?? String(row.default);
  return new Option(flagsOf(row, name), `${row.help} (default: ${standard.replaceAll('`', '')})`)
    .helpGroup(GROUPS[row.feature])
    .argParser((text: string, before: readonly string[] = []) => [...before, text]);
}

/** By flag, and an alias's texts before those of its flag, so that the flag wins. */
function collect(given: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, readonly string[]>();
  for (const { flag, alias } of OPTION_ROWS) {
    const names = alias === undefined ? [flag] : [alias, flag];
    const texts = names.flatMap((name) => given[new Option(`--${name}`).attributeName()] ?? []);
    if (texts.length > 0) flags.set(flag, texts);
  }
  return flags;
}

const BOOLEAN_FLAGS: ReadonlySet<string> = new Set(
  OPTION_ROWS.filter(({ kind }) => kind === 'boolean').map(({ flag }) => `--${flag}`),
);

/** A boolean flag never takes the next word as its value: `--dry-run false` is an error, as in Kubernetes' own commands. */
function withExplicitBooleans(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, index) => (BOOLEAN_FLAGS.has(arg) && (end === -1 || index < end) ? `${arg}=true` : arg));
}
