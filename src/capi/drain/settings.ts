/** What an operator can choose for machine drain: the section `capi.drain` of the configuration. */
import { z } from 'zod';
import { ALWAYS, type Day, isTimeZone, parseDay, parseTimeOfDay, type Window } from './window.ts';

export interface DrainSettings {
  /** How many Machines of one MachineDeployment or MachinePool may be away at once; at least one. */
  readonly maxUnavailable: number | `${number}%`;
  /** How many Machines may be away at once in all clusters together; 0 for no limit. */
  readonly maxConcurrentMachines: number;
  /** When requests may begin; a session under way goes on. */
  readonly window: Window;
}

const DAYS_OF_WEEK = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const TIME_FORM = 'a time of day such as "9am", "17:00" or "23:59:59"';

const timeOfDay = (usual: number) =>
  z
    .string()
    .transform((text, context): number => {
      const second = parseTimeOfDay(text);
      if (second !== undefined) return second;
      context.addIssue({ code: 'custom', message: TIME_FORM, input: text });
      return z.NEVER;
    })
    .default(usual);

const dayOfWeek = z.string().transform((text, context): Day => {
  const day = parseDay(text);
  if (day !== undefined) return day;
  context.addIssue({ code: 'custom', message: `a day of the week such as ${DAYS_OF_WEEK.join(', ')}`, input: text });
  return z.NEVER;
});

export const drainSettingsSchema = z
  .strictObject({
    maxUnavailable: z
      .union([z.int().min(1), z.string().regex(/^([1-9]|[1-9]\d|100)%$/, 'a whole number above zero or a percentage')])
      .transform((value) => value as DrainSettings['maxUnavailable'])
      .default(1),
    maxConcurrentMachines: z.int().min(0).default(0),
    window: z
      .strictObject({
        days: z
          .array(dayOfWeek)
          .min(1)
          .max(7)
          .default([...ALWAYS.days]),
        start: timeOfDay(ALWAYS.start),
        end: timeOfDay(ALWAYS.end),
        timeZone: z.string().max(64).refine(isTimeZone, 'a time zone such as "UTC" or "Europe/Berlin"').default('UTC'),
      })
      .transform(({ days, ...rest }): Window => ({ ...rest, days: new Set(days) }))
      .prefault({}),
  })
  .transform((settings): DrainSettings => settings);
