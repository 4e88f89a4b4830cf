/** Turns an answer that is not 2xx into a `KubeError`. */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { KubeError, type KubeErrorReason, type StatusSubject } from './errors.ts';

const statusSchema = z.object({
  kind: z.literal('Status'),
  message: z.string().optional(),
  reason: z.string().optional(),
  details: z
    .object({
      name: z.string().exactOptional(),
      group: z.string().exactOptional(),
      kind: z.string().exactOptional(),
      retryAfterSeconds: z.number().nonnegative().optional(),
      causes: z
        .array(
          z.object({
            reason: z.string().exactOptional(),
            message: z.string().exactOptional(),
            field: z.string().exactOptional(),
          }),
        )
        .optional(),
    })
    .optional(),
});

/**
 * Reads a refusal. The message is the API server's own if it sent a `Status`; else it contains the request, the code, and up to 200
 * characters of the body, such as a proxy's page. It never repeats credentials.
 *
 * @param asked for the message, such as `GET /api/v1/nodes`.
 * @param now milliseconds since the epoch, for a `Retry-After` that is a date.
 */
export function errorOf(
  asked: string,
  code: number,
  headers: IncomingHttpHeaders,
  body: string,
  now: number,
): KubeError {
  const status = statusOf(body);
  // In the body, Go writes zero for "not set".
  const retryAfterSeconds = status?.details?.retryAfterSeconds || undefined;
  const retryAfterMs = retryAfterOf(headers['retry-after'], now) ?? (retryAfterSeconds && retryAfterSeconds * 1000);
  return new KubeError({
    reason: reasonOf(code, status?.reason),
    code,
    message: withoutCredentials(status?.message || `${asked} answered ${code}: ${excerptOf(body)}`),
    causes: status?.details?.causes ?? [],
    statusReason: status?.reason,
    subject: status?.details && subjectOf(status.details),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** The first 200 characters, on one line. */
export function excerptOf(body: string): string {
  const line = withoutCredentials(body.slice(0, 1000).replace(/\s+/g, ' ').trim()).slice(0, 200);
  return line === '' ? 'no body' : line;
}

function statusOf(body: string): z.infer<typeof statusSchema> | undefined {
  try {
    return statusSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function subjectOf({ name, group, kind }: StatusSubject): StatusSubject {
  return {
    ...(name !== undefined && { name }),
    ...(group !== undefined && { group }),
    ...(kind !== undefined && { kind }),
  };
}

/** The code decides, since proxies send no `Status`; its `reason` only distinguishes two conflicts. */
function reasonOf(code: number, reason: string | undefined): KubeErrorReason {
  switch (code) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict';
    case 410:
      return 'Gone';
    case 422:
      return 'Invalid';
    case 429:
      return 'TooManyRequests';
    default:
      if (reason === 'Expired') return 'Gone';
      return code >= 400 && code < 500 ? 'BadRequest' : 'ServerError';
  }
}

/** RFC 9110, section 10.2.3: seconds or a date. */
function retryAfterOf(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Some proxies print the request that they refused. */
function withoutCredentials(text: string): string {
  return text.replace(/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 …');
}
