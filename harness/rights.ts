import type { ControlPlane, ServiceAccountName } from '../controlplane/controlplane.ts';
import type { Manifest } from './chart.ts';
import { type Features, rbacFor } from './chart-rights.ts';

/**
 * A kubeconfig of a ServiceAccount with exactly the rights that the chart grants.
 *
 * @param features that it will run with, on by default if nothing is given. The namespaces that it is limited to exist already;
 *   account and Lease are then called `limited`, so that it can run beside another.
 */
export async function grantedKubeconfig(
  controlPlane: ControlPlane,
  features: Features = { tmm: {}, capi: {} },
): Promise<string> {
  const name = features.namespaces === undefined ? 'maintenance-bridge' : 'limited';
  const account: ServiceAccountName = { namespace: 'maintenance-bridge', name };
  // Makes the namespace of the objects that follow.
  const kubeconfig = await controlPlane.kubeconfigFor(account);
  const items = await rbacFor(features, account);
  // By requests, since this is also needed without kubectl.
  for (const item of items) {
    const query = { fieldManager: 'test', force: true };
    await controlPlane.api.patch(pathOf(item), item, 'apply', query);
  }
  return kubeconfig;
}

function pathOf({ apiVersion, kind, metadata: { name, namespace } }: Manifest): string {
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${root}${scope}/${kind.toLowerCase()}s/${name}`;
}
