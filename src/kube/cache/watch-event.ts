/** Parses an API server's answers to a list or a watch defensively: anything unexpected becomes a fault, nothing is skipped. */
import type { KubeError } from '../http/errors.ts';
import { fields, type Raw, text } from '../http/json.ts';
import type { RestartReason, WatchFault } from './list-watch.ts';

export interface Page {
  /** The raw items; items of a list carry neither `kind` nor `apiVersion`. */
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
}

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export type WatchEvent =
  | { readonly type: ChangeType; readonly object: unknown; readonly resourceVersion: string }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  | { readonly type: 'ERROR'; readonly fault: WatchFault };

/** Reads one page of a list. Go sometimes writes an empty list as `null`. */
export function readPage(body: unknown): Page | WatchFault {
  const list = fields(body);
  const metadata = fields(list?.metadata);
  const resourceVersion = versionOf(metadata);
  if (list === undefined || resourceVersion === undefined) return malformed('The list has no resourceVersion');
  const items = list.items ?? [];
  if (!Array.isArray(items)) return malformed('The items of the list are no array');
  const continueToken = text(metadata?.continue);
  return continueToken ? { items, resourceVersion, continueToken } : { items, resourceVersion };
}

/** Reads one line of a watch. A line that cannot be parsed is an `ERROR` with the reason `Malformed`. */
export function readEvent(line: string): WatchEvent {
  let event: Raw | undefined;
  try {
    event = fields(JSON.parse(line));
  } catch {
    // The parser's message would quote the line, which may be part of a Secret.
    return { type: 'ERROR', fault: malformed('A line of the watch is no JSON') };
  }
  if (event?.type === 'ERROR') return { type: 'ERROR', fault: faultOfStatus(event.object) };
  const resourceVersion = versionOf(fields(fields(event?.object)?.metadata));
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      if (resourceVersion === undefined) {
        return { type: 'ERROR', fault: malformed('An event of the watch has no resourceVersion') };
      }
      return event.type === 'BOOKMARK'
        ? { type: 'BOOKMARK', resourceVersion }
        : { type: event.type, object: event.object, resourceVersion };
    default:
      return { type: 'ERROR', fault: malformed('The watch sent an event of an unknown type') };
  }
}

/** Translates a failed request, or a broken stream, for list and watch. */
export function faultOf(error: KubeError): WatchFault {
  return faultWith(reasonOf(error), error.message, error.retryAfterMs);
}

function reasonOf({ reason }: KubeError): RestartReason {
  switch (reason) {
    case 'Gone':
      return 'Expired';
    case 'TooManyRequests':
      return 'Throttled';
    case 'NotFound':
      return 'NotServed';
    case 'ServerError':
    case 'Unreachable':
    case 'TimedOut':
    case 'Unauthorized':
    case 'Forbidden':
    case 'Malformed':
    case 'TooLarge':
      return reason;
    case 'Aborted': // Not aborted by us, or nobody would read this.
      return 'Unreachable';
    case 'BadRequest':
    case 'Conflict':
    case 'AlreadyExists':
    case 'Invalid':
      return 'Refused';
  }
}

/** Translates the `Status` of an ERROR event. Both `Expired` and `Gone` are used for 410. */
function faultOfStatus(object: unknown): WatchFault {
  const status = fields(object);
  const code = typeof status?.code === 'number' ? status.code : 0;
  const message = text(status?.message) ?? 'The watch sent an error without a message';
  if (code === 410 || status?.reason === 'Expired' || status?.reason === 'Gone') return faultWith('Expired', message);
  const seconds = fields(status?.details)?.retryAfterSeconds;
  const retryAfterMs = typeof seconds === 'number' ? seconds * 1000 : undefined;
  if (code === 429) return faultWith('Throttled', message, retryAfterMs);
  return faultWith(code >= 500 ? 'ServerError' : 'Refused', message, retryAfterMs);
}

function faultWith(reason: RestartReason, message: string, retryAfterMs?: number): WatchFault {
  return retryAfterMs === undefined ? { reason, message } : { reason, message, retryAfterMs };
}

const malformed = (message: string): WatchFault => faultWith('Malformed', message);

function versionOf(metadata: Raw | undefined): string | undefined {
  return text(metadata?.resourceVersion) || undefined;
}
