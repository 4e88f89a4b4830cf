/** The client of a workload cluster, whose owner is not trusted. */
import { messageOf } from '../../core/error-message.ts';
import type { Clock } from '../../core/ports.ts';
import { type Credentials, credentialsOf } from '../auth/credentials.ts';
import type { ClusterAccess } from '../auth/kubeconfig.ts';
import type { ApiClient } from '../http/api.ts';
import { ByteBudget } from '../http/byte-budget.ts';
import { type AnswerLimits, type ClientOptions, makeClient } from '../http/client.ts';
import type { SessionFault } from './connection-state.ts';
import { shortened } from './session-faults.ts';

const MIB = 1024 * 1024;
/**
 * A page of Nodes' metadata takes some hundred KiB, and one Node at most what etcd accepts; the owner of a workload cluster must not be
 * able to fill our memory, or to make us parse for long. A page has some ten thousand values, most of them in `managedFields`.
 */
const LIMITS: AnswerLimits = {
  list: 8 * MIB,
  object: 2 * MIB,
  line: 2 * MIB,
  values: 250_000,
  // For all workload clusters together; the one that holds most is the first to be ended.
  inAll: new ByteBudget(32 * MIB),
};

export interface SessionClientOptions {
  /** Its proxy variables apply to workload clusters as well. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly onRequest?: ClientOptions['onRequest'];
  /** See `ClientOptions.mayWrite` of the management cluster's client. */
  readonly mayWrite?: ClientOptions['mayWrite'];
}

/** What a session retires at its end, and what it sends its requests with. */
export interface SessionClient {
  readonly credentials: Credentials;
  readonly client: ApiClient;
}

/**
 * Parses certificate and key, checks that they belong together, and sends nothing.
 *
 * @param maxSockets further requests wait for a free connection; watches are not counted.
 * @returns the fault if these credentials cannot be used.
 */
export async function openClient(
  access: ClusterAccess,
  { env, clock, onRequest, mayWrite }: SessionClientOptions,
  maxSockets: number,
): Promise<({ readonly is: 'opened' } & SessionClient) | { readonly is: 'failed'; readonly fault: SessionFault }> {
  try {
    const credentials = credentialsOf(access, { env, clock, maxSockets });
    await credentials.connection();
    const client = makeClient(credentials, {
      clock,
      limits: LIMITS,
      ...(onRequest !== undefined && { onRequest }),
      ...(mayWrite !== undefined && { mayWrite }),
    });
    return { is: 'opened', credentials, client };
  } catch (error) {
    return { is: 'failed', fault: { state: 'Refused', detail: shortened(messageOf(error)) } };
  }
}
