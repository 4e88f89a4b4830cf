/** Invalid values are reported before anything is installed, with a message that names the value. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART_DIRECTORY, refusal, tryRendering } from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';
import { chartValueOf, configSchema } from '../../scripts/chart-parts.ts';
import { capiSettingsSchema } from '../../src/capi/settings.ts';
import { OPTION_ROWS } from '../../src/config/options.ts';
import { tmmSettingsSchema } from '../../src/tmm/settings.ts';

const REFUSED: readonly { readonly what: string; readonly values: object; readonly says: string | RegExp }[] = [
  {
    what: 'ranges for workload clusters beside none for the API server, which would open the same ports to any address',
    values: { networkPolicy: { enabled: true, workloadClusterCIDRs: ['10.0.0.0/8'] } },
    says: 'networkPolicy.apiServerCIDRs: wanted ranges of addresses while workloadClusterCIDRs has some and both use port 443',
  },
  {
    what: 'ranges for the API server beside none for workload clusters',
    values: { networkPolicy: { enabled: true, apiServerCIDRs: ['10.0.0.1/32'], workloadClusterPorts: [6443] } },
    says: 'networkPolicy.workloadClusterCIDRs: wanted ranges of addresses while apiServerCIDRs has some and both use port 6443',
  },
  { what: 'an unknown key', values: { replicas: 3 }, says: "additional properties 'replicas' not allowed" },
  {
    what: 'an unknown key further down',
    values: { serviceMonitor: { enable: true } },
    says: /serviceMonitor.*\n?.*additional properties 'enable' not allowed/,
  },
  {
    what: 'an unknown key of the configuration',
    values: { config: { tmm: { drainTimout: '1h' } } },
    says: /config\/tmm.*additional properties 'drainTimout' not allowed/,
  },
  {
    what: 'a key of the configuration that has a value of its own',
    values: { config: { log: { level: 'debug' } } },
    says: /config.*additional properties 'log' not allowed/,
  },
  {
    what: 'a level that there is not',
    values: { logLevel: 'trace' },
    says: /logLevel.*value must be one of 'debug', 'info', 'warn', 'error'/,
  },
  {
    what: 'a policy that there is not',
    values: { config: { tmm: { emptyDir: 'keep' } } },
    says: /config\/tmm\/emptyDir.*value must be one of 'evict', 'reject'/,
  },
  { what: 'a wrong type', values: { replicaCount: 'two' }, says: /replicaCount.*got string, want integer/ },
  {
    what: 'a time that is none',
    values: { config: { tmm: { drainTimeout: '1 hour' } } },
    says: /drainTimeout.*does not match pattern/,
  },
  {
    what: 'a digest that is none',
    values: { image: { digest: 'latest' } },
    says: /image\/digest.*does not match pattern/,
  },
  {
    what: 'features that are all off',
    values: { features: { tmm: { enabled: false }, clusterApi: { enabled: false } } },
    says: 'features.tmm.enabled: wanted true while nothing else is enabled, found false',
  },
  {
    what: 'an action of policies that there is not',
    values: { admissionPolicy: { validationActions: ['Log'] } },
    says: /validationActions\/0.*value must be one of 'Deny', 'Warn', 'Audit'/,
  },
  {
    what: 'policies that deny and warn',
    values: { admissionPolicy: { validationActions: ['Deny', 'Warn'] } },
    says: 'admissionPolicy.validationActions: wanted Deny or Warn, found both; what is denied is told anyway',
  },
  {
    what: 'two replicas without leader election',
    values: { leaderElection: { enabled: false } },
    says: 'replicaCount: wanted at most 1 while leaderElection.enabled is false, since all replicas would act at once',
  },
  {
    what: 'a leader that would go on for as long as the others wait',
    values: { leaderElection: { renewDeadline: '15s' } },
    says: 'leaderElection: wanted leaseDuration above renewDeadline above retryPeriod, found 15s, 15s and 2s',
  },
  {
    what: 'a Lease of half a second',
    values: { leaderElection: { leaseDuration: '500ms' } },
    says: /leaderElection\/leaseDuration/,
  },
  {
    what: 'a gate without the connections that it asks over',
    values: {
      features: { clusterApi: { enabled: false }, metal3: { enabled: true } },
      config: { metal3: { requireDrained: true } },
    },
    says: 'config.metal3.requireDrained: wanted false while features.clusterApi.enabled is false',
  },
  {
    what: 'no taint at all',
    values: { config: { tmm: { taints: [] } } },
    says: 'config.tmm.taints: wanted at least one taint or preset, found none',
  },
  {
    what: 'a budget that no replica may leave',
    values: { podDisruptionBudget: { minAvailable: 2 } },
    says: 'podDisruptionBudget.minAvailable: wanted less than all of 2 replicas, found 2; the Pods could never be evicted',
  },
  {
    what: 'a budget that is rounded up to all replicas',
    values: { replicaCount: 3, podDisruptionBudget: { minAvailable: '67%' } },
    says: 'podDisruptionBudget.minAvailable: wanted less than all of 3 replicas, found 67%; the Pods could never be evicted',
  },
  {
    what: 'a budget that allows none to be missing',
    values: { podDisruptionBudget: { maxUnavailable: 0 } },
    says: 'podDisruptionBudget.maxUnavailable: wanted more than 0, found 0; the Pods could never be evicted',
  },
  {
    what: 'one port for two servers',
    values: { containerPorts: { metrics: 8081 } },
    says: 'containerPorts.health: wanted another port than containerPorts.metrics, found 8081 for both',
  },
  {
    what: 'a scrape that takes longer than there is until the next',
    values: { serviceMonitor: { interval: '1s500ms', scrapeTimeout: '2s' } },
    says: 'serviceMonitor.scrapeTimeout: wanted at most serviceMonitor.interval, 1s500ms, found 2s',
  },
  {
    what: 'an alert that there is not',
    values: { prometheusRule: { disabledAlerts: ['MaintenanceBridgeLoud'] } },
    says: 'prometheusRule.disabledAlerts: wanted names of alerts in files/alerts.yaml, found MaintenanceBridgeLoud',
  },
  {
    what: 'an argument that a value sets',
    values: { extraArgs: ['--context=x', '--tmm-cordon=true'] },
    says: 'extraArgs: --tmm-cordon is set by the value config.tmm.cordon',
  },
  {
    what: 'a variable that a value sets',
    values: { extraEnv: [{ name: 'MAINTENANCE_BRIDGE_ENABLE_CAPI', value: 'true' }] },
    says: 'extraEnv: MAINTENANCE_BRIDGE_ENABLE_CAPI is set by the value features.clusterApi.enabled',
  },
];

const DEFAULTS = parse(readFileSync(join(CHART_DIRECTORY, 'values.yaml'), 'utf8')) as object;

/** Paths of the values, down to a depth. */
function* keys(within: object, depth: number): Generator<string> {
  for (const [key, value] of Object.entries(within)) {
    yield key;
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isMapping && depth > 1) for (const below of keys(value as object, depth - 1)) yield `${key}.${below}`;
  }
}

