/** `enter`, `exit` and `wait`: maintenance of Nodes with the caller's own rights. */
import { formatTaint } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { isKubeError } from '../../kube/http/errors.ts';
import { explainNode } from '../../tmm/explain/node.ts';
import { isOfMachine } from '../../tmm/model/taints.ts';
import type { MaintenanceTaint } from '../../tmm/names.ts';
import { type CommandContext, withCluster } from '../cluster.ts';
import type { Format } from '../format.ts';
import { forEachAtOnce } from '../nodes/at-once.ts';
import { chooseNodes, type NodeChoice } from '../nodes/choose.ts';
import { factsOf, untaintCommand } from '../nodes/node-facts.ts';
import { askFor, type Requested, release } from '../nodes/requests.ts';
import { failed, type Outcome } from '../outcome.ts';
import { type Display, type Presenter, presenterFor } from '../presenters.ts';
import { type Configured, configure } from '../settings.ts';
import { type AwaitOptions, NodeWait } from './await-goals.ts';
import type { Goal } from './goal.ts';
import { codeOf, type NodeOutcome, type NodeResult, renderResults, resultsDocument } from './outcomes.ts';

/** The flags that the three commands share. */
export interface MaintainFlags {
  /** The flags of `run` that apply here, as texts by flag. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly choice: NodeChoice;
  readonly output: Format;
  readonly noColour: boolean;
  /** Milliseconds; absent: without a limit. */
  readonly timeoutMs?: number | undefined;
}

export type Maintenance =
  | { readonly is: 'enter' | 'exit'; readonly wait: boolean; readonly flags: MaintainFlags }
  | { readonly is: 'wait'; readonly goal: Goal; readonly flags: MaintainFlags };

export interface MaintainContext extends Pick<CommandContext, 'env' | 'homedir'>, Display {
  /** Ends the waiting. */
  readonly stop: AbortSignal;
}

type Code = 0 | 1 | 3 | 4;
type Settled = Extract<Configured, { is: 'ok' }>;

/** The namespace in which the chart is installed by default. */
const USUAL_NAMESPACE = 'maintenance-bridge';
/** A controller reacts within a second; after this time it is known that none does. */
const LOOK_MS = 5000;

/**
 * Exit codes: 0 reached, or requested if the command does not wait; 1 a failure; 2 wrong configuration, or no usable kubeconfig; 3
 * rejected; 4 out of time. For several Nodes the gravest counts: a failure before a rejection before a timeout.
 */
export async function maintain(command: Maintenance, context: MaintainContext): Promise<Outcome<0 | 1 | 2 | 3 | 4>> {
  const configured = configure(command.flags.given, context.env);
  if (configured.is === 'faults') return failed(2, ...configured.faults);
  return withCluster(configured.options, context, async (client, credentials): Promise<Outcome<Code>> => {
    const { choice } = command.flags;
    const { found, missing } = await chooseNodes(client, choice);
    if (found.length === 0 && 'selector' in choice) return failed(1, `No Node has the labels ${choice.selector}`);
    const absent = missing.map((node): NodeResult => ({ node, outcome: 'NotFound', message: 'there is no such Node' }));
    const likely = [...new Set([credentials.namespace ?? 'default', USUAL_NAMESPACE])];
    const job = new Job(command, client, configured, likely, context);
    const results = await job.run(found);
    return answer(command, [...results, ...absent], context);
  });
}

/** Runs one of the commands on Nodes that exist. */
class Job {
  readonly #command: Maintenance;
  readonly #client: ApiClient;
  readonly #configured: Settled;
  readonly #likely: readonly string[];
  readonly #context: MaintainContext;
  readonly #presenter: Presenter;

  constructor(
    command: Maintenance,
    client: ApiClient,
    configured: Settled,
    likely: readonly string[],
    context: MaintainContext,
  ) {
    this.#command = command;
    this.#client = client;
    this.#configured = configured;
    this.#likely = likely;
    this.#context = context;
    this.#presenter = presenter(command, context);
  }

