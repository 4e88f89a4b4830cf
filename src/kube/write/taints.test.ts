import { describe, expect, it } from 'vitest';
import type { SetTaint } from '../../core/action.ts';
import { NODE } from '../../core/objects.ts';
import type { ApiRequest } from '../http/api.ts';
import { KubeError } from '../http/errors.ts';
import { setTaint } from './taints.ts';

const FENCE = { key: 'maintenance-bridge.io/machine', value: '', effect: 'NoSchedule' };
const OTHER = { key: 'dedicated', value: 'x', effect: 'NoExecute', timeAdded: '2026-11-21T01:00:00Z' };

/** A server that has one Node. @returns the requests that it received, and a client of it. */
function serving(
  node: { taints?: readonly object[]; labels?: Readonly<Record<string, string>>; uid?: string },
  answer?: KubeError,
) {
  const sent: ApiRequest[] = [];
  const raw = {
    metadata: { name: 'a', uid: node.uid ?? 'uid-of-a', resourceVersion: '7', labels: node.labels },
    spec: { taints: node.taints },
    status: {},
  };
  const client = {
    request: async (request: ApiRequest) => {
      if (request.method === 'GET') return raw as never;
      sent.push(request);
      if (answer !== undefined) throw answer;
      return raw as never;
    },
    lines: () => {
      throw new Error('Nothing is watched here');
    },
  };
  return { sent, client };
}

const action = (part: Partial<SetTaint> = {}): SetTaint => ({
  do: 'setTaint',
  target: { resource: NODE, name: 'a', uid: 'uid-of-a' },
  taint: FENCE,
  isSet: true,
  ...part,
});
const UID = { op: 'test', path: '/metadata/uid', value: 'uid-of-a' };
const { value: _value, ...BARE } = FENCE;

describe('`setTaint()`', () => {
  it.each<[string, Parameters<typeof serving>[0], Partial<SetTaint>, readonly object[] | undefined]>([
    [
      'adds it to none',
      {},
      {},
      [UID, { op: 'test', path: '/spec/taints', value: null }, { op: 'add', path: '/spec/taints', value: [BARE] }],
    ],
    [
      'adds it to others, which stay as the server has them',
      { taints: [OTHER] },
      {},
      [UID, { op: 'test', path: '/spec/taints', value: [OTHER] }, { op: 'add', path: '/spec/taints/-', value: BARE }],
    ],
    [
      'removes it from among others',
      { taints: [OTHER, BARE] },
      { isSet: false },
      [UID, { op: 'test', path: '/spec/taints', value: [OTHER, BARE] }, { op: 'remove', path: '/spec/taints/1' }],
    ],
    [
      'removes the last one with the list',
      { taints: [BARE] },
      { isSet: false },
      [UID, { op: 'test', path: '/spec/taints', value: [BARE] }, { op: 'remove', path: '/spec/taints' }],
    ],
    ['writes nothing that is so already', { taints: [BARE], labels: { x: 'y' } }, { labels: { x: 'y' } }, undefined],
    ['writes nothing where there is nothing to remove', { taints: [OTHER] }, { isSet: false }, undefined],
    ['leaves a namesake alone', { uid: 'another' }, {}, undefined],
    [
      'sets labels in the same request',
      { taints: [BARE] },
      { labels: { 'example.com/~a': 'b' } },
      [
        UID,
        { op: 'add', path: '/metadata/labels', value: {} },
        { op: 'add', path: '/metadata/labels/example.com~1~0a', value: 'b' },
      ],
    ],
  ])('%s', async (_, node, part, expected) => {
    const { sent, client } = serving(node);
    await setTaint(client, action(part));
    expect(sent.map(({ body }) => body)).toEqual(expected === undefined ? [] : [expected]);
  });

  it('takes a test that fails for a conflict', async () => {
    const refused = new KubeError({ reason: 'Invalid', code: 422, message: 'the test failed' });
    await expect(setTaint(serving({}, refused).client, action())).rejects.toMatchObject({ reason: 'Conflict' });
  });
});
