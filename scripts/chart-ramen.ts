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

/** Paths in the chart, with the content of the files. */
export function ramenFiles(render: (rules: readonly RbacRule[]) => string): ReadonlyMap<string, string> {
  const indented = (rules: readonly RbacRule[]): string => render(rules).trimEnd().replace(/^/gm, '  ');
  const generated = '# Generated from the code by npm run docs.\n#\n';
  const managedCluster = `${generated}# Rights of the kubeconfig of a managed cluster of Ramen, on that cluster: apply them there, bind them to a ServiceAccount or a
# user, and create the kubeconfig from those credentials. See docs/ramen.md.
${role('ClusterRole', 'maintenance-bridge-managed-cluster', indented(MANAGED_CLUSTER_RULES))}`;
  const pull = `${generated}# For a bridge that runs on a managed cluster and connects to the hub (ramen.bridge.hub.kubeconfigSecret): rights of its kubeconfig
# on the hub. Replace CLUSTER by the cluster's name, apply both roles there, bind them to a user, the Role only in that Namespace,
# and create the kubeconfig from those credentials. Secrets under copySecrets also need \`get\`. See docs/ramen.md.
${role('ClusterRole', 'maintenance-bridge-pull', indented(PULL_RULES.everywhere))}---
${role('Role', 'maintenance-bridge-pull', indented(PULL_RULES.inNamespace), 'CLUSTER')}`;
  return new Map([
    ['files/managed-cluster.yaml', managedCluster],
    ['files/ramen-hub.yaml', pull],
  ]);
}
