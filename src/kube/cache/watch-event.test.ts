import { describe, expect, it } from 'vitest';
import { KubeError, type KubeErrorReason } from '../http/errors.ts';
import { faultOf, readEvent, readPage } from './watch-event.ts';

describe('readPage()', () => {
  it('reads items, version and token', () => {
    expect(readPage({ metadata: { resourceVersion: '5', continue: 'p2' }, items: [{}] })).toEqual({
      items: [{}],
      resourceVersion: '5',
      continueToken: 'p2',
    });
  });

  it.each([null, undefined])('takes items of %s for none, and an empty token for the last page', (items) => {
    const page = readPage({ metadata: { resourceVersion: '5', continue: '' }, items });
    expect(page).toEqual({ items: [], resourceVersion: '5' });
  });

  it.each([undefined, null, 'text', [], {}, { metadata: {} }, { metadata: { resourceVersion: '' }, items: [] }])(
    'does not accept %j',
    (body) => {
      expect(readPage(body)).toMatchObject({ reason: 'Malformed' });
    },
  );

  it('does not accept items that are no array', () => {
    expect(readPage({ metadata: { resourceVersion: '5' }, items: {} })).toMatchObject({ reason: 'Malformed' });
  });
});

describe('readEvent()', () => {
  const object = { metadata: { name: 'a', resourceVersion: '6' } };

  it.each(['ADDED', 'MODIFIED', 'DELETED'] as const)('reads %s', (type) => {
    expect(readEvent(JSON.stringify({ type, object }))).toEqual({ type, object, resourceVersion: '6' });
  });

  it('reads the version of a bookmark', () => {
    expect(readEvent(JSON.stringify({ type: 'BOOKMARK', object }))).toEqual({ type: 'BOOKMARK', resourceVersion: '6' });
  });

  it.each<[string, object, object]>([
    ['410', { code: 410, message: 'too old' }, { reason: 'Expired', message: 'too old' }],
    ['`Expired` without a code', { reason: 'Expired' }, { reason: 'Expired' }],
    [
      '429 with its delay',
      { code: 429, details: { retryAfterSeconds: 3 } },
      { reason: 'Throttled', retryAfterMs: 3000 },
    ],
    ['500', { code: 500 }, { reason: 'ServerError' }],
    ['any other code', { code: 418 }, { reason: 'Refused' }],
    ['no status at all', [], { reason: 'Refused' }],
  ])('reads an ERROR with %s', (_, status, fault) => {
    expect(readEvent(JSON.stringify({ type: 'ERROR', object: status }))).toMatchObject({ type: 'ERROR', fault });
  });

  it.each([
    ['half a line', '{"type":"ADDED","object":{"meta'],
    ['an empty line', ''],
    ['a value that is no event', '[]'],
    ['an unknown type', JSON.stringify({ type: 'SYNCED', object })],
    ['an event without an object', '{"type":"ADDED"}'],
    ['an event without a version', '{"type":"MODIFIED","object":{"metadata":{"name":"a"}}}'],
    ['an event with an empty version', '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":""}}}'],
  ])('takes %s for malformed', (_, line) => {
    expect(readEvent(line)).toMatchObject({ type: 'ERROR', fault: { reason: 'Malformed' } });
  });

  it('never repeats the content of a line that it cannot read', () => {
    const event = readEvent('{"type":"ADDED","object":{"data":{"password":"aHVudGVyMg');
    expect(JSON.stringify(event)).not.toContain('aHVudGVyMg');
  });
});

describe('faultOf()', () => {
  it.each<[KubeErrorReason, string]>([
    ['Gone', 'Expired'],
    ['NotFound', 'NotServed'],
    ['Forbidden', 'Forbidden'],
    ['Unauthorized', 'Unauthorized'],
    ['TooManyRequests', 'Throttled'],
    ['ServerError', 'ServerError'],
    ['Unreachable', 'Unreachable'],
    ['TimedOut', 'TimedOut'],
    ['Malformed', 'Malformed'],
    ['BadRequest', 'Refused'],
    ['Aborted', 'Unreachable'],
  ])('takes %s for %s', (reason, expected) => {
    const error = new KubeError({ reason, code: 0, message: 'why', retryAfterMs: 10 });
    expect(faultOf(error)).toEqual({ reason: expected, message: 'why', retryAfterMs: 10 });
  });
});
