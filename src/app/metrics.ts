/**
 * Every metric of the program: those of the features, and those of the adapters, which report through plain callbacks and do not depend on
 * metrics. All are declared as data; docs/metrics.md is generated from them.
 */
import type { MetricDeclaration, Metrics } from '../core/metrics.ts';
import type { EvictionOutcome } from '../core/ports.ts';
import { RESTART_REASONS } from '../kube/cache/list-watch.ts';
import type { Verb } from '../kube/http/verbs.ts';
import { PASS_OUTCOMES } from '../runtime/controller.ts';
import { DROP_REASONS } from '../runtime/recorder.ts';
import { VERSION } from '../version.ts';
import { CONTROLLERS, type ControllerName, FEATURES, WATCHED, type Watched } from './features.ts';
import type { Observers } from './parts.ts';

/** Written as a record, so that the compiler reports a missing member. */
const VERBS: Readonly<Record<Verb, true>> = {
  get: true,
  list: true,
  watch: true,
  create: true,
  update: true,
  patch: true,
  delete: true,
  deletecollection: true,
  evict: true,
};
const OUTCOMES: Readonly<Record<EvictionOutcome, true>> = {
  Accepted: true,
  Gone: true,
  BudgetBlocked: true,
  BudgetPending: true,
  Throttled: true,
  MultipleBudgets: true,
  Denied: true,
  Failed: true,
};
const keysOf = <K extends string>(record: Readonly<Record<K, true>>): readonly K[] => Object.keys(record) as K[];

const CODE_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'NoAnswer'] as const;
const LATENCY_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const BUILD_INFO = {
  name: 'maintenance_bridge_build_info',
  type: 'gauge',
  help: 'Always 1; the version is in the label.',
  labels: { version: [VERSION] },
} as const satisfies MetricDeclaration;

const LEADER = {
  name: 'maintenance_bridge_leader',
  type: 'gauge',
  help: '1 while this process holds the Lease or needs none, otherwise 0.',
  labels: {},
} as const satisfies MetricDeclaration;

const RECONCILES = {
  name: 'maintenance_bridge_reconcile_total',
  type: 'counter',
  help: 'Reconcile passes over a key, by outcome.',
  labels: { controller: CONTROLLERS, outcome: PASS_OUTCOMES },
} as const satisfies MetricDeclaration;

const RECONCILE_SECONDS = {
  name: 'maintenance_bridge_reconcile_duration_seconds',
  type: 'histogram',
  help: 'Duration of reconcile passes over a key.',
  labels: { controller: CONTROLLERS },
  buckets: LATENCY_BUCKETS,
} as const satisfies MetricDeclaration;

const QUEUE_DEPTH = {
  name: 'maintenance_bridge_queue_depth',
  type: 'gauge',
  help: 'Keys that wait for a worker.',
  labels: { controller: CONTROLLERS },
} as const satisfies MetricDeclaration;

const API_REQUESTS = {
  name: 'maintenance_bridge_api_requests_total',
  type: 'counter',
  help: 'Requests to API servers by verb and response class; each attempt counts.',
  labels: { verb: keysOf(VERBS), code: CODE_CLASSES },
} as const satisfies MetricDeclaration;

const API_REQUEST_SECONDS = {
  name: 'maintenance_bridge_api_request_duration_seconds',
  type: 'histogram',
  help: 'Duration of requests to API servers; for a watch, until the response begins.',
  labels: { verb: keysOf(VERBS) },
  buckets: LATENCY_BUCKETS,
} as const satisfies MetricDeclaration;

const WATCH_RESTARTS = {
  name: 'maintenance_bridge_watch_restarts_total',
  type: 'counter',
  help: 'Restarts of lists and watches, by reason; Closed is the normal end of a watch.',
  labels: { resource: WATCHED, reason: RESTART_REASONS },
} as const satisfies MetricDeclaration;

const WATCH_STALENESS = {
  name: 'maintenance_bridge_watch_staleness_seconds',
  type: 'gauge',
  help: 'Time since the last list, event or bookmark; 0 for kinds that are not watched.',
  labels: { resource: WATCHED },
} as const satisfies MetricDeclaration;

const HANDLER_ERRORS = {
  name: 'maintenance_bridge_handler_errors_total',
  type: 'counter',
  help: 'Object changes whose handling failed; each one is a bug.',
  labels: { resource: WATCHED },
} as const satisfies MetricDeclaration;

const EVICTIONS = {
  name: 'maintenance_bridge_evictions_total',
  type: 'counter',
  help: 'Requested evictions, by response.',
  labels: { outcome: keysOf(OUTCOMES) },
} as const satisfies MetricDeclaration;

const EVENTS_DROPPED = {
  name: 'maintenance_bridge_events_dropped_total',
  type: 'counter',
  help: 'Kubernetes Events that were lost.',
  labels: { reason: DROP_REASONS },
} as const satisfies MetricDeclaration;

export const ALL_METRICS: readonly MetricDeclaration[] = [
  BUILD_INFO,
  LEADER,
  RECONCILES,
  RECONCILE_SECONDS,
  QUEUE_DEPTH,
  API_REQUESTS,
  API_REQUEST_SECONDS,
  WATCH_RESTARTS,
  WATCH_STALENESS,
  HANDLER_ERRORS,
  EVICTIONS,
  EVENTS_DROPPED,
  ...FEATURES.flatMap(({ metrics }) => metrics),
];

export function makeObservers(metrics: Metrics): Observers {
  metrics.set(BUILD_INFO, { version: VERSION }, 1);
  return {
    controllers: {
      observe: ({ controller, outcome, durationMs }) => {
        const name = controller as ControllerName;
        metrics.increment(RECONCILES, { controller: name, outcome });
        metrics.observe(RECONCILE_SECONDS, { controller: name }, durationMs / 1000);
      },
      depth: (controller, length) => metrics.set(QUEUE_DEPTH, { controller: controller as ControllerName }, length),
    },
    request: ({ verb, code, durationMs }) => {
      metrics.increment(API_REQUESTS, { verb, code: classOf(code) });
      metrics.observe(API_REQUEST_SECONDS, { verb }, durationMs / 1000);
    },
    leading: (isLeader) => metrics.set(LEADER, {}, isLeader ? 1 : 0),
    watchRestart: (resource, reason) => metrics.increment(WATCH_RESTARTS, { resource: resource as Watched, reason }),
    watchStaleness: (resource, ms) => metrics.set(WATCH_STALENESS, { resource: resource as Watched }, ms / 1000),
    handlerError: (resource) => metrics.increment(HANDLER_ERRORS, { resource: resource as Watched }),
    eviction: (outcome) => metrics.increment(EVICTIONS, { outcome }),
    eventDropped: (reason) => metrics.increment(EVENTS_DROPPED, { reason }),
  };
}

/** The class of a status by its first digit; if no answer came, the code is a word. */
function classOf(code: string): (typeof CODE_CLASSES)[number] {
  return CODE_CLASSES.find((each) => /^\d{3}$/.test(code) && each[0] === code[0]) ?? 'NoAnswer';
}
