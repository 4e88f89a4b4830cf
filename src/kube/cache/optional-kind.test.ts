import { describe, expect, it, vi } from 'vitest';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import { type ScriptedAnswer, ScriptedApi } from '../../../harness/doubles/scripted-api.ts';
import { CLUSTER, MACHINE } from '../../core/machine-objects.ts';
import type { KubeObject } from '../../core/objects.ts';
import { KubeError } from '../http/errors.ts';
import { OptionalKind } from './optional-kind.ts';

const NOT_FOUND: ScriptedAnswer = { fails: new KubeError({ reason: 'NotFound', code: 404, message: 'no such path' }) };
const DOWN: ScriptedAnswer = {
  fails: new KubeError({ reason: 'Unreachable', code: 0, message: 'connection refused' }),
};
const serving = (...plurals: string[]): ScriptedAnswer => ({ page: { resources: plurals.map((name) => ({ name })) } });
const list = (...names: string[]): ScriptedAnswer => ({
  page: {
    metadata: { resourceVersion: '5' },
    items: names.map((name) => ({ metadata: { name, namespace: 'metal', uid: name, resourceVersion: '1' } })),
  },
});
const HELD: ScriptedAnswer = { stream: [], ends: 'held' };

async function run(
  script: readonly ScriptedAnswer[],
  part: { emptyWithoutKind?: boolean; resource?: typeof CLUSTER } = {},
) {
  const api = new ScriptedApi(script);
  const log = recordingLog();
  const mirror = new OptionalKind<KubeObject>({
    client: api,
    resource: part.resource ?? MACHINE,
    versions: ['v1beta2', 'v1beta1'],
    clock: api.clock,
    sleep: api.sleep,
    log,
    random: () => 0,
    ...(part.emptyWithoutKind !== undefined && { emptyWithoutKind: part.emptyWithoutKind }),
  });
  const stop = new AbortController();
  vi.useFakeTimers();
  let isReady = false;
  void mirror.whenReady(stop.signal).then(() => {
    isReady = true;
  });
  const running = mirror.start(stop.signal);
  await vi.advanceTimersByTimeAsync(60_000);
  await api.finished;
  const paths = api.requests.map(({ verb, path }) => `${verb} ${path}`);
  const disconnectedMs = mirror.disconnectedMs(api.clock.now() + 60_000);
  const seen = {
    mirror,
    log,
    isReady,
    paths,
    disconnectedMs,
    trouble: mirror.readyz(),
    isWatching: mirror.isWatching(),
  };
  stop.abort();
  await vi.runAllTimersAsync();
  await running;
  vi.useRealTimers();
  return seen;
}

const GROUP = '/apis/cluster.x-k8s.io';

describe('`OptionalKind`', () => {
  it('mirrors the best version that is served', async () => {
    const { mirror, paths, trouble } = await run([serving('machines', 'machines/status'), list('a'), HELD]);
    expect(paths).toEqual([
      `list ${GROUP}/v1beta2`,
      `list ${GROUP}/v1beta2/machines`,
      `watch ${GROUP}/v1beta2/machines`,
    ]);
    expect(mirror.informer.get('metal/a').is).toBe('present');
    expect(mirror.resource.version).toBe('v1beta2');
    expect(trouble).toBeUndefined();
  });

  it('takes the next version where the best one is not served', async () => {
    const { mirror, paths } = await run([NOT_FOUND, serving('machines'), list('a'), HELD]);
    expect(paths).toContain(`watch ${GROUP}/v1beta1/machines`);
    expect(mirror.resource.version).toBe('v1beta1');
  });

  it('holds up nobody and is no fault while nothing is served; it says so once', async () => {
    const { mirror, log, isReady, trouble, isWatching } = await run([NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND]);
    expect(isReady).toBe(true);
    expect(trouble).toBeUndefined();
    expect(isWatching).toBe(false);
    expect(mirror.informer.get('metal/a')).toEqual({ is: 'unknown' });
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'Waiting for the kind to be served'],
    ]);
  });

  it('begins when the CRD appears', async () => {
    const { mirror } = await run([NOT_FOUND, NOT_FOUND, serving('machines'), list('a'), HELD]);
    expect(mirror.informer.get('metal/a').is).toBe('present');
  });

  it('looks for the version anew when it is withdrawn, and keeps what it had', async () => {
    const { mirror, paths } = await run([
      serving('machines'),
      list('a'),
      { stream: [], ends: new KubeError({ reason: 'NotFound', code: 404, message: 'gone' }) },
      NOT_FOUND,
      serving('machines'),
      list('a', 'b'),
      HELD,
    ]);
    expect(paths.at(-1)).toBe(`watch ${GROUP}/v1beta1/machines`);
    expect(mirror.informer.size).toBe(2);
  });

  it('follows nothing between a version that is withdrawn and the next watch', async () => {
    const withdrawn: readonly ScriptedAnswer[] = [
      serving('machines'),
      list('a'),
      { stream: [], ends: new KubeError({ reason: 'NotFound', code: 404, message: 'gone' }) },
    ];
    expect((await run([...withdrawn, DOWN, DOWN])).disconnectedMs).toBeGreaterThanOrEqual(60_000);
    expect((await run([...withdrawn, serving('machines'), list('a'), HELD])).disconnectedMs).toBe(0);
    expect((await run([NOT_FOUND, NOT_FOUND])).disconnectedMs).toBe(0);
  });

  it('does not take a server that cannot be asked for one that serves nothing', async () => {
    const { isReady, trouble } = await run([DOWN, DOWN]);
    expect(isReady).toBe(false);
    expect(trouble).toContain('connection refused');
  });

  it('knows that there are none where the group is served without the kind, and only if it is told to', async () => {
    const script = [serving('machines'), NOT_FOUND];
    const told = await run(script, { resource: CLUSTER, emptyWithoutKind: true });
    expect(told.mirror.informer.get('metal/shop')).toEqual({ is: 'absent' });
    const untold = await run(script, { resource: CLUSTER });
    expect(untold.mirror.informer.get('metal/shop')).toEqual({ is: 'unknown' });
  });
});
