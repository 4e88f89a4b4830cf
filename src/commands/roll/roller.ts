/**
 * Carries out a roll: observes its Nodes, decides, acts, and repeats whenever something has changed. A change of one Node leads to a look at
 * those under way and at the next ones, however many the roll has.
 */
import type { Explanation } from '../../core/explanation.ts';
import type { Node } from '../../core/objects.ts';
import { isUnderWay, type RollRecord } from '../../core/roll-record.ts';
import { explainNode } from '../../tmm/explain/node.ts';
import type { MaintenanceTaint, Phase } from '../../tmm/names.ts';
import { rememberingFacts } from '../nodes/node-facts.ts';
import type { NodeWatch } from '../nodes/node-watch.ts';
import { hasTaint } from '../nodes/requests.ts';
import {
  decideRoll,
  type NodeView,
  type OnRejection,
  type RollDecision,
  type RollNode,
  type RollStep,
  type RollStop,
} from './decide.ts';
import type { RollEvent, RollPresenter } from './events.ts';
import type { Member, RollMembers } from './members.ts';
import type { RollWrites, Written } from './node-writes.ts';
import { DROPPED, STEPS, STOPS } from './texts.ts';
import { viewOf } from './view.ts';
import type { StartWork } from './work.ts';

export interface RollerOptions {
  readonly taint: MaintenanceTaint;
  /** All taints that request maintenance. */
  readonly taints: readonly MaintenanceTaint[];
  readonly maxUnavailable: number;
  readonly onRejection: OnRejection;
  readonly nodeTimeoutMs?: number | undefined;
  readonly watch: Pick<NodeWatch, 'get' | 'wrote' | 'onChange'>;
  readonly writes: RollWrites;
  readonly startWork: StartWork;
  /** Reads the Node's address for the work. Throws nothing; empty if it is not known. */
  readonly addressOf: (name: string) => Promise<string>;
  readonly presenter: RollPresenter;
  readonly now: () => number;
  /** Aborts when no further Node may begin. */
  readonly interrupted: AbortSignal;
  /** Aborts when the time limit of the roll has passed. */
  readonly late: AbortSignal;
  /** Aborts when the roll has to end at once. */
  readonly abandon: AbortSignal;
}

type WritingStep = Extract<RollStep, { readonly do: 'enter' | 'mark' | 'release' }>;

export interface RollEnd {
  readonly stop: RollStop | 'Abandoned' | undefined;
  readonly members: RollMembers;
}

/** Doubled after each rejection, so that a lasting cause costs little. */
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 300_000;

export class Roller {
  readonly #options: RollerOptions;
  readonly #members: RollMembers;
  readonly #factsOf: ReturnType<typeof rememberingFacts>;
  readonly #over = Promise.withResolvers<RollStop | undefined>();
  #isDue = false;
  #isOver = false;
  #wake: NodeJS.Timeout | undefined;
  #stop: RollStop | undefined;

  /** @param members updated as the roll proceeds. */
  constructor(members: RollMembers, options: RollerOptions) {
    this.#options = options;
    this.#factsOf = rememberingFacts(options.taints);
    this.#members = members;
  }

