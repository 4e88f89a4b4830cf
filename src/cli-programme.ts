/** The commands and their flags, declared: parser, usage texts and shell completion all follow from here. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { collect, gathering, optionsOfRows, TERMS, type Texts } from './cli-options.ts';
import type { CommandLine } from './command-line.ts';
import { completionScript, SHELLS, type Shell } from './commands/completion-scripts.ts';
import { FORMATS, type Format } from './commands/format.ts';
import type { InspectFlags, Inspection } from './commands/inspect.ts';
import type { PlanFormat } from './commands/render-plan.ts';
import { ENVIRONMENT_PREFIX } from './options.ts';

type Choose = (chosen: CommandLine) => void;

/**
 * @param name as the user calls it: `maintenance-bridge`, or `kubectl node-maintenance`.
 * @param choose gets the command that was asked for.
 */
export function makeProgramme(name: string, choose: Choose): Command {
  const programme = new Command(name)
    .description(
      'Bridges node maintenance on Kubernetes: taint a Node, and its Pods are judged, evicted and brought back.',
    )
    .showHelpAfterError('Try --help for usage.');
  addRun(programme, choose);
  addStatus(programme, choose);
  addWhy(programme, choose);
  addPlan(programme, choose);
  addCompletion(programme, choose);
  programme
    .command('version')
    .description('Print the version, the commit it was built from and the version of Node.js.')
    .allowExcessArguments(false)
    .addOption(outputOption(['text', 'json']))
    .action(({ output }: { readonly output: 'text' | 'json' }) => choose({ is: 'version', format: output }));
  return programme;
}

function addRun(programme: Command, choose: Choose): void {
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
    .action((given: Texts) => choose({ is: 'run', flags: collect(given) }));
  for (const option of optionsOfRows()) run.addOption(option);
}

interface GivenInspect {
  readonly output: Format;
  /** False after `--no-color`. */
  readonly color: boolean;
}

interface GivenStatus extends GivenInspect {
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly watch?: boolean;
}

function addStatus(programme: Command, choose: Choose): void {
  const status = programme
    .command('status')
    .description(
      'Show the Nodes, Machines and BareMetalHosts whose maintenance or deletion is under way, and whom they wait for, as the management cluster shows it: no workload cluster is asked.',
    )
    .option('-a, --all', 'also show what is not under way')
    .option('-w, --watch', 'go on and show every change, until it is stopped: in place on a terminal, else a line each')
    .option('-A, --all-namespaces', 'Machines and hosts of all namespaces, whatever the configuration says')
    .option('-l, --selector <selector>', 'only objects with these labels, as kubectl takes it')
    .action((given: GivenStatus & Texts) => {
      const { all = false, allNamespaces = false, selector, watch = false } = given;
      choose({ is: 'status', flags: { ...inspectFlags(given), all, allNamespaces, selector, watch } });
    });
  inspecting(status, 'namespace of the Machines and hosts, repeatable (default: all)').addHelpText(
    'after',
    '\nExit codes: 0 done, 1 no answer, or not everything could be seen; 2 wrong usage, configuration or no kubeconfig.',
  );
}

function addWhy(programme: Command, choose: Choose): void {
  const why = programme
    .command('why')
    .description(
      'Explain how a Node, a Machine, a BareMetalHost or a Pod stands, and show the command that lets it go on or ends it. For a Machine, its workload cluster is asked too.',
    )
    .argument('<object>', `${WANTED_OBJECT}, or with the namespace: machine/NAMESPACE/NAME`)
    .argument('[name]', 'the name, where the kind stands alone')
    .action((object: string, name: string | undefined, given: GivenInspect & Texts) => {
      const text = name === undefined ? object : `${object}/${name}`;
      const named = readObject(text);
      if (named === undefined) return why.error(`error: '${text}' names no object. Wanted ${WANTED_OBJECT}.`);
      choose({ is: 'why', ...named, flags: inspectFlags(given) });
    });
  inspecting(why, 'namespace of the object (default: the context’s)').addHelpText(
    'after',
    '\nExit codes: 0 done, 1 not found or no answer, 2 wrong usage, configuration or no kubeconfig.',
  );
}

