/**
 * The record that a roll leaves on each of its Nodes, in one annotation: everything that another process needs to resume it. Anyone who may
 * write Node annotations may have written it, so it is validated and bounded when it is read; nothing in it is ever executed.
 */
import { z } from 'zod';
import type { Blocker } from './explanation.ts';

/** Node annotation that holds the record. */
export const ROLL_ANNOTATION = 'maintenance-bridge.io/roll';

/**
 * - `Pending`: its turn has not come.
 * - `Entering`: this roll has set the taint.
 * - `Working`: it was drained, and the command runs, or has ended unobserved.
 * - `Returning`: the command is done; the Node has to be Ready before it is released.
 * - `Done`: the command is done, and the taint is removed.
 * - `Rejected`: the controller has refused; the taint is removed.
 * - `TimedOut`: it took too long. The taint is removed if nothing was done to the machine, else it stays.
 * - `Failed`: the command failed, and the taint stays; or somebody has removed the taint.
 * - `Skipped`: somebody else has requested its maintenance, which is not ours to end.
 */
export const ROLL_STATES = [
  'Pending',
  'Entering',
  'Working',
  'Returning',
  'Done',
  'Rejected',
  'TimedOut',
  'Failed',
  'Skipped',
] as const;
export type RollState = (typeof ROLL_STATES)[number];

const OPEN: ReadonlySet<RollState> = new Set(['Pending', 'Entering', 'Working', 'Returning']);
/** Whether a roll still has something to do on the Node. */
export const isOpen = (state: RollState): boolean => OPEN.has(state);
/** Whether the Node is under way: the roll has requested its maintenance, and has not released it. */
export const isUnderWay = (state: RollState): boolean => isOpen(state) && state !== 'Pending';

const MAX_BYTES = 16_384;
const MAX_MESSAGE = 500;
/** Enough to see what to do; `plan` shows all of them. */
const MAX_BLOCKERS = 3;
const MAX_BLOCKER_TEXT = 320;

const blockerText = z.string().max(MAX_BLOCKER_TEXT);

const schema = z.object({
  /** The id of the roll. */
  id: z.string().regex(/^[a-z0-9]{1,32}$/),
  /** Identifies the acting process: another one that resumes writes its own, and this one stops. */
  runner: z.string().regex(/^[a-z0-9]{1,32}$/),
  /** Its position in the order, starting at 0. */
  place: z.int().min(0),
  /** How many Nodes the roll has. */
  of: z.int().min(1),
  state: z.enum(ROLL_STATES),
  /** When the state began. */
  since: z.iso.datetime({ offset: true }),
  message: z.string().max(MAX_MESSAGE).optional(),
  /** The Pods for which it was rejected, or some of them: the controller's report goes with the taint. */
  blockedBy: z
    .array(z.object({ pod: blockerText, cause: blockerText, detail: blockerText, remedy: blockerText }))
    .max(MAX_BLOCKERS)
    .optional(),
});

export type RollRecord = Readonly<Omit<z.infer<typeof schema>, 'message' | 'blockedBy'>> & {
  readonly message?: string;
  readonly blockedBy?: readonly Blocker[];
};

/** `unreadable` differs from `none`: somebody wrote a value there. */
export type RecordSeen = { readonly is: 'none' | 'unreadable' } | { readonly is: 'valid'; readonly record: RollRecord };

/** Reads the annotation's value. Never throws. */
export function parseRecord(annotation: string | undefined): RecordSeen {
  if (annotation === undefined) return { is: 'none' };
  if (annotation.length > MAX_BYTES) return { is: 'unreadable' };
  try {
    const parsed = schema.safeParse(JSON.parse(annotation));
    return parsed.success ? { is: 'valid', record: parsed.data as RollRecord } : { is: 'unreadable' };
  } catch {
    return { is: 'unreadable' };
  }
}

/** The annotation's value; `parseRecord()` reads it again, whatever its texts are. */
export function formatRecord(record: RollRecord): string {
  const { id, runner, place, of, state, since } = record;
  const message = record.message === undefined ? undefined : cut(record.message, MAX_MESSAGE);
  const blockedBy = record.blockedBy?.slice(0, MAX_BLOCKERS).map(({ pod, cause, detail, remedy }) => ({
    pod: cut(pod, MAX_BLOCKER_TEXT),
    cause: cut(cause, MAX_BLOCKER_TEXT),
    detail: cut(detail, MAX_BLOCKER_TEXT),
    remedy: cut(remedy, MAX_BLOCKER_TEXT),
  }));
  const text = JSON.stringify({ id, runner, place, of, state, since, message, blockedBy });
  // Characters that JSON escapes take up to six times the room.
  return text.length <= MAX_BYTES ? text : JSON.stringify({ id, runner, place, of, state, since, message });
}

function cut(text: string, max: number): string {
  const whole = text.toWellFormed();
  return whole.length <= max ? whole : `${whole.slice(0, max - 1)}…`.toWellFormed();
}
