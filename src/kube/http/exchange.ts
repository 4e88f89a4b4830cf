/** One HTTP exchange, without retries. */
import http, { type IncomingMessage } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../../core/error-message.ts';
import type { Connection } from '../auth/credentials.ts';
import type { TunnelRequest } from '../auth/tunnel.ts';
import type { ApiRequest } from './api.ts';
import type { HeldBytes } from './byte-budget.ts';
import { KubeError } from './errors.ts';

/** A `Status` takes some hundred bytes. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Size of each inflated chunk: fewer turns of the event loop than with zlib's own 16 KiB. */
const INFLATED_CHUNK_BYTES = 256 * 1024;

export interface Exchange {
  readonly method: ApiRequest['method'];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly connection: Connection;
  /** Streams hold their connection for long and use the agent without a limit. */
  readonly isStream: boolean;
  readonly signal: AbortSignal;
}

/** A connection that broke before any answer. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  /**
   * Whether the connection had served other requests and was cut: then the server had most likely closed it as idle, and never saw the
   * request.
   */
  readonly wasStale: boolean;

  constructor(cause: unknown, wasStale: boolean) {
    super(messageOf(cause), { cause });
    this.wasStale = wasStale;
  }
}

/**
 * Sends the request and resolves at the headers of the answer; the caller has to read or destroy the body.
 *
 * @throws ConnectionFault
 */
export function open(exchange: Exchange): Promise<IncomingMessage> {
  const { method, url, headers, body, connection, signal } = exchange;
  return new Promise((resolve, reject) => {
    const options: RequestOptions & TunnelRequest = {
      method,
      headers: { ...headers, ...connection.headers, ...(body !== undefined && lengthOf(body)) },
      agent: exchange.isStream ? connection.streamAgent : connection.agent,
      signal,
      tunnelSignal: signal,
    };
    const request = (url.protocol === 'https:' ? https : http).request(url, options);
    // A request without a connection yet emits nothing when its signal aborts.
    const giveUp = (): void => reject(new ConnectionFault(signal.reason, false));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    request.once('response', resolve);
    // Not `once`: an answer that breaks off makes the request fail as well, after this promise has settled.
    request.on('error', (error: NodeJS.ErrnoException) => {
      const wasCut = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      reject(new ConnectionFault(error, wasCut && request.reusedSocket));
    });
    request.end(body);
  });
}

/** The accepted encodings of a body, and how much of it is read. */
export interface BodyLimits {
  /** Whether compression was requested; otherwise a compressed body is refused. */
  readonly mayBeCompressed: boolean;
  /** Applies to the body both as it is sent and after decompression. */
  readonly maxBytes: number;
  /** Is notified of the bytes held. */
  readonly held?: HeldBytes;
  /** Ends the decompression of bytes that have arrived; the reading itself ends with the response. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a body to its end, decompressed.
 *
 * @throws KubeError (`TooLarge` above the limit, `Malformed` for an encoding that was not requested); the signal's reason; Error if the
 * connection breaks or the body is shorter than announced.
 */
export async function readBody(
  response: IncomingMessage,
  { mayBeCompressed, maxBytes, held, signal }: BodyLimits,
): Promise<Buffer> {
  const encoding = encodingOf(response);
  if (encoding !== undefined && !(mayBeCompressed && encoding === 'gzip')) throw unaskedEncoding(response);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of encoding === undefined ? response : inflated(response, maxBytes)) {
    signal?.throwIfAborted();
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(response, maxBytes);
    held?.holds(length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Inflates piece by piece, never more than is read. @param maxBytes limits the compressed bytes. */
function inflated(response: IncomingMessage, maxBytes: number): AsyncIterable<Buffer> {
  async function* counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let length = 0;
    for await (const chunk of source) {
      length += chunk.length;
      // Gzip members that unpack to nothing may follow one another without end.
      if (length > maxBytes) throw tooLarge(response, maxBytes);
      yield chunk;
    }
  }
  // The reader gets the error; this callback only marks it as handled.
  return pipeline(response, counted, createGunzip({ chunkSize: INFLATED_CHUNK_BYTES }), () => {});
}

/**
 * Reads the body of an answer that is not 2xx, up to 64 KiB; a longer body, and a compressed one, is cut off together with its connection.
 * No API server has a reason for either, and nothing is inflated.
 */
export async function readErrorBody(response: IncomingMessage): Promise<string> {
  if (encodingOf(response) !== undefined) {
    response.destroy();
    return '';
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, MAX_ERROR_BYTES - length));
    length += chunk.length;
    // Leaving the loop destroys the response, and the connection with it.
    if (length >= MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws KubeError (Malformed) for any encoding: a compressed stream would delay its events, so none is requested. */
export function refuseEncoding(response: IncomingMessage): void {
  if (encodingOf(response) !== undefined) throw unaskedEncoding(response);
}

function encodingOf(response: IncomingMessage): string | undefined {
  const encoding = response.headers['content-encoding']?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}

function unaskedEncoding(response: IncomingMessage): KubeError {
  const message = 'The answer is compressed in a way that was not asked for';
  return new KubeError({ reason: 'Malformed', code: response.statusCode ?? 0, message });
}

function lengthOf(body: string): Record<string, number> {
  return { 'content-length': Buffer.byteLength(body) };
}

function tooLarge(response: IncomingMessage, maxBytes: number): KubeError {
  const message = `The answer's body is larger than ${maxBytes} bytes`;
  return new KubeError({ reason: 'TooLarge', code: response.statusCode ?? 0, message });
}
