/** How values read in tables. */
import { isObject, listOf, objectOf, textOf } from '../json.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** As apimachinery `duration.HumanDuration`: two units while the first is small. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / SECOND);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  if (ms < 10 * MINUTE) return two(ms, MINUTE, 'm', SECOND, 's');
  if (ms < 3 * HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < 8 * HOUR) return two(ms, HOUR, 'h', MINUTE, 'm');
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)}h`;
  if (ms < 8 * DAY) return two(ms, DAY, 'd', HOUR, 'h');
  if (ms < 2 * YEAR) return `${Math.floor(ms / DAY)}d`;
  return ms < 8 * YEAR ? two(ms, YEAR, 'y', DAY, 'd') : `${Math.floor(ms / YEAR)}y`;
}

function two(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)}${bigName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** Time since a timestamp. */
export function ageOf(timestamp: unknown, now: number): string {
  const time = Date.parse(textOf(timestamp));
  return Number.isNaN(time) ? '<unknown>' : durationText(now - time);
}

/** One field of each item, joined by commas. */
export const namesOf = (items: readonly unknown[], field: string): string =>
  items.map((item) => textOf(objectOf(item)[field])).join(',');

/** A label selector, or the map of a ReplicationController, as kubectl would take it. */
export function selectorText(selector: unknown): string {
  const raw = objectOf(selector);
  const isFull = isObject(raw.matchLabels) || raw.matchExpressions !== undefined;
  const labels = isFull || 'matchLabels' in raw ? objectOf(raw.matchLabels) : raw;
  const parts = Object.entries(labels)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${String(value)}`);
  for (const expression of listOf(raw.matchExpressions)) {
    const { key, operator, values } = objectOf(expression);
    const list = `(${listOf(values).map(textOf).toSorted().join(',')})`;
    if (operator === 'In') parts.push(`${textOf(key)} in ${list}`);
    else if (operator === 'NotIn') parts.push(`${textOf(key)} notin ${list}`);
    else parts.push(operator === 'Exists' ? textOf(key) : `!${textOf(key)}`);
  }
  return parts.length === 0 ? '<none>' : parts.join(',');
}
