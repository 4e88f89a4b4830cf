/** Waits until Nodes reach their goals, shows their progress, and notices when no controller acts on them. */
import type { Explanation } from '../../core/explanation.ts';
import type { Node } from '../../core/objects.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { explainNode } from '../../tmm/explain/node.ts';
import type { MaintenanceTaint } from '../../tmm/names.ts';
import { ControllerWatch } from '../nodes/controller-watch.ts';
import { LeaseWatch, type LeaseWatchOptions } from '../nodes/lease-watch.ts';
import { type NodeFacts, rememberingFacts } from '../nodes/node-facts.ts';
import { NodeWatch } from '../nodes/node-watch.ts';
import { noticesTo } from '../notices.ts';
import type { Presenter } from '../presenters.ts';
import { type Goal, type Standing, standingOf } from './goal.ts';
import type { NodeOutcome, NodeResult } from './outcomes.ts';

export interface AwaitOptions {
  readonly client: ApiClient;
  readonly taints: readonly MaintenanceTaint[];
  readonly leases: Omit<LeaseWatchOptions, 'now'>;
  readonly presenter: Presenter;
  readonly now: () => number;
  /** Aborts when nobody waits any longer. */
  readonly stop: AbortSignal;
  /** In milliseconds, from the beginning of the wait. */
  readonly timeoutMs?: number | undefined;
}

export interface ReachOptions {
  /** By Node, the session whose end is awaited, if it is a certain one. */
  readonly sessions?: ReadonlyMap<string, string>;
  /** Ends the wait. @default `timeoutMs` from now on */
  readonly over?: AbortSignal;
  /** Whether a Node cannot reach its goal. */
  readonly isHopeless?: (name: string) => boolean;
}

const CHECK_MS = 1000;

/** Waits for several Nodes: first `open()`, then the writes, then `reach()`; `close()` in any case. */
export class NodeWait {
  readonly #options: AwaitOptions;
  readonly #names: readonly string[];
  readonly #nodes: NodeWatch;
  readonly #leases: LeaseWatch;
  readonly #controller: ControllerWatch;
  readonly #ending = new AbortController();
  readonly #asked = new Set<string>();
  readonly #factsOf: (node: Node) => NodeFacts;
  readonly #explained = new WeakMap<Node, Explanation>();
  /** By Node, what was shown last: it stays in view while the watch has not delivered our own write. */
  readonly #shown = new Map<string, Explanation>();
  #running: Promise<unknown> = Promise.resolve();
  #check: NodeJS.Timeout | undefined;
  #drawing: NodeJS.Timeout | undefined;
  #onTrouble: () => void = () => {};

