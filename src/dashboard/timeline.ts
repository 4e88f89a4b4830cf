/** The history of one object, from its Events. */
import type { Resource } from '../core/resources.ts';
import { type ApiClient, pathOf } from '../kube/http/api.ts';
import { isKubeError } from '../kube/http/errors.ts';
import { fields, listOf, text } from '../kube/http/json.ts';
import type { Timeline, TimelineEntry } from './protocol.ts';

const EVENT: Resource<unknown> = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
const MAX_EVENTS = 200;
const SHOWN_EVENTS = 50;

/** An object in the argument form of `why`. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** Reads `node/NAME`, `machine/NAMESPACE/NAME` and the like; undefined for anything else. */
export function readSubject(object: string, kinds: readonly string[]): Subject | undefined {
  const [word = '', ...rest] = object.split('/');
  const kind = kinds.find((each) => each.toLowerCase() === word);
  const [name, namespace] = rest.toReversed();
  if (kind === undefined || name === undefined || name === '' || rest.length > 2) return undefined;
  return { kind, name, ...(namespace !== undefined && { namespace }) };
}

/** The latest first; the API server keeps Events for an hour by default. Does not reject. */
export async function readTimeline(
  client: ApiClient,
  { kind, name, namespace }: Subject,
  signal: AbortSignal,
): Promise<Timeline> {
  // Events of Nodes are in the namespace `default`.
  const path = pathOf(EVENT, { namespace: namespace ?? 'default' });
  const fieldSelector = `regarding.kind=${kind},regarding.name=${name}`;
  try {
    const found = await client.request({ method: 'GET', path, query: { fieldSelector, limit: MAX_EVENTS }, signal });
    const entries = listOf(fields(found)?.items, entryOf) ?? [];
    return { is: 'entries', entries: entries.toSorted((a, b) => (a.at > b.at ? -1 : 1)).slice(0, SHOWN_EVENTS) };
  } catch (error) {
    return { is: 'unseen', why: isKubeError(error) ? error.message : String(error) };
  }
}

function entryOf(event: Readonly<Record<string, unknown>>): TimelineEntry {
  const series = fields(event.series);
  const created = text(fields(event.metadata)?.creationTimestamp);
  const times = [text(series?.lastObservedTime), text(event.deprecatedLastTimestamp), text(event.eventTime), created];
  const counts = [series?.count, event.deprecatedCount].flatMap((count) => (typeof count === 'number' ? count : []));
  return {
    at: times.find((time) => time !== undefined) ?? '',
    type: text(event.type) ?? 'Normal',
    reason: text(event.reason) ?? '',
    note: text(event.note) ?? '',
    count: Math.max(1, ...counts),
  };
}