  /** Resolves when nothing is under way any more and nothing more will begin, or the roll was abandoned. */
  async run(): Promise<RollEnd> {
    const { watch, interrupted, late, abandon } = this.#options;
    watch.onChange((name) => {
      if (this.#members.get(name) !== undefined) this.#schedule();
    });
    for (const signal of [interrupted, late]) signal.addEventListener('abort', () => this.#schedule(), { once: true });
    const left = Promise.withResolvers<'Abandoned'>();
    const leave = (): void => left.resolve('Abandoned');
    if (abandon.aborted) leave();
    else abandon.addEventListener('abort', leave, { once: true });
    this.#schedule();
    try {
      const stop = await Promise.race([this.#over.promise, left.promise]);
      if (stop === 'Abandoned') this.#stopWork();
      return { stop, members: this.#members };
    } catch (error) {
      this.#stopWork();
      throw error;
    } finally {
      this.#isOver = true;
      clearTimeout(this.#wake);
    }
  }

  #stopWork(): void {
    for (const { work } of this.#members.active()) work?.stop();
  }

  #schedule(): void {
    if (this.#isDue || this.#isOver) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isOver) this.#pass();
    });
  }

  #pass(): void {
    const { now, presenter, nodeTimeoutMs, interrupted, late, maxUnavailable, onRejection } = this.#options;
    const nowMs = now();
    const members = this.#members;
    const nextRetryMs = members.nextRetryMs(nowMs);
    const decision: RollDecision = decideRoll({
      active: members.active().map((member) => this.#observe(member, nowMs)),
      pending: this.#observePending(nowMs),
      hasPending: members.hasPending,
      ...(nextRetryMs !== undefined && { nextRetryMs }),
      results: members.results(),
      nowMs,
      maxUnavailable,
      onRejection,
      ...(nodeTimeoutMs !== undefined && { nodeTimeoutMs }),
      isLate: late.aborted,
      isInterrupted: interrupted.aborted,
    });
    this.#sayStop(decision.stop);
    for (const step of decision.steps) this.#carryOut(step);
    clearTimeout(this.#wake);
    if (decision.wakeAtMs !== undefined) {
      this.#wake = setTimeout(() => this.#schedule(), Math.max(0, decision.wakeAtMs - nowMs));
    }
    presenter.update(() => ({
      counts: members.counts(),
      underWay: this.#explainUnderWay(),
      next: Array.from(members.pending(), ({ name }) => name),
    }));
    if (decision.isOver) this.#over.resolve(decision.stop);
  }

  *#observePending(nowMs: number): Iterable<RollNode> {
    for (const member of this.#members.pending()) yield this.#observe(member, nowMs);
  }

  #observe(member: Member, nowMs: number): RollNode {
    const { name, record, command, isBusy, retryAtMs } = member;
    const view = this.#view(member);
    if (record.state === 'Entering' && member.phase === 'Queued') member.countsSinceMs = nowMs;
    const { countsSinceMs } = member;
    return {
      name,
      record,
      view,
      command,
      isBusy,
      countsSinceMs,
      ...(retryAtMs !== undefined && { retryAtMs }),
    };
  }

  #view(member: Member): NodeView {
    const { taint, watch } = this.#options;
    const seen = watch.get(member.name);
    if (seen.is !== 'present') return seen;
    const facts = this.#factsOf(seen.object);
    const isSame = seen.object.metadata.uid === member.uid;
    if (isSame && isUnderWay(member.record.state)) this.#sayPhase(member, seen.object, facts.report?.phase);
    return viewOf(seen.object, facts, member, taint);
  }

  #carryOut(step: RollStep): void {
    const member = this.#members.get(step.node);
    if (member === undefined) return;
    switch (step.do) {
      case 'enter':
      case 'mark':
      case 'release':
        this.#write(member, step);
        break;
      case 'run':
        this.#run(member);
        break;
      case 'kill':
        if (member.command.is === 'running') member.command = { is: 'stopping' };
        member.work?.stop();
        break;
      case 'drop':
        this.#members.change(member, { dropped: step.why });
        this.#tell({ type: step.why, node: member.name, message: DROPPED[step.why] });
        this.#schedule();
        break;
    }
  }

  #write(member: Member, step: WritingStep): void {
    const { writes, now } = this.#options;
    const { message: _, blockedBy: __, ...before } = member.record;
    const state = step.do === 'enter' ? 'Entering' : step.state;
    const message = step.do === 'enter' ? undefined : step.message;
    const isRetry = step.do === 'release' && step.isRetry === true;
    const since = new Date(now()).toISOString();
    // Explain it now: once released, the Node does not show the reason any more.
    const rejected = state === 'Rejected' || isRetry ? this.#explain(member.name) : undefined;
    const blockedBy = rejected?.blockedBy;
    const record: RollRecord = {
      ...before,
      state,
      since,
      ...(message !== undefined && { message }),
      ...(blockedBy !== undefined && { blockedBy }),
    };
    this.#members.change(member, { isBusy: true });
    void writes[step.do](member.name, member.uid, record)
      .then((written) => this.#afterWrite(member, record, written, isRetry, rejected))
      .catch((error: unknown) => this.#over.reject(error))
      .finally(() => {
        this.#members.change(member, { isBusy: false });
        this.#schedule();
      });
  }

  #afterWrite(
    member: Member,
    record: RollRecord,
    written: Written,
    isRetry: boolean,
    object: RollEvent['object'],
  ): void {
    const { now, watch } = this.#options;
    if ('node' in written) {
      watch.wrote(written.node);
      member.isTainted = hasTaint(written.node, this.#options.taint);
    }
    switch (written.is) {
      case 'Written':
        break;
      case 'Withheld':
      case 'Abandoned':
        return; // A change in between leads to a new decision.
      case 'NotFound':
        // Even if the Node is gone, the failure of its command has to be reported.
        if (record.state !== 'Failed') {
          this.#members.change(member, { dropped: 'Gone' });
          this.#tell({ type: 'Gone', node: member.name, message: DROPPED.Gone });
          return;
        }
        break;
      case 'Refused':
        this.#members.change(member, { record: { ...member.record, state: 'Failed', message: written.why } });
        this.#tell({ type: 'Failed', node: member.name, message: written.why });
        return;
    }
    this.#members.change(member, { record });
    if (record.state === 'Entering') member.countsSinceMs = now();
    const { message } = record;
    if (isRetry) {
      const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** member.retries);
      member.retries += 1;
      this.#members.change(member, { retryAtMs: now() + pauseMs });
      const why = `${message ?? 'rejected'}; it is asked again in ${pauseMs / 1000}s`;
      this.#tell({ type: 'Retrying', node: member.name, message: why, ...(object && { object }) });
      return;
    }
    if (record.state === 'Pending') return;
    this.#tell({
      type: record.state,
      node: member.name,
      ...(message !== undefined ? { message } : { message: STEPS[record.state] }),
      ...(object && { object }),
    });
  }

