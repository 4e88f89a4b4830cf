import { describe, expect, it } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import { type ScriptedAnswer, ScriptedApi } from '../../../harness/doubles/scripted-api.ts';
import { NAMESPACE, type Namespace } from '../../core/objects.ts';
import { KubeError, type KubeErrorInit, type KubeErrorReason } from '../http/errors.ts';
import type { RestartReason } from './list-watch.ts';
import { Reflector, type ReflectorOptions, type Sink } from './reflector.ts';

const object = (name: string, resourceVersion: string) => ({ metadata: { name, uid: `uid-${name}`, resourceVersion } });
const page = (items: readonly unknown[], resourceVersion: string, token?: string): ScriptedAnswer => ({
  page: { metadata: { resourceVersion, continue: token }, items },
});
const error = (reason: KubeErrorReason, more: Partial<KubeErrorInit> = {}) =>
  new KubeError({ reason, code: 0, message: `${reason} happened`, ...more });
const added = (name: string, resourceVersion: string) => ({ type: 'ADDED', object: object(name, resourceVersion) });
const bookmark = (resourceVersion: string) => ({ type: 'BOOKMARK', object: { metadata: { resourceVersion } } });
const HELD: ScriptedAnswer = { stream: [], ends: 'held' };

/** Runs the script to its end and returns the result. */
async function follow(script: readonly ScriptedAnswer[], more: Partial<ReflectorOptions<Namespace>> = {}) {
  const api = new ScriptedApi(script);
  const told: string[] = [];
  const restarts: RestartReason[] = [];
  const log = recordingLog();
  const sink: Sink<Namespace> = {
    replace: (objects) => told.push(`replace ${objects.map(({ metadata }) => metadata.name).join(' ')}`.trim()),
    apply: (type, { metadata }) => told.push(`${type} ${metadata.name}@${metadata.resourceVersion}`),
  };
  const reflector = new Reflector<Namespace>({
    client: api,
    resource: NAMESPACE,
    clock: api.clock,
    sleep: api.sleep,
    random: () => 0.5,
    log,
    onRestart: (reason) => restarts.push(reason),
    ...more,
  });
  const stop = new AbortController();
  const run = reflector.run(sink, stop.signal);
  await Promise.race([api.finished, run]);
  const condition = reflector.condition();
  stop.abort();
  await run;
  const requests = api.requests.map(({ verb, query }) =>
    verb === 'list' ? `list ${query?.continue ?? ''}`.trim() : `watch ${query?.resourceVersion}`,
  );
  const logged = log.lines.map(({ level, message }) => `${level} ${message}`);
  return { api, reflector, condition, told, restarts, logged, requests, sleeps: api.sleeps };
}

