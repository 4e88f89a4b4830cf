/** The metrics of machine drain. No object's name is ever a label. */
import type { MetricDeclaration, Metrics } from '../../core/metrics.ts';
import { DRAIN_STATES, type DrainBecause } from './names.ts';

export const DRAINS_BY_STATE = {
  name: 'maintenance_bridge_machine_drains',
  type: 'gauge',
  help: 'Machines whose Node is to be drained or returned to service, by state.',
  labels: { state: DRAIN_STATES },
} as const satisfies MetricDeclaration;

export const DRAIN_METRICS: readonly MetricDeclaration[] = [DRAINS_BY_STATE];

export class DrainMeter {
  readonly #states = new Map<string, DrainBecause>();

  /** @param nodeKey see `nodeIndexKey`. */
  record(nodeKey: string, state: DrainBecause): void {
    if (state === 'Idle') this.#states.delete(nodeKey);
    else this.#states.set(nodeKey, state);
  }

  /** Computes the gauges; call it before each exposition. */
  collect(metrics: Metrics): void {
    const states = [...this.#states.values()];
    for (const state of DRAIN_STATES) {
      metrics.set(DRAINS_BY_STATE, { state }, states.filter((each) => each === state).length);
    }
  }
}
