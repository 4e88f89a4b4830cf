import { describe, expect, it, vi } from 'vitest';
import { MemorySource } from '../../../harness/builders/bridge.ts';
import { machine } from '../../../harness/builders/machines.ts';
import type { Machine } from '../../core/machine-objects.ts';
import { NamespacedSource } from './namespaced-source.ts';

function make() {
  const [metal, other] = [new MemorySource<Machine>(), new MemorySource<Machine>()];
  const source = new NamespacedSource<Machine>(
    new Map([
      ['metal', metal],
      ['other', other],
    ]),
  );
  source.addIndex('cluster', ({ spec }) => [spec.clusterName ?? '']);
  metal.put(machine('a'));
  other.put(machine('a', { namespace: 'other' }));
  return { source, metal, other };
}

describe('`NamespacedSource`', () => {
  it('finds an object in the cache of its namespace', () => {
    const { source } = make();
    expect(source.get('other/a')).toMatchObject({ is: 'present', object: { metadata: { namespace: 'other' } } });
    expect(source.get('metal/b')).toEqual({ is: 'absent' });
    expect(source.get('elsewhere/a')).toEqual({ is: 'absent' });
  });

  it('answers for all namespaces together, or not at all while one of them is unknown', () => {
    const { source, other } = make();
    expect(source.byIndex('cluster', 'shop')).toMatchObject({ is: 'known', value: [{}, {}] });
    other.isSynced = false;
    expect(source.byIndex('cluster', 'shop')).toEqual({ is: 'unknown' });
    expect(source.get('other/a')).toEqual({ is: 'unknown' });
    expect(source.get('metal/a').is).toBe('present');
  });

  it('tells of the changes of all of them, until the handler is removed', () => {
    const { source, metal, other } = make();
    const onAdd = vi.fn();
    const remove = source.addHandler({ onAdd });
    onAdd.mockClear();
    metal.put(machine('b'));
    other.put(machine('c', { namespace: 'other' }));
    expect(onAdd).toHaveBeenCalledTimes(2);
    remove();
    metal.put(machine('d'));
    expect(onAdd).toHaveBeenCalledTimes(2);
  });
});
