/** The metrics of this feature. No object's name is ever a label. */
import { CONNECTION_STATES, type ConnectionStatus } from '../core/clusters.ts';
import { longestSeconds, type MetricDeclaration, type Metrics } from '../core/metrics.ts';
import type { CapiDecision } from './desired.ts';
import { type Because, COMPLETIONS, type Completed, REASON_OF_RELEASE, RELEASE_REASONS, STATES } from './names.ts';

export const MACHINES_BY_STATE = {
  name: 'maintenance_bridge_capi_machines',
  type: 'gauge',
  help: 'Machines that participate, or whose Node is still being cleaned up, by state.',
  labels: { state: STATES },
} as const satisfies MetricDeclaration;

export const OLDEST_HOOK_SECONDS = {
  name: 'maintenance_bridge_capi_oldest_hook_wait_seconds',
  type: 'gauge',
  help: 'Longest time that our hook has held a deletion; 0 if it holds none.',
  labels: {},
} as const satisfies MetricDeclaration;

export const HELD_MACHINES = {
  name: 'maintenance_bridge_capi_held_machines',
  type: 'gauge',
  help: 'Machines whose deletion our hook holds.',
  labels: {},
} as const satisfies MetricDeclaration;

export const COMPLETED = {
  name: 'maintenance_bridge_capi_completed_total',
  type: 'counter',
  help: 'Approved maintenance and released deletions, by reason.',
  labels: { what: COMPLETIONS },
} as const satisfies MetricDeclaration;

export const HOOK_RELEASES = {
  name: 'maintenance_bridge_capi_hook_releases_total',
  type: 'counter',
  help: 'Hooks removed from Machines that are being deleted, by reason.',
  labels: { reason: RELEASE_REASONS },
} as const satisfies MetricDeclaration;

export const CLUSTERS_BY_STATE = {
  name: 'maintenance_bridge_capi_clusters',
  type: 'gauge',
  help: 'Workload clusters in use, by state of the connection.',
  labels: { state: CONNECTION_STATES },
} as const satisfies MetricDeclaration;

export const OLDEST_IN_STATE = {
  name: 'maintenance_bridge_capi_oldest_connection_state_seconds',
  type: 'gauge',
  help: 'Longest time that a workload cluster has been in the state; 0 if none is.',
  labels: { state: CONNECTION_STATES },
} as const satisfies MetricDeclaration;

export const CAPI_METRICS: readonly MetricDeclaration[] = [
  MACHINES_BY_STATE,
  OLDEST_HOOK_SECONDS,
  HELD_MACHINES,
  COMPLETED,
  HOOK_RELEASES,
  CLUSTERS_BY_STATE,
  OLDEST_IN_STATE,
];

/** Counts as Machines change; values that depend on the time are computed at collection. */
export class CapiMeter {
  readonly #metrics: Metrics;
  readonly #states = new Map<string, Because>();
  readonly #counts = new Map<Because, number>();
  readonly #heldSinceMs = new Map<string, number>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Records a decision; call it after its steps were carried out. */
  record(machineKey: string, { because, heldSinceMs, completed }: CapiDecision): void {
    this.forget(machineKey);
    this.#states.set(machineKey, because);
    this.#counts.set(because, (this.#counts.get(because) ?? 0) + 1);
    if (heldSinceMs !== undefined) this.#heldSinceMs.set(machineKey, heldSinceMs);
    this.completed(completed);
  }

  /** Also for a Machine that has gone. */
  completed(all: readonly Completed[]): void {
    for (const what of all) {
      this.#metrics.increment(COMPLETED, { what });
      if (what !== 'MaintenanceApproved') {
        this.#metrics.increment(HOOK_RELEASES, { reason: REASON_OF_RELEASE[what] });
      }
    }
  }

  /** The Machine has gone, or does not take part any more. */
  forget(machineKey: string): void {
    this.#heldSinceMs.delete(machineKey);
    const state = this.#states.get(machineKey);
    if (state === undefined) return;
    this.#states.delete(machineKey);
    this.#counts.set(state, (this.#counts.get(state) ?? 1) - 1);
  }

  /**
   * Computes the gauges; call it before each exposition. The work grows with the held deletions, of which there are few, and with the
   * clusters.
   */
  collect(nowMs: number, connections: readonly ConnectionStatus[]): void {
    for (const state of STATES) this.#metrics.set(MACHINES_BY_STATE, { state }, this.#counts.get(state) ?? 0);
    this.#metrics.set(OLDEST_HOOK_SECONDS, {}, longestSeconds(nowMs, this.#heldSinceMs.values()));
    this.#metrics.set(HELD_MACHINES, {}, this.#heldSinceMs.size);
    for (const state of CONNECTION_STATES) {
      const sinceMs = connections.filter((each) => each.state === state).map((each) => each.sinceMs);
      this.#metrics.set(CLUSTERS_BY_STATE, { state }, sinceMs.length);
      this.#metrics.set(OLDEST_IN_STATE, { state }, longestSeconds(nowMs, sinceMs));
    }
  }
}
