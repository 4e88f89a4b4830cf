/** The dashboard and the rules use only exposed metrics, and Grafana can display the dashboard. */
import { describe, expect, it } from 'vitest';
import { ALL_METRICS } from '../../src/app/metrics.ts';
import { DASHBOARD, EXPRESSIONS, PANELS } from './files.ts';

/** A selector of one of our metrics; a histogram is selected by its exposed series. */
const SELECTOR = /maintenance_bridge_[a-z0-9_]+(?:\{[^}]*\})?/g;
/** Labels that a scrape adds. */
const TARGET_LABELS = new Set(['cluster', 'namespace', 'job', 'instance']);

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly values: readonly string[];
}

function matchersOf(selector: string): readonly Matcher[] {
  return [...selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
    ([, label = '', operator = '', value = '']) => ({
      label,
      operator,
      values: value.split('|'),
    }),
  );
}

/** Selectors that no series can match. */
function faultsOf(selector: string): readonly string[] {
  const [name = ''] = selector.split('{');
  const metric = ALL_METRICS.find(
    (each) => each.name === name || (each.type === 'histogram' && name === `${each.name}_bucket`),
  );
  if (metric === undefined) return [`${name} is not a metric`];
  return matchersOf(selector)
    .filter(({ label }) => !TARGET_LABELS.has(label))
    .flatMap(({ label, values }) => {
      const known = metric.labels[label];
      if (known === undefined) return [`${name} has no label ${label}`];
      return values.filter((value) => !known.includes(value)).map((value) => `${name} has no ${label} ${value}`);
    });
}

describe('every expression', () => {
  it.each(EXPRESSIONS)('of $where names metrics, labels and values that exist', ({ expr }) => {
    const selectors = expr.match(SELECTOR) ?? [];
    expect(selectors).not.toEqual([]);
    expect(selectors.flatMap(faultsOf)).toEqual([]);
  });
});

describe('the dashboard', () => {
  it.each(PANELS)('"$title" has a description, a unit, and the chosen data source', (panel) => {
    expect(panel.description).toMatch(/\S.*\.$/);
    expect(panel.fieldConfig.defaults.unit).not.toBe('');
    for (const { uid } of [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)]) {
      expect(uid).toBe('$' + '{datasource}');
    }
    for (const { expr } of panel.targets) expect(expr).toMatch(/namespace=~"\$namespace", job=~"\$job"/);
  });

  it('has the variables that its expressions use', () => {
    expect(DASHBOARD.templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace', 'job']);
    const used = PANELS.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/\$\w+/g) ?? []));
    expect(new Set(used)).toEqual(new Set(['$namespace', '$job', '$__rate_interval']));
  });

  it('has panels of different ids that do not overlap, on 24 columns', () => {
    const { panels } = DASHBOARD;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});
