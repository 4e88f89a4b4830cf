/** Alerts and dashboards reach the cluster as they stand in their files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeWithTools } from '../tools/suite.ts';
import { CHART_TOOLS } from '../tools/tools.ts';
import { CHART_DIRECTORY, ofKind, only, render } from './chart.ts';

interface Group {
  readonly name: string;
  readonly rules: readonly { readonly alert?: string }[];
}

const read = (name: string): string => readFileSync(join(CHART_DIRECTORY, 'files', name), 'utf8');
const { groups } = parse(read('alerts.yaml')) as { readonly groups: readonly Group[] };
const alertsOf = (list: readonly Group[]): string[] =>
  list.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []));

describeWithTools('monitoring', [CHART_TOOLS], (get) => {
  const rendered = async (prometheusRule: object): Promise<readonly Group[]> => {
    const manifests = await render(get().helm, { values: { prometheusRule: { enabled: true, ...prometheusRule } } });
    return (only(manifests, 'PrometheusRule').spec as { readonly groups: readonly Group[] }).groups;
  };

  it('has the alerts of files/alerts.yaml, unchanged', async () => {
    expect(await rendered({})).toEqual(groups);
  });

  it('leaves out the alerts of `prometheusRule.disabledAlerts`, and a group of nothing else', async () => {
    const [first, ...others] = groups;
    const disabledAlerts = [...alertsOf(first === undefined ? [] : [first]), ...alertsOf(others).slice(0, 1)];
    const remaining = await rendered({ disabledAlerts });
    expect(alertsOf(remaining)).toEqual(alertsOf(groups).filter((alert) => !disabledAlerts.includes(alert)));
    expect(remaining.map(({ name }) => name)).not.toContain(first?.name);
  });

  it('has the dashboards of files/dashboards, unchanged', async () => {
    const manifests = await render(get().helm, { values: { grafanaDashboard: { enabled: true } } });
    const maps = ofKind(manifests, 'ConfigMap').filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1');
    expect(maps.map(({ metadata }) => metadata.name)).toEqual(['maintenance-bridge-dashboard-maintenance-bridge']);
    const data = maps[0]?.data as Readonly<Record<string, string>>;
    expect(JSON.parse(data['maintenance-bridge.json'] ?? '')).toEqual(
      JSON.parse(read('dashboards/maintenance-bridge.json')),
    );
  });
});
