/** Declared metrics in a Prometheus registry. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { LabelSets, LabelsOf, MetricDeclaration, Metrics } from '../core/metrics.ts';

type Instrument =
  | { readonly type: 'counter'; readonly in: Counter }
  | { readonly type: 'gauge'; readonly in: Gauge }
  | { readonly type: 'histogram'; readonly in: Histogram };

/**
 * Guarantees: every series of a declared metric is exposed from the start (like controller-runtime's `initMetrics`), and no other series
 * ever appears.
 *
 * Declarations are compared by name; using a metric that was not declared, or has another type, or a label value outside its set, is a bug
 * and throws a RangeError.
 */
export class MetricRegistry implements Metrics {
  readonly #registry = new Registry();
  readonly #instruments = new Map<string, { readonly instrument: Instrument; readonly labels: LabelSets }>();
  readonly #collectors: (() => void)[] = [];

  constructor(declarations: readonly MetricDeclaration[]) {
    for (const declaration of declarations) {
      const instrument = instrumentOf(declaration, this.#registry);
      this.#instruments.set(declaration.name, { instrument, labels: declaration.labels });
      for (const labels of combinations(declaration.labels)) toZero(instrument, labels);
    }
  }

  increment<L extends LabelSets>(metric: MetricDeclaration<L>, labels: LabelsOf<L>, by = 1): void {
    const instrument = this.#find(metric, labels);
    if (instrument.type !== 'counter') throw new RangeError(`Metric ${metric.name} is a ${instrument.type}`);
    instrument.in.inc(labels, by);
  }

  set<L extends LabelSets>(metric: MetricDeclaration<L>, labels: LabelsOf<L>, value: number): void {
    const instrument = this.#find(metric, labels);
    if (instrument.type !== 'gauge') throw new RangeError(`Metric ${metric.name} is a ${instrument.type}`);
    instrument.in.set(labels, value);
  }

  observe<L extends LabelSets>(metric: MetricDeclaration<L>, labels: LabelsOf<L>, value: number): void {
    const instrument = this.#find(metric, labels);
    if (instrument.type !== 'histogram') throw new RangeError(`Metric ${metric.name} is a ${instrument.type}`);
    instrument.in.observe(labels, value);
  }

  /** Calls `collect` before each exposition: for gauges that are cheaper to compute on demand than to keep. */
  beforeExposition(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Adds the process's own metrics (memory, CPU, event loop, garbage collection) under their usual names. */
  collectProcessMetrics(): void {
    // The default of 10 ms would wake an idle process a hundred times a second.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 });
  }

  /** The Prometheus text format. */
  async exposition(): Promise<{ readonly contentType: string; readonly body: string }> {
    for (const collect of this.#collectors) collect();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #find(metric: MetricDeclaration, labels: Readonly<Record<string, string>>): Instrument {
    const found = this.#instruments.get(metric.name);
    if (found === undefined) throw new RangeError(`Metric ${metric.name} was not declared`);
    for (const [label, values] of Object.entries(found.labels)) {
      const value = labels[label];
      if (value === undefined || !values.includes(value)) {
        throw new RangeError(
          `Label ${label} of metric ${metric.name} must be one of ${values.join(', ')}: is ${value}`,
        );
      }
    }
    return found.instrument;
  }
}

function instrumentOf({ name, type, help, labels, buckets }: MetricDeclaration, registry: Registry): Instrument {
  const common = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  switch (type) {
    case 'counter':
      return { type, in: new Counter(common) };
    case 'gauge':
      return { type, in: new Gauge(common) };
    case 'histogram':
      return { type, in: new Histogram(buckets === undefined ? common : { ...common, buckets: [...buckets] }) };
  }
}

function toZero(instrument: Instrument, labels: Readonly<Record<string, string>>): void {
  switch (instrument.type) {
    case 'counter':
      instrument.in.inc(labels, 0);
      break;
    case 'gauge':
      instrument.in.set(labels, 0);
      break;
    case 'histogram':
      instrument.in.zero(labels);
  }
}

/** Every combination of one value per label; the empty combination if there are no labels. */
function combinations(labels: LabelSets): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (chosen, [label, values]) => chosen.flatMap((each) => values.map((value) => ({ ...each, [label]: value }))),
    [{}],
  );
}
