/** The flags and the environment of a roll. */
import type { Readable } from 'node:stream';
import type { CommandContext } from '../cluster.ts';
import type { NodeChoice } from '../nodes/choose.ts';
import type { Display } from '../presenters.ts';
import type { Configured } from '../settings.ts';
import type { OnRejection } from './decide.ts';
import type { Order, Share } from './order.ts';
import type { RollFormat } from './presenters.ts';

export interface RollFlags {
  /** The flags of `run` that apply here, as texts by flag. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly what: { readonly choice: NodeChoice } | { readonly resume: string };
  readonly exec?: string | undefined;
  readonly logDirectory?: string | undefined;
  readonly maxUnavailable: Share;
  readonly order: Order;
  readonly onRejection: OnRejection;
  /** Milliseconds; absent: without a limit. */
  readonly timeoutMs?: number | undefined;
  readonly nodeTimeoutMs?: number | undefined;
  readonly output: RollFormat;
  readonly noColour: boolean;
  /** The flags in their original form, for the command that resumes the roll. */
  readonly again: readonly string[];
}

export interface RollContext extends Pick<CommandContext, 'env' | 'homedir'>, Display {
  /** The input on which a person confirms the work. */
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly interrupted: AbortSignal;
  readonly abandon: AbortSignal;
  /** A short random word of lower-case letters and digits. */
  readonly randomWord: () => string;
}

export type RollCode = 0 | 1 | 3 | 4 | 130;
export type Ready = Extract<Configured, { is: 'ok' }>;