  async run(nodes: readonly Node[]): Promise<readonly NodeResult[]> {
    const command = this.#command;
    const wait = new NodeWait(
      nodes.map(({ metadata }) => metadata.name),
      this.#awaitOptions(),
    );
    try {
      if (command.is !== 'wait' && !command.wait) return await this.#requestAndLook(nodes, wait);
      await wait.open();
      if (command.is === 'wait') return await wait.reach(command.goal);
      return await this.#requestAndReach(nodes, wait);
    } finally {
      await wait.close();
    }
  }

  /** Watches for a moment, to report a controller that is not running. */
  async #requestAndLook(nodes: readonly Node[], wait: NodeWait): Promise<readonly NodeResult[]> {
    const canLook = await wait.open().then(
      () => true,
      (error: unknown) => {
        // An account that may write Nodes but not watch them gets only the request itself.
        if (isKubeError(error)) return false;
        throw error;
      },
    );
    const results = [...(await this.#request(nodes, (node) => wait.nodes.wrote(node))).values()];
    const isNew = results.some(({ outcome }) => outcome === 'Asked' || outcome === 'Released');
    if (canLook && isNew) await wait.answered(AbortSignal.any([this.#context.stop, AbortSignal.timeout(LOOK_MS)]));
    return results;
  }

  /** Before the last request is seen to have ended, a new one would be taken for it. */
  async #requestAndReach(nodes: readonly Node[], wait: NodeWait): Promise<readonly NodeResult[]> {
    const { stop } = this.#context;
    const { timeoutMs } = this.#command.flags;
    const isEnter = this.#command.is === 'enter';
    const late = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
    const over = AbortSignal.any([stop, ...late]);
    if (isEnter) {
      await wait.each((name) => {
        const facts = wait.facts(name);
        return typeof facts === 'string' || !facts.isExitUnnoticed;
      }, over);
    }
    const sessions = new Map(nodes.flatMap((node) => sessionOf(node, this.#taints)));
    const requested: ReadonlyMap<string, NodeResult> = over.aborted
      ? new Map()
      : await this.#request(nodes, (node) => wait.nodes.wrote(node));
    const hopeless = (name: string): NodeResult | undefined => {
      const result = requested.get(name);
      return result === undefined || isAsked(result.outcome) ? undefined : result;
    };
    const reached = await wait.reach(isEnter ? 'drained' : 'ended', {
      ...(!isEnter && { sessions }),
      over,
      isHopeless: (name) => hopeless(name) !== undefined,
    });
    return reached.map((result) => hopeless(result.node) ?? result);
  }

  get #taints(): readonly MaintenanceTaint[] {
    return this.#configured.settings.tmm.taints;
  }

  /** Sets or removes the taint on all Nodes. The failure of one does not affect the others. */
  async #request(nodes: readonly Node[], wrote: (node: Node) => void): Promise<ReadonlyMap<string, NodeResult>> {
    // In the order of the Nodes, whatever the order of the answers.
    const results = new Map(nodes.map(({ metadata: { name } }) => [name, unanswered(name)] as const));
    const [taint] = this.#configured.options.tmm.settings.taints;
    if (taint === undefined) throw new RangeError('Settings have at least one taint');
    const isEnter = this.#command.is === 'enter';
    await forEachAtOnce(nodes, async ({ metadata: { name } }) => {
      try {
        const done = await (isEnter ? askFor : release)(this.#client, name, taint);
        if ('node' in done) wrote(done.node);
        results.set(name, resultOf(name, done, isEnter, taint, this.#taints));
      } catch (error) {
        if (!isKubeError(error)) throw error;
        results.set(name, { node: name, outcome: 'Failed', message: error.message });
      }
    });
    return results;
  }

  #awaitOptions(): AwaitOptions {
    const { now, stop } = this.#context;
    const { leaderElection } = this.#configured.options;
    const { id, namespace } = leaderElection;
    return {
      client: this.#client,
      taints: this.#taints,
      leases: { id, namespace, likely: this.#likely },
      presenter: this.#presenter,
      now,
      stop,
      timeoutMs: this.#command.flags.timeoutMs,
    };
  }
}

const unanswered = (node: string): NodeResult => ({ node, outcome: 'Failed', message: 'not asked' });

function sessionOf(node: Node, taints: readonly MaintenanceTaint[]): [string, string][] {
  const { report } = factsOf(node, taints);
  return report === undefined ? [] : [[node.metadata.name, report.session]];
}

const isAsked = (outcome: NodeOutcome): boolean => ['Asked', 'AlreadyAsked', 'Released', 'NotAsked'].includes(outcome);

function resultOf(
  node: string,
  done: Requested,
  isEnter: boolean,
  taint: MaintenanceTaint,
  taints: readonly MaintenanceTaint[],
): NodeResult {
  if (done.is === 'NotFound') return { node, outcome: 'NotFound', message: 'there is no such Node' };
  if (done.is === 'Refused') return { node, outcome: 'Failed', message: done.why };
  const object = explainNode(done.node, taints);
  const isNew = done.is === 'Done';
  if (isEnter) {
    const message = `${isNew ? 'asked' : 'was asked already'} to enter maintenance (${formatTaint(taint)})`;
    return { node, outcome: isNew ? 'Asked' : 'AlreadyAsked', message, object };
  }
  // Another of the configured taints is somebody else's request.
  const { asking } = factsOf(done.node, taints);
  const still = asking && `; ${stillAsks(node, asking)}`;
  const message = isNew ? `released (${formatTaint(taint)} removed)` : `carries no ${formatTaint(taint)}`;
  return { node, outcome: isNew ? 'Released' : 'NotAsked', message: `${message}${still ?? ''}`, object };
}

function stillAsks(node: string, taint: MaintenanceTaint): string {
  if (isOfMachine(taint)) return `its Machine asks for its maintenance: maintenance-bridge why node/${node}`;
  return `it is asked by another taint still: ${untaintCommand(node, taint)}`;
}

/** Programs get one document at the end; and without a wait there is no progress to show. */
function presenter(command: Maintenance, context: MaintainContext): Presenter {
  const { output } = command.flags;
  const waits = command.is === 'wait' || command.wait;
  if (waits && output !== 'json' && output !== 'yaml') return presenterFor({ output, all: true }, context);
  return {
    gatherMs: 0,
    show: () => {},
    notice: ({ text }) => context.writeError(`${text}\n`),
    close: () => {},
  };
}

function answer(
  command: Maintenance,
  results: readonly NodeResult[],
  { terminal, now }: MaintainContext,
): Outcome<Code> {
  const { output } = command.flags;
  const code = codeOf(results, (outcome) => goodOf(command).includes(outcome));
  const left = stillTainted(command, results);
  const err = left.map((line) => `${line}\n`).join('');
  if (output === 'json' || output === 'yaml') return { code, out: resultsDocument(results, code, output), err };
  return { code, out: renderResults(results, output, now(), terminal.canvas()), err };
}

function goodOf(command: Maintenance): readonly NodeOutcome[] {
  switch (command.is) {
    case 'enter':
      return command.wait ? ['Drained'] : ['Asked', 'AlreadyAsked'];
    case 'exit':
      return command.wait ? ['Ended'] : ['Released', 'NotAsked'];
    case 'wait':
      return [({ drained: 'Drained', ended: 'Ended', rejected: 'Rejected' } as const)[command.goal]];
  }
}

/** A command that stops waiting does not withdraw its request. */
function stillTainted(command: Maintenance, results: readonly NodeResult[]): readonly string[] {
  if (command.is !== 'enter' || !command.wait) return [];
  const names = results
    .filter(({ outcome }) => outcome === 'Interrupted' || outcome === 'TimedOut')
    .map(({ node }) => node);
  return names.length === 0
    ? []
    : [`Still asked to enter maintenance; to end it: maintenance-bridge exit ${names.join(' ')}`];
}
