import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { KubeObject } from '../../core/objects.ts';
import { type Handler, Informer } from './informer.ts';

interface Item extends KubeObject {
  readonly tags?: readonly string[];
}

const item = (name: string, resourceVersion: string, tags: readonly string[] = [], uid = `uid-${name}`): Item => ({
  metadata: { name, namespace: 'ns', uid, resourceVersion },
  tags,
});

function makeInformer(options: { freeze?: boolean; onHandlerError?: (error: unknown) => void } = {}) {
  const informer = new Informer<Item>({ log: recordingLog(), ...options });
  informer.addIndex('tag', ({ tags = [] }) => tags);
  return informer;
}

function record(into: string[]): Handler<Item> {
  return {
    onAdd: ({ metadata }) => into.push(`add ${metadata.name}@${metadata.resourceVersion}`),
    onUpdate: (old, now) =>
      into.push(`update ${now.metadata.name}@${old.metadata.resourceVersion}→${now.metadata.resourceVersion}`),
    onDelete: ({ metadata }, { missed }) =>
      into.push(`${missed ? 'miss' : 'delete'} ${metadata.name}@${metadata.resourceVersion}`),
  };
}

const namesIn = (informer: Informer<Item>, tag: string): string[] => {
  const found = informer.byIndex('tag', tag);
  return found.is === 'known' ? found.value.map(({ metadata }) => metadata.name).sort() : ['unknown'];
};

describe('`Informer` reading', () => {
  it('knows nothing before the first list', () => {
    const informer = makeInformer();
    expect(informer.get('ns/a')).toEqual({ is: 'unknown' });
    expect(informer.byIndex('tag', 'x')).toEqual({ is: 'unknown' });
    expect(informer.list()).toEqual({ is: 'unknown' });
    expect(informer.hasSynced()).toBe(false);
  });

  it('knows that there is nothing after an empty list', async () => {
    const informer = makeInformer();
    informer.replace([]);
    await informer.whenSynced();
    expect(informer.get('ns/a')).toEqual({ is: 'absent' });
    expect(informer.byIndex('tag', 'x')).toEqual({ is: 'known', value: [] });
    expect(informer.list()).toEqual({ is: 'known', value: [] });
  });

  it('finds objects by key and by each value of an index', () => {
    const informer = makeInformer();
    const a = item('a', '1', ['x', 'y']);
    informer.replace([a, item('b', '2', ['y'])]);
    expect(informer.get('ns/a')).toEqual({ is: 'present', object: a });
    expect([namesIn(informer, 'x'), namesIn(informer, 'y'), namesIn(informer, 'z')]).toEqual([['a'], ['a', 'b'], []]);
    expect(informer.size).toBe(2);
  });

  it('moves an object between index values when it changes', () => {
    const informer = makeInformer();
    informer.replace([item('a', '1', ['x', 'y'])]);
    informer.apply('MODIFIED', item('a', '2', ['y', 'z']));
    expect([namesIn(informer, 'x'), namesIn(informer, 'y'), namesIn(informer, 'z')]).toEqual([[], ['a'], ['a']]);
    expect(informer.byIndex('tag', 'y')).toMatchObject({ value: [{ metadata: { resourceVersion: '2' } }] });
  });

  it('finds the same objects by an index whatever came, changed and went, be they few or many, or a value given twice', () => {
    const names = fc.integer({ min: 0, max: 30 });
    const step = fc.record({ name: names, tags: fc.array(fc.constantFrom('x', 'y')), goes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const informer = makeInformer();
        informer.replace([]);
        const expected = new Map<string, readonly string[]>();
        for (const [version, { name, tags, goes }] of steps.entries()) {
          const object = item(`n${name}`, String(version + 1), tags);
          informer.apply(goes ? 'DELETED' : 'MODIFIED', object);
          if (goes) expected.delete(object.metadata.name);
          else expected.set(object.metadata.name, tags);
        }
        for (const tag of ['x', 'y']) {
          const wanted = [...expected].filter(([, tags]) => tags.includes(tag)).map(([name]) => name);
          expect(namesIn(informer, tag)).toEqual(wanted.sort());
        }
      }),
    );
  });

  it('gives arrays that later changes leave alone, and the same one while nothing changes', () => {
    const informer = makeInformer();
    informer.replace([item('a', '1', ['x'])]);
    const before = informer.byIndex('tag', 'x');
    expect(informer.byIndex('tag', 'x')).toEqual(before);
    informer.apply('ADDED', item('other', '2', ['y']));
    const again = informer.byIndex('tag', 'x');
    expect(before.is === 'known' && again.is === 'known' && before.value === again.value).toBe(true);
    informer.apply('ADDED', item('b', '3', ['x']));
    expect(before).toMatchObject({ value: [{ metadata: { name: 'a' } }] });
    expect(namesIn(informer, 'x')).toEqual(['a', 'b']);
  });

  it('throws on an index that was never declared, on a second one of that name, and on a late one', () => {
    const informer = makeInformer();
    expect(() => informer.byIndex('node', 'x')).toThrow("There is no index 'node'");
    expect(() => informer.addIndex('tag', () => [])).toThrow("There is an index 'tag' already");
    informer.replace([]);
    expect(() => informer.addIndex('node', () => [])).toThrow("Cannot add index 'node'");
  });

  it('freezes objects through and through where that is asked for', () => {
    const informer = makeInformer({ freeze: true });
    const a = item('a', '1', ['x']);
    informer.replace([a]);
    expect(() => Object.assign(a.metadata, { name: 'b' })).toThrow(TypeError);
  });
});

