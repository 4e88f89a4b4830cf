/** The commands and their flags as declarations: parser, usage texts and shell completion derive from them. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { SHOWN_KINDS } from '../app/features.ts';
import { FORMATS, type Format, OBSERVED } from '../commands/format.ts';
import type { InspectFlags } from '../commands/inspect.ts';
import type { Planned } from '../commands/plan.ts';
import type { PlanFormat } from '../commands/render-plan.ts';
import { MACHINE } from '../core/machine-objects.ts';
import { ENVIRONMENT_PREFIX } from '../core/option.ts';
import type { CommandLine } from './command-line.ts';
import { completionScript, SHELLS, type Shell } from './completion/completion-scripts.ts';
import { addEnter, addExit, addWait, NODES_HELP } from './node-commands.ts';
import { choiceOf, KINDS, namesOf, readObject, readObjects, WANTED_OBJECT } from './object-names.ts';
import { collect, gathering, optionsOfRows, TERMS, type Texts } from './option-flags.ts';
import { addRoll } from './roll-command.ts';
import { NO_COLOUR, onCluster, outputOption, readNodeNames } from './shared-options.ts';

type Choose = (chosen: CommandLine) => void;

/**
 * @param name as the user calls it: `maintenance-bridge`, or `kubectl node-maintenance`.
 * @param choose receives the parsed command.
 */
export function makeProgram(name: string, choose: Choose): Command {
  const program = new Command(name)
    .description(
      'Coordinates node maintenance on Kubernetes: taint a Node, and its Pods are checked, evicted and brought back.',
    )
    .showHelpAfterError('Try --help for usage.');
  addRun(program, choose);
  addStatus(program, choose);
  addWhy(program, choose);
  addPlan(program, choose);
  addEnter(program, choose);
  addExit(program, choose);
  addWait(program, choose);
  addRoll(program, choose);
  addDashboard(program, choose);
  addCompletion(program, choose);
  program
    .command('version')
    .description('Print the version, the commit it was built from and the version of Node.js.')
    .allowExcessArguments(false)
    .addOption(outputOption(['text', 'json']))
    .action(({ output }: { readonly output: 'text' | 'json' }) => choose({ is: 'version', format: output }));
  return program;
}