describe('`Reflector` listing', () => {
  it('replaces once, after the last page', async () => {
    const { told, requests } = await follow([page([object('a', '1')], '9', 'p2'), page([object('b', '2')], '9'), HELD]);
    expect(requests).toEqual(['list', 'list p2', 'watch 9']);
    expect(told).toEqual(['replace a b']);
  });

  it('asks for a consistent read in pages, and for bookmarks and a random end in the watch', async () => {
    const { api } = await follow([page([], '9', 'p2'), page([], '9'), HELD], { labelSelector: 'app=db' });
    expect(api.requests.map(({ query }) => JSON.parse(JSON.stringify(query)))).toEqual([
      { labelSelector: 'app=db', limit: 500 },
      { labelSelector: 'app=db', limit: 500, continue: 'p2' },
      { labelSelector: 'app=db', watch: true, resourceVersion: '9', allowWatchBookmarks: true, timeoutSeconds: 450 },
    ]);
  });

  it('starts from the first page when a page has expired, and forgets what it had', async () => {
    const { told, requests, restarts, sleeps } = await follow([
      page([object('a', '1')], '9', 'p2'),
      { fails: error('Gone', { code: 410 }) },
      page([object('b', '12')], '12'),
      HELD,
    ]);
    expect(requests).toEqual(['list', 'list p2', 'list', 'watch 12']);
    expect(told).toEqual(['replace b']);
    expect(restarts).toEqual(['Expired']);
    expect(sleeps).toEqual([]);
  });

  it('asks for the same page again after a broken connection', async () => {
    const { told, requests, sleeps } = await follow([
      page([object('a', '1')], '9', 'p2'),
      { fails: error('Unreachable') },
      page([object('b', '2')], '9'),
      HELD,
    ]);
    expect(requests).toEqual(['list', 'list p2', 'list p2', 'watch 9']);
    expect(told).toEqual(['replace a b']);
    expect(sleeps).toEqual([400]);
  });

  it('doubles its waits up to the limit, for ever', async () => {
    const outage = Array.from({ length: 9 }, () => ({ fails: error('Unreachable') }));
    const { sleeps, restarts } = await follow([...outage, page([], '9'), HELD]);
    expect(sleeps).toEqual([400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000, 15_000]);
    expect(restarts).toHaveLength(9);
  });

  it('adds its jitter to the wait that the server asks for', async () => {
    const { sleeps } = await follow([{ fails: error('TooManyRequests', { retryAfterMs: 7000 }) }, page([], '9'), HELD]);
    expect(sleeps).toEqual([7400]);
  });

  it('leaves out an object without uid, and says so', async () => {
    const { told, logged } = await follow([page([{ metadata: { name: 'odd' } }, object('a', '1')], '9'), HELD]);
    expect(told).toEqual(['replace a']);
    expect(logged).toEqual(['warn Dropping an object without name, uid or resourceVersion']);
  });

  it('lists again when the list cannot be read', async () => {
    const { requests, restarts } = await follow([{ page: { items: [] } }, page([], '9'), HELD]);
    expect(requests).toEqual(['list', 'list', 'watch 9']);
    expect(restarts).toEqual(['Malformed']);
  });
});

describe('`Reflector` watching', () => {
  it('goes on from the version of the last event or bookmark', async () => {
    const { told, requests, restarts, sleeps } = await follow([
      page([], '9'),
      { stream: [added('a', '10')], ends: 'closed' },
      { stream: [bookmark('25')], ends: error('Unreachable') },
      HELD,
    ]);
    expect(requests).toEqual(['list', 'watch 9', 'watch 10', 'watch 25']);
    expect(told).toEqual(['replace', 'ADDED a@10']);
    expect(restarts).toEqual(['Closed', 'Unreachable']);
    expect(sleeps).toEqual([400]);
  });

  it('lists again without a wait after an ERROR 410, and with one after the next', async () => {
    const expired: ScriptedAnswer = {
      stream: [{ type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } }],
      ends: 'held',
    };
    const { requests, restarts, sleeps } = await follow([page([], '9'), expired, page([], '11'), expired]);
    expect(requests).toEqual(['list', 'watch 9', 'list', 'watch 11', 'list']);
    expect(restarts).toEqual(['Expired', 'Expired']);
    expect(sleeps).toEqual([800]);
  });

  it('lists again when the server refuses the version on opening', async () => {
    const { requests } = await follow([page([], '9'), { fails: error('Gone', { code: 410 }) }, page([], '12'), HELD]);
    expect(requests).toEqual(['list', 'watch 9', 'list', 'watch 12']);
  });

  it.each([
    ['a broken line', '{"type":"MODI'],
    ['an event of an unknown type', { type: 'SYNCED', object: {} }],
    ['an event without a version', { type: 'MODIFIED', object: { metadata: { name: 'a' } } }],
  ])('drops the stream and lists again after %s', async (_, line) => {
    const { told, requests, restarts } = await follow([
      page([], '9'),
      { stream: [added('a', '10'), line, added('never seen', '12')], ends: 'held' },
      page([object('a', '10')], '13'),
      HELD,
    ]);
    expect(requests).toEqual(['list', 'watch 9', 'list', 'watch 13']);
    expect(told).toEqual(['replace', 'ADDED a@10', 'replace a']);
    expect(restarts).toEqual(['Malformed']);
  });

  it('opens a silent watch again where it stopped', async () => {
    const idle: ScriptedAnswer = { stream: [], livesMs: 90_000, ends: error('TimedOut') };
    const { requests, sleeps } = await follow([page([], '9'), idle, idle, idle]);
    expect(requests).toEqual(['list', 'watch 9', 'watch 9', 'watch 9', 'watch 9']);
    // Each of these watches lived long enough to count as healthy, so the waits do not grow.
    expect(sleeps).toEqual([400, 400, 400]);
  });

  it('backs off from a server that ends each watch at once', async () => {
    const short: ScriptedAnswer = { stream: [], ends: 'closed' };
    const { sleeps, restarts } = await follow([page([], '9'), short, short, short]);
    expect(sleeps).toEqual([400, 800, 1600]);
    expect(restarts).toEqual(['ClosedEarly', 'ClosedEarly', 'ClosedEarly']);
  });

  it('does not let its waits grow over watches that the server closes properly', async () => {
    const broken: ScriptedAnswer = { fails: error('Unreachable') };
    const closed: ScriptedAnswer = { stream: [], livesMs: 5000, ends: 'closed' };
    const { sleeps } = await follow([page([], '9'), broken, closed, broken, closed, broken, HELD]);
    expect(sleeps).toEqual([400, 400, 400]);
  });

  it('forgets its failures after a healthy watch', async () => {
    const { sleeps } = await follow([
      { fails: error('ServerError') },
      { fails: error('ServerError') },
      page([], '9'),
      { stream: [bookmark('10')], livesMs: 10_000, ends: error('Unreachable') },
      HELD,
    ]);
    expect(sleeps).toEqual([400, 800, 400]);
  });
});

