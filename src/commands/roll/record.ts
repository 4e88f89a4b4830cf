/**
 * What a roll leaves on each of its Nodes, in one annotation: all that another process needs to go on. Whoever may write Node
 * annotations may have written it, so it is checked and bounded on the way in; nothing in it is ever run.
 */
import { z } from 'zod';

/** Node annotation that holds the record. */
export const ROLL_ANNOTATION = 'maintenance-bridge.io/roll';

/**
 * - `Pending`: its turn has not come.
 * - `Entering`: the taint is set, by this roll.
 * - `Working`: it was drained, and the command runs, or has run to an end that nobody saw.
 * - `Returning`: the command is done; the Node has to be Ready before it is released.
 * - `Done`: the command is done, and the taint is removed.
 * - `Rejected`: the controller has refused; the taint is removed.
 * - `TimedOut`: it took too long. The taint is removed where nothing has been done to the machine, else it stays.
 * - `Failed`: the command failed, and the taint stays; or somebody has taken the taint away.
 * - `Skipped`: somebody else has asked for its maintenance: not ours to end.
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
/** Whether a roll has something to do on the Node still. */
export const isOpen = (state: RollState): boolean => OPEN.has(state);
/** Whether the Node is under way: asked for maintenance by the roll, and not released. */
export const isUnderWay = (state: RollState): boolean => isOpen(state) && state !== 'Pending';

const MAX_BYTES = 4096;
const MAX_MESSAGE = 500;

const schema = z.object({
  /** The id of the roll. */
  id: z.string().regex(/^[a-z0-9]{1,32}$/),
  /** Names the process that acts: another one that goes on writes its own, and this one stops. */
  runner: z.string().regex(/^[a-z0-9]{1,32}$/),
  /** Its place in the order, from 0 on. */
  place: z.int().min(0),
  /** How many Nodes the roll has. */
  of: z.int().min(1),
  state: z.enum(ROLL_STATES),
  /** Since when. */
  since: z.iso.datetime({ offset: true }),
  message: z.string().max(MAX_MESSAGE).optional(),
});

export type RollRecord = Readonly<Omit<z.infer<typeof schema>, 'message'>> & { readonly message?: string };

/** `unreadable` is not `none`: somebody wrote there. */
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

/** The annotation's value; `parseRecord()` reads it again, whatever the message is. */
export function formatRecord({ id, runner, place, of, state, since, message }: RollRecord): string {
  const text = message?.toWellFormed();
  const cut = text === undefined || text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1)}…`;
  return JSON.stringify({ id, runner, place, of, state, since, message: cut?.toWellFormed() });
}
