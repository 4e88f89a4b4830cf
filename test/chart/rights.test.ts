/** The chart grants exactly the rights that the code declares for the rendered configuration. */
import { expect, it } from 'vitest';
import { type Manifest, NAMESPACE, ofKind, only, optionsIn, render } from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';
import { rightsFor } from '../../src/app/rbac.ts';
import type { RunOptions } from '../../src/config/schema.ts';
import type { RbacRule } from '../../src/core/rbac.ts';

type Rule = Omit<RbacRule, 'because'>;

interface Granted {
  readonly cluster: readonly Rule[];
  readonly own: readonly Rule[];
  readonly watched: Readonly<Record<string, readonly Rule[]>>;
}

const BOOLEANS = [false, true];
const FEATURES = BOOLEANS.flatMap((tmm) =>
  BOOLEANS.flatMap((clusterApi) => BOOLEANS.map((metal3) => ({ tmm, clusterApi, metal3 }))),
).filter((features) => Object.values(features).includes(true));
const SELECTIONS: readonly object[] = [
  {},
  { pods: [{ namespaces: ['a'] }, { namespaceSelector: { matchLabels: { tier: 'web' } } }] },
  { selfMovingWorkloads: [{ name: 'mine', namespaceSelector: {} }] },
  { selfMovingWorkloads: [{ name: 'mine', needsCordon: true }] },
];
const TMM = SELECTIONS.flatMap((selection) =>
  ['never', 'always', 'auto', false, true].flatMap((cordon) =>
    ['reject', 'recreate'].map((unmanagedPods) => ({ ...selection, cordon, unmanagedPods })),
  ),
);

const plain = (rules: readonly RbacRule[]): readonly Rule[] => rules.map(({ because: _, ...rule }) => rule);
const rulesOf = ({ rules }: Manifest): readonly Rule[] => rules as readonly Rule[];

function grantedBy(manifests: readonly Manifest[]): Granted {
  const roles = ofKind(manifests, 'Role');
  const named = (suffix: string): readonly Manifest[] =>
    roles.filter(({ metadata }) => metadata.name === `maintenance-bridge${suffix}`);
  expect(named('').length + named('-machines').length).toBe(roles.length);
  return {
    cluster: ofKind(manifests, 'ClusterRole').flatMap(rulesOf),
    own: named('').flatMap((role) => {
      expect(role.metadata.namespace).toBe(NAMESPACE);
      return rulesOf(role);
    }),
    watched: Object.fromEntries(named('-machines').map((role) => [role.metadata.namespace, rulesOf(role)])),
  };
}

function wantedFor(options: RunOptions): Granted {
  const { cluster, watched, namespace } = rightsFor(options);
  return {
    cluster: plain(cluster),
    own: plain(namespace),
    watched: watched.length === 0 ? {} : Object.fromEntries(options.namespaces.map((name) => [name, plain(watched)])),
  };
}

/** All rights are bound, in the same scope, only to our ServiceAccount. */
function expectBindings(manifests: readonly Manifest[]): void {
  for (const scope of ['Role', 'ClusterRole']) {
    const roles = ofKind(manifests, scope);
    const bindings = ofKind(manifests, `${scope}Binding`);
    const place = ({ metadata }: Manifest): string => `${metadata.namespace ?? ''}/${metadata.name}`;
    expect(bindings.map(place)).toEqual(roles.map(place));
    for (const { metadata, roleRef, subjects } of bindings) {
      expect(roleRef).toEqual({ apiGroup: 'rbac.authorization.k8s.io', kind: scope, name: metadata.name });
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'maintenance-bridge', namespace: NAMESPACE }]);
    }
  }
}

describeWithTools('rights of the chart', [CHART_TOOLS], (get) => {
  const cases = FEATURES.flatMap((features) =>
    [[], ['fleet-a', NAMESPACE]].map((namespaces) => ({ ...features, namespaces })),
  );

  it.each(cases)(
    'equal `rightsFor()` with tmm $tmm, clusterApi $clusterApi, metal3 $metal3, namespaces $namespaces',
    async ({ tmm, clusterApi, metal3, namespaces }) => {
      const features = { tmm: { enabled: tmm }, clusterApi: { enabled: clusterApi }, metal3: { enabled: metal3 } };
      // The section of a disabled feature must make no difference: the smallest and the largest section show it.
      const sections = tmm ? TMM : [TMM.at(0), TMM.at(-1)];
      await Promise.all(
        sections.map(async (section, index) => {
          const leaderElection = { enabled: index % 3 === 0, ...(index % 2 === 0 && { id: 'elected' }) };
          const values = { features, leaderElection, replicaCount: 1, config: { namespaces, tmm: section } };
          const manifests = await render(get().helm, { values });
          expect(grantedBy(manifests), JSON.stringify(values)).toEqual(wantedFor(optionsIn(manifests)));
          expectBindings(manifests);
        }),
      );
    },
  );

  it('are none with `rbac.create: false`', async () => {
    const manifests = await render(get().helm, { values: { rbac: { create: false }, config: { namespaces: ['a'] } } });
    expect(manifests.filter(({ apiVersion }) => apiVersion.startsWith('rbac.'))).toEqual([]);
  });

  it('include `rbac.extraRules`', async () => {
    const extra: Rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] };
    const manifests = await render(get().helm, { values: { rbac: { extraRules: [extra] } } });
    expect(rulesOf(only(manifests, 'ClusterRole')).at(-1)).toEqual(extra);
  });

  it('have no Secrets in all namespaces once Machines are limited to some', async () => {
    const manifests = await render(get().helm, { values: { config: { namespaces: ['fleet-a'] } } });
    const resources = rulesOf(only(manifests, 'ClusterRole')).flatMap((rule) => rule.resources);
    expect(resources).not.toContain('secrets');
  });
});
