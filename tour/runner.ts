/**
 * The environment of the tour: a sandbox, the program as a user runs it against that, and functions that show what an operator would look
 * at.
 */
import { join } from 'node:path';
import { kubectl } from '../harness/kubectl-requests.ts';
import { Bridge, command } from '../harness/program.ts';
import { makeRest, type Rest } from '../harness/rest.ts';
import { eventually } from '../harness/wait.ts';
import type { ResourceName, Stored } from '../sandbox/api.ts';
import { isReady } from '../sandbox/cluster.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { startSandboxApi } from '../sandbox/start.ts';
import { parseReport, type Report } from '../src/tmm/model/report.ts';
import { REPORT_ANNOTATION } from '../src/tmm/names.ts';
import { FLEET, furnishMachines, furnishWorkloads, LABEL_PREFIX, nodeNames, podsOf, WEB_PODS } from './cluster.ts';
import { makeFolder } from './folder.ts';
import { bar, type Output } from './output.ts';
import { configureRamen, furnishHub, type RamenClusters } from './ramen.ts';

const NODES = nodeNames(4);
/** The program's flags in every tour. */
export const FLAGS = ['--leader-elect=false', '--enable-machine-drain', '--enable-metal3-maintenance'];
const LOG_LINES = 8;
/** The number of lines that report a drain if lines cannot be redrawn. */
const STEPS = 3;
const START_DEADLINE_MS = 60_000;
/** The variable that stands for the prefix of the labels on Machines and their Nodes. */
const PREFIX = { variable: '$P', value: LABEL_PREFIX } as const;
/** Short, but long enough to be seen. */
const TIMING = { podStartMs: 250, podStopMs: 150 };
const POWER = { powerOffMs: 300, powerOnMs: 300 };

/** A step did not end as it should. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** An awaited state. */
export interface Expectation<T> {
  /** A phrase that follows "Expected". */
  readonly what: string;
  /** The kinds whose changes may lead to it. */
  readonly of: readonly ResourceName[];
  /** Undefined until the state is reached. */
  readonly probe: () => T | undefined;
  /** The current state, for the message of a failure. */
  readonly found: () => string;
}

export interface RunnerOptions {
  readonly output: Output;
  /** Further flags for `maintenance-bridge run`, in addition to the tour's own. */
  readonly flags: readonly string[];
  /** How long each step may take. */
  readonly stepDeadlineMs: number;
}

export class Runner {
  readonly output: Output;
  readonly #sandbox: Sandbox;
  readonly #bridge: Bridge;
  readonly #rest: Rest;
  readonly #kubeconfig: string;
  readonly #stepDeadlineMs: number;
  /** The managed clusters of the hub; absent if the user's own configuration is tried. */
  readonly ramen: RamenClusters | undefined;

  private constructor(
    sandbox: Sandbox,
    folder: string,
    { output, flags, stepDeadlineMs }: RunnerOptions,
    ramen?: RamenClusters,
  ) {
    const { url, ca, token } = sandbox;
    const kubeconfig = kubeconfigIn(folder);
    this.output = output;
    this.#sandbox = sandbox;
    this.#kubeconfig = kubeconfig;
    this.ramen = ramen;
    const config = ramen === undefined ? [] : ['--config', configureRamen(folder)];
    this.#bridge = new Bridge({ kubeconfig, flags: [...FLAGS, ...config, ...flags] });
    this.#rest = makeRest({ server: url, ca, token });
    this.#stepDeadlineMs = stepDeadlineMs;
  }

