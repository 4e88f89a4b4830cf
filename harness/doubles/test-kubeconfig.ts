/** Kubeconfigs for tests, in a temporary folder. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, loadKubeConfig } from '../../src/kube/auth/credentials.ts';

export interface TestKubeconfig {
  readonly server: string | URL;
  /** PEM. */
  readonly ca?: string;
  readonly proxyUrl?: string;
  readonly tlsServerName?: string;
  readonly insecure?: boolean;
  readonly disablesCompression?: boolean;
  /** Copied unchanged to `user`. */
  readonly user?: Readonly<Record<string, unknown>>;
}

/** A new empty folder, which is removed at the end of the run. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'maintenance-bridge-'));
}

/** Writes a kubeconfig of one context called `test`. @returns its path. */
export function writeKubeconfig(config: TestKubeconfig, folder = temporaryFolder()): string {
  const { server, ca, proxyUrl, tlsServerName, insecure, disablesCompression, user = { token: 'test-token' } } = config;
  const cluster = {
    server: new URL(server).href,
    'certificate-authority-data': ca === undefined ? undefined : Buffer.from(ca).toString('base64'),
    'proxy-url': proxyUrl,
    'tls-server-name': tlsServerName,
    'insecure-skip-tls-verify': insecure,
    'disable-compression': disablesCompression,
  };
  const file = join(folder, 'config');
  const content = {
    'current-context': 'test',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** Writes a kubeconfig that is ready. @returns its path. */
export function writeText(kubeconfig: string): string {
  const file = join(temporaryFolder(), 'config');
  writeFileSync(file, kubeconfig, { mode: 0o600 });
  return file;
}

/** Credentials loaded from a kubeconfig, like in the program. */
export function credentialsFor(
  config: TestKubeconfig,
  env: Readonly<Record<string, string | undefined>> = {},
): Credentials {
  return loadKubeConfig({ kubeconfig: writeKubeconfig(config), env, homedir: '/nonexistent' });
}
