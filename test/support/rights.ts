import type { Manifest } from '../chart/chart.ts';
import type { ControlPlane, ServiceAccountName } from '../controlplane/controlplane.ts';
import { type Features, rbacFor } from './chart.ts';

/**
 * A kubeconfig of a ServiceAccount that may do what the chart grants, and no more.
 *
 * @param settings the `tmm` section that it will run with.
 * @param limits namespaces that its Machines are limited to, which exist already. Account and Lease are then called `limited`,
 *   so that it can run beside another.
 * @param isMetal3 whether it will run the Metal3 integration, and nothing else.
 */
export async function grantedKubeconfig(
  controlPlane: ControlPlane,
  settings: object = {},
  limits: readonly string[] = [],
  isMetal3 = false,
): Promise<string> {
  const account = { namespace: 'maintenance-bridge', name: limits.length === 0 ? 'maintenance-bridge' : 'limited' };
  if (isMetal3) return kubeconfigOf(controlPlane, { metal3: {}, namespaces: limits }, account);
  const onNodes = limits.length === 0 && { tmm: settings };
  return kubeconfigOf(controlPlane, { ...onNodes, capi: {}, namespaces: limits }, account);
}

async function kubeconfigOf(
  controlPlane: ControlPlane,
  features: Features,
  account: ServiceAccountName,
): Promise<string> {
  // Makes the namespace of the objects that follow.
  const kubeconfig = await controlPlane.kubeconfigFor(account);
  const items = await rbacFor(features, account);
  // By requests, since this is needed where there is no kubectl too.
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
