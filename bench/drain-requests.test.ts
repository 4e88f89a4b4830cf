import { expect, it } from 'vitest';
import type { AuditEvent } from '../controlplane/controlplane.ts';
import { openingsToEvictions, requestCounts } from './drain-requests.ts';

const event = (second: number, part: Partial<AuditEvent>): AuditEvent => ({
  stage: 'ResponseComplete',
  verb: 'create',
  requestURI: '',
  user: { username: 'admin' },
  requestReceivedTimestamp: `2026-01-01T00:00:0${second}.000000Z`,
  ...part,
});
const budget = (second: number, disruptionsAllowed: number): AuditEvent =>
  event(second, {
    verb: 'update',
    objectRef: { resource: 'poddisruptionbudgets', subresource: 'status', namespace: 'a' },
    requestObject: { status: { disruptionsAllowed } },
  });
const eviction = (second: number, code: number, namespace = 'a'): AuditEvent =>
  event(second, {
    userAgent: 'kubectl/1',
    objectRef: { resource: 'pods', subresource: 'eviction', namespace },
    responseStatus: { code },
  });

it('times the granted eviction after each opening, and no other', () => {
  const events = [
    eviction(0, 201),
    budget(1, 0),
    budget(2, 1),
    eviction(3, 429),
    eviction(3, 201, 'other'),
    eviction(4, 201),
    eviction(5, 201),
    budget(6, 1),
    budget(7, 0),
    eviction(8, 201),
  ];
  expect(openingsToEvictions(events.toReversed(), 'a')).toEqual([2000]);
});

it('counts the requests of one client since a moment', () => {
  const events = [
    eviction(1, 201),
    eviction(2, 429),
    event(2, { userAgent: 'other', objectRef: { resource: 'pods' } }),
  ];
  expect(requestCounts(events, 'kubectl', '2026-01-01T00:00:01.5Z')).toEqual(new Map([['create pods/eviction', 1]]));
});
