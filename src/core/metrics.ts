/** Metrics as data: their declarations by a feature, and the port through which it reports values. */

/** Label names with their closed sets of values; every series exists from the start. No object's name is ever a label. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;

export interface MetricDeclaration<L extends LabelSets = LabelSets> {
  /** With the prefix `maintenance_bridge_` and the unit as suffix (`_seconds`, `_total`). */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: L;
  /** Upper bounds, for a histogram. */
  readonly buckets?: readonly number[];
}

/** One value of each label. */
export type LabelsOf<L extends LabelSets> = { readonly [K in keyof L]: L[K][number] };

export interface Metrics {
  increment<L extends LabelSets>(metric: MetricDeclaration<L>, labels: LabelsOf<L>, by?: number): void;
  set<L extends LabelSets>(metric: MetricDeclaration<L>, labels: LabelsOf<L>, value: number): void;
  observe<L extends LabelSets>(metric: MetricDeclaration<L>, labels: LabelsOf<L>, value: number): void;
}

/** How long the earliest of these times ago was, in seconds: at least 0; 0 if there is none. */
export function longestSeconds(nowMs: number, sinceMs: Iterable<number>): number {
  let oldestMs = nowMs;
  for (const each of sinceMs) oldestMs = Math.min(oldestMs, each);
  return (nowMs - oldestMs) / 1000;
}
