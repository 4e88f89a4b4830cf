/** The command line: which command was asked for, with which flags. What the flags mean is `config.ts`'s matter. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { InspectFlags, Inspection } from './commands/inspect.ts';
import { OPTION_ROWS } from './option-rows.ts';
import { ENVIRONMENT_PREFIX, type OptionRow, placeholderOf } from './options.ts';

export type CommandLine =
  /** The texts of each flag by its name, in the order given. */
  | { readonly is: 'run'; readonly flags: ReadonlyMap<string, readonly string[]> }
  | { readonly is: 'version'; readonly format: 'text' | 'json' }
  | Inspection
  /** Flags as for `run`, of which `--kubeconfig`, `--context` and `--config` are taken. */
  | {
      readonly is: 'plan';
      readonly nodes: readonly string[];
      readonly output: 'text' | 'json';
      readonly flags: ReadonlyMap<string, readonly string[]>;
    }
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

  inspecting(programme.command('status'))
    .description(
      'Show the Nodes, Machines and BareMetalHosts whose maintenance or deletion is under way, and whom they wait for.',
    )
    .action((given: GivenInspect) => choose({ is: 'status', flags: inspectFlags(given) }));
  inspecting(programme.command('why'))
    .description(
      'Explain how a Node, a Machine or a BareMetalHost stands, and show the command that would let it go on.',
    )
    .argument('<object>', 'node/NAME, machine/NAME or baremetalhost/NAME', parseObject)
    .action((object: NamedObject, given: GivenInspect) => choose({ is: 'why', ...object, flags: inspectFlags(given) }));

  programme
    .command('plan')
    .description(
      'Show what would happen if Nodes were asked to go: each Pod’s fate, the verdict, and which may go together.',
    )
    .argument('<node...>', 'names of Nodes')
    .option('--kubeconfig <file>', 'kubeconfig file of the cluster')
    .option('--context <name>', 'context of the kubeconfig to use')
    .addOption(new Option('--kubecontext <name>').hideHelp())
    .option('--config <file>', 'configuration file of the controller, for its tmm settings')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nExit codes: 0 all may go or wait, 1 no answer, 2 wrong usage, 3 at least one would be rejected.',
    )
    .action((nodes: readonly string[], { output, kubecontext, ...given }: GivenPlan) => {
      const context = given.context ?? kubecontext;
      const flags = Object.entries({ ...given, context }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, [value]] as const],
      );
      choose({ is: 'plan', nodes, output, flags: new Map(flags) });
    });

  programme
    .command('version')
    .description('Print the version, the commit it was built from and the version of Node.js.')
    .allowExcessArguments(false)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(({ output }: { readonly output: 'text' | 'json' }) => choose({ is: 'version', format: output }));
  return programme;
}

interface GivenPlan {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly kubecontext?: string;
  readonly config?: string;
  readonly output: 'text' | 'json';
}

interface GivenInspect {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly kubecontext?: string;
  readonly namespace?: readonly string[];
  readonly output: 'text' | 'json';
}

function inspecting(command: Command): Command {
  return command
    .allowExcessArguments(false)
    .option('--kubeconfig <file>', 'kubeconfig file of the management cluster')
    .option('--context <name>', 'context of the kubeconfig to use')
    .addOption(new Option('--kubecontext <name>').hideHelp())
    .addOption(
      new Option('-n, --namespace <name>', 'namespace of the Machines, repeatable').argParser(
        (name: string, before: readonly string[] = []) => [...before, name],
      ),
    )
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText('after', '\nExit codes: 0 done, 1 not found or no answer, 2 wrong usage or no kubeconfig.');
}

function inspectFlags({ kubeconfig, context, kubecontext, namespace = [], output }: GivenInspect): InspectFlags {
  return { kubeconfig, context: context ?? kubecontext, namespaces: namespace, output };
}

type NamedObject = Pick<Extract<Inspection, { is: 'why' }>, 'kind' | 'name'>;

/** As kubectl writes them. */
const KINDS: Readonly<Record<string, NamedObject['kind']>> = {
  no: 'Node',
  node: 'Node',
  nodes: 'Node',
  ma: 'Machine',
  machine: 'Machine',
  machines: 'Machine',
  bmh: 'BareMetalHost',
  baremetalhost: 'BareMetalHost',
  baremetalhosts: 'BareMetalHost',
};

function parseObject(text: string): NamedObject {
  const [word = '', name = '', ...rest] = text.split('/');
  const kind = Object.hasOwn(KINDS, word.toLowerCase()) ? KINDS[word.toLowerCase()] : undefined;
  if (kind === undefined || name === '' || rest.length > 0) {
    throw new InvalidArgumentError('Wanted node/NAME, machine/NAME or baremetalhost/NAME.');
  }
  return { kind, name };
}

const GROUPS = {
  core: 'Options:',
  tmm: 'Temporary Maintenance Mode:',
  capi: 'Cluster API bridge:',
  metal3: 'Metal3:',
} as const;

const TERMS: ReadonlyMap<string, string> = new Map(
  OPTION_ROWS.map((row) => [
    `--${row.flag}`,
    row.kind === 'boolean' ? `--${row.flag}[=true|false]` : flagsOf(row, row.flag),
  ]),
);

function flagsOf(row: OptionRow, name: string): string {
  return `--${name} <${placeholderOf(row)}>`;
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
