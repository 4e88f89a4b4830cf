/**
 * Decides the next steps of a roll from the Nodes under way and the next ones. Pure: the same observation gives the same steps.
 *
 * Rules: maintenance of a Node is requested only if nobody else has requested it. No command runs before the controller reports `Drained`.
 * Before a command has run, a Node that cannot proceed is released; afterwards its taint stays, since somebody may have the machine open.
 * One failure ends the roll, after the Nodes under way have finished; the effect of a rejection is the user's choice.
 */
import { isOpen, isUnderWay, type RollRecord, type RollState } from '../../core/roll-record.ts';

export const ON_REJECTION = ['stop', 'skip', 'retry'] as const;
export type OnRejection = (typeof ON_REJECTION)[number];

/** The state of one Node in the cluster. */
export type NodeView =
  /** The watch has not shown the Node since our last write. */
  | { readonly is: 'unknown' }
  | { readonly is: 'absent' }
  /** Another Node has its name now: for instance, the machine was reinstalled. */
  | { readonly is: 'replaced'; readonly isReady: boolean }
  | {
      readonly is: 'present';
      /** The owner of the record on it. `nobody`: it was removed by hand. */
      readonly owner: 'us' | 'nobody' | 'other';
      /** The taint that rolls set is present. */
      readonly isTainted: boolean;
      /** Another taint requests its maintenance, or prevents ours. */
      readonly isTaken: boolean;
      /** The state of the last request. `unnoticed`: a new request would be taken for the old one. */
      readonly leftover: 'none' | 'exiting' | 'unnoticed';
      readonly isRejected: boolean;
      readonly isDrained: boolean;
      readonly isReady: boolean;
      /** Why it was rejected, or what it waits for. */
      readonly detail: string;
    };

export type CommandView =
  | { readonly is: 'none' | 'running' | 'stopping' }
  /** `code` is null if a signal ended it. */
  | { readonly is: 'ended'; readonly code: number | null; readonly how: string };

export interface RollNode {
  readonly name: string;
  readonly record: RollRecord;
  readonly view: NodeView;
  readonly command: CommandView;
  /** A write of ours is in flight: nothing is decided until its result is known. */
  readonly isBusy: boolean;
  /** The start of its time limit, which does not run while the Node is in the controller's queue. */
  readonly countsSinceMs: number;
  /** After a rejection, the earliest time of the next request; absent if it was never rejected. */
  readonly retryAtMs?: number;
}

/** A result of a Node that may end the roll. `Lost`: another process continues the roll there. */
export type RollResult = 'Lost' | 'Failed' | 'TimedOut' | 'Rejected';

/** The Nodes that are finished are not in it, so that a decision does not take longer the more Nodes the roll has. */
export interface RollObserved {
  /** The Nodes under way, and those with a write in flight. */
  readonly active: readonly RollNode[];
  /** The Nodes whose turn has not come, in the order of the roll. It is read only as far as there is room for more Nodes. */
  readonly pending: Iterable<RollNode>;
  readonly hasPending: boolean;
  /** The earliest time at which a pending Node is requested again after a rejection. */
  readonly nextRetryMs?: number;
  /** The results so far that may end the roll. */
  readonly results: ReadonlySet<RollResult>;
  readonly nowMs: number;
  readonly maxUnavailable: number;
  readonly onRejection: OnRejection;
  readonly nodeTimeoutMs?: number;
  /** The time limit of the whole roll has passed. */
  readonly isLate: boolean;
  /** The user has asked to stop. */
  readonly isInterrupted: boolean;
}