  #run(member: Member): void {
    this.#members.change(member, { isBusy: true });
    void this.#options
      .addressOf(member.name)
      .then((address) => {
        this.#members.change(member, { isBusy: false });
        if (this.#isOver) return;
        const work = this.#options.startWork({ name: member.name, address });
        member.work = work;
        member.command = { is: 'running' };
        void work.ended.then((end) => {
          member.command = { is: 'ended', ...end };
          this.#schedule();
        });
        this.#schedule();
      })
      .catch((error: unknown) => this.#over.reject(error));
  }

  #sayPhase(member: Member, node: Node, phase: Phase | undefined): void {
    if (phase === undefined || phase === member.phase) return;
    member.phase = phase;
    // The roll has its own words for these phases.
    if (phase === 'InMaintenance' || phase === 'Rejected' || phase === 'Exiting') return;
    const { waitsFor, summary } = explainNode(node, this.#options.taints);
    this.#tell({ type: phase, node: member.name, message: waitsFor === undefined ? summary : `waits for ${waitsFor}` });
  }

  #sayStop(stop: RollStop | undefined): void {
    if (stop === undefined || stop === this.#stop) return;
    const isFirst = this.#stop === undefined;
    this.#stop = stop;
    if (!isFirst) return;
    const { underWay, pending } = this.#members.counts();
    const isAsked = stop === 'Interrupted';
    // Whoever presses Ctrl-C gets an answer, also when no Node is left to begin.
    if (pending === 0 && !(isAsked && underWay > 0)) return;
    const parts = [
      ...(pending === 0 ? [] : ['no further Node is begun']),
      ...(underWay === 0 ? [] : [`${underWay} under way ${underWay === 1 ? 'is' : 'are'} finished first`]),
      ...(isAsked && underWay > 0 ? ['Ctrl-C again leaves at once'] : []),
    ];
    this.#tell({ type: 'Stopping', message: `${STOPS[stop]}: ${parts.join('; ')}` });
  }

  #explain(name: string): RollEvent['object'] {
    const seen = this.#options.watch.get(name);
    return seen.is === 'present' ? explainNode(seen.object, this.#options.taints) : undefined;
  }

  #explainUnderWay(): readonly Explanation[] {
    return this.#members
      .active()
      .filter(({ record }) => isUnderWay(record.state))
      .flatMap(({ name }) => this.#explain(name) ?? []);
  }

  #tell(event: RollEvent): void {
    this.#options.presenter.event(event, this.#members.counts());
  }
}
