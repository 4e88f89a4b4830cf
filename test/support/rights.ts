import { rightsFor } from '../../src/rbac.ts';
import { tmmSettingsSchema } from '../../src/tmm/settings.ts';
import type { ControlPlane } from '../controlplane/controlplane.ts';

/**
 * A kubeconfig of a ServiceAccount that may do what the program declares, and no more.
 *
 * @param settings the `tmm` section that it will run with.
 */
export async function grantedKubeconfig(controlPlane: ControlPlane, settings: object = {}): Promise<string> {
  const account = { namespace: 'maintenance-bridge', name: 'maintenance-bridge' };
  const kubeconfig = await controlPlane.kubeconfigFor(account);
  const rights = rightsFor({
    tmm: { enabled: true, settings: tmmSettingsSchema.parse(settings) },
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
  await api.create(`${root}/namespaces/${account.namespace}/roles`, { metadata, rules: plain(rights.namespace) });
  await api.create(`${root}/namespaces/${account.namespace}/rolebindings`, {
    metadata,
    roleRef: roleRef('Role'),
    subjects,
  });
  return kubeconfig;
}
