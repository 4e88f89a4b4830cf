import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingApi } from '../../../harness/doubles/pending-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { EvictPod } from '../../core/action.ts';
import type { EvictionOutcome } from '../../core/ports.ts';
import { LeadershipLost } from '../../runtime/drain-signal.ts';
import { KubeError, type KubeErrorInit } from '../http/errors.ts';
import { classifyEviction, PodEvictor, type PodEvictorOptions } from './evictor.ts';

function eviction(name: string, over: Partial<EvictPod> = {}): EvictPod {
  return { namespace: 'shop', name, uid: `uid-${name}`, lane: `uid-${name}`, basis: '', ...over };
}

const refusal = (init: Partial<KubeErrorInit>): KubeError =>
  new KubeError({ reason: 'ServerError', code: 500, message: 'no', ...init });

const blocked = refusal({
  reason: 'TooManyRequests',
  code: 429,
  message: 'Cannot evict pod as it would violate the pod’s disruption budget.',
  causes: [{ reason: 'DisruptionBudget' }],
});

/** A started evictor whose requests stay in flight until the test answers them. */
function setUp(over: Partial<PodEvictorOptions> = {}) {
  const { client, answer, inFlight } = pendingApi();
  const log = recordingLog();
  const results: string[] = [];
  const outcomes: EvictionOutcome[] = [];
  const evictor = new PodEvictor({
    client,
    clock: { now: () => Date.now() },
    log,
    dryRun: false,
    onResult: (owner, uid, { outcome }) => results.push(`${owner} ${uid} ${outcome}`),
    onOutcome: (outcome) => outcomes.push(outcome),
    ...over,
  });
  const stop = new AbortController();
  const life = evictor.start(stop.signal);
  return { evictor, client, log, results, outcomes, stop, life, answer, inFlight };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('PodEvictor', () => {
  it('`want()` posts an Eviction with a UID precondition and no grace period', () => {
    const { evictor, client } = setUp();
    evictor.want('worker-1', [eviction('web')]);
    expect(client.requests[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/shop/pods/web/eviction',
      retry: 'never',
      timeoutMs: 35_000,
    });
    expect(client.requests[0]?.body).toEqual({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace: 'shop', name: 'web' },
      deleteOptions: { preconditions: { uid: 'uid-web' } },
    });
  });

  it('`want()` sends the evictions of one lane one after another, over all owners, and lanes side by side', async () => {
    const { evictor, answer, inFlight } = setUp();
    evictor.want('worker-1', [eviction('a1', { lane: 'pdb' }), eviction('a2', { lane: 'pdb' }), eviction('free')]);
    evictor.want('worker-2', [eviction('b1', { lane: 'pdb' })]);
    expect(inFlight()).toEqual(['a1', 'free']);
    await answer('a1');
    expect(inFlight()).toEqual(['free', 'a2']);
    await answer('a2');
    expect(inFlight()).toEqual(['free', 'b1']);
  });

  it('`want()` keeps to the number of parallel requests, and lanes take turns', async () => {
    const { evictor, answer, inFlight } = setUp({ maxParallel: 2 });
    const pods = ['a', 'b', 'c'].flatMap((lane) => [eviction(`${lane}1`, { lane }), eviction(`${lane}2`, { lane })]);
    evictor.want('worker-1', pods);
    expect(inFlight()).toEqual(['a1', 'b1']);
    await answer('a1');
    await answer('b1');
    expect(inFlight()).toEqual(['c1', 'a2']);
  });

  it('`want()` drops what was not sent and is not wanted any more, and never doubles what is in flight', async () => {
    const { evictor, client, answer, inFlight } = setUp();
    const lane = 'pdb';
    evictor.want('worker-1', [eviction('a', { lane }), eviction('b', { lane }), eviction('c', { lane })]);
    evictor.want('worker-1', [eviction('a', { lane }), eviction('c', { lane })]);
    await answer('a');
    expect(inFlight()).toEqual(['c']);
    evictor.want('worker-1', []);
    await answer('c');
    expect(client.requests).toHaveLength(2);
  });

  it('`want()` drops the rest of a lane that was blocked, unless the budget has changed since', async () => {
    const { evictor, results, answer, inFlight } = setUp();
    evictor.want(
      'worker-1',
      ['a', 'b'].map((name) => eviction(name, { lane: 'pdb', basis: '7' })),
    );
    evictor.want('worker-2', [eviction('c', { lane: 'pdb', basis: '8' })]);
    await answer('a', blocked);
    expect(inFlight()).toEqual(['c']);
    await answer('c');
    expect(inFlight()).toEqual([]);
    expect([...evictor.attempts('worker-1').keys()]).toEqual(['uid-a']);
    expect(results).toEqual(['worker-1 uid-a BudgetBlocked', 'worker-2 uid-c Accepted']);
  });

  it('`attempts()` tells the outcome, the basis, how often in a row and when to try again', async () => {
    const { evictor, answer } = setUp();
    const pod = eviction('web', { basis: '7' });
    const delays: (number | undefined)[] = [];
    for (const error of [refusal({}), refusal({}), refusal({}), blocked, undefined]) {
      evictor.want('worker-1', [pod]);
      await answer('web', error);
      const attempt = evictor.attempts('worker-1').get(pod.uid);
      expect(attempt?.basis).toBe('7');
      delays.push(attempt?.retryAtMs === undefined ? undefined : attempt.retryAtMs - attempt.atMs);
    }
    expect(delays).toEqual([1000, 2000, 4000, undefined, 60_000]);
    expect(evictor.attempts('worker-1').get(pod.uid)).toMatchObject({ outcome: 'Accepted', count: 1, atMs: 1_000_000 });
    expect(evictor.attempts('unheard-of').size).toBe(0);
  });

  it('`attempts()` keeps to the patience that the API server asks for, else to its own', async () => {
    const { evictor, answer } = setUp();
    const pod = eviction('web');
    const delays: number[] = [];
    const throttled = { reason: 'TooManyRequests', code: 429 } as const;
    for (const init of [{ ...throttled, retryAfterMs: 7000 }, throttled, throttled, throttled]) {
      evictor.want('worker-1', [pod]);
      await answer('web', refusal(init));
      delays.push((evictor.attempts('worker-1').get(pod.uid)?.retryAtMs ?? 0) - Date.now());
    }
    expect(delays).toEqual([7000, 10_000, 20_000, 30_000]);
  });

  it('`attempts()` forgets after an hour what nobody wants any more', async () => {
    const { evictor, answer } = setUp();
    evictor.want('worker-1', [eviction('old'), eviction('wanted')]);
    await answer('old', blocked);
    await answer('wanted', blocked);
    await vi.advanceTimersByTimeAsync(3_599_000);
    evictor.want('worker-1', []);
    expect(evictor.attempts('worker-1').size).toBe(2);
    await vi.advanceTimersByTimeAsync(2000);
    evictor.want('worker-1', [eviction('wanted')]);
    expect([...evictor.attempts('worker-1').keys()]).toEqual(['uid-wanted']);
  });

  it('`forget()` drops what was not sent, and the answer of what was', async () => {
    const { evictor, client, results, answer } = setUp({ maxParallel: 1 });
    evictor.want('worker-1', [eviction('a'), eviction('b')]);
    evictor.forget('worker-1');
    await answer('a');
    expect(client.requests).toHaveLength(1);
    expect([results, evictor.attempts('worker-1').size]).toEqual([[], 0]);
  });

  it('asks once more before each request whether it is still wanted, and tells what it has withheld', async () => {
    const untainted = new Set<string>();
    const withheld: string[] = [];
    const { evictor, answer, inFlight } = setUp({
      maxParallel: 1,
      isStillWanted: (owner) => !untainted.has(owner),
      onWithheld: (owner) => withheld.push(owner),
    });
    evictor.want('worker-1', [eviction('a'), eviction('b'), eviction('c')]);
    evictor.want('worker-2', [eviction('d')]);
    untainted.add('worker-1');
    await answer('a');
    expect(inFlight()).toEqual(['d']);
    expect(withheld).toEqual(['worker-1', 'worker-1']);
  });

  it('`start()` lets requests in flight finish and sends nothing more', async () => {
    const { evictor, client, life, stop, answer, results } = setUp({ maxParallel: 1 });
    evictor.want('worker-1', [eviction('a'), eviction('b')]);
    stop.abort();
    evictor.want('worker-1', [eviction('c')]);
    await answer('a');
    await life;
    expect([client.requests.length, results]).toEqual([1, ['worker-1 uid-a Accepted']]);
  });

  it('`start()` cuts off requests in flight when leadership was lost', async () => {
    const { evictor, life, stop, results } = setUp();
    evictor.want('worker-1', [eviction('a')]);
    stop.abort(new LeadershipLost('gone'));
    await life;
    expect(results).toEqual([]);
  });

  it('a dry run sends nothing and names each Pod once', () => {
    const { evictor, client, log } = setUp({ dryRun: true });
    evictor.want('worker-1', [eviction('a'), eviction('b')]);
    evictor.want('worker-1', [eviction('a'), eviction('b')]);
    expect(client.requests).toEqual([]);
    expect(log.lines.map(({ message, fields }) => [message, fields.Pod, fields.Node])).toEqual([
      ['Would evict', 'shop/a', 'worker-1'],
      ['Would evict', 'shop/b', 'worker-1'],
    ]);
  });

  it('`attempts()` keeps the words that name the budget', async () => {
    const { evictor, answer } = setUp();
    evictor.want('worker-1', [eviction('web')]);
    const causes = [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods' }];
    await answer('web', refusal({ reason: 'TooManyRequests', code: 429, message: 'Cannot evict pod.', causes }));
    expect(evictor.attempts('worker-1').get('uid-web')?.detail).toBe(
      'Cannot evict pod. The disruption budget web needs 2 healthy pods',
    );
  });

  it('`attempts()` says only once what a policy says twice', async () => {
    const { evictor, answer } = setUp();
    evictor.want('worker-1', [eviction('web')]);
    const message = 'ValidatingAdmissionPolicy with binding denied request: see CHG-1234';
    await answer('web', refusal({ reason: 'Invalid', code: 422, message, causes: [{ message: 'see CHG-1234' }] }));
    expect(evictor.attempts('worker-1').get('uid-web')?.detail).toBe(message);
  });

  it('an answer is logged when it differs from the one before', async () => {
    const { evictor, log, outcomes, answer } = setUp();
    for (const error of [blocked, blocked, undefined]) {
      evictor.want('worker-1', [eviction('web')]);
      await answer('web', error);
    }
    const told = log.lines.filter(({ level }) => level === 'info').map(({ fields }) => fields.reason);
    expect(told).toEqual(['BudgetBlocked', 'Accepted']);
    expect(outcomes).toEqual(['BudgetBlocked', 'BudgetBlocked', 'Accepted']);
  });
});

describe('classifyEviction', () => {
  const webhook = 'admission webhook "guard.example.com" denied the request: not now';
  const budget = [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods' }];

  it.each<[string, unknown, EvictionOutcome]>([
    ['no error', undefined, 'Accepted'],
    ['404', refusal({ reason: 'NotFound', code: 404 }), 'Gone'],
    ['409, another UID', refusal({ reason: 'Conflict', code: 409 }), 'Gone'],
    ['429 of a budget', blocked, 'BudgetBlocked'],
    [
      '429 of a budget with Retry-After',
      refusal({ reason: 'TooManyRequests', code: 429, causes: budget, retryAfterMs: 10_000 }),
      'BudgetPending',
    ],
    ['429 of flow control', refusal({ reason: 'TooManyRequests', code: 429, retryAfterMs: 1000 }), 'Throttled'],
    ['429 of a webhook', refusal({ reason: 'TooManyRequests', code: 429, message: webhook }), 'Throttled'],
    [
      '500, two budgets',
      refusal({
        message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      }),
      'MultipleBudgets',
    ],
    ['500', refusal({}), 'Failed'],
    ['500, a webhook out of reach', refusal({ message: 'failed calling webhook "guard.example.com"' }), 'Failed'],
    ['500, a webhook’s refusal', refusal({ message: webhook }), 'Denied'],
    ['404, a webhook’s refusal', refusal({ reason: 'NotFound', code: 404, message: webhook }), 'Denied'],
    ['409, a webhook’s refusal', refusal({ reason: 'Conflict', code: 409, message: webhook }), 'Denied'],
    ['403', refusal({ reason: 'Forbidden', code: 403 }), 'Denied'],
    [
      '403, the namespace is going',
      refusal({ reason: 'Forbidden', code: 403, causes: [{ reason: 'NamespaceTerminating' }] }),
      'Throttled',
    ],
    ['400', refusal({ reason: 'BadRequest', code: 400 }), 'Denied'],
    ['422', refusal({ reason: 'Invalid', code: 422 }), 'Denied'],
    ['504', refusal({ code: 504, retryAfterMs: 10_000 }), 'Failed'],
    ['401', refusal({ reason: 'Unauthorized', code: 401 }), 'Failed'],
    ['no connection', refusal({ reason: 'Unreachable', code: 0 }), 'Failed'],
    ['our deadline', refusal({ reason: 'TimedOut', code: 0 }), 'Failed'],
    ['a bug', new TypeError('x is undefined'), 'Failed'],
  ])('`classifyEviction()` of %s', (_, error, outcome) => {
    expect(classifyEviction(error)).toBe(outcome);
  });
});
