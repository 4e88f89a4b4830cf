import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stored } from '../api.ts';
import { Store } from './store.ts';

const object = (name: string, value: number): Stored => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, uid: name, resourceVersion: '', creationTimestamp: '' },
  value,
});

const changes = fc.array(
  fc.record({ name: fc.constantFrom('a', 'a-b', 'b', 'c'), value: fc.integer(), isRemoval: fc.boolean() }),
  {
    maxLength: 40,
  },
);

describe('`Collection`', () => {
  it('shows each older state as it was, in order of keys, until it is forgotten', () => {
    fc.assert(
      fc.property(changes, (all) => {
        const store = new Store({ historySize: 10 });
        const collection = store.collection('configmaps');
        const states = new Map<number, readonly Stored[]>([[store.version, []]]);
        for (const { name, value, isRemoval } of all) {
          const found = collection.get(name);
          if (isRemoval && found === undefined) continue;
          if (isRemoval && found !== undefined) store.remove(collection, name, found);
          else store.put(collection, name, object(name, value));
          states.set(store.version, collection.list());
        }
        for (const [version, state] of states) {
          const seen = collection.listAt(version);
          if (version < collection.compactedAt) expect(seen).toBeUndefined();
          else expect(seen).toEqual(state);
        }
        const names = collection.list().map(({ metadata }) => metadata.name);
        expect(names).toEqual(names.toSorted());
      }),
    );
  });

  it('gives followers every change after their version, once and in order', async () => {
    const store = new Store();
    const collection = store.collection('configmaps');
    store.put(collection, 'a', object('a', 1));
    const { version } = store;
    store.put(collection, 'a', object('a', 2));
    const seen: unknown[] = [];
    store.follow(collection, version, (commits) => seen.push(...commits.map(({ object: { value } }) => value)));
    expect(seen).toEqual([2]);
    store.put(collection, 'a', object('a', 3));
    store.put(collection, 'a', object('a', 4));
    expect(seen).toEqual([2]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([2, 3, 4]);
  });
});
