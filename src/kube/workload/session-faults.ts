/** Describes why a workload cluster does not serve: for our operator, about a server that its owner chooses. */
import { clip } from '../../core/text.ts';
import { ProxyFault } from '../auth/tunnel.ts';
import type { RestartReason } from '../cache/list-watch.ts';
import type { KubeError } from '../http/errors.ts';
import type { SessionFault } from './connection-state.ts';

const MAX_DETAIL_BYTES = 300;

export const REFUSES_CREDENTIALS = 'the API server refuses the credentials (401)';

/** Why its Nodes could not be watched. @param message our own text if the reason is `TooLarge`; not used otherwise. */
export function watchFault(reason: RestartReason, message: string): SessionFault {
  if (reason === 'Unauthorized') return { state: 'Unauthorized', detail: REFUSES_CREDENTIALS };
  if (reason === 'TooLarge') return { state: 'Refused', detail: shortened(message) };
  const detail = reason === 'Forbidden' ? 'the credentials may not list and watch Nodes' : `listing Nodes: ${reason}`;
  return { state: 'Unreachable', detail };
}

/** Sentences for well-known codes of the network. Any other is reported by its code alone. */
const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection cut',
  EPIPE: 'connection cut',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'the connection timed out',
  ENOTFOUND: 'the name of the server is not known',
  EAI_AGAIN: 'the name of the server cannot be resolved at present',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not signed by the CA of the kubeconfig',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by the CA of the kubeconfig',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by the CA of the kubeconfig',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is not signed by the CA of the kubeconfig',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by the CA of the kubeconfig',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by the CA of the kubeconfig',
};

/**
 * Our own description, chosen by the code of the fault: a tenant who may write the Secret chooses the server and the proxy, and could read
 * here the answer of some other server that only we can reach. Even the names in a certificate, which TLS errors quote, would be such an
 * answer.
 */
export function detailOf(error: KubeError): string {
  // This message is our own; that of `Malformed` quotes the body.
  if (error.reason === 'TooLarge') return shortened(error.message);
  if (error.reason === 'Malformed') return 'the API server answered with something that is not what was asked for';
  if (error.code !== 0) return `the API server answered ${error.code}`;
  // The cause is our own deadline or our own stop.
  if (error.reason !== 'Unreachable') return shortened(error.message);
  const causes = causesOf(error);
  if (causes.some((cause) => cause instanceof ProxyFault)) return 'the proxy did not open a tunnel';
  const code = causes.map(codeOf).find((each) => each !== undefined);
  if (code === undefined) return 'the connection failed';
  return `${NETWORK[code] ?? 'the connection failed'} (${code})`;
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 10; cause = cause.cause) {
    causes.push(cause, ...(cause instanceof AggregateError ? cause.errors : []));
  }
  return causes;
}

/** Codes belong to a closed set: node's, OpenSSL's and the operating system's. */
function codeOf(cause: unknown): string | undefined {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : undefined;
}

/** Shortens the text and puts it on one line. */
export function shortened(words: string): string {
  return clip(words.replace(/\s+/g, ' '), MAX_DETAIL_BYTES);
}
