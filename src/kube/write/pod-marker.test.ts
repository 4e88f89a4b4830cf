import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingApi } from '../../../harness/doubles/pending-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { PatchMeta } from '../../core/action.ts';
import { POD } from '../../core/objects.ts';
import { KubeError } from '../http/errors.ts';
import { BackgroundPodMarker, type BackgroundPodMarkerOptions } from './pod-marker.ts';

const mark = (name: string, resourceVersion = '1'): PatchMeta => ({
  do: 'patchMeta',
  target: { resource: POD, namespace: 'shop', name, uid: `uid-${name}` },
  resourceVersion,
  annotations: { 'emm-failure': 'GenericFailure' },
});

const failed = new KubeError({ reason: 'ServerError', code: 500, message: 'failed calling webhook "w"' });

/** A started marker whose requests stay in flight until the test answers them. */
function setUp(over: Partial<BackgroundPodMarkerOptions> = {}) {
  const { client, answer, inFlight } = pendingApi();
  const log = recordingLog();
  const due: string[] = [];
  const marker = new BackgroundPodMarker({
    client,
    clock: { now: () => Date.now() },
    log,
    dryRun: false,
    onDue: (owner) => due.push(owner),
    ...over,
  });
  const stop = new AbortController();
  const life = marker.start(stop.signal);
  return { marker, client, log, due, stop, life, answer, inFlight };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('BackgroundPodMarker', () => {
  it('marks the others while a webhook hangs on one', async () => {
    const { marker, answer, inFlight } = setUp({ maxParallel: 2 });
    marker.want('a', [mark('hung'), mark('x'), mark('y')]);
    expect(inFlight()).toEqual(['hung', 'x']);
    await answer('x');
    await answer('y');
    marker.want('b', [mark('z')]);
    expect(inFlight()).toEqual(['hung', 'z']);
  });

  it('asks again with patience: never before its time, at once where the Pod has changed', async () => {
    const { marker, client, due, answer } = setUp();
    for (const waitMs of [1000, 2000, 4000]) {
      marker.want('a', [mark('x')]);
      await answer('x', failed);
      const sent = client.requests.length;
      marker.want('a', [mark('x')]);
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect([client.requests.length, due]).toEqual([sent, []]);
      await vi.advanceTimersByTimeAsync(1);
      expect(due.splice(0)).toEqual(['a']);
    }
    marker.want('a', [mark('x')]);
    await answer('x', failed);
    marker.want('a', [mark('x', '2')]);
    expect(client.requests).toHaveLength(5);
  });

  it('writes a mark that somebody takes away again with patience, and another one at once', async () => {
    const { marker, client, due, answer } = setUp();
    let version = 1;
    for (const waitMs of [1000, 2000, 4000]) {
      marker.want('a', [mark('x', String(version++))]);
      await answer('x');
      marker.want('a', []);
      const sent = client.requests.length;
      marker.want('a', [mark('x', String(version++))]);
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect([client.requests.length, due]).toEqual([sent, []]);
      await vi.advanceTimersByTimeAsync(1);
      expect(due.splice(0)).toEqual(['a']);
    }
    marker.want('a', [mark('x', String(version++))]);
    await answer('x');
    const taken = { ...mark('x', String(version++)), annotations: { 'emm-failure': null } };
    marker.want('a', [taken]);
    await answer('x');
    expect(client.requests).toHaveLength(5);
    // After a while it is a mark like any other.
    await vi.advanceTimersByTimeAsync(600_000);
    due.splice(0);
    marker.want('a', [taken]);
    expect(client.requests).toHaveLength(6);
  });

  it('drops what is not wanted any more, and sends no Pod twice at once', async () => {
    const { marker, client, answer } = setUp({ maxParallel: 1 });
    marker.want('a', [mark('x'), mark('y')]);
    marker.want('a', [mark('x')]);
    await answer('x');
    expect(client.requests).toHaveLength(1);
  });

  it('logs one warning for a Pod that fails on', async () => {
    const { marker, log, answer } = setUp();
    for (let attempt = 0; attempt < 3; attempt++) {
      marker.want('a', [mark('x')]);
      await answer('x', failed);
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('ends at once with what is in flight, and sends nothing after that', async () => {
    const { marker, client, stop, life } = setUp({ maxParallel: 1 });
    marker.want('a', [mark('hung'), mark('x')]);
    stop.abort();
    await life;
    marker.want('a', [mark('y')]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(client.requests).toHaveLength(1);
  });

  it('sends nothing in a dry run, and names each Pod once while it is to be marked', () => {
    const { marker, client, log } = setUp({ dryRun: true });
    marker.want('a', [mark('x')]);
    marker.want('a', [mark('x')]);
    expect([client.requests.length, log.lines.length]).toEqual([0, 1]);
    // A later maintenance is another one.
    marker.want('a', []);
    marker.want('a', [mark('x')]);
    expect([client.requests.length, log.lines.length]).toEqual([0, 2]);
  });
});
