/** What an audit log says about the cost of a drain: requests by what they ask for, and how soon an eviction follows its budget. */
import type { AuditEvent } from '../controlplane/controlplane.ts';

interface BudgetUpdate {
  readonly status?: { readonly disruptionsAllowed?: number };
}

/** Requests of one client since a moment, by what they do: `create pods/eviction: 100`. Watches count once, when they begin. */
export function requestCounts(
  events: readonly AuditEvent[],
  client: string,
  since: string,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { verb, userAgent, objectRef, requestReceivedTimestamp } of events) {
    if (userAgent?.startsWith(client) !== true || requestReceivedTimestamp < since) continue;
    const path = [objectRef?.resource ?? 'other', objectRef?.subresource].filter(Boolean).join('/');
    counts.set(`${verb} ${path}`, (counts.get(`${verb} ${path}`) ?? 0) + 1);
  }
  return counts;
}

/**
 * Milliseconds from each moment at which the disruption controller opened a budget of the namespace to the first eviction that the API
 * server then received and granted.
 */
export function openingsToEvictions(events: readonly AuditEvent[], namespace: string): readonly number[] {
  const times: number[] = [];
  let openedAt: number | undefined;
  const ordered = events
    .filter(({ objectRef }) => objectRef?.namespace === namespace)
    .toSorted((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1));
  for (const { objectRef, requestObject, responseStatus, requestReceivedTimestamp } of ordered) {
    const at = Date.parse(requestReceivedTimestamp);
    if (objectRef?.resource === 'poddisruptionbudgets' && objectRef.subresource === 'status') {
      const allowed = (requestObject as BudgetUpdate | undefined)?.status?.disruptionsAllowed ?? 0;
      openedAt = allowed > 0 ? (openedAt ?? at) : undefined;
    } else if (objectRef?.subresource === 'eviction' && responseStatus?.code === 201 && openedAt !== undefined) {
      times.push(at - openedAt);
      openedAt = undefined;
    }
  }
  return times;
}