  /** On return the controllers run, and everything in the cluster is ready. Its files are removed with the process at the latest. */
  static async build(options: RunnerOptions): Promise<Runner> {
    const folder = makeFolder('maintenance-bridge-tour-');
    const sandbox = await startSandbox({ clusterApi: true, metal3: POWER, timing: TIMING });
    await sandbox.writeKubeconfig(kubeconfigIn(folder));
    const hasOwn = options.flags.some((flag) => /^--config(=|$)/.test(flag));
    const [east, west] = hasOwn ? [] : await Promise.all([startSandboxApi(), startSandboxApi()]);
    const ramen = east && west && { east, west };
    if (ramen !== undefined) furnishHub(sandbox.api, ramen);
    const runner = new Runner(sandbox, folder, options, ramen);
    try {
      // The program starts while the cluster fills.
      await Promise.all([runner.#programRuns(), runner.#furnish()]);
      return runner;
    } catch (error) {
      await runner.clear();
      throw error;
    }
  }

  async #furnish(): Promise<void> {
    await furnishMachines(this.#sandbox, NODES);
    await furnishWorkloads(this.#sandbox, NODES);
  }

  async #programRuns(): Promise<void> {
    const hasBegun = (): boolean =>
      this.#bridge.lines.some(({ msg, runnable }) => msg === 'Starting' && runnable === 'tmm');
    const end = await eventually(
      () => {
        if (!this.#bridge.isRunning()) return 'ended';
        return hasBegun() ? 'runs' : undefined;
      },
      { what: 'the controllers to start', deadlineMs: START_DEADLINE_MS },
    );
    if (end === 'ended') throw new Error(`maintenance-bridge run has ended:\n${this.lastLogLines().join('\n')}`);
  }

  /** Ends the program and the cluster. */
  async clear(): Promise<void> {
    await this.#bridge.end();
    this.#rest.close();
    await Promise.all([this.#sandbox, ...Object.values(this.ramen ?? {})].map((each) => each.stop()));
  }

  get api(): Sandbox['api'] {
    return this.#sandbox.api;
  }

  /** Shows how users can shorten the long prefix of labels; `kubectl()` knows the variable from the start. */
  definePrefix(): void {
    this.output.command(`${PREFIX.variable.slice(1)}=${PREFIX.value}`);
  }

  /** The shown form of a label's key. */
  short(label: string): string {
    return label.replace(PREFIX.value, PREFIX.variable);
  }

  /** Shows a command of kubectl, and has the same effect. Words of the command are separated by one space each. */
  async kubectl(text: string): Promise<void> {
    this.output.command(`kubectl ${text}`);
    const { code, stderr } = await kubectl(this.#rest, text.replaceAll(PREFIX.variable, PREFIX.value).split(' '));
    if (code !== 0)
      throw new StepFailed(`Expected kubectl to end with code 0\nFound    code ${code}: ${stderr.trim()}`);
  }

  /** Shows a command of ours, runs it, and shows its output. */
  async run(text: string, expectedCode: number): Promise<void> {
    this.output.command(`maintenance-bridge ${text}`);
    const { code, out, err } = await command([...text.split(' '), '--kubeconfig', this.#kubeconfig]);
    this.output.answer(`${out}${err}(exit code ${code})`);
    if (code !== expectedCode) throw new StepFailed(`Expected exit code ${expectedCode}\nFound    exit code ${code}`);
  }

  /** @throws StepFailed with the expected and the actual state, once the deadline of a step has passed */
  async expect<T>({ what, of, probe, found }: Expectation<T>): Promise<T> {
    try {
      return await this.#sandbox.until(of, probe, what, this.#stepDeadlineMs);
    } catch (cause) {
      throw new StepFailed(`Expected ${what}\nFound    ${found()}`, { cause });
    }
  }

  /**
   * Shows the Node's own report as it changes, and how its Pods leave, until it is in that phase, or has no report any more.
   *
   * @returns the least number of Pods of `web` that were ready at any moment.
   */
  async follow(node: string, phase: Report['phase'] | undefined): Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    const look = (): true | undefined => {
      const report = this.report(node);
      const ready = podsOf(this.api, 'web').filter(isReady).length;
      least = Math.min(least, ready);
      // Without a request only the end of the session is shown.
      if (report !== undefined && (phase !== undefined || report.phase === 'Exiting')) this.#draw(node, report, ready);
      return report?.phase === phase || undefined;
    };
    const found = (): string => describe(this.report(node));
    const what =
      phase === undefined ? `Node ${node} to have no report any more` : `Node ${node} to be in phase ${phase}`;
    try {
      await this.expect({ what, of: ['nodes', 'pods'], probe: look, found });
    } finally {
      this.output.end();
    }
    return least;
  }

  /** The program writes its report at most once a second; the Pods themselves show the progress in between. */
  #draw(node: string, { phase, pods, message }: Report, ready: number): void {
    const isDraining = phase === 'Draining';
    const here = podsOf(this.api, 'web').filter(({ spec }) => spec.nodeName === node).length;
    const gone = isDraining ? Math.max(pods.gone, pods.total - here) : pods.gone;
    const text = isDraining ? `${ready} of ${WEB_PODS} Pods of web are ready` : message;
    const line = `${phase.padEnd(14)}${bar(gone, pods.total)} ${text}`;
    // The next phase shows the end of a drain.
    const step = Math.floor((Math.min(gone, pods.total - 1) * STEPS) / Math.max(1, pods.total));
    this.output.progress(line, `${phase} ${step}`);
  }

  report(node: string): Report | undefined {
    const seen = parseReport(
      this.api.get({ resource: 'nodes', name: node })?.metadata.annotations?.[REPORT_ANNOTATION],
    );
    return seen.is === 'valid' ? seen.report : undefined;
  }

  machine(name: string): Stored | undefined {
    return this.api.get({ resource: 'machines.cluster.x-k8s.io', namespace: FLEET.namespace, name });
  }

  /** Waits for an Event about a Node, and shows it. */
  async showEvent(node: string, reason: string): Promise<void> {
    const events = (): readonly ShownEvent[] =>
      // The API server has validated them as Events of `events.k8s.io/v1`.
      (this.api.list('events.events.k8s.io') as unknown as readonly ShownEvent[]).filter(
        ({ regarding }) => regarding.kind === 'Node' && regarding.name === node,
      );
    const event = await this.expect({
      what: `Event ${reason} about Node ${node}`,
      of: ['events.events.k8s.io'],
      probe: () => events().find((each) => each.reason === reason),
      found: () =>
        `Events ${
          events()
            .map((each) => each.reason)
            .join(', ') || 'of no kind'
        }`,
    });
    this.output.event(event);
  }

  /** The end of the program's log, for investigating a failure. */
  lastLogLines(): readonly string[] {
    return this.#bridge.lines.slice(-LOG_LINES).map(({ level, msg, time: _, reconcileID: __, ...fields }) => {
      const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
      return level === 'none' ? msg : `${level.toUpperCase().padEnd(5)} ${msg}${rest}`;
    });
  }
}

const kubeconfigIn = (folder: string): string => join(folder, 'kubeconfig');

interface ShownEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

function describe(report: Report | undefined): string {
  return report === undefined ? 'no report on the Node' : `phase ${report.phase}: ${report.message}`;
}