interface GivenPlan {
  readonly output: PlanFormat;
  /** False after `--no-color`. */
  readonly color: boolean;
}

function addPlan(programme: Command, choose: Choose): void {
  const plan = programme
    .command('plan')
    .description(
      'Show what would happen if Nodes were asked to go: each Pod’s fate, the verdict, and which may go together.',
    )
    .argument('<node...>', 'names of Nodes, also as node/NAME', parseNodes)
    .action((nodes: readonly string[], given: GivenPlan & Texts) =>
      choose({ is: 'plan', nodes, output: given.output, noColour: !given.color, flags: collect(given) }),
    );
  onCluster(plan, 'cluster')
    .addOption(outputOption(['text', 'json', 'yaml']))
    .option('--no-color', NO_COLOUR)
    .addHelpText(
      'after',
      '\nExit codes: 0 all may go or wait, 1 no answer, 2 wrong usage, 3 at least one would be rejected.',
    );
}

function addCompletion(programme: Command, choose: Choose): void {
  programme
    .command('completion')
    .description('Print a script that completes this command in a shell; `kubectl` for kubectl’s own completion.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .allowExcessArguments(false)
    .action((shell: Shell) => choose({ is: 'exit', code: 0, out: completionScript(shell), err: '' }));
}

const NO_COLOUR = 'no colours, as with the variable NO_COLOR';

/** Flags with the names of `run`, and its meaning. */
function onCluster(command: Command, which: string): Command {
  return command
    .addOption(gathering(new Option('--kubeconfig <file>', `kubeconfig file of the ${which}`)))
    .addOption(gathering(new Option('--context <name>', 'context of the kubeconfig to use')))
    .addOption(gathering(new Option('--kubecontext <name>')).hideHelp())
    .addOption(gathering(new Option('--config <file>', 'configuration file of the controller, for its settings')));
}

function inspecting(command: Command, namespaceHelp: string): Command {
  return onCluster(command, 'management cluster')
    .allowExcessArguments(false)
    .addOption(gathering(new Option('-n, --namespace <name>', namespaceHelp)))
    .addOption(outputOption(FORMATS))
    .option('--no-color', NO_COLOUR);
}

function outputOption(formats: readonly string[]): Option {
  return new Option('-o, --output <format>', 'output format').choices(formats).default('text');
}

function inspectFlags(given: GivenInspect & Texts): InspectFlags {
  return { given: collect(given), output: given.output, noColour: !given.color };
}

type NamedObject = Pick<Extract<Inspection, { is: 'why' }>, 'kind' | 'name' | 'namespace'>;

const WANTED_OBJECT = 'node/NAME, machine/NAME, baremetalhost/NAME or pod/NAME';

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
  po: 'Pod',
  pod: 'Pod',
  pods: 'Pod',
};

/** `kubectl get nodes -o name` writes `node/NAME`, and `status` does. */
function parseNodes(text: string, before: readonly string[] | undefined): readonly string[] {
  const named = text.includes('/') ? readObject(text) : { kind: 'Node', name: text };
  if (named === undefined) throw new InvalidArgumentError('Wanted node/NAME.');
  if (named.kind !== 'Node') throw new InvalidArgumentError('Wanted names of Nodes.');
  return [...(before ?? []), named.name];
}

/** A name alone is that of a Node, in which there is no slash; but the word for a kind is half a question. */
function readObject(text: string): NamedObject | undefined {
  const [word = '', ...names] = text.split('/');
  const kind = Object.hasOwn(KINDS, word.toLowerCase()) ? KINDS[word.toLowerCase()] : undefined;
  if (names.length === 0) return kind === undefined && word !== '' ? { kind: 'Node', name: word } : undefined;
  const [name = '', namespace] = names.toReversed();
  const mostNames = kind === 'Node' ? 1 : 2;
  if (kind === undefined || names.length > mostNames || names.includes('')) return undefined;
  return { kind, name, ...(namespace !== undefined && { namespace }) };
}