function addRun(program: Command, choose: Choose): void {
  const run = program
    .command('run')
    .description('Run the controllers against a cluster, until SIGTERM.')
    .allowExcessArguments(false)
    .configureHelp({ optionTerm: (option) => TERMS.get(option.long ?? '') ?? option.flags })
    .addHelpText(
      'after',
      `\nEach option can also be set by a variable: --log-level by ${ENVIRONMENT_PREFIX}LOG_LEVEL. Flags take precedence over variables,`,
    )
    .addHelpText(
      'after',
      'variables over the configuration file. Exit codes: 0 done, 1 failure, 2 invalid usage or configuration.',
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
  readonly leftBehind?: boolean;
}

function addStatus(program: Command, choose: Choose): void {
  const status = program
    .command('status')
    .description(
      `Show the ${choiceOf(
        SHOWN_KINDS.map((kind) => `${kind}s`),
        'and',
      )} whose maintenance or deletion is under way, and what they wait for. Reads the management cluster only, no workload cluster.`,
    )
    .argument('[object...]', `only these objects, under way or not: ${namesOf(SHOWN_KINDS)}`)
    .option('-a, --all', 'also show objects that are not under way')
    .option('-w, --watch', 'keep running and show every change, in place on a terminal, otherwise one line each')
    .option(
      '--left-behind',
      'list instead the hooks, held hosts, reports and stored Pods that would be left if the program were uninstalled now; exit code 1 if a hook or a host would be left, or if this cannot be determined',
    )
    .option('-A, --all-namespaces', 'Machines and hosts of all namespaces, regardless of the configuration')
    .option('-l, --selector <selector>', 'only objects that match this label selector, as in kubectl')
    .action((words: readonly string[], given: GivenStatus & Texts) => {
      const { all = false, allNamespaces = false, selector, watch = false, leftBehind = false } = given;
      const objects = readObjects(words).map(({ text, named }) => {
        if (named === undefined) return status.error(`error: '${text}' names no object. Wanted ${WANTED_OBJECT}.`);
        if (!SHOWN_KINDS.includes(named.kind))
          return status.error(`error: '${text}': ${named.kind}s are explained by why.`);
        return named;
      });
      const isPlain = objects.length === 0 && selector === undefined && !watch && !all;
      if (leftBehind && !isPlain) status.error('error: wanted --left-behind without objects, -l, -a and -w.');
      if (objects.length > 0 && selector !== undefined) status.error('error: wanted objects or -l, found both.');
      choose({
        is: 'status',
        flags: { ...inspectFlags(given), all, allNamespaces, selector, watch, leftBehind, objects },
      });
    });
  inspecting(status, 'namespace of the Machines and hosts, repeatable (default: all)').addHelpText(
    'after',
    '\nExit codes: 0 done, 1 not found, no response, or not everything could be read; 2 invalid usage or configuration, or no kubeconfig.',
  );
}

/** For developers, and hidden from help: the recording of a decision's input. */
interface GivenObserved extends Omit<GivenInspect, 'output'> {
  readonly output: typeof OBSERVED;
}

const isObserved = (given: (GivenInspect | GivenObserved) & Texts): given is GivenObserved & Texts =>
  given.output === OBSERVED;

function addWhy(program: Command, choose: Choose): void {
  const why = program
    .command('why')
    .description(
      `Explain the state of a ${choiceOf(KINDS)}, and show the command that lets it continue or ends it. For a Machine, its workload cluster is read too.`,
    )
    .argument('<object>', `${WANTED_OBJECT}, or with the namespace: machine/NAMESPACE/NAME`)
    .argument('[name]', 'the name, if the kind is given separately')
    .action((object: string, name: string | undefined, given: (GivenInspect | GivenObserved) & Texts) => {
      const text = name === undefined ? object : `${object}/${name}`;
      const named = readObject(text);
      if (named === undefined) return why.error(`error: '${text}' names no object. Wanted ${WANTED_OBJECT}.`);
      if (!isObserved(given)) return choose({ is: 'why', ...named, flags: inspectFlags(given) });
      if (named.kind !== 'Node') return why.error(`error: only of a Node there is '-o ${OBSERVED}'.`);
      choose({ is: 'observed', node: named.name, flags: collect(given) });
    });
  inspecting(why, 'namespace of the object (default: the context’s)', [OBSERVED]).addHelpText(
    'after',
    '\nExit codes: 0 done, 1 not found or no response, 2 invalid usage or configuration, or no kubeconfig.',
  );
}

interface GivenPlan {
  readonly namespace?: string;
  readonly selector?: string;
  readonly output: PlanFormat | 'html';
  /** False after `--no-color`. */
  readonly color: boolean;
}

function addPlan(program: Command, choose: Choose): void {
  const plan = program
    .command('plan')
    .description(
      'Show what would happen in a maintenance of Nodes: the verdict, the effect on each Pod, and which Nodes may be drained together.',
    )
    .argument('[node...]', `${NODES_HELP}; or machine/NAME, whose Node is judged in its workload cluster`)
    .action((words: readonly string[], given: GivenPlan & Texts) => {
      const { namespace, selector, ...flags } = given;
      const planned = readPlanned(plan, words, namespace, selector);
      choose({ is: 'plan', planned, output: given.output, noColour: !given.color, flags: collect(flags) });
    });
  onCluster(plan, 'cluster')
    .option('-l, --selector <selector>', 'instead of names: the Machines that match this label selector, as in kubectl')
    .option('-n, --namespace <name>', 'namespace of the Machines (default: the context’s)')
    .addOption(outputOption(['text', 'json', 'yaml', 'html']))
    .option('--no-color', NO_COLOUR)
    .addHelpText('after', '\n-o html writes one file with a diagram of where each Pod goes.')
    .addHelpText(
      'after',
      '\nExit codes: 0 all may be drained or wait, 1 no response or no such Node, 2 invalid usage or configuration, or no kubeconfig, 3 at least one would be rejected.',
    );
}

/** Nodes, or Machines; both together would be in different clusters. */
function readPlanned(
  plan: Command,
  words: readonly string[],
  namespace: string | undefined,
  selector: string | undefined,
): Planned {
  const objects = readObjects(words).map(({ named }) => named);
  const machines = objects.flatMap((named) => (named?.kind === MACHINE.kind ? [named] : []));
  if (selector !== undefined && words.length > 0) {
    return plan.error('error: wanted names, or -l SELECTOR of Machines, found both.');
  }
  if (selector?.trim() === '') return plan.error('error: -l: wanted a selector, found an empty one.');
  if (selector !== undefined) return { of: 'machines', machines: [], selector, namespace };
  if (words.length === 0) return plan.error('error: wanted names of Nodes, machine/NAME, or -l SELECTOR of Machines.');
  if (machines.length === 0) {
    return { of: 'nodes', names: readNodeNames(plan, words) };
  }
  if (machines.length < objects.length) return plan.error('error: wanted Nodes or Machines, found both.');
  return { of: 'machines', machines, namespace };
}

interface GivenDashboard {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly port?: number;
  /** False after `--no-open`. */
  readonly open: boolean;
}

function addDashboard(program: Command, choose: Choose): void {
  const command = program
    .command('dashboard')
    .description(
      'Serve a live, read-only page about all maintenance on 127.0.0.1, with your own rights, until Ctrl-C. The address contains a token that can be used once.',
    )
    .allowExcessArguments(false)
    .option('-A, --all-namespaces', 'Machines and hosts of all namespaces, regardless of the configuration')
    .option('-l, --selector <selector>', 'only objects that match this label selector, as in kubectl')
    .option('--port <number>', 'port to serve on (default: any free one)', parsePort)
    .option('--no-open', 'do not start a browser')
    .action((given: GivenDashboard & Texts) => {
      const { allNamespaces = false, selector, port, open } = given;
      choose({ is: 'dashboard', flags: { given: collect(given), allNamespaces, selector, port, open } });
    });
  onCluster(command, 'management cluster')
    .addOption(
      gathering(new Option('-n, --namespace <name>', 'namespace of the Machines and hosts, repeatable (default: all)')),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped by the user, 1 no response or the port is in use, 2 invalid usage or configuration, or no kubeconfig.',
    );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('Wanted a number from 1 to 65535.');
}

function addCompletion(program: Command, choose: Choose): void {
  program
    .command('completion')
    .description('Print a shell completion script; `kubectl` prints one for completion in kubectl.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .allowExcessArguments(false)
    .action((shell: Shell) => choose({ is: 'exit', code: 0, out: completionScript(shell), err: '' }));
}

function inspecting(command: Command, namespaceHelp: string, hiddenFormats: readonly string[] = []): Command {
  return onCluster(command, 'management cluster')
    .allowExcessArguments(false)
    .addOption(gathering(new Option('-n, --namespace <name>', namespaceHelp)))
    .addOption(outputOption(FORMATS, hiddenFormats))
    .option('--no-color', NO_COLOUR);
}

function inspectFlags(given: GivenInspect & Texts): InspectFlags {
  return { given: collect(given), output: given.output, noColour: !given.color };
}
