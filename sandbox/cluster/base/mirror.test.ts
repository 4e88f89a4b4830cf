import { describe, expect, it } from 'vitest';
import type { Change, SandboxApi, Stored } from '../../api.ts';
import { SteppedClock } from '../../clock.ts';
import { makeServer } from '../../server.ts';
import { Mirror } from './mirror.ts';

/** An API server whose watch delivers changes on the test's request. */
function scripted(...objects: readonly Stored[]) {
  let tell: (change: Change) => void = () => undefined;
  const { api } = makeServer(new SteppedClock());
  const double: SandboxApi = Object.assign(api, {
    list: () => objects,
    watch: (_: string, handler: (change: Change) => void) => {
      tell = handler;
      return () => undefined;
    },
  });
  return { api: double, tell: (type: Change['type'], object: Stored) => tell({ type, object }) };
}

function thing(name: string, resourceVersion: number, uid = name, color = 'red'): Stored {
  const metadata = { name, namespace: 'x', uid, resourceVersion: String(resourceVersion), creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'Thing', metadata, color };
}

function follow(mirror: Mirror<Stored>): readonly string[] {
  const seen: string[] = [];
  mirror.onChange(({ type, object }) =>
    seen.push(`${type} ${object.metadata.name} ${object.metadata.resourceVersion}`),
  );
  return seen;
}

describe('`Mirror`', () => {
  it('tells of what is there, and of each change once, the watch coming later than the answer to our own write', () => {
    const { api, tell } = scripted(thing('a', 1));
    const mirror = new Mirror<Stored>(api, 'things');
    const seen = follow(mirror);
    tell('ADDED', thing('a', 1));
    mirror.learn(thing('a', 5));
    tell('MODIFIED', thing('a', 3));
    tell('MODIFIED', thing('a', 5));
    tell('MODIFIED', thing('a', 6));
    expect(seen).toEqual(['ADDED a 1', 'MODIFIED a 5', 'MODIFIED a 6']);
  });

  it('does not bring back what our own request has removed', () => {
    const { api, tell } = scripted();
    const mirror = new Mirror<Stored>(api, 'things');
    const seen = follow(mirror);
    mirror.learn(thing('a', 2));
    mirror.refresh('x/a', undefined);
    tell('ADDED', thing('a', 2));
    tell('DELETED', thing('a', 3));
    tell('ADDED', thing('a', 4, 'another'));
    expect(seen).toEqual(['ADDED a 2', 'DELETED a 2', 'ADDED a 4']);
    expect(mirror.get('x/a')?.metadata.uid).toBe('another');
  });

  it('takes another object of the same name for the end of the first', () => {
    const { api, tell } = scripted(thing('a', 1, 'old'));
    const mirror = new Mirror<Stored>(api, 'things');
    const seen = follow(mirror);
    mirror.refresh('x/a', thing('a', 5, 'new'));
    tell('DELETED', thing('a', 4, 'old'));
    expect(seen).toEqual(['ADDED a 1', 'DELETED a 1', 'ADDED a 5']);
    expect(mirror.get('x/a')?.metadata.uid).toBe('new');
  });

  it('finds objects by what an index reads of them', () => {
    const { api, tell } = scripted(thing('a', 1), thing('b', 2));
    const mirror = new Mirror<Stored>(api, 'things');
    const byColor = mirror.index('color', (object) => String(object.color));
    const named = (color: string) => byColor.get(color).map(({ metadata }) => metadata.name);
    tell('MODIFIED', thing('a', 3, 'a', 'blue'));
    expect([named('red'), named('blue')]).toEqual([['b'], ['a']]);
    tell('DELETED', thing('b', 4));
    expect([named('red'), named('blue')]).toEqual([[], ['a']]);
  });
});
