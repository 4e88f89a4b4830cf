/** Asks the plugins of a kubeconfig for credentials: `exec` plugins, and `auth-provider`s, which the client library runs. */
import type { RequestOptions } from 'node:https';
import type { Clock } from '../../core/ports.ts';
import { ExecPlugin } from './exec-plugin.ts';
import type { AccessOptions, ExecSettings } from './kubeconfig.ts';

/** A plugin's answer; the plugin itself keeps it until it expires. */
export interface PluginAnswer {
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly authorization: string | undefined;
}

/** @param ca the cluster's CA, for plugins that receive the cluster (`provideClusterInfo`). */
export type AskPlugin = (ca: Buffer | undefined) => Promise<PluginAnswer>;

/** Runs an `exec` plugin. */
export function askExec(exec: ExecSettings, env: AccessOptions['env'], clock: Clock): AskPlugin {
  const plugin = new ExecPlugin(exec, env, clock);
  return async (ca) => {
    const { token, cert, key } = await plugin.credential(ca);
    return { cert, key, authorization: token === undefined ? undefined : `Bearer ${token}` };
  };
}

/** An identity provider that accepts the connection and never answers must not keep all later requests waiting for the same answer. */
const PROVIDER_TIMEOUT_MS = 60_000;

/**
 * Runs an `auth-provider` through a `KubeConfig` of the library that contains nothing else. The library is loaded only for this, since it
 * takes longer to start than everything else. Its cluster is a placeholder: the agent that the library makes for it is never used, and for
 * a server without TLS or behind some proxies the library would refuse to make one.
 */
export function askProvider(authProvider: Readonly<Record<string, unknown>>): AskPlugin {
  const loading = import('@kubernetes/client-node/dist/config.js').then((library) => {
    const kubeConfig = new library.KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: 'cluster', server: 'https://cluster.invalid', skipTLSVerify: false },
      { name: 'user', authProvider },
    );
    return kubeConfig;
  });
  return async () => {
    const answer: RequestOptions = {};
    const asking = loading.then((kubeConfig) => kubeConfig.applyToHTTPSOptions(answer));
    await within(asking, PROVIDER_TIMEOUT_MS);
    const authorization = (answer.headers as Readonly<Record<string, string>> | undefined)?.Authorization;
    return { cert: bytesOf(answer.cert), key: bytesOf(answer.key), authorization };
  };
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it gave no answer within ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A plugin's certificate and key are PEM text; the library's type is wider. */
function bytesOf(value: unknown): Buffer | undefined {
  return typeof value === 'string' || Buffer.isBuffer(value) ? Buffer.from(value) : undefined;
}
