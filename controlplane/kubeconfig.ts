import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

export interface KubeconfigUser {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  /** @default 'default' */
  readonly namespace?: string;
}

/** A kubeconfig with everything inline, so that it works wherever it is copied to (a Secret, another folder). */
export function kubeconfigText({ server, ca, token, namespace = 'default' }: KubeconfigUser): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
  });
}

/** Writes a kubeconfig that only its owner can read. */
export async function writeKubeconfig(path: string, user: KubeconfigUser): Promise<string> {
  await writeFile(path, kubeconfigText(user), { mode: 0o600 });
  return path;
}
