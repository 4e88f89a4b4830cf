/** Shared by the commands that read the cluster: a client for the given cluster, and faults as exit codes. */
import type { RunOptions } from '../config/schema.ts';
import { type Credentials, loadKubeConfig } from '../kube/auth/credentials.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { makeClient } from '../kube/http/client.ts';
import { isKubeError } from '../kube/http/errors.ts';
import { VERSION } from '../version.ts';
import { failed, type Outcome } from './outcome.ts';
import type { Canvas } from './terminal.ts';

export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  readonly nowMs: number;
  /** The width and colours of the output. @default a pipe */
  readonly canvas?: Canvas;
}

/** Most faults occur because another cluster was asked than was intended. */
export const askedOf = (credentials: Credentials): string => `The cluster asked was that of ${credentials.describe()}.`;

/**
 * Runs `work` with a client of the cluster. Without a usable kubeconfig the exit code is 2, and if the API server does not answer properly
 * it is 1; any other error of `work` is a bug and is rethrown.
 */
export async function withCluster<Code extends number>(
  { kubeconfig, context }: Pick<RunOptions, 'kubeconfig' | 'context'>,
  { env, homedir }: Pick<CommandContext, 'env' | 'homedir'>,
  work: (client: ApiClient, credentials: Credentials) => Promise<Outcome<Code>>,
): Promise<Outcome<Code | 1 | 2>> {
  let credentials: Credentials;
  try {
    credentials = loadKubeConfig({ kubeconfig, context, env, homedir });
  } catch (error) {
    return failed(2, error instanceof Error ? error.message : String(error));
  }
  try {
    return await work(makeClient(credentials, { userAgent: `maintenance-bridge/${VERSION} (command)` }), credentials);
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return failed(1, error.message, askedOf(credentials));
  }
}
