/** What the commands that look and end share: a client for the cluster that was named, and faults as exit codes. */
import type { ApiClient } from '../kube/api.ts';
import { makeClient } from '../kube/client.ts';
import { type Credentials, loadKubeConfig } from '../kube/credentials.ts';
import { isKubeError } from '../kube/errors.ts';
import { VERSION } from '../version.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homedir: string;
  readonly nowMs: number;
}

/** What is to be printed, and the exit code. */
export interface Outcome<Code extends number> {
  readonly code: Code;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs `work` with a client of the cluster. No usable kubeconfig gives exit code 2, an API server that does not answer as it
 * should 1; anything else that `work` throws is a bug and goes on.
 */
export async function withCluster<Code extends number>(
  { kubeconfig, context }: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined },
  { env, homedir }: Surroundings,
  work: (client: ApiClient, credentials: Credentials) => Promise<Outcome<Code>>,
): Promise<Outcome<Code | 1 | 2>> {
  let credentials: Credentials;
  try {
    credentials = loadKubeConfig({ kubeconfig, context, env, homedir });
  } catch (error) {
    return { code: 2, out: '', err: `${error instanceof Error ? error.message : String(error)}\n` };
  }
  try {
    return await work(makeClient(credentials, { userAgent: `maintenance-bridge/${VERSION}` }), credentials);
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return { code: 1, out: '', err: `${error.message}\n` };
  }
}