  constructor(names: readonly string[], options: AwaitOptions) {
    const { now, presenter, leases } = options;
    this.#names = names;
    this.#options = options;
    this.#factsOf = rememberingFacts(options.taints);
    this.#nodes = new NodeWatch(names);
    this.#leases = new LeaseWatch({ ...leases, now });
    this.#controller = new ControllerWatch(now(), (text, isOver) => {
      presenter.notice({ text, isOver });
      this.#gather();
      if (!isOver) this.#onTrouble();
    });
  }

  /** @throws KubeError if the account may not watch these Nodes: before anything was written. */
  async open(): Promise<void> {
    const { client, presenter, stop } = this.#options;
    const signal = AbortSignal.any([stop, this.#ending.signal]);
    const log = noticesTo((notice) => {
      presenter.notice(notice);
      this.#gather();
    });
    this.#nodes.onChange((name) => this.#observe(name));
    this.#running = Promise.all([this.#nodes.run(client, log, signal), this.#leases.run(client, signal)]);
    this.#check = setInterval(() => this.#controller.check(this.#leases.seen(), this.#options.now()), CHECK_MS);
    await this.#nodes.synced(signal);
  }

  /** Must be notified of each Node that a write returned. */
  get nodes(): NodeWatch {
    return this.#nodes;
  }

  /** Waits until each Node is done, the signal aborts, or the wait ends. A Node is checked when it has changed. */
  async each(isDone: (name: string) => boolean, signal: AbortSignal): Promise<void> {
    const left = new Set(this.#names);
    await new Promise<void>((resolve) => {
      const ask = (name: string): void => {
        if (left.has(name) && isDone(name)) left.delete(name);
        if (left.size === 0) resolve();
      };
      this.#nodes.onChange(ask);
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
      for (const name of this.#names) ask(name);
      if (left.size === 0) resolve();
    });
  }

  /** `unknown` before the Node has been seen, and while the watch has not delivered our own write. */
  facts(name: string): NodeFacts | 'unknown' | 'absent' {
    const seen = this.#nodes.get(name);
    return seen.is === 'present' ? this.#factsOf(seen.object) : seen.is;
  }

  /** Waits until the controller has reacted on one of the Nodes, or its absence has been reported. */
  async answered(signal: AbortSignal): Promise<void> {
    const said = new AbortController();
    this.#onTrouble = () => said.abort();
    const answer = new AbortController();
    await this.each(
      (name) => {
        const facts = this.facts(name);
        const isOpen = typeof facts === 'string' || facts.isExitUnnoticed || (facts.asking && !facts.report);
        if (!isOpen) answer.abort();
        return !isOpen;
      },
      AbortSignal.any([signal, said.signal, answer.signal]),
    );
  }

  async reach(
    goal: Goal,
    { sessions, over, isHopeless = () => false }: ReachOptions = {},
  ): Promise<readonly NodeResult[]> {
    const { now, stop, timeoutMs, presenter } = this.#options;
    const startedMs = now();
    const results = new Map<string, NodeResult>();
    const ownLimit = (): AbortSignal =>
      timeoutMs === undefined ? stop : AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    const ticking = presenter.tickMs === undefined ? undefined : setInterval(() => this.#show(), presenter.tickMs);
    this.#show();
    await this.each((name) => {
      if (isHopeless(name)) return true;
      const session = sessions?.get(name);
      const wasAsked = this.#asked.has(name);
      const standing = standingOf(goal, this.facts(name), { wasAsked, ...(session !== undefined && { session }) });
      const outcome = OUTCOMES[goal][standing.is];
      if (outcome === undefined) return false;
      this.#controller.forget(name);
      const message = standing.is === 'Failed' ? standing.why : (MESSAGES[outcome] ?? outcome);
      results.set(name, { ...this.#result(name, outcome, message), afterMs: now() - startedMs });
      return true;
    }, over ?? ownLimit());
    clearInterval(ticking);
    this.#show();
    const otherwise = stop.aborted ? 'Interrupted' : 'TimedOut';
    return this.#names.map(
      (name) => results.get(name) ?? { ...this.#result(name, otherwise, `not ${goal}`), afterMs: now() - startedMs },
    );
  }

  /** May be called again. */
  async close(): Promise<void> {
    clearInterval(this.#check);
    clearTimeout(this.#drawing);
    this.#ending.abort();
    await this.#running;
    this.#options.presenter.close();
  }

  #observe(name: string): void {
    const seen = this.#nodes.get(name);
    if (seen.is !== 'present' || !this.#names.includes(name)) return;
    const facts = this.#factsOf(seen.object);
    if (facts.asking !== undefined) this.#asked.add(name);
    this.#controller.observe(seen.object, facts, this.#options.now());
    this.#gather();
  }

  #gather(): void {
    this.#drawing ??= setTimeout(() => this.#show(), this.#options.presenter.gatherMs);
  }

  #show(): void {
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
    let isComplete = true;
    for (const name of this.#names) {
      const { is } = this.#nodes.get(name);
      const now = this.#explain(name);
      if (now !== undefined) this.#shown.set(name, now);
      else if (is === 'absent') this.#shown.delete(name);
      else isComplete &&= this.#shown.has(name);
    }
    this.#options.presenter.show([...this.#shown.values()], isComplete);
  }

  #explain(name: string): Explanation | undefined {
    const seen = this.#nodes.get(name);
    if (seen.is !== 'present') return undefined;
    const known = this.#explained.get(seen.object) ?? explainNode(seen.object, this.#options.taints);
    this.#explained.set(seen.object, known);
    return known;
  }

  #result(node: string, outcome: NodeOutcome, message: string): NodeResult {
    const object = this.#explain(node);
    return { node, outcome, message, ...(object !== undefined && { object }) };
  }
}

const OUTCOMES: Readonly<Record<Goal, Partial<Readonly<Record<Standing['is'], NodeOutcome>>>>> = {
  drained: { Reached: 'Drained', Rejected: 'Rejected', Failed: 'Failed' },
  ended: { Reached: 'Ended', Failed: 'Failed' },
  rejected: { Reached: 'Rejected', Failed: 'Failed' },
};

const MESSAGES: Partial<Readonly<Record<NodeOutcome, string>>> = {
  Drained: 'drained',
  Ended: 'the maintenance has ended',
  Rejected: 'rejected',
};
