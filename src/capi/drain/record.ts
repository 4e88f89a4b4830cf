/** The progress of the drain of a Machine's Node: a small JSON text on the Machine, for every process and every user. */
import { z } from 'zod';
import { DRAIN_ANNOTATION } from '../../core/machine-keys.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { annotationOf } from '../../core/meta.ts';
import { clip } from '../../core/text.ts';
import { isEnabled, maintenanceOf } from '../machines.ts';
import { RECORDED_STATES, type RecordedState } from './names.ts';

const recordSchema = z.object({
  state: z.enum(RECORDED_STATES),
  /** RFC 3339. */
  since: z.iso.datetime(),
  /** What the request waits for, or the reason of the rejection. */
  reason: z.string().max(63).optional(),
  /** For people. */
  message: z.string().optional(),
});

export type DrainRecord = Readonly<z.infer<typeof recordSchema>>;

/** The parsed records: objects of a cache never change, and their records are read often. */
const READ = new WeakMap<Machine, DrainRecord | 'none'>();

/** @returns undefined if there is no record, or one that we cannot read: the drain then begins again. */
export function recordOf(machine: Machine): DrainRecord | undefined {
  const known = READ.get(machine);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const record = read(machine);
  READ.set(machine, record ?? 'none');
  return record;
}

function read(machine: Machine): DrainRecord | undefined {
  const text = annotationOf(machine, DRAIN_ANNOTATION);
  if (text === undefined) return undefined;
  try {
    const parsed = recordSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function formatRecord({ state, since, reason, message }: DrainRecord): string {
  return JSON.stringify({ state, since, reason, ...(message !== undefined && { message: clip(message) }) });
}

const HOLDING: readonly RecordedState[] = ['Draining', 'Drained', 'Ending'];

/** Whether a Machine's Node is away, by anybody's approval, is about to be, or is on its way back. */
export function holdsSlot(machine: Machine): boolean {
  const record = recordOf(machine);
  const isAway = isEnabled(machine) && maintenanceOf(machine) === 'approved';
  return isAway || (record !== undefined && HOLDING.includes(record.state));
}
