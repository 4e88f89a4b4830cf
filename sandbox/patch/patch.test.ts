import { describe, expect, it } from 'vitest';
import { builtInType } from '../kinds/types.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge.ts';
import { strategicMergePatch } from './strategic.ts';

describe('`mergePatch()`', () => {
  // The examples of RFC 7386, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it('gives the same object where nothing changes', () => {
    const target = { a: { b: [1, { c: 2 }] } };
    expect(mergePatch(target, { a: { b: [1, { c: 2 }] }, d: null })).toBe(target);
  });

  it('takes `__proto__` for a key like any other', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"a":1}}')) as object;
    expect(Object.keys(patched)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
  });
});

describe('`jsonPatch()`', () => {
  it.each([
    [{ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    [{ 'x/y': 1 }, [{ op: 'replace', path: '/x~1y', value: 2 }], { 'x/y': 2 }],
    [{ a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
    [{ a: { c: 1 } }, [{ op: 'copy', from: '/a', path: '/b' }], { a: { c: 1 }, b: { c: 1 } }],
    [{ a: { c: 1 } }, [{ op: 'copy', from: '/a/b', path: '/d' }], { a: { c: 1 }, d: null }],
    [{ a: 1 }, [{ op: 'test', path: '/b', value: null }], { a: 1 }],
    [{ a: 1 }, [{ op: 'replace', path: '/b', value: 2 }], { a: 1, b: 2 }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(jsonPatch(target, patch)).toEqual(result);
  });

  it.each([
    [{ op: 'test', path: '/a', value: 2 }],
    [{ op: 'copy', from: '/nope/deeper', path: '/b' }],
    [{ op: 'move', from: '/nope', path: '/b' }],
    [{ op: 'remove', path: '/nope' }],
    [{ op: 'add', path: '/nope/deeper', value: 1 }],
    [{ op: 'add', path: '/list/7', value: 1 }],
    [{ op: 'add', path: 'no-slash', value: 1 }],
    [{ op: 'invent', path: '/a' }],
  ])('%j is refused with 422', (operation) => {
    expect(() => jsonPatch({ a: 1, list: [] }, [operation])).toThrow(expect.objectContaining({ code: 422 }));
  });
});

describe('`strategicMergePatch()`', () => {
  const containers = [
    { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'b:1' },
  ];
  const pod = {
    metadata: { finalizers: ['one', 'two'] },
    spec: { containers, volumes: [{ name: 'v', emptyDir: {} }] },
  };
  const patchPod = (patch: object) => strategicMergePatch(pod, { ...patch }, builtInType('core.v1.Pod'));

  it.each<[string, object, object]>([
    [
      'merges containers by name',
      { spec: { containers: [{ name: 'b', image: 'b:2' }] } },
      { spec: { ...pod.spec, containers: [containers[0], { name: 'b', image: 'b:2' }] } },
    ],
    [
      'removes an item with `$patch: delete`',
      { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
      { spec: { ...pod.spec, containers: [containers[1]] } },
    ],
    [
      'replaces a list with `$patch: replace`',
      { spec: { containers: [{ name: 'c' }, { $patch: 'replace' }] } },
      { spec: { ...pod.spec, containers: [{ name: 'c' }] } },
    ],
    [
      'orders by `$setElementOrder`',
      { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
      { spec: { ...pod.spec, containers: [containers[1], containers[0]] } },
    ],
    [
      'adds to lists of primitives',
      { metadata: { finalizers: ['three'] } },
      { metadata: { finalizers: ['three', 'one', 'two'] } },
    ],
    [
      'removes from them with `$deleteFromPrimitiveList`',
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['one'] } },
      { metadata: { finalizers: ['two'] } },
    ],
    [
      'keeps only what `$retainKeys` names',
      { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'secret'], secret: { secretName: 's' } }] } },
      { spec: { ...pod.spec, volumes: [{ name: 'v', secret: { secretName: 's' } }] } },
    ],
    ['removes fields with null', { spec: { volumes: null } }, { spec: { containers } }],
  ])('%s', (_, patch, result) => {
    expect(patchPod(patch)).toEqual({ ...pod, ...result });
  });

  it('refuses an item without its merge key', () => {
    expect(() => patchPod({ spec: { containers: [{ image: 'x' }] } })).toThrow(
      'does not contain declared merge key: name',
    );
  });
});