describe('`Informer` telling handlers', () => {
  it('tells of additions, changes and deletions', () => {
    const told: string[] = [];
    const informer = makeInformer();
    informer.addHandler(record(told));
    informer.replace([item('a', '1')]);
    informer.apply('ADDED', item('b', '2'));
    informer.apply('MODIFIED', item('a', '3'));
    informer.apply('DELETED', item('b', '4'));
    informer.apply('DELETED', item('b', '4'));
    expect(told).toEqual(['add a@1', 'add b@2', 'update a@1→3', 'delete b@4']);
  });

  it('tells after another list only what differs, and that a deletion was missed', () => {
    const told: string[] = [];
    const informer = makeInformer();
    informer.replace([item('a', '1'), item('b', '2'), item('c', '3')]);
    informer.addHandler(record(told));
    told.length = 0;
    informer.replace([item('a', '1'), item('b', '5'), item('d', '6')]);
    expect(told.sort()).toEqual(['add d@6', 'miss c@3', 'update b@2→5']);
  });

  it('tells a namesake with another UID as a missed deletion and an addition', () => {
    const told: string[] = [];
    const informer = makeInformer();
    informer.addHandler(record(told));
    informer.replace([item('a', '1')]);
    informer.replace([item('a', '9', [], 'uid-second')]);
    expect(told).toEqual(['add a@1', 'miss a@1', 'add a@9']);
  });

  it('shows handlers the whole new content from the first call on', () => {
    const informer = makeInformer();
    const seen: unknown[] = [];
    informer.addHandler({ onAdd: () => seen.push([informer.size, informer.hasSynced(), namesIn(informer, 'x')]) });
    informer.replace([item('a', '1', ['x']), item('b', '2', ['x'])]);
    expect(seen[0]).toEqual([2, true, ['a', 'b']]);
  });

  it('tells a late handler of everything that is there, and a removed one of nothing', () => {
    const told: string[] = [];
    const informer = makeInformer();
    informer.replace([item('a', '1')]);
    const remove = informer.addHandler(record(told));
    remove();
    informer.apply('ADDED', item('b', '2'));
    expect(told).toEqual(['add a@1']);
  });

  it('stops at once for a handler that is removed in the middle of a list', () => {
    const told: string[] = [];
    const informer = makeInformer();
    const remove = informer.addHandler({
      onAdd: ({ metadata }) => {
        told.push(metadata.name);
        remove();
      },
    });
    informer.replace([item('a', '1'), item('b', '2')]);
    expect(told).toEqual(['a']);
  });

  it('goes on when a handler throws, and counts it', () => {
    const told: string[] = [];
    const errors: unknown[] = [];
    const informer = makeInformer({ onHandlerError: (error) => errors.push(error) });
    const broken = new Error('handler broke');
    informer.addHandler({
      onAdd() {
        throw broken;
      },
    });
    informer.addHandler(record(told));
    informer.replace([item('a', '1'), item('b', '2')]);
    expect(told).toEqual(['add a@1', 'add b@2']);
    expect(errors).toEqual([broken, broken]);
  });
});

it('`Informer` indexes equal what a search through all objects finds, after any sequence of lists and events', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const version = fc.constantFrom('1', '2', '3', '4', '5');
  const tags = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'));
  const uid = fc.constantFrom('u1', 'u2');
  const anyItem = fc.tuple(name, version, tags, uid).map((parts) => item(...parts));
  const list = fc.uniqueArray(anyItem, { selector: ({ metadata }) => metadata.name });
  const event = fc.tuple(fc.constantFrom('ADDED' as const, 'MODIFIED' as const, 'DELETED' as const), anyItem);
  fc.assert(
    fc.property(list, fc.array(fc.oneof(list, event), { maxLength: 40, size: 'max' }), (first, inputs) => {
      // A failed expectation within a handler shows up here, since the informer catches every error.
      const broken: unknown[] = [];
      const informer = makeInformer({ onHandlerError: (error) => broken.push(error) });
      const shadow = new Map<string, Item>();
      informer.addHandler({
        onAdd: (now) => {
          expect(shadow.has(now.metadata.name)).toBe(false);
          shadow.set(now.metadata.name, now);
        },
        onUpdate: (old, now) => {
          expect(shadow.get(old.metadata.name)).toBe(old);
          shadow.set(now.metadata.name, now);
        },
        onDelete: (last) => expect(shadow.delete(last.metadata.name)).toBe(true),
      });
      informer.replace(first);
      for (const input of inputs) {
        const [type] = input;
        if (typeof type === 'string') informer.apply(type, (input as [typeof type, Item])[1]);
        else informer.replace(input as Item[]);
      }
      expect(broken).toEqual([]);
      const all = informer.list();
      expect(all).toEqual({ is: 'known', value: expect.arrayContaining([...shadow.values()]) });
      expect(informer.size).toBe(shadow.size);
      for (const tag of ['x', 'y', 'z']) {
        const expected = [...shadow.values()].filter((object) => object.tags?.includes(tag));
        expect(namesIn(informer, tag)).toEqual(expected.map(({ metadata }) => metadata.name).sort());
      }
    }),
  );
});
