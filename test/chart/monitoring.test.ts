/** Alerts and dashboards are installed unchanged from their files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART_DIRECTORY, ofKind, only, render } from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly annotations: { readonly runbook: string; readonly runbook_url?: string };
}
interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

const read = (name: string): string => readFileSync(join(CHART_DIRECTORY, 'files', name), 'utf8');
const { groups } = parse(read('alerts.yaml')) as { readonly groups: readonly Group[] };
const rulesIn = (list: readonly Group[]): Rule[] => list.flatMap(({ rules }) => rules);
const alertsOf = (list: readonly Group[]): string[] => rulesIn(list).map(({ alert }) => alert);
const chart = parse(readFileSync(join(CHART_DIRECTORY, 'Chart.yaml'), 'utf8')) as { home: string; appVersion: string };

describeWithTools('monitoring', [CHART_TOOLS], (get) => {
  const rendered = async (prometheusRule: object, config: object = {}): Promise<readonly Group[]> => {
    const values = { prometheusRule: { enabled: true, ...prometheusRule }, config };
    const manifests = await render(get().helm, { values });
    return (only(manifests, 'PrometheusRule').spec as { readonly groups: readonly Group[] }).groups;
  };

  it('has the alerts of files/alerts.yaml, each with the address of its runbook', async () => {
    const withAddress = (rule: Rule): Rule => {
      const runbook_url = `${chart.home}/blob/v${chart.appVersion}/${rule.annotations.runbook}`;
      return { ...rule, annotations: { ...rule.annotations, runbook_url } };
    };
    expect(await rendered({})).toEqual(groups.map((group) => ({ ...group, rules: group.rules.map(withAddress) })));
  });

  it('derives the times of alerts from timeouts as they are derived in files/alerts.yaml', async () => {
    const times = (list: readonly Group[]) => rulesIn(list).map(({ expr, for: lasting }) => [expr, lasting]);
    // The defaults in another notation.
    const same = { admissionTimeout: '1m', drainTimeout: '0.5h30m', exitTimeout: '299s1000ms' };
    const known = times(groups).map(([expr, lasting]) => [expr, lasting === '2h' ? '7200s' : lasting]);
    expect(times(await rendered({}, { tmm: same }))).toEqual(known);
  });

  it.each([
    { config: { drainTimeout: '4h' }, alert: 'MaintenanceBridgeDrainSlow', says: '> 10800' },
    { config: { exitTimeout: '30m' }, alert: 'MaintenanceBridgePhaseOverdue', says: '> 5400' },
    { config: { admissionTimeout: '1h' }, alert: 'MaintenanceBridgePhaseOverdue', says: '> 10800' },
    { config: { exitTimeout: '30m' }, alert: 'MaintenanceBridgeQueueStalled', says: '> 10800' },
  ])('with $config $alert fires later', async ({ config, alert, says }) => {
    const changed = rulesIn(await rendered({}, { tmm: config })).find((rule) => rule.alert === alert);
    expect(changed?.expr).toContain(says);
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
