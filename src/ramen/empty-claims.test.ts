import { describe, expect, it } from 'vitest';
import type { AnyObject } from '../core/object-access.ts';
import { settleEmptyClaims } from './empty-claims.ts';

const conflict = (path: string): string => `${path}: conflict with "maintenance-bridge/other"`;
const run = (fields: object, live: object, ...paths: readonly string[]) =>
  settleEmptyClaims(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, ...fields },
    live as AnyObject,
    paths.map(conflict),
  );

describe('settleEmptyClaims', () => {
  it.each<[string, object, object, readonly string[], object]>([
    [
      'leaves out what both say is empty',
      { data: {}, binaryData: { k: '' } },
      {},
      ['.data'],
      { is: 'possible', force: false, body: { binaryData: { k: '' } } },
    ],
    ['takes what the other only claims', { data: { k: '1' } }, {}, ['.data'], { is: 'possible', force: true }],
    [
      'does so inside of others too',
      { spec: { selector: {}, type: 'x' } },
      { spec: { type: 'x' } },
      ['.spec.selector'],
      { is: 'possible', force: false, body: { spec: { type: 'x' } } },
    ],
    ['leaves a value alone', { data: { k: '1' } }, { data: { k: '2' } }, ['.data.k'], { is: 'contested' }],
    ['leaves a value alone beside an empty one', { data: {}, a: 1 }, { a: 2 }, ['.data', '.a'], { is: 'contested' }],
    [
      'leaves alone what it cannot find',
      { spec: { ports: [] } },
      {},
      ['.spec.ports[port=80,protocol="TCP"].name'],
      { is: 'contested' },
    ],
  ])('`settleEmptyClaims()` %s', (_, fields, live, paths, expected) => {
    expect(run(fields, live, ...paths)).toMatchObject(expected);
  });
});