export type RollStep =
  /** Sets the taint and records it on the Node, in one write. */
  | { readonly do: 'enter'; readonly node: string }
  | { readonly do: 'run' | 'kill'; readonly node: string }
  /** Records the state of the Node. */
  | { readonly do: 'mark'; readonly node: string; readonly state: RollState; readonly message?: string }
  /** Records the state, and removes the taint in the same write. */
  | {
      readonly do: 'release';
      readonly node: string;
      readonly state: RollState;
      readonly message?: string;
      /** Maintenance is requested again later. */
      readonly isRetry?: true;
    }
  /** Nothing is written: the Node is gone, belongs to another process, or was taken out of the roll by hand. */
  | { readonly do: 'drop'; readonly node: string; readonly why: 'Gone' | 'Lost' | 'Excluded' };

/** Why no further Node is begun. */
export type RollStop = 'Interrupted' | 'TimedOut' | 'Rejected' | 'Failed' | 'Lost';

export interface RollDecision {
  readonly steps: readonly RollStep[];
  readonly stop: RollStop | undefined;
  /** Nothing is under way, and nothing more will begin. */
  readonly isOver: boolean;
  /** When the passing of time alone changes the decision. */
  readonly wakeAtMs?: number;
}

export function decideRoll(observed: RollObserved): RollDecision {
  const { active, pending, hasPending, nextRetryMs, nowMs, maxUnavailable, nodeTimeoutMs } = observed;
  const stop = stopOf(observed);
  const steps: RollStep[] = [];
  for (const node of active) if (isUnderWay(node.record.state)) steps.push(...stepsOf(node, observed));
  let free = maxUnavailable - active.filter(({ record }) => isOpen(record.state)).length;
  if (stop === undefined && free > 0) {
    for (const node of pending) {
      // A Node whose state is about to be known is not overtaken, since the order was requested.
      if (node.view.is === 'unknown') break;
      const step = beginOf(node, nowMs);
      if (step === undefined) continue;
      steps.push(step);
      if (step.do === 'enter') free -= 1;
      if (free <= 0) break;
    }
  }
  const times = [
    ...(nextRetryMs === undefined ? [] : [nextRetryMs]),
    ...(nodeTimeoutMs === undefined
      ? []
      : active.filter(({ record }) => isUnderWay(record.state)).map((node) => node.countsSinceMs + nodeTimeoutMs)),
  ].filter((ms) => ms > nowMs);
  return {
    steps,
    stop,
    isOver: steps.length === 0 && active.length === 0 && (stop !== undefined || !hasPending),
    ...(times.length > 0 && { wakeAtMs: Math.min(...times) }),
  };
}

function stopOf({ results, isInterrupted, isLate, onRejection }: RollObserved): RollStop | undefined {
  if (results.has('Lost')) return 'Lost';
  if (results.has('Failed')) return 'Failed';
  if (results.has('TimedOut') || isLate) return 'TimedOut';
  if (onRejection === 'stop' && results.has('Rejected')) return 'Rejected';
  return isInterrupted ? 'Interrupted' : undefined;
}

/** The first step of a Node whose turn it may be; undefined if it has to wait. */
function beginOf({ name, view, retryAtMs }: RollNode, nowMs: number): RollStep | undefined {
  switch (view.is) {
    case 'unknown':
      return undefined;
    case 'absent':
    case 'replaced':
      return { do: 'drop', node: name, why: 'Gone' };
    case 'present':
      if (view.owner !== 'us') return { do: 'drop', node: name, why: view.owner === 'other' ? 'Lost' : 'Excluded' };
      if (view.isTainted || view.isTaken) return { do: 'mark', node: name, state: 'Skipped', message: TAKEN };
      // The old session of a rejected Node must be over, so that the Node is judged again.
      if (view.leftover === 'unnoticed' || (view.leftover === 'exiting' && retryAtMs !== undefined)) return undefined;
      return retryAtMs !== undefined && nowMs < retryAtMs ? undefined : { do: 'enter', node: name };
  }
}

const TAKEN = 'somebody else has asked for its maintenance';

