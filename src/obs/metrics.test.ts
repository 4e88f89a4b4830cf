import { describe, expect, it } from 'vitest';
import type { MetricDeclaration } from '../core/metrics.ts';
import { MetricRegistry } from './metrics.ts';

const PASSES = {
  name: 'test_passes_total',
  type: 'counter',
  help: 'Passes.',
  labels: { controller: ['a', 'b'], outcome: ['Done', 'Failed'] },
} as const satisfies MetricDeclaration;
const DEPTH = { name: 'test_depth', type: 'gauge', help: 'Depth.', labels: {} } as const satisfies MetricDeclaration;
const SECONDS = {
  name: 'test_seconds',
  type: 'histogram',
  help: 'Time.',
  labels: { controller: ['a'] },
  buckets: [1, 10],
} as const satisfies MetricDeclaration;

async function seriesOf(registry: MetricRegistry): Promise<string[]> {
  const { body } = await registry.exposition();
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('`MetricRegistry`', () => {
  it('exposes every series of the closed sets from the start, at 0', async () => {
    expect(await seriesOf(new MetricRegistry([PASSES, DEPTH, SECONDS]))).toEqual([
      'test_passes_total{controller="a",outcome="Done"} 0',
      'test_passes_total{controller="a",outcome="Failed"} 0',
      'test_passes_total{controller="b",outcome="Done"} 0',
      'test_passes_total{controller="b",outcome="Failed"} 0',
      'test_depth 0',
      'test_seconds_bucket{le="1",controller="a"} 0',
      'test_seconds_bucket{le="10",controller="a"} 0',
      'test_seconds_bucket{le="+Inf",controller="a"} 0',
      'test_seconds_sum{controller="a"} 0',
      'test_seconds_count{controller="a"} 0',
    ]);
  });

  it('counts, sets and observes', async () => {
    const registry = new MetricRegistry([PASSES, DEPTH, SECONDS]);
    registry.increment(PASSES, { controller: 'b', outcome: 'Failed' });
    registry.increment(PASSES, { controller: 'b', outcome: 'Failed' }, 2);
    registry.set(DEPTH, {}, 7);
    registry.observe(SECONDS, { controller: 'a' }, 5);
    const series = await seriesOf(registry);
    expect(series).toContain('test_passes_total{controller="b",outcome="Failed"} 3');
    expect(series).toContain('test_depth 7');
    expect(series).toContain('test_seconds_bucket{le="10",controller="a"} 1');
    expect(series).toContain('test_seconds_sum{controller="a"} 5');
  });

  it('asks collectors before each exposition', async () => {
    const registry = new MetricRegistry([DEPTH]);
    let depth = 0;
    registry.beforeExposition(() => registry.set(DEPTH, {}, ++depth));
    expect(await seriesOf(registry)).toEqual(['test_depth 1']);
    expect(await seriesOf(registry)).toEqual(['test_depth 2']);
  });

  it('refuses label values outside their set, so that no object’s name becomes a series', async () => {
    const registry = new MetricRegistry([PASSES]);
    const open: MetricDeclaration = PASSES;
    expect(() => registry.increment(open, { controller: 'worker-3', outcome: 'Done' })).toThrow(RangeError);
    expect(() => registry.increment(open, { controller: 'a' })).toThrow(RangeError);
    expect(() => registry.increment(DEPTH, {})).toThrow('test_depth was not declared');
    expect(() => registry.set(PASSES, { controller: 'a', outcome: 'Done' }, 1)).toThrow('is a counter');
    expect(await seriesOf(registry)).toHaveLength(4);
  });

  it('adds the process’s own metrics on request', async () => {
    const registry = new MetricRegistry([]);
    registry.collectProcessMetrics();
    expect((await registry.exposition()).body).toContain('process_resident_memory_bytes');
  });
});
