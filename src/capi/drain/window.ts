/** When requests may begin: on certain days, between two times of day. Syntax and rules are kured's (`pkg/timewindow`). */

/** Monday is 1, Sunday is 0, as `Date.getUTCDay()` counts. */
export type Day = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface Window {
  readonly days: ReadonlySet<Day>;
  /** Seconds since midnight; both ends are included in the window. */
  readonly start: number;
  readonly end: number;
  /** An IANA name, or `UTC`. */
  readonly timeZone: string;
}

export const ALWAYS: Window = { days: new Set([0, 1, 2, 3, 4, 5, 6]), start: 0, end: 86_399, timeZone: 'UTC' };

const MINUTE_MS = 60_000;
/** The longest search for an opening: a week and a day, which daylight saving time cannot exceed. */
const MOST_MINUTES = 8 * 24 * 60;

/**
 * Whether the window is open: the current day of the week has to be one of the given days; if the end is before the start, the window spans
 * midnight.
 */
export function isOpen({ days, start, end, timeZone }: Window, nowMs: number): boolean {
  const { day, second } = localTime(nowMs, timeZone);
  if (!days.has(day)) return false;
  return start <= end ? second >= start && second <= end : second >= start || second <= end;
}

/** When the window opens next, to the minute, in milliseconds since the epoch; undefined if it never opens. */
export function opensAtMs(window: Window, nowMs: number): number | undefined {
  const from = Math.ceil(nowMs / MINUTE_MS);
  for (let minute = from; minute <= from + MOST_MINUTES; minute += 1) {
    if (isOpen(window, minute * MINUTE_MS)) return minute * MINUTE_MS;
  }
  return undefined;
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

function localTime(ms: number, timeZone: string): { readonly day: Day; readonly second: number } {
  const format = FORMATS.get(timeZone) ?? formatFor(timeZone);
  FORMATS.set(timeZone, format);
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const [hour = 0, minute = 0, second = 0] = ['hour', 'minute', 'second'].map((type) =>
    Number(parts.get(type as Intl.DateTimeFormatPartTypes)),
  );
  return { day: DAYS.indexOf(parts.get('weekday') ?? '') as Day, second: hour * 3600 + minute * 60 + second };
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  return new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', ...time });
}

/** @returns undefined if the text is not a day: `mo`, `mon` and `monday` are the forms of kured. */
export function parseDay(text: string): Day | undefined {
  const lower = text.trim().toLowerCase();
  const at = DAYS.findIndex((day) => {
    const name = FULL_DAYS[day] ?? '';
    return [name.slice(0, 2), name.slice(0, 3), name].includes(lower);
  });
  return at === -1 ? undefined : (at as Day);
}

const FULL_DAYS: Readonly<Record<string, string>> = {
  Sun: 'sunday',
  Mon: 'monday',
  Tue: 'tuesday',
  Wed: 'wednesday',
  Thu: 'thursday',
  Fri: 'friday',
  Sat: 'saturday',
};

const TIME = /^(\d{1,2})(?::(\d{2})(?::(\d{2}))?)?\s*([ap]m)?$/i;

/** @returns seconds since midnight; undefined if the text is not a time of day such as `9am`, `17:00` or `23:59:59`. */
export function parseTimeOfDay(text: string): number | undefined {
  const [, hours = '', minutes = '0', seconds = '0', half] = TIME.exec(text.trim()) ?? [];
  if (hours === '' || (half === undefined && !text.includes(':'))) return undefined;
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)];
  const isSound = minute < 60 && second < 60 && (half === undefined ? hour < 24 : hour >= 1 && hour <= 12);
  if (!isSound) return undefined;
  const isAfternoon = half?.toLowerCase() === 'pm';
  const ofDay = half === undefined ? hour : (hour % 12) + (isAfternoon ? 12 : 0);
  return ofDay * 3600 + minute * 60 + second;
}

export function isTimeZone(name: string): boolean {
  try {
    formatFor(name);
    return true;
  } catch {
    return false;
  }
}
