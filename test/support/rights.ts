import { capiSettingsSchema } from '../../src/capi/settings.ts';
import { metal3SettingsSchema } from '../../src/metal3/settings.ts';
import { rightsFor } from '../../src/rbac.ts';
import { tmmSettingsSchema } from '../../src/tmm/settings.ts';
import type { ControlPlane } from '../controlplane/controlplane.ts';

/**
 * A kubeconfig of a ServiceAccount that may do what the program declares, and no more.
 *
 * @param settings the `tmm` section that it will run with.
 * @param limits namespaces that its Machines are limited to, which exist already; the account is then one of its own.
 * @param isMetal3 whether it will run the Metal3 integration, and nothing else.
 */
export async function grantedKubeconfig(
  controlPlane: ControlPlane,
  settings: object = {},
  limits: readonly string[] = [],
  isMetal3 = false,
): Promise<string> {
  const account = { namespace: 'maintenance-bridge', name: ['maintenance-bridge', ...limits].join('-') };
  const kubeconfig = await controlPlane.kubeconfigFor(account);
  const rights = rightsFor({
    tmm: { enabled: limits.length === 0 && !isMetal3, settings: tmmSettingsSchema.parse(settings) },
    capi: { enabled: !isMetal3, settings: capiSettingsSchema.parse({}) },
    metal3: { enabled: isMetal3, settings: metal3SettingsSchema.parse({}) },
    namespaces: limits,
    leaderElection: { enabled: true, id: 'maintenance-bridge' },
  });
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  const metadata = { name: account.name };
  const plain = (rules: readonly { readonly because: string }[]) => rules.map(({ because: _, ...rule }) => rule);
  const root = '/apis/rbac.authorization.k8s.io/v1';
  const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: account.name });
  const { api } = controlPlane;
  await api.create(`${root}/clusterroles`, { metadata, rules: plain(rights.cluster) });
  await api.create(`${root}/clusterrolebindings`, { metadata, roleRef: roleRef('ClusterRole'), subjects });
  const inNamespaces = [
    { namespace: account.namespace, rules: rights.namespace },
    ...limits.map((namespace) => ({ namespace, rules: rights.watched })),
  ];
  for (const { namespace, rules } of inNamespaces) {
    await api.create(`${root}/namespaces/${namespace}/roles`, { metadata, rules: plain(rules) });
    await api.create(`${root}/namespaces/${namespace}/rolebindings`, { metadata, roleRef: roleRef('Role'), subjects });
  }
  return kubeconfig;
}
