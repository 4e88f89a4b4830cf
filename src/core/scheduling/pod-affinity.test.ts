import { describe, expect, it } from 'vitest';
import { asking, HOSTNAME, host, place, placeOne, ZONE } from '../../../harness/builders/fit.ts';
import { pod } from '../../../harness/builders/objects.ts';
import type { PodAffinityTerm } from '../objects.ts';

const term = (app: string, part: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: ZONE,
  labelSelector: { matchLabels: { app } },
  ...part,
});
const near = (...terms: PodAffinityTerm[]) => asking('one', { podAffinity: terms }, { labels: { app: 'web' } });
const away = (...terms: PodAffinityTerm[]) => asking('one', { podAntiAffinity: terms }, { labels: { app: 'web' } });
const db = (part: object = {}) => pod('db', { labels: { app: 'db' }, ...part });
const zones = (...pods: readonly ReturnType<typeof db>[][]) =>
  pods.map((each, index) => host(`node-${index}`, { labels: { [ZONE]: `zone-${index}` }, pods: each }));
const namespace = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  metadata: { name, uid: name, resourceVersion: '1', labels },
});

describe('affinity', () => {
  it('wants a Pod that matches in the same domain', () => {
    expect(placeOne(near(term('db')), zones([], [db()]))).toBe('node-1');
    expect(placeOne(near(term('db')), zones([], []))).toBe("0/2 nodes fit: 2 node(s) didn't match pod affinity rules");
  });

  it('wants one Pod that matches all terms', () => {
    const cache = pod('cache', { labels: { app: 'cache' } });
    const both = [term('db'), term('cache')];
    expect(placeOne(near(...both), zones([db(), cache]))).toContain('pod affinity rules');
    const all = { labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } };
    expect(placeOne(near(term('db'), term('db', all)), zones([db(), cache]))).toBe('node-0');
  });

  it('lets the first of a group go anywhere that has the topology', () => {
    expect(placeOne(near(term('web')), [host('bare'), ...zones([])])).toBe('node-0');
    expect(placeOne(near(term('web')), zones([], [pod('there', { labels: { app: 'web' } })]))).toBe('node-1');
  });

  it('looks into its own namespace where none is named', () => {
    const other = db({ namespace: 'other' });
    expect(placeOne(near(term('db')), zones([other]))).toContain('pod affinity rules');
    expect(placeOne(near(term('db', { namespaces: ['other'] })), zones([other]))).toBe('node-0');
    expect(placeOne(near(term('db', { namespaceSelector: {} })), zones([other]))).toBe('node-0');
  });

  it('selects namespaces by their labels, besides those that are named', () => {
    const namespaces = [namespace('other', { team: 'x' }), namespace('named'), namespace('shop')];
    const namespaceSelector = { matchLabels: { team: 'x' } };
    const one = near(term('db', { namespaceSelector, namespaces: ['named'] }));
    expect(placeOne(one, zones([db({ namespace: 'other' })]), { namespaces })).toBe('node-0');
    expect(placeOne(one, zones([db({ namespace: 'named' })]), { namespaces })).toBe('node-0');
    expect(placeOne(one, zones([db()]), { namespaces })).toContain('pod affinity rules');
  });

  it('is not judged by namespaces that are not watched', () => {
    const one = near(term('db', { namespaceSelector: { matchLabels: { team: 'x' } } }));
    expect(place([one], zones([]))).toMatchObject({
      unplaced: [],
      notModelled: ['Pod shop/one selects namespaces by their labels, which are not watched'],
    });
  });
});

describe('anti-affinity', () => {
  it('keeps a Pod away from others', () => {
    expect(placeOne(away(term('db')), zones([db()], []))).toBe('node-1');
    expect(placeOne(away(term('db')), zones([db()]))).toBe(
      "0/1 nodes fit: 1 node(s) didn't match pod anti-affinity rules",
    );
  });

  it('of a Pod that is there keeps others away', () => {
    const guard = asking('guard', { podAntiAffinity: [term('web')] }, { labels: { app: 'db' } });
    expect(placeOne(asking('one', {}, { labels: { app: 'web' } }), zones([guard]))).toBe(
      "0/1 nodes fit: 1 node(s) didn't satisfy existing pods anti-affinity rules",
    );
    expect(placeOne(asking('one', {}, { labels: { app: 'other' } }), zones([guard]))).toBe('node-0');
  });

  it('of a Pod that is there means the namespaces that its owner means', () => {
    const guard = asking('guard', { podAntiAffinity: [term('web')] }, { namespace: 'other' });
    const one = (name: string) => asking('one', {}, { labels: { app: 'web' }, namespace: name });
    expect(placeOne(one('shop'), zones([guard]))).toBe('node-0');
    expect(placeOne(one('other'), zones([guard]))).toContain('existing pods');
  });

  it('does not hold on Nodes without the topology', () => {
    expect(placeOne(away(term('db')), [host('bare', { pods: [db()] })])).toBe('bare');
  });

  it('holds between Pods that are placed together, both ways', () => {
    const part = { topologyKey: HOSTNAME };
    const member = (name: string) => asking(name, { podAntiAffinity: [term('web', part)] }, { labels: { app: 'web' } });
    const members = ['one', 'two', 'three'].map(member);
    expect(new Set(place(members, [host('a'), host('b'), host('c')]).placements.values()).size).toBe(3);
    expect(place(members, [host('a'), host('b')]).unplaced).toHaveLength(1);
    const meek = asking('meek', {}, { labels: { app: 'web' } });
    expect(place([meek, member('one')], [host('a')]).unplaced).toHaveLength(1);
  });
});
