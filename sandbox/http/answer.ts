/** Answers as they leave the server. `faults/` may change one on its way out. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { ApiError } from '../api.ts';
import { statusOf } from '../errors.ts';
import { continueTokens } from '../read/list.ts';

export interface Answer {
  readonly code: number;
  readonly headers?: OutgoingHttpHeaders;
  /** A string goes out as it is, anything else as JSON. */
  readonly body: unknown;
}

/** The real server compresses from this size on. */
const GZIP_FROM_BYTES = 128 * 1024;
const compress = promisify(gzip);

export const json = (body: unknown, code = 200): Answer => ({ code, body });
export const text = (body: string, code = 200): Answer => ({
  code,
  body,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
});

export function answerOfError(error: unknown): Answer {
  const known =
    error instanceof ApiError ? error : new ApiError(500, 'InternalError', `Internal error occurred: ${String(error)}`);
  const seconds = known.details?.retryAfterSeconds;
  const token = continueTokens.get(known);
  const status = statusOf(known);
  return {
    code: known.code,
    body: token === undefined ? status : { ...status, metadata: { continue: token } },
    ...(typeof seconds === 'number' && { headers: { 'retry-after': String(seconds) } }),
  };
}

/** JSON ends with a newline, as a line of a terminal does. */
export function bytesOf({ body, headers }: Answer): string {
  if (headers?.['content-type'] !== undefined) return typeof body === 'string' ? body : JSON.stringify(body);
  return `${typeof body === 'string' ? body : JSON.stringify(body)}\n`;
}

export async function send(response: ServerResponse, answer: Answer, acceptsGzip: boolean): Promise<void> {
  const body = bytesOf(answer);
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    ...answer.headers,
  };
  if (!acceptsGzip || body.length < GZIP_FROM_BYTES) {
    response.writeHead(answer.code, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
    return;
  }
  const compressed = await compress(body, { level: constants.Z_BEST_SPEED });
  response.writeHead(answer.code, { ...headers, 'content-encoding': 'gzip', 'content-length': compressed.length });
  response.end(compressed);
}
