/** An upgrade replaces Pods only if necessary, and the names of objects are predictable. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART_DIRECTORY, configurationIn, ofKind, only, render } from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';

describeWithTools('the Deployment', [CHART_TOOLS], (get) => {
  const podTemplate = async (values: object): Promise<unknown> => {
    const manifests = await render(get().helm, { values });
    return (only(manifests, 'Deployment').spec as { readonly template: unknown }).template;
  };

  it('rolls its Pods when the configuration changes', async () => {
    expect(await podTemplate({ config: { tmm: { cordon: 'always' } } })).not.toEqual(await podTemplate({}));
  });

  it.each([
    { what: 'monitoring', values: { serviceMonitor: { enabled: true }, prometheusRule: { enabled: true } } },
    { what: 'labels of the objects', values: { commonLabels: { team: 'platform' } } },
    { what: 'the budget', values: { podDisruptionBudget: { enabled: false } } },
    {
      what: 'further rules',
      values: { rbac: { extraRules: [{ apiGroups: [''], resources: ['events'], verbs: ['get'] }] } },
    },
    { what: 'the number of replicas', values: { replicaCount: 3 } },
  ])('leaves its Pods alone when $what changes', async ({ values }) => {
    expect(await podTemplate(values)).toEqual(await podTemplate({}));
  });

  it('names no version but the image’s in its Pods, so that a new chart alone replaces none', async () => {
    const { version, appVersion } = parse(readFileSync(join(CHART_DIRECTORY, 'Chart.yaml'), 'utf8')) as {
      readonly version: string;
      readonly appVersion: string;
    };
    const text = JSON.stringify(await podTemplate({ image: { tag: 'elsewhere' } }));
    expect(text).not.toContain(version);
    expect(text).not.toContain(appVersion);
  });
});

describeWithTools('names', [CHART_TOOLS], (get) => {
  const namesWith = async (values: object, release: string): Promise<string[]> => {
    const manifests = await render(get().helm, { values, release });
    return [...new Set(manifests.map(({ metadata }) => metadata.name))].sort();
  };

  it('are the release’s where it says what it is', async () => {
    expect(await namesWith({}, 'maintenance-bridge')).toEqual([
      'maintenance-bridge',
      'maintenance-bridge-test',
      'maintenance-bridge-uninstall',
    ]);
  });

  it('begin with the release’s otherwise', async () => {
    expect(await namesWith({}, 'fleet')).toEqual([
      'fleet-maintenance-bridge',
      'fleet-maintenance-bridge-test',
      'fleet-maintenance-bridge-uninstall',
    ]);
  });

  it('have no dots, which a release may have and a Service may not', async () => {
    expect(await namesWith({}, 'fleet.a')).toEqual([
      'fleet-a-maintenance-bridge',
      'fleet-a-maintenance-bridge-test',
      'fleet-a-maintenance-bridge-uninstall',
    ]);
  });

  it('are as `fullnameOverride` says, the Lease’s too', async () => {
    const values = { fullnameOverride: 'mb' };
    expect(await namesWith(values, 'fleet')).toEqual(['mb', 'mb-test', 'mb-uninstall']);
    const text = configurationIn(await render(get().helm, { values }));
    expect(parse(text)).toMatchObject({ leaderElection: { id: 'mb', leaseDuration: '15s' } });
  });

  it('lie in `namespaceOverride`, apart from what watches other namespaces', async () => {
    const values = {
      namespaceOverride: 'elsewhere',
      config: { namespaces: ['fleet-a'] },
      networkPolicy: { enabled: true },
    };
    const manifests = await render(get().helm, { values });
    const places = manifests.flatMap(({ metadata }) => metadata.namespace ?? []);
    expect(new Set(places)).toEqual(new Set(['elsewhere', 'fleet-a']));
    const watching = manifests.filter(({ metadata }) => metadata.namespace === 'fleet-a');
    expect(watching.map(({ kind }) => kind)).toEqual(['Role', 'RoleBinding']);
    for (const { subjects } of ofKind(manifests, 'RoleBinding')) {
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'maintenance-bridge', namespace: 'elsewhere' }]);
    }
  });

  it('stay within their length', async () => {
    const manifests = await render(get().helm, { values: { nameOverride: 'n'.repeat(60) }, release: 'r'.repeat(53) });
    for (const { metadata } of ofKind(manifests, 'Service')) expect(metadata.name.length).toBeLessThanOrEqual(63);
  });
});
