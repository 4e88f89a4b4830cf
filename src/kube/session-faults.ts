/** What is told of a workload cluster that does not serve: for the operator of ours, about a server that its owner chooses. */
import type { Fault } from './cluster-state.ts';
import type { KubeError } from './errors.ts';
import type { RestartReason } from './watch.ts';

const MAX_DETAIL = 300;

export const REFUSES_CREDENTIALS = 'the API server refuses the credentials (401)';

/** Why its Nodes could not be watched. */
export function watchFault(reason: RestartReason): Fault {
  if (reason === 'Unauthorized') return { state: 'Unauthorized', detail: REFUSES_CREDENTIALS };
  const detail = reason === 'Forbidden' ? 'the credentials may not list and watch Nodes' : `listing Nodes: ${reason}`;
  return { state: 'Unreachable', detail };
}

/**
 * The network's words, but never the server's: who may write the Secret chooses the server, and would read here what
 * some other server, which only we can reach, has to say.
 */
export function detailOf(error: KubeError): string {
  return error.code === 0 ? shortened(error.message) : `the API server answered ${error.code}`;
}

/** On one line. */
export function shortened(words: string): string {
  return words.replace(/\s+/g, ' ').slice(0, MAX_DETAIL);
}
