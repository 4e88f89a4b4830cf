/** The rights that the chart grants to the program, rendered for the features that a test runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceAccountName } from '../controlplane/controlplane.ts';
import { FEATURES, type FeatureName, sectionsWith } from '../src/app/features.ts';
import { rightsFor } from '../src/app/rbac.ts';
import type { RbacRule } from '../src/core/rbac.ts';
import { CHART_DIRECTORY, type Manifest, manifestsIn, ofKind, render } from './chart.ts';
import { CHART_TOOLS, ensureTools, lackingTools } from './tools/tools.ts';

export type Rule = Omit<RbacRule, 'because'>;

/** Features with their sections of the configuration; those that are absent are off. */
export interface Features extends Readonly<Partial<Record<FeatureName, object>>> {
  /** The namespaces to which Machines are limited. @default all */
  readonly namespaces?: readonly string[];
}

const RBAC_KINDS: readonly string[] = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

const RENDERED = new Map<string, Promise<readonly Manifest[]>>();

/**
 * The ServiceAccount, the roles and the bindings of an installation, from the rendered chart. If Helm is not available, and on the sandbox,
 * which enforces no rights, they are built from the rules that the chart is generated from.
 *
 * @param account its name is the full name of the release, and therefore that of the Lease too.
 */
export function rbacFor(features: Features, account: ServiceAccountName): Promise<readonly Manifest[]> {
  const key = JSON.stringify([features, account]);
  const known = RENDERED.get(key);
  if (known !== undefined) return known;
  const hasChart = process.env.SCENARIOS_ON !== 'sandbox' && lackingTools(CHART_TOOLS) === undefined;
  const rendered = hasChart ? fromChart(features, account) : fromRules(features, account);
  RENDERED.set(key, rendered);
  return rendered;
}

/** The rules of all roles of a kind. */
export function rulesOf(manifests: readonly Manifest[], kind: 'ClusterRole' | 'Role'): readonly Rule[] {
  return ofKind(manifests, kind).flatMap(({ rules }) => rules as readonly Rule[]);
}

/**
 * The chart's rules for kubeconfigs of workload clusters.
 *
 * @param suffixes selects the roles by their suffix after `maintenance-bridge-remote`.
 */
export async function workloadClusterRules(suffixes: readonly string[] = ['', '-gates']): Promise<readonly Rule[]> {
  const text = await readFile(join(CHART_DIRECTORY, 'files/workload-cluster.yaml'), 'utf8');
  const names = suffixes.map((suffix) => `maintenance-bridge-remote${suffix}`);
  return rulesOf(
    manifestsIn(text).filter(({ metadata }) => names.includes(metadata.name)),
    'ClusterRole',
  );
}

async function fromChart(features: Features, { namespace, name }: ServiceAccountName): Promise<readonly Manifest[]> {
  const { namespaces = [], ...on } = features;
  const { helm } = await ensureTools(CHART_TOOLS);
  const values = {
    fullnameOverride: name,
    namespaceOverride: namespace,
    features: Object.fromEntries(
      FEATURES.flatMap(({ name, chart }) => (chart ? [[chart.value, { enabled: on[name] !== undefined }]] : [])),
    ),
    config: { namespaces, ...on },
  };
  return (await render(helm, { values })).filter(({ kind }) => RBAC_KINDS.includes(kind));
}

async function fromRules(features: Features, account: ServiceAccountName): Promise<readonly Manifest[]> {
  const { namespaces = [], ...on } = features;
  const { cluster, watched, namespace } = rightsFor({
    ...sectionsWith(on),
    namespaces,
    leaderElection: { enabled: true, id: account.name },
  });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    ...boundRole(account, cluster),
    ...boundRole(account, namespace, account),
    ...namespaces.flatMap((watchedOne) =>
      boundRole(account, watched, { name: `${account.name}-machines`, namespace: watchedOne }),
    ),
  ];
}

/** @param at of a Role. @default a ClusterRole */
function boundRole(
  account: ServiceAccountName,
  rules: readonly RbacRule[],
  at?: Manifest['metadata'],
): readonly Manifest[] {
  const apiGroup = 'rbac.authorization.k8s.io';
  const kind = at === undefined ? 'ClusterRole' : 'Role';
  const common = { apiVersion: `${apiGroup}/v1`, metadata: at ?? { name: account.name } };
  return [
    { ...common, kind, rules: rules.map(({ because: _, ...rule }) => rule) },
    {
      ...common,
      kind: `${kind}Binding`,
      roleRef: { apiGroup, kind, name: common.metadata.name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  ];
}
