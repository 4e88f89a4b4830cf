import { describe, expect, it } from 'vitest';
import { MetricRegistry } from '../obs/metrics.ts';
import { ALL_METRICS, makeObservers } from './metrics.ts';

describe('metrics', () => {
  it('are named with the prefix, and by their unit', () => {
    const unit = { counter: /_total$/, histogram: /_seconds$/, gauge: /(?<!_total)$/ };
    const wrong = ALL_METRICS.filter(
      ({ name, type }) => !/^maintenance_bridge_[a-z0-9_]+$/.test(name) || !unit[type].test(name),
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
    expect(new Set(ALL_METRICS.map(({ name }) => name)).size).toBe(ALL_METRICS.length);
  });

  it('`makeObservers()` puts every report of the adapters into a declared series', async () => {
    const registry = new MetricRegistry(ALL_METRICS);
    const observers = makeObservers(registry);
    observers.controllers.observe({ controller: 'tmm', outcome: 'Failed', durationMs: 1500 });
    observers.controllers.depth('tmm', 3);
    observers.request({ verb: 'evict', code: '429', durationMs: 20 });
    observers.request({ verb: 'list', code: 'Unreachable', durationMs: 20 });
    observers.leading(true);
    observers.watchRestart('pods', 'Expired');
    observers.watchStaleness('pods', 90_000);
    observers.handlerError('nodes');
    observers.eviction('BudgetBlocked');
    observers.eventDropped('Overflow');
    const { body } = await registry.exposition();
    const changed = body.split('\n').filter((line) => /^maintenance_bridge_(?!.*_bucket).* (?!0$)/.test(line));
    expect(changed.map((line) => line.replace('maintenance_bridge_', '')).sort()).toEqual([
      'api_request_duration_seconds_count{verb="evict"} 1',
      'api_request_duration_seconds_count{verb="list"} 1',
      'api_request_duration_seconds_sum{verb="evict"} 0.02',
      'api_request_duration_seconds_sum{verb="list"} 0.02',
      'api_requests_total{verb="evict",code="4xx"} 1',
      'api_requests_total{verb="list",code="NoAnswer"} 1',
      expect.stringMatching(/^build_info\{version=".+"\} 1$/),
      'events_dropped_total{reason="Overflow"} 1',
      'evictions_total{outcome="BudgetBlocked"} 1',
      'handler_errors_total{resource="nodes"} 1',
      'leader 1',
      'queue_depth{controller="tmm"} 3',
      'reconcile_duration_seconds_count{controller="tmm"} 1',
      'reconcile_duration_seconds_sum{controller="tmm"} 1.5',
      'reconcile_total{controller="tmm",outcome="Failed"} 1',
      'watch_restarts_total{resource="pods",reason="Expired"} 1',
      'watch_staleness_seconds{resource="pods"} 90',
    ]);
  });
});
