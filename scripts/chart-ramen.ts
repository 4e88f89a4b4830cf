/** Rules for kubeconfigs of the Ramen bridge, to be applied by hand: on its clusters, and on a hub that clusters pull from. */
import type { RbacRule } from '../src/core/rbac.ts';
import { MANAGED_CLUSTER_RULES, PULL_RULES } from '../src/ramen/rbac.ts';

const role = (kind: 'ClusterRole' | 'Role', name: string, rules: string, namespace?: string): string =>
  `apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}
metadata:
  name: ${name}
${namespace === undefined ? '' : `  namespace: ${namespace}\n`}rules:
${rules}
`;

/** Paths in the chart, with what the files hold. */
export function ramenFiles(render: (rules: readonly RbacRule[]) => string): ReadonlyMap<string, string> {
  const indented = (rules: readonly RbacRule[]): string => render(rules).trimEnd().replace(/^/gm, '  ');
  const generated = '# Generated from the code by npm run docs.\n#\n';
  const managedCluster = `${generated}# What the kubeconfig of a managed cluster of Ramen needs, on that cluster: apply it there, bind it to a ServiceAccount or a
# user, and make the kubeconfig of those credentials. See docs/ramen.md.
${role('ClusterRole', 'maintenance-bridge-managed-cluster', indented(MANAGED_CLUSTER_RULES))}`;
  const pull = `${generated}# For a bridge that runs on a managed cluster and reaches the hub (ramen.bridge.hub.kubeconfigSecret): what its kubeconfig needs
# on the hub. Put the cluster's name in the place of CLUSTER, apply both there, bind them to a user, the Role in that Namespace
# alone, and make the kubeconfig of those credentials. Secrets under copySecrets need \`get\` besides. See docs/ramen.md.
${role('ClusterRole', 'maintenance-bridge-pull', indented(PULL_RULES.everywhere))}---
${role('Role', 'maintenance-bridge-pull', indented(PULL_RULES.inNamespace), 'CLUSTER')}`;
  return new Map([
    ['files/managed-cluster.yaml', managedCluster],
    ['files/ramen-hub.yaml', pull],
  ]);
}
