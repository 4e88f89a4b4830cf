/** Quantiles of measured times, for people. */

/** The sample below which this part of the others lies, `12 ms`; 1 is the greatest. `–` without samples. */
export function quantile(samplesMs: readonly number[], part: number): string {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const found = sorted[Math.floor(part * (sorted.length - 1))];
  return found === undefined ? '–' : `${Math.round(found)} ms`;
}

/** `p50 12 ms, p99 40 ms, worst 41 ms`. @param parts 1 is the worst */
export function quantiles(samplesMs: readonly number[], ...parts: readonly number[]): string {
  const nameOf = (part: number): string => (part === 1 ? 'worst' : `p${part * 100}`);
  return parts.map((part) => `${nameOf(part)} ${quantile(samplesMs, part)}`).join(', ');
}
