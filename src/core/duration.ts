/** Durations in Go's notation, which Kubernetes users know: `1h30m`, `90s`, `500ms`. */

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/;

/** @returns milliseconds, rounded; undefined if the text is not a duration. `0` alone is allowed, as in Go. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return Math.round(total);
}

/** Milliseconds of a text that has been checked before. @throws RangeError if it is not a duration */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new RangeError(`Not a duration: ${text}`);
  return ms;
}

/** A duration, or 0 for none: YAML and Helm read an unquoted 0 as a number. Every other number lacks its unit. */
export type Limit = string | 0;

/** Whether it is a duration, or 0. */
export function isLimit(limit: Limit): boolean {
  return parseDuration(String(limit)) !== undefined;
}

/** Milliseconds of a limit that has been checked before. @throws RangeError if it is not a limit */
export function limitMs(limit: Limit): number {
  return durationMs(String(limit));
}

/** Whether it is a duration, and not 0. */
export function isPositiveDuration(text: string): boolean {
  return (parseDuration(text) ?? 0) > 0;
}

/** The shortest exact form for whole seconds (`1h`, `5m`, `1m30s`); below a second in `ms`. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ];
  const text = parts
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
  return text === '' ? '0s' : text;
}
