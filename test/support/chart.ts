/** What the chart lets the program do, as it is rendered for the features that a test runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capiSettingsSchema } from '../../src/capi/settings.ts';
import type { RbacRule } from '../../src/core/rbac.ts';
import { metal3SettingsSchema } from '../../src/metal3/settings.ts';
import { rightsFor } from '../../src/rbac.ts';
import { tmmSettingsSchema } from '../../src/tmm/settings.ts';
import { CHART_DIRECTORY, type Manifest, manifestsIn, ofKind, render } from '../chart/chart.ts';
import type { ServiceAccountName } from '../controlplane/controlplane.ts';
import { CHART_TOOLS, ensureTools, lackingTools } from '../tools/tools.ts';

export type Rule = Omit<RbacRule, 'because'>;

/** Features with their sections of the configuration; those that are absent are off. */
export interface Features {
  readonly tmm?: object;
  readonly capi?: object;
  readonly metal3?: object;
  /** To which Machines are limited. @default all */
  readonly namespaces?: readonly string[];
}

const RBAC_KINDS: readonly string[] = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

const RENDERED = new Map<string, Promise<readonly Manifest[]>>();

/**
 * The ServiceAccount, the roles and the bindings of an installation, from the rendered chart. Where Helm cannot be had they are
 * made of the rules that the chart is generated from.
 *
 * @param account its name is the full name of the release, and so that of the Lease too.
 */
export function rbacFor(features: Features, account: ServiceAccountName): Promise<readonly Manifest[]> {
  const key = JSON.stringify([features, account]);
  const known = RENDERED.get(key);
  if (known !== undefined) return known;
  const rendered =
    lackingTools(CHART_TOOLS) === undefined ? fromChart(features, account) : fromRules(features, account);
  RENDERED.set(key, rendered);
  return rendered;
}

/** The rules of all roles of a kind. */
export function rulesOf(manifests: readonly Manifest[], kind: 'ClusterRole' | 'Role'): readonly Rule[] {
  return ofKind(manifests, kind).flatMap(({ rules }) => rules as readonly Rule[]);
}

/** The rules for kubeconfigs of workload clusters that the chart comes with. */
export async function workloadClusterRules(): Promise<readonly Rule[]> {
  const text = await readFile(join(CHART_DIRECTORY, 'files/workload-cluster.yaml'), 'utf8');
  return rulesOf(manifestsIn(text), 'ClusterRole');
}

async function fromChart(features: Features, { namespace, name }: ServiceAccountName): Promise<readonly Manifest[]> {
  const { tmm, capi, metal3, namespaces = [] } = features;
  const { helm } = await ensureTools(CHART_TOOLS);
  const values = {
    fullnameOverride: name,
    namespaceOverride: namespace,
    features: {
      tmm: { enabled: tmm !== undefined },
      clusterApi: { enabled: capi !== undefined },
      metal3: { enabled: metal3 !== undefined },
    },
    config: { namespaces, ...(tmm && { tmm }), ...(capi && { capi }), ...(metal3 && { metal3 }) },
  };
  return (await render(helm, { values })).filter(({ kind }) => RBAC_KINDS.includes(kind));
}

async function fromRules(features: Features, account: ServiceAccountName): Promise<readonly Manifest[]> {
  const { tmm, capi, metal3, namespaces = [] } = features;
  const { cluster, watched, namespace } = rightsFor({
    tmm: { enabled: tmm !== undefined, settings: tmmSettingsSchema.parse(tmm ?? {}) },
    capi: { enabled: capi !== undefined, settings: capiSettingsSchema.parse(capi ?? {}) },
    metal3: { enabled: metal3 !== undefined, settings: metal3SettingsSchema.parse(metal3 ?? {}) },
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
