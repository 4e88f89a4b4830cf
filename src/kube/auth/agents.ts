/** Pools of connections to one API server, directly or through a proxy. */
import http from 'node:http';
import https from 'node:https';
import { identityOf } from './certificates.ts';
import { type TlsSettings, TunnelAgent } from './tunnel.ts';

/** Idle connections are probed after this time, so that a dead peer is found before a proxy or a load balancer drops the connection. */
const KEEP_ALIVE_MS = 30_000;

/** Makes a keep-alive agent for one server. @param maxSockets further requests wait for a free connection. */
export function makeAgent(
  server: URL,
  proxy: URL | undefined,
  tls: TlsSettings | undefined,
  maxSockets: number,
): http.Agent {
  const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets };
  if (proxy !== undefined) return new TunnelAgent(proxy, tls, options);
  if (server.protocol === 'http:') return new http.Agent(options);
  return new https.Agent({ ...options, ...tlsOptions(tls) });
}

/** Retires an agent: requests in flight finish; their connections and the idle ones are closed instead of being reused. */
export function retireAgent(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

function tlsOptions(tls: TlsSettings | undefined) {
  if (tls === undefined) return {};
  const { secureContext, rejectUnauthorized, servername } = tls;
  return { secureContext, rejectUnauthorized, ...(servername !== undefined && identityOf(servername)) };
}
