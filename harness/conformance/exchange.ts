/** Sends raw requests, and makes answers of two servers comparable. */
import { Agent, request } from 'node:https';
import type { Step } from './request-parts.ts';

export interface Server {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  /** Keeps connections for many requests. @default a connection for each */
  readonly agent?: Agent;
}

export interface Exchanged {
  readonly code: number;
  readonly body: unknown;
}

export async function exchange({ url, ca, token, agent: kept }: Server, step: Step): Promise<Exchanged> {
  const { method, path, body, type = 'application/json', accept = 'application/json' } = step;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept, 'user-agent': 'compare/1' };
  if (text !== undefined) {
    headers['content-type'] = type;
    headers['content-length'] = String(Buffer.byteLength(text));
  }
  const agent = kept ?? new Agent({ ca, keepAlive: false });
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { method, agent, headers, timeout: 15_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ code: response.statusCode ?? 0, body: parsed(text) });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} got no answer`)));
    sent.on('error', reject);
    sent.end(text);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Values that differ from server to server. */
const VARYING: Readonly<Record<string, string>> = {
  uid: '(uid)',
  resourceVersion: '(version)',
  creationTimestamp: '(time)',
  deletionTimestamp: '(time)',
  lastTransitionTime: '(time)',
  time: '(time)',
  timeAdded: '(time)',
};
const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * Removes values that vary (UIDs, versions, times), repeated causes, and the descriptions of columns. Owners of fields are compared only
 * for server-side apply: for updates, the sandbox marks structs that Go keeps behind pointers differently.
 */
export function comparable(value: unknown): unknown {
  if (typeof value === 'string') {
    return value
      .replaceAll(UID, '(uid)')
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '(time)')
      .replace(/^\d+s$/, '(age)')
      .replaceAll(/(current: |record \()\d+/g, '$1(version)');
  }
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, found]): [string, unknown][] => {
    if (found === null) return [];
    if (key === 'managedFields') {
      const applied = (found as { operation: string; manager: string }[])
        .filter(({ operation }) => operation === 'Apply')
        // They are ordered by the second in which they wrote.
        .toSorted((left, right) => left.manager.localeCompare(right.manager));
      return applied.length === 0 ? [] : [[key, comparable(applied)]];
    }
    if (key === 'disruptedPods') return [[key, Object.keys(found)]];
    if (key === 'causes') return [[key, unique(comparable(found))]];
    if (key === 'columnDefinitions')
      return [[key, (found as object[]).map((column) => ({ ...column, description: '' }))]];
    if (key === 'continue' && found !== '') return [[key, '(token)']];
    if (key in VARYING && typeof found === 'string') return [[key, VARYING[key]]];
    return [[key, comparable(found)]];
  });
  return Object.fromEntries(entries);
}

/** The real server reports some faults of a change twice. */
function unique(list: unknown): unknown {
  return Array.isArray(list) ? [...new Map(list.map((one) => [JSON.stringify(one), one])).values()] : list;
}