describeWithTools('values', [CHART_TOOLS], (get) => {
  it.each(REFUSED)('with $what are refused', async ({ values, says }) => {
    expect(await refusal(get().helm, values)).toMatch(says);
  });

  // A key without content removes the default, for example if everything under it is commented out.
  it.each([...keys(DEFAULTS, 2)])('with an empty `%s` render, or are refused by the schema', async (key) => {
    const values = key.split('.').reduceRight<unknown>((within, part) => ({ [part]: within }), null);
    const { code, stderr } = await tryRendering(get().helm, { values: values as object });
    expect(stderr).toMatch(code === 0 ? /^$/ : /values don't meet the specifications of the schema|wanted more than 0/);
  });
});

describe('the schema of the values', () => {
  const properties = configSchema().properties as Readonly<Record<string, { readonly properties?: object }>>;
  const has = (within: unknown, path: readonly string[]): boolean => {
    const [first, ...rest] = path;
    if (first === undefined) return true;
    return (
      typeof within === 'object' &&
      within !== null &&
      first in within &&
      has(within[first as keyof typeof within], rest)
    );
  };

  it.each(OPTION_ROWS.flatMap((row) => chartValueOf(row) ?? []))(
    'knows `%s`, which the code has an option for',
    (value) => {
      const [first = '', section = '', key] = value.split('.');
      if (first !== 'config' || section === '') expect(has(DEFAULTS, value.split('.'))).toBe(true);
      else if (key === undefined) expect(properties).toHaveProperty(section);
      else expect(properties[section]?.properties).toHaveProperty(key);
    },
  );

  it.each(['90s', '1h30m', '0.5s', '500ms', '0s', '0', '0h0m', '1h0s', '', '5', '-1s', '1 h', '1d', '0.0s', '10s0m'])(
    'judges a duration of "%s" as the program does',
    (text) => {
      const patternOf = (section: string, key: string): RegExp => {
        const keys = properties[section]?.properties as Readonly<Record<string, { readonly pattern: string }>>;
        return new RegExp(keys[key]?.pattern ?? expect.fail(`${section}.${key} has no pattern`));
      };
      expect(patternOf('tmm', 'drainTimeout').test(text)).toBe(
        tmmSettingsSchema.safeParse({ drainTimeout: text }).success,
      );
      expect(patternOf('capi', 'hookTimeout').test(text)).toBe(
        capiSettingsSchema.safeParse({ hookTimeout: text }).success,
      );
    },
  );

  it.each([
    ['capi', 'hookTimeout'],
    ['metal3', 'startTimeout'],
  ])('takes a number for %s.%s where it is 0, as the program does', (section, key) => {
    expect(properties[section]?.properties).toHaveProperty(
      key,
      expect.objectContaining({ anyOf: [{ type: 'string' }, { type: 'number', const: 0 }] }),
    );
  });
});