describe('`Reflector` reporting', () => {
  it.each<[KubeErrorReason, string]>([
    ['NotFound', 'notServed'],
    ['Forbidden', 'forbidden'],
    ['ServerError', 'retrying'],
  ])('shows a list that fails with %s as %s, with the message', async (reason, is) => {
    const { condition, reflector } = await follow([{ fails: error(reason) }]);
    expect(condition).toEqual({ is, message: `${reason} happened` });
    expect(reflector.hasSynced()).toBe(false);
  });

  it('is syncing before the last page and synced after it', async () => {
    const before = await follow([page([], '9', 'p2')]);
    expect([before.condition.is, before.reflector.hasSynced()]).toEqual(['syncing', false]);
    const after = await follow([page([], '9'), HELD]);
    expect([after.condition.is, after.reflector.hasSynced()]).toEqual(['synced', true]);
  });

  it('stays synced while a watch is retried, and recovers with the next bookmark', async () => {
    const failing = await follow([page([], '9'), { stream: [], ends: error('Unreachable') }, HELD]);
    expect([failing.condition.is, failing.reflector.hasSynced()]).toEqual(['retrying', true]);
    const recovered = await follow([
      page([], '9'),
      { stream: [], ends: error('Unreachable') },
      { stream: [bookmark('9')], ends: 'held' },
    ]);
    expect(recovered.condition).toEqual({ is: 'synced' });
  });

  it('warns once per outage and tells when it is over', async () => {
    const outage = Array.from({ length: 4 }, () => ({ fails: error('Unreachable') }));
    const { logged } = await follow([...outage, page([], '9'), HELD]);
    expect(logged.filter((line) => !line.startsWith('debug'))).toEqual([
      'warn Watch failed, trying again',
      'info Watch recovered',
    ]);
  });

  it('logs nothing above debug while all is well', async () => {
    const { logged } = await follow([
      page([], '9'),
      { stream: [bookmark('12')], livesMs: 400_000, ends: 'closed' },
      HELD,
    ]);
    expect(logged.filter((line) => !line.startsWith('debug'))).toEqual([]);
  });

  it('is stale after two idle periods without a word, and before the first', async () => {
    const { reflector, api } = await follow([page([], '9'), HELD], { idleMs: 1000 });
    expect(reflector.lastContactMs()).toBe(api.clock.now());
    expect(reflector.isStale(api.clock.now() + 2000)).toBe(false);
    expect(reflector.isStale(api.clock.now() + 2001)).toBe(true);
    expect((await follow([])).reflector.isStale(0)).toBe(true);
  });
});

