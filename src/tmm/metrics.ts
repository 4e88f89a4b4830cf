/** The metrics of this feature. No object's name is ever a label. */
import { longestSeconds, type MetricDeclaration, type Metrics } from '../core/metrics.ts';
import type { TmmDecision } from './decide/transition.ts';
import { CAUSES, type Cause, FAILURE_REASONS, PHASES, type Phase } from './names.ts';

/** From a reboot of a minute to a night's work. */
const DURATION_BUCKETS = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400];

export const NODES_BY_PHASE = {
  name: 'maintenance_bridge_tmm_nodes',
  type: 'gauge',
  help: 'Nodes with a maintenance session, by phase.',
  labels: { phase: PHASES },
} as const satisfies MetricDeclaration;

export const OLDEST_IN_PHASE = {
  name: 'maintenance_bridge_tmm_oldest_phase_seconds',
  type: 'gauge',
  help: 'Longest time that a Node has been in the phase; 0 if none is.',
  labels: { phase: PHASES },
} as const satisfies MetricDeclaration;

export const REJECTIONS = {
  name: 'maintenance_bridge_tmm_rejections_total',
  type: 'counter',
  help: 'Maintenance requests that were rejected, by reason.',
  labels: { reason: FAILURE_REASONS },
} as const satisfies MetricDeclaration;

export const BLOCKED_PODS = {
  name: 'maintenance_bridge_tmm_blocked_pods',
  type: 'gauge',
  help: 'Pods that block a maintenance, by cause.',
  labels: { cause: CAUSES },
} as const satisfies MetricDeclaration;

export const DRAIN_SECONDS = {
  name: 'maintenance_bridge_tmm_drain_duration_seconds',
  type: 'histogram',
  help: 'Time from the first eviction until no related Pod was left.',
  labels: {},
  buckets: DURATION_BUCKETS,
} as const satisfies MetricDeclaration;

export const MAINTENANCE_SECONDS = {
  name: 'maintenance_bridge_tmm_maintenance_duration_seconds',
  type: 'histogram',
  help: 'Time from the request until all displaced Pods were back.',
  labels: {},
  buckets: DURATION_BUCKETS,
} as const satisfies MetricDeclaration;

export const TMM_METRICS: readonly MetricDeclaration[] = [
  NODES_BY_PHASE,
  OLDEST_IN_PHASE,
  REJECTIONS,
  BLOCKED_PODS,
  DRAIN_SECONDS,
  MAINTENANCE_SECONDS,
];

interface Session {
  readonly phase: Phase;
  readonly sinceMs: number;
  readonly causes: readonly Cause[];
}

/** Counts what decisions complete, and keeps the state of each Node; gauges over all Nodes are computed at collection. */
export class TmmMetrics {
  readonly #metrics: Metrics;
  readonly #nodes = new Map<string, Session>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /**
   * Records a decision; call it after its actions were carried out.
   *
   * @param sinceMs when the decision's phase began.
   */
  record(node: string, { phase, blockedBy, completed }: TmmDecision, sinceMs: number): void {
    if (phase === undefined) this.#nodes.delete(node);
    else this.#nodes.set(node, { phase, sinceMs, causes: blockedBy.map(({ cause }) => cause) });
    if (completed?.rejected !== undefined) this.#metrics.increment(REJECTIONS, { reason: completed.rejected });
    if (completed?.drainMs !== undefined) this.#metrics.observe(DRAIN_SECONDS, {}, completed.drainMs / 1000);
    if (completed?.maintenanceMs !== undefined) {
      this.#metrics.observe(MAINTENANCE_SECONDS, {}, completed.maintenanceMs / 1000);
    }
  }

  /** Stops measuring the Node: another process measures it from now on. */
  forget(node: string): void {
    this.#nodes.delete(node);
  }

  /** Stops measuring Nodes whose names begin with the prefix: they are no longer handled. */
  forgetAll(prefix: string): void {
    for (const node of [...this.#nodes.keys()]) if (node.startsWith(prefix)) this.forget(node);
  }

  /** Computes the gauges; call it before each exposition. */
  collect(nowMs: number): void {
    const byPhase = Map.groupBy(this.#nodes.values(), ({ phase }) => phase);
    for (const phase of PHASES) {
      const sessions = byPhase.get(phase) ?? [];
      this.#metrics.set(NODES_BY_PHASE, { phase }, sessions.length);
      const since = sessions.map(({ sinceMs }) => sinceMs);
      this.#metrics.set(OLDEST_IN_PHASE, { phase }, longestSeconds(nowMs, since));
    }
    const causes = [...this.#nodes.values()].flatMap((session) => session.causes);
    for (const cause of CAUSES) {
      this.#metrics.set(BLOCKED_PODS, { cause }, causes.filter((each) => each === cause).length);
    }
  }
}
