import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingApi } from '../../../harness/doubles/pending-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { EvictPod } from '../../core/action.ts';
import { inPass, passSignal } from '../../runtime/pass-signal.ts';
import { KubeError, type KubeErrorInit } from '../http/errors.ts';
import { answerOf, EvictionProber, type EvictionProberOptions } from './eviction-probe.ts';

const eviction = (name: string): EvictPod => ({ namespace: 'shop', name, uid: `uid-${name}`, lane: '', basis: '' });
const refusal = (init: Partial<KubeErrorInit>): KubeError =>
  new KubeError({ reason: 'ServerError', code: 500, message: 'no', ...init });

/** A started prober whose requests stay in flight until the test answers them. */
function setUp(over: Partial<EvictionProberOptions> = {}) {
  const { client, answer, inFlight } = pendingApi();
  const answered: string[] = [];
  const prober = new EvictionProber({
    client,
    log: recordingLog(),
    dryRun: false,
    onAnswer: (owner) => answered.push(owner),
    ...over,
  });
  const stop = new AbortController();
  const life = prober.start(stop.signal);
  return { prober, client, answered, stop, life, answer, inFlight };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('`EvictionProber`', () => {
  it('asks about each Pod once, by a dry run that admission sees, within its bound', async () => {
    const { prober, client, answered, answer, inFlight } = setUp({ maxParallel: 2 });
    const pods = ['a', 'b', 'c'].map(eviction);
    prober.want('node', pods);
    prober.want('node', pods);
    expect(inFlight()).toEqual(['a', 'b']);
    await answer('a');
    expect(inFlight()).toEqual(['b', 'c']);
    await answer('b', refusal({ reason: 'Forbidden', code: 403 }));
    await answer('c');
    prober.want('node', pods);
    expect(Object.fromEntries(prober.answers('node'))).toEqual({
      'uid-a': 'Allowed',
      'uid-b': 'Denied',
      'uid-c': 'Allowed',
    });
    expect(answered).toEqual(['node', 'node', 'node']);
    expect(client.requests.map(({ path, query }) => [path, query])).toEqual(
      ['a', 'b', 'c'].map((name) => [`/api/v1/namespaces/shop/pods/${name}/eviction`, { dryRun: 'All' }]),
    );
  });

  it('goes on with the next questions when the pass that asked the first ones has been cut off', async () => {
    const { client, answer } = pendingApi();
    const passes: (AbortSignal | undefined)[] = [];
    const request: typeof client.request = (asked) => {
      passes.push(passSignal());
      return client.request(asked);
    };
    const { prober } = setUp({ client: { ...client, request, lines: client.lines }, maxParallel: 1 });
    inPass(AbortSignal.abort(), () => prober.want('node', [eviction('a'), eviction('b')]));
    await answer('a');
    expect(passes).toEqual([undefined, undefined]);
  });

  it('drops what is no longer wanted, and what nobody asks for any more', async () => {
    let isAsked = true;
    const { prober, answer, inFlight } = setUp({ maxParallel: 1, isStillWanted: () => isAsked });
    prober.want('node', ['a', 'b', 'c'].map(eviction));
    prober.want('node', [eviction('c')]);
    await answer('a');
    expect(inFlight()).toEqual(['c']);
    prober.want('node', [eviction('d')]);
    isAsked = false;
    await answer('c');
    expect(inFlight()).toEqual([]);
  });

  it('forgets with the owner, and asks anew for the next session', async () => {
    const { prober, answer, inFlight } = setUp();
    prober.want('node', [eviction('a')]);
    await answer('a');
    prober.forget('node');
    expect(prober.answers('node').size).toBe(0);
    prober.want('node', [eviction('a')]);
    expect(inFlight()).toEqual(['a']);
  });

  it('sends nothing where nothing is to be sent, and says that it does not know', () => {
    const { prober, client, answered } = setUp({ dryRun: true });
    prober.want('node', [eviction('a')]);
    expect(Object.fromEntries(prober.answers('node'))).toEqual({ 'uid-a': 'Unknown' });
    expect([answered, client.requests]).toEqual([['node'], []]);
  });

  it('ends at once: nothing depends on what is in flight', async () => {
    const { prober, stop, life, answered } = setUp();
    prober.want('node', ['a', 'b'].map(eviction));
    stop.abort();
    await vi.advanceTimersByTimeAsync(1);
    await life;
    expect(answered).toEqual([]);
  });
});

describe('`answerOf()`', () => {
  const denied = 'admission webhook "evict.example.com" denied the request: it migrates';
  it.each<[string, Partial<KubeErrorInit>, string]>([
    ['a policy', { reason: 'Forbidden', code: 403 }, 'Denied'],
    ['a webhook', { reason: 'BadRequest', code: 400, message: denied }, 'Denied'],
    ['a webhook that asks for patience', { reason: 'TooManyRequests', code: 429, message: denied }, 'Denied'],
    ['a webhook that has to agree and does not answer', { message: 'failed calling webhook "x": timeout' }, 'Denied'],
    [
      'a webhook that takes no dry runs',
      { reason: 'BadRequest', code: 400, message: 'admission webhook "x" does not support dry run' },
      'Unknown',
    ],
    ['a closed budget', { reason: 'TooManyRequests', code: 429, causes: [{ reason: 'DisruptionBudget' }] }, 'Allowed'],
    ['a busy API server', { reason: 'TooManyRequests', code: 429 }, 'Unknown'],
    [
      'a namespace that is being deleted',
      { reason: 'Forbidden', code: 403, causes: [{ reason: 'NamespaceTerminating' }] },
      'Unknown',
    ],
    ['a Pod that has gone', { reason: 'NotFound', code: 404 }, 'Unknown'],
    ['two budgets', { message: 'more than one PodDisruptionBudget' }, 'Unknown'],
    ['no answer', { reason: 'TimedOut', code: 0 }, 'Unknown'],
  ])('%s → %s', (_, init, answer) => {
    expect(answerOf(refusal(init))).toBe(answer);
  });
});
