/** The alerting rules, checked by Prometheus' own tool. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { PROMETHEUS_TOOLS } from '../../harness/tools/tools.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';
import { ALERTS_PATH, RULES, type Rule } from './files.ts';

const ruleOf = (alert: string): Rule => {
  const rule = RULES.find((each) => each.alert === alert);
  if (rule === undefined) throw new Error(`There is no alert ${alert}`);
  return rule;
};

/** Expected values of the templates in a description; the summary is part of the case. */
const rendered = (text: string, labels: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');

/** The file of `promtool test rules`; JSON is YAML too. */
function testFileOf({ alert, series, calm, at, labels, summary }: AlertCase): object {
  const { annotations, labels: ownLabels } = ruleOf(alert);
  const input = (all: AlertCase['series']): object[] =>
    Object.entries(all).map(([name, values]) => ({ series: name, values }));
  const fired = {
    exp_labels: { ...labels, ...ownLabels },
    exp_annotations: { ...annotations, summary, description: rendered(annotations.description, labels) },
  };
  const expecting = (minute: number, alerts: readonly object[]): object => ({
    eval_time: `${minute}m`,
    alertname: alert,
    exp_alerts: alerts,
  });
  return {
    rule_files: [ALERTS_PATH],
    evaluation_interval: '1m',
    tests: [
      {
        name: 'it fires',
        interval: '1m',
        input_series: input(series),
        alert_rule_test: [expecting(at - 1, []), expecting(at, [fired])],
      },
      {
        name: 'it does not fire',
        interval: '1m',
        input_series: input(calm),
        alert_rule_test: Array.from({ length: at + 10 }, (_, minute) => expecting(minute, [])),
      },
    ],
  };
}

describe('the alerts', () => {
  it('have a case each', () => {
    expect([...new Set(ALERT_CASES.map(({ alert }) => alert))]).toEqual(RULES.map(({ alert }) => alert));
  });

  it.each(RULES)('$alert says what is wrong and where to begin', ({ alert, annotations }) => {
    expect(alert).toMatch(/^MaintenanceBridge[A-Z]\w+$/);
    expect(annotations.summary).not.toMatch(/\.$/);
    expect(annotations.description).toMatch(/`(kubectl|maintenance-bridge) .*`/);
    // The tests render labels only.
    expect(annotations.description).not.toContain('$value');
  });
});

describeWithTools('promtool', [PROMETHEUS_TOOLS], (get) => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'alerts-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const promtool = (...args: readonly string[]): { readonly status: number | null; readonly output: string } => {
    const { status, stdout, stderr } = spawnSync(get().promtool, args, { encoding: 'utf8' });
    return { status, output: `${stdout}${stderr}` };
  };

  it('finds no fault in the rules', () => {
    expect(promtool('check', 'rules', '--lint=all', '--lint-fatal', ALERTS_PATH)).toMatchObject({ status: 0 });
  });

  it.each(ALERT_CASES)('$alert fires when it should, and only then', (alertCase) => {
    const file = join(directory, `${alertCase.alert}.json`);
    writeFileSync(file, JSON.stringify(testFileOf(alertCase)));
    const { status, output } = promtool('test', 'rules', file);
    expect(status, output).toBe(0);
  });
});