describe('`Reflector.disconnectedMs()`', () => {
  it('counts from the end of a watch until another one is open, however often opening it fails', async () => {
    const lost: readonly ScriptedAnswer[] = [
      page([], '9'),
      { stream: [], ends: error('Unreachable') },
      { fails: error('Forbidden') },
    ];
    const refused = await follow(lost);
    const nowMs = refused.api.clock.now();
    // Both waits of the backoff; an open watch would report changes.
    expect(refused.reflector.disconnectedMs(nowMs)).toBe(400 + 800);
    const recovered = await follow([...lost, HELD]);
    expect(recovered.reflector.disconnectedMs(nowMs + 60_000)).toBe(0);
  });

  it('counts while the list runs again', async () => {
    const expired: ScriptedAnswer = { fails: error('Gone', { code: 410 }) };
    const { reflector, api } = await follow([page([], '9'), expired, page([], '12')]);
    expect(reflector.disconnectedMs(api.clock.now() + 1000)).toBe(1000);
    // A clock that is set back by an hour is no reason to trust the cache for an hour.
    expect(reflector.disconnectedMs(api.clock.now() - 3_600_000)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('`Reflector.faults()`', () => {
  it('says what a watch was refused for, until one is open', async () => {
    const refused = await follow([page([], '9'), { fails: error('Forbidden') }]);
    expect(refused.reflector.faults()).toEqual(['watching fails: Forbidden happened']);
    const recovered = await follow([page([], '9'), { fails: error('Forbidden') }, HELD]);
    expect(recovered.condition).toEqual({ is: 'synced' });
    expect(recovered.reflector.faults()).toEqual([]);
    expect(recovered.logged).toContain('info Watch recovered');
  });

  it('is not settled by the mere opening where what breaks are open watches', async () => {
    const { reflector } = await follow([page([], '9'), { stream: ['no JSON'], ends: 'closed' }, page([], '9'), HELD]);
    expect(reflector.condition()).toEqual({ is: 'synced' });
    const again = await follow([page([], '9'), { stream: [], ends: error('TimedOut') }, HELD]);
    expect(again.reflector.faults()).toEqual(['watching fails: TimedOut happened']);
  });
});

describe('`Reflector.run()`', () => {
  it('ends when the signal aborts during a wait', async () => {
    const api = new ScriptedApi([{ fails: error('Unreachable') }]);
    const reflector = new Reflector({
      client: api,
      resource: NAMESPACE,
      clock: api.clock,
      random: () => 0.999,
      backoff: { baseMs: 3_600_000, maxMs: 3_600_000 },
      log: recordingLog(),
      onRestart: () => queueMicrotask(() => stop.abort()),
    });
    const stop = new AbortController();
    await reflector.run({ replace: () => {}, apply: () => {} }, stop.signal);
    expect(reflector.condition().is).toBe('retrying');
  });

  it('rejects with the error of a sink that throws, since that is a bug', async () => {
    const api = new ScriptedApi([page([], '9')]);
    const reflector = new Reflector({ client: api, resource: NAMESPACE, clock: api.clock, log: recordingLog() });
    const sink: Sink<Namespace> = {
      replace: () => {
        throw new TypeError('sink broke');
      },
      apply: () => {},
    };
    await expect(reflector.run(sink, new AbortController().signal)).rejects.toThrow('sink broke');
  });

  it('refuses to run twice at once', async () => {
    const api = new ScriptedApi([]);
    const reflector = new Reflector({ client: api, resource: NAMESPACE, clock: api.clock, log: recordingLog() });
    const stop = new AbortController();
    const sink: Sink<Namespace> = { replace: () => {}, apply: () => {} };
    const first = reflector.run(sink, stop.signal);
    await expect(reflector.run(sink, stop.signal)).rejects.toThrow('running already');
    stop.abort();
    await first;
  });
});
