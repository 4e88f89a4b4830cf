/** Requests as the rest of the server reads them. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ApiError } from '../api.ts';
import { badRequest } from '../errors.ts';
import { isObject, type JsonObject } from '../json.ts';
import { typeNameOf } from '../kinds/built-in.ts';
import { readProtobuf } from '../kinds/protobuf.ts';
import { fieldsOfType } from '../kinds/types.ts';

export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly userAgent: string;
  /** Empty if there was none. */
  readonly body: string;
  readonly bytes: Buffer;
}

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** The API server's own limit. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** Reads a request to its end. @throws ApiError 413 */
export async function readRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const url = new URL(incoming.url ?? '/', 'https://127.0.0.1');
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    // Chunks of a request without an encoding are buffers.
    const buffer = chunk as Buffer;
    bytes += buffer.length;
    if (bytes > MAX_BODY_BYTES) {
      const message = `Request entity too large: limit is ${MAX_BODY_BYTES}`;
      throw new ApiError(413, 'RequestEntityTooLarge', message, {});
    }
    chunks.push(buffer);
  }
  const body = Buffer.concat(chunks);
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    userAgent: incoming.headers['user-agent'] ?? '',
    body: body.toString('utf8'),
    bytes: body,
  };
}

export const contentTypeOf = ({ headers }: ApiRequest): string =>
  (headers['content-type'] ?? 'application/json').split(';')[0]?.trim() ?? '';

/** The body as an object. @param kind the expected kind, for messages. @throws ApiError 400 or 415 */
export function objectBody(request: ApiRequest, kind: string): JsonObject {
  const type = contentTypeOf(request);
  if (type === PROTOBUF) return readProtobuf(request.bytes, typeOfKind);
  if (type !== 'application/json' && type !== '*/*') {
    const message =
      'the body of the request was in an unknown format - accepted media types include: application/json, application/vnd.kubernetes.protobuf';
    throw new ApiError(415, 'UnsupportedMediaType', message, {});
  }
  const { body } = request;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${messageOf(error)} (${body.slice(0, 64)})`,
    );
  }
  if (isObject(parsed)) return parsed;
  throw badRequest(`the object provided is unrecognized (must be of type ${kind}): it is no JSON object`);
}

/** The body of a patch. @throws ApiError 400 */
export function patchBody({ body }: ApiRequest): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${messageOf(error)}`);
  }
}

function typeOfKind(apiVersion: string, kind: string): string | undefined {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const name = kind === 'DeleteOptions' ? 'meta.v1.DeleteOptions' : typeNameOf(group ?? '', version ?? '', kind);
  return fieldsOfType(name) === undefined ? undefined : name;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /end of JSON input|Unterminated/.test(message) ? 'unexpected end of JSON input' : message;
}
