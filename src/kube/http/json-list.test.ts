import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseList } from './json-list.ts';

/** The list with the items that were passed put back, or the error. */
function parsed(text: string): unknown {
  const items: unknown[] = [];
  try {
    const list = parseList(text, JSON.parse, (item) => items.push(item)) as { readonly items?: unknown };
    return items.length === 0 ? list : { ...list, items };
  } catch {
    return 'no JSON';
  }
}

function whole(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'no JSON';
  }
}

describe('`parseList`', () => {
  it('passes the items in their order, and returns the rest', () => {
    const items: unknown[] = [];
    const text = ' {"kind":"PodList","items": [ {"a":[1,{"b":"]}\\""}]} , 2,"x" ],"metadata":{"items":[3]}} ';
    expect(parseList(text, JSON.parse, (item) => items.push(item))).toEqual({
      kind: 'PodList',
      items: [],
      metadata: { items: [3] },
    });
    expect(items).toEqual([{ a: [1, { b: ']}"' }] }, 2, 'x']);
  });

  it.each([
    '{"items":null}',
    '{"items":[]}',
    '{"items":{}}',
    '{"items":[1,]}',
    '{"items":[,1]}',
    '{"items":[1 2]}',
    '{"items":[{]}]}',
    '{"items":[1],"items":[2]}',
    '{"items":[1],}',
    '{"items":[1]',
    '{"items":["',
    '{"items":[1]}x',
    '{"items" [1]}',
    '{items:[1]}',
    '[{"items":[1]}]',
    '"items"',
    '{}',
    '',
  ])('takes %s for what `JSON.parse` takes it for', (text) => {
    expect(parsed(text)).toEqual(whole(text));
  });

  it('takes any text for what `JSON.parse` takes it for', () => {
    const list = fc.record({ kind: fc.string(), items: fc.array(fc.jsonValue()), metadata: fc.jsonValue() });
    const cut = fc.tuple(list, fc.constantFrom(0, 1, 2), fc.nat(), fc.constantFrom('', ',', '"', ']', '}', '[', ' '));
    fc.assert(
      fc.property(cut, ([value, indent, at, inserted]) => {
        const text = JSON.stringify(value, null, indent);
        const place = at % (text.length + 1);
        const broken = text.slice(0, place) + inserted + text.slice(place);
        expect(parsed(broken)).toEqual(whole(broken));
      }),
    );
  });
});
