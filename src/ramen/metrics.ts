/** The metrics of this feature. No object's name is ever a label. */
import { CONNECTION_STATES, type ConnectionState } from '../core/clusters.ts';
import type { MetricDeclaration, Metrics } from '../core/metrics.ts';
import { MODE_STATES, type ModeBecause } from './mode-status.ts';
import { VIEW_REASONS, type ViewReason } from './names.ts';

export const WORK_STATES = ['Pending', 'Applied', 'Failed', 'Deleting', 'NotOurs'] as const;
export type WorkState = (typeof WORK_STATES)[number];

export const WORKS_BY_STATE = {
  name: 'maintenance_bridge_ramen_works',
  type: 'gauge',
  help: 'ManifestWorks by state.',
  labels: { state: WORK_STATES },
} as const satisfies MetricDeclaration;

export const ORPHANED_WORKS = {
  name: 'maintenance_bridge_ramen_orphaned_works',
  type: 'gauge',
  help: 'ManifestWorks that remain although their DRPlacementControl is gone; an administrator has to delete them.',
  labels: {},
} as const satisfies MetricDeclaration;

export const VIEWS_BY_REASON = {
  name: 'maintenance_bridge_ramen_views',
  type: 'gauge',
  help: 'ManagedClusterViews by the reason of their condition.',
  labels: { reason: VIEW_REASONS },
} as const satisfies MetricDeclaration;

export const VIEW_WRITES = {
  name: 'maintenance_bridge_ramen_view_writes_total',
  type: 'counter',
  help: 'Results written to ManagedClusterViews; each triggers a reconcile of Ramen.',
  labels: { reason: VIEW_REASONS },
} as const satisfies MetricDeclaration;

export const MODES_BY_STATE = {
  name: 'maintenance_bridge_ramen_maintenance_modes',
  type: 'gauge',
  help: 'MaintenanceModes that this provider handles, by state.',
  labels: { state: MODE_STATES },
} as const satisfies MetricDeclaration;

export const CLUSTERS_BY_STATE = {
  name: 'maintenance_bridge_ramen_clusters',
  type: 'gauge',
  help: 'Managed clusters by the state of their connection.',
  labels: { state: CONNECTION_STATES },
} as const satisfies MetricDeclaration;

export const MODE_METRICS: readonly MetricDeclaration[] = [MODES_BY_STATE];

export const BRIDGE_METRICS: readonly MetricDeclaration[] = [
  WORKS_BY_STATE,
  ORPHANED_WORKS,
  VIEWS_BY_REASON,
  VIEW_WRITES,
  CLUSTERS_BY_STATE,
];

/** Counts MaintenanceModes as they change. */
export class ModeMeter {
  readonly #metrics: Metrics;
  readonly #modes = new Map<string, ModeBecause>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  mode(key: string, because: ModeBecause | undefined): void {
    put(this.#modes, key, because === 'NotOurs' ? undefined : because);
  }

  /** Computes the gauges; call it before each exposition. */
  collect(): void {
    const modes = tally(this.#modes.values());
    for (const state of MODE_STATES) this.#metrics.set(MODES_BY_STATE, { state }, modes.get(state) ?? 0);
  }
}

/** Counts works and views as they change. */
export class BridgeMeter {
  readonly #metrics: Metrics;
  readonly #works = new Map<string, WorkState>();
  readonly #orphans = new Set<string>();
  readonly #views = new Map<string, ViewReason>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** undefined for a work that has gone. */
  work(key: string, state: WorkState | undefined): void {
    put(this.#works, key, state);
    if (state === undefined || state === 'Deleting') this.#orphans.delete(key);
  }

  orphan(key: string, isOrphan: boolean): void {
    if (isOrphan) this.#orphans.add(key);
    else this.#orphans.delete(key);
  }

  view(key: string, reason: ViewReason | undefined): void {
    put(this.#views, key, reason);
  }

  viewWritten(reason: ViewReason): void {
    this.#metrics.increment(VIEW_WRITES, { reason });
  }

  /** Computes the gauges; call it before each exposition. */
  collect(clusters: readonly ConnectionState[]): void {
    const works = tally(this.#works.values());
    for (const state of WORK_STATES) this.#metrics.set(WORKS_BY_STATE, { state }, works.get(state) ?? 0);
    this.#metrics.set(ORPHANED_WORKS, {}, this.#orphans.size);
    const views = tally(this.#views.values());
    for (const reason of VIEW_REASONS) this.#metrics.set(VIEWS_BY_REASON, { reason }, views.get(reason) ?? 0);
    const states = tally(clusters);
    for (const state of CONNECTION_STATES) this.#metrics.set(CLUSTERS_BY_STATE, { state }, states.get(state) ?? 0);
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function tally<V>(values: Iterable<V>): ReadonlyMap<V, number> {
  const counts = new Map<V, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