function stepsOf(node: RollNode, observed: RollObserved): readonly RollStep[] {
  const { name, view, command, isBusy, record } = node;
  if (isBusy || view.is === 'unknown') return [];
  const runs = command.is === 'running' || command.is === 'stopping';
  const isLate = observed.nodeTimeoutMs !== undefined && observed.nowMs >= node.countsSinceMs + observed.nodeTimeoutMs;
  if (view.is !== 'present') {
    // Whatever replaces the machine may delete its Node: the command may finish.
    if (runs) return isLate && command.is === 'running' ? [{ do: 'kill', node: name }] : [];
    if (command.is === 'ended' && command.code !== 0) return [failed(name, command)];
    return view.is === 'replaced' && !view.isReady && !isLate ? [] : [{ do: 'drop', node: name, why: 'Gone' }];
  }
  if (view.owner === 'other')
    return [...(runs ? [{ do: 'kill', node: name } as const] : []), { do: 'drop', node: name, why: 'Lost' }];
  switch (record.state) {
    case 'Entering':
      return entering(node, view, observed, isLate);
    case 'Working':
      return working(node, view, isLate);
    case 'Returning':
      if (view.isReady) return [{ do: 'release', node: name, state: 'Done' }];
      return isLate ? [{ do: 'mark', node: name, state: 'TimedOut', message: 'it has not come back Ready' }] : [];
    default:
      return [];
  }
}

type Present = Extract<NodeView, { is: 'present' }>;

function entering({ name }: RollNode, view: Present, observed: RollObserved, isLate: boolean): readonly RollStep[] {
  if (!view.isTainted) return [{ do: 'mark', node: name, state: 'Failed', message: UNTAINTED }];
  if (view.isRejected) {
    const isRetry = observed.onRejection === 'retry' && !observed.isLate && !observed.isInterrupted;
    const message = view.detail;
    return isRetry
      ? [{ do: 'release', node: name, state: 'Pending', message, isRetry }]
      : [{ do: 'release', node: name, state: 'Rejected', message }];
  }
  if (view.isDrained) return [{ do: 'mark', node: name, state: 'Working' }];
  if (!isLate && !observed.isLate) return [];
  return [{ do: 'release', node: name, state: 'TimedOut', message: `it was not drained in time: ${view.detail}` }];
}

const UNTAINTED = 'somebody has taken the taint away';

function working({ name, command }: RollNode, view: Present, isLate: boolean): readonly RollStep[] {
  switch (command.is) {
    case 'none':
      if (!view.isTainted) return [{ do: 'mark', node: name, state: 'Failed', message: UNTAINTED }];
      // When a roll resumes, the Node waits until it is drained, as it did the first time.
      if (view.isDrained) return [{ do: 'run', node: name }];
      return isLate ? [{ do: 'mark', node: name, state: 'TimedOut', message: view.detail }] : [];
    case 'running':
      return isLate ? [{ do: 'kill', node: name }] : [];
    case 'stopping':
      return [];
    case 'ended':
      if (isLate && command.code !== 0) {
        return [{ do: 'mark', node: name, state: 'TimedOut', message: `its command was stopped: ${command.how}` }];
      }
      return command.code === 0 ? [{ do: 'mark', node: name, state: 'Returning' }] : [failed(name, command)];
  }
}

const failed = (node: string, { how }: Extract<CommandView, { is: 'ended' }>): RollStep => ({
  do: 'mark',
  node,
  state: 'Failed',
  message: `its command ${how}`,
});

/**
 * The state of a Node when a roll resumes: unfinished steps are tried again.
 *
 * @returns undefined if nothing is left to do.
 */
export function resumedState(state: RollState, isTainted: boolean): RollState | undefined {
  switch (state) {
    case 'Done':
      return undefined;
    case 'Rejected':
    case 'Skipped':
      return 'Pending';
    case 'Failed':
    case 'TimedOut':
      // The taint is ours if it is still there, and the machine is not done.
      return isTainted ? 'Entering' : 'Pending';
    default:
      return state;
  }
}
