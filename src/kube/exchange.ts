/** One HTTP exchange, without any second try. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ApiRequest } from './api.ts';
import type { Connection } from './credentials.ts';
import { KubeError } from './errors.ts';
import { wordsOf } from './words.ts';

/** Beyond it a body would not fit into a string. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

export interface Exchange {
  readonly method: ApiRequest['method'];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly connection: Connection;
  /** Streams hold their connection for long and take it from the agent without a limit. */
  readonly isStream: boolean;
  readonly signal: AbortSignal;
}

/** A connection that broke before any answer. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  /**
   * Whether the connection had served other requests and was cut: then the server had most likely closed it as idle,
   * and never saw the request.
   */
  readonly wasStale: boolean;

  constructor(cause: unknown, wasStale: boolean) {
    super(wordsOf(cause), { cause });
    this.wasStale = wasStale;
  }
}

/**
 * Sends the request and resolves at the answer's headers; the body is the caller's to read or to destroy.
 *
 * @throws ConnectionFault
 */
export function open(exchange: Exchange): Promise<IncomingMessage> {
  const { method, url, headers, body, connection, signal } = exchange;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method,
      headers: { ...headers, ...connection.headers, ...(body !== undefined && lengthOf(body)) },
      agent: exchange.isStream ? connection.streamAgent : connection.agent,
      signal,
    });
    request.once('response', resolve);
    // Not `once`: an answer that breaks off makes the request fail as well, after this promise has settled.
    request.on('error', (error: NodeJS.ErrnoException) => {
      const wasCut = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      reject(new ConnectionFault(error, wasCut && request.reusedSocket));
    });
    request.end(body);
  });
}

/**
 * Reads a body to its end, decompressed.
 *
 * @throws KubeError (Malformed) above 512 MiB; Error when the connection breaks or the body is shorter than announced.
 */
export async function readBody(response: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(response, maxBytes);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks, length);
  if (response.headers['content-encoding'] !== 'gzip') return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(response, maxBytes) : error;
  }
}

function lengthOf(body: string): Record<string, number> {
  return { 'content-length': Buffer.byteLength(body) };
}

function tooLarge(response: IncomingMessage, maxBytes: number): KubeError {
  const message = `The answer's body is larger than ${maxBytes} bytes`;
  return new KubeError({ reason: 'Malformed', code: response.statusCode ?? 0, message });
}
