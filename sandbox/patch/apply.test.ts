import { describe, expect, it } from 'vitest';
import { type JsonObject, objectOf } from '../json.ts';
import { BUILT_IN } from '../kinds/built-in.ts';
import type { Resource } from '../kinds/resource.ts';
import { applyConfiguration } from './apply.ts';
import { lastAppliedFields, withLastApplied } from './last-applied.ts';

const resourceOf = (kind: string): Resource => {
  const found = BUILT_IN.find((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`There is no ${kind}`);
  return found;
};
const services = resourceOf('Service');
const writer = { manager: 'one', operation: 'Apply', apiVersion: 'v1', subresource: '', time: 't' } as const;
const port = (text: string): object => ({ port: Number.parseInt(text, 10), protocol: text.replace(/\d+/, '') });
const service = (...ports: readonly string[]): JsonObject => ({ metadata: {}, spec: { ports: ports.map(port) } });

describe('`applyConfiguration()`', () => {
  // The order of a real API server: the ports of a Service are identified by number and protocol.
  it.each([
    ['80TCP', ['53UDP', '80UDP', '80TCP'], ['53UDP', '80UDP', '80TCP']],
    ['80TCP 53TCP 80UDP', ['53TCP', '80UDP', '80TCP'], ['53TCP', '80UDP', '80TCP']],
    ['53TCP 80TCP 53UDP', ['53TCP', '80UDP', '53UDP'], ['53TCP', '80TCP', '80UDP', '53UDP']],
    ['80UDP 53UDP 80TCP', ['80TCP', '53TCP', '80UDP'], ['53UDP', '80TCP', '53TCP', '80UDP']],
    ['1TCP 2TCP', ['2TCP', '3TCP'], ['1TCP', '2TCP', '3TCP']],
    ['1TCP', [], ['1TCP']],
  ])('orders %s, to which %j is applied, as %j', (live, applied, expected) => {
    const before = service(...live.split(' '));
    const after = applyConfiguration(before, service(...applied), services.schema, writer, { isForced: true });
    expect(objectOf(after.spec).ports).toEqual(expected.map(port));
  });
});

describe('what kubectl applied by itself', () => {
  const KEY = 'kubectl.kubernetes.io/last-applied-configuration';
  const maps = resourceOf('ConfigMap');
  const configuration = (data: object): JsonObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data,
  });
  const live = (applied: unknown, data: object): JsonObject => ({
    ...configuration(data),
    metadata: { name: 'c', annotations: { [KEY]: typeof applied === 'string' ? applied : JSON.stringify(applied) } },
  });

  it.each([
    ['what is as it says', live(configuration({ a: '1', b: '1' }), { a: '1', b: '2' }), { 'f:data': { 'f:a': {} } }],
    ['nothing of another version', live({ ...configuration({ a: '1' }), apiVersion: 'v2' }, { a: '1' }), {}],
    ['nothing where it cannot be read', live('{', { a: '1' }), {}],
  ])('is %s: `lastAppliedFields()`', (_, object, fields) => {
    expect(lastAppliedFields(object, maps)).toEqual(fields);
  });

  it('follows what is applied where it is noted, and is not begun: `withLastApplied()`', () => {
    const noted = withLastApplied(live(configuration({ a: '1' }), { a: '1' }), configuration({ b: '2', a: '2' }));
    expect(objectOf(objectOf(noted.metadata).annotations)[KEY]).toBe(
      '{"apiVersion":"v1","data":{"a":"2","b":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n',
    );
    const plain = configuration({ a: '1' });
    expect(withLastApplied(plain, configuration({ a: '2' }))).toBe(plain);
  });
});
