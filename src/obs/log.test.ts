import { describe, expect, it } from 'vitest';
import { KubeError } from '../kube/http/errors.ts';
import { type LogFormat, type LogLevel, makeLog } from './log.ts';

const START = Date.parse('2026-11-21T11:00:00Z');

function capture(format: LogFormat = 'json', level: LogLevel = 'debug') {
  const lines: string[] = [];
  const log = makeLog({ level, format, write: (line) => lines.push(line), now: () => START });
  return { log, lines, records: () => lines.map((line) => JSON.parse(line)) };
}

describe('`makeLog()`', () => {
  it('writes one JSON line with time, level and message', () => {
    const { log, lines, records } = capture();
    log.info('Evicting Pod', { Pod: 'shop/web-0', attempt: 2 });
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(records()).toEqual([
      { level: 'info', time: '2026-11-21T11:00:00.000Z', Pod: 'shop/web-0', attempt: 2, msg: 'Evicting Pod' },
    ]);
  });

  it('leaves out lines below its level', () => {
    const { log, records } = capture('json', 'warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(records().map(({ msg }) => msg)).toEqual(['c', 'd']);
  });

  it('adds a child’s fields to each of its lines and to no others', () => {
    const { log, records } = capture();
    const child = log.child({ controller: 'tmm' }).child({ Node: 'worker-3' });
    child.info('In');
    log.info('Out');
    expect(records()[0]).toMatchObject({ controller: 'tmm', Node: 'worker-3' });
    expect(records()[1]).not.toHaveProperty('controller');
  });

  it('writes an error with its fields and its chain of causes', () => {
    const { log, records } = capture();
    const root = new KubeError({ reason: 'Conflict', code: 409, message: 'changed meanwhile' });
    log.error('Pass failed', { err: new Error('Patching Node worker-3', { cause: root }) });
    const { err } = records()[0];
    expect(err).toMatchObject({ name: 'Error', message: 'Patching Node worker-3' });
    expect(err.stack).toContain('log.test.ts');
    expect(err.cause).toMatchObject({ name: 'KubeError', reason: 'Conflict', code: 409, message: 'changed meanwhile' });
  });

  it('redacts credentials by key at any depth, and bearer tokens in texts', () => {
    const { log, lines } = capture();
    const request: Readonly<Record<string, unknown>> = {
      password: 'hush-2',
      request: { headers: { Authorization: 'hush-3' }, list: [{ 'client-token': 'hush-4' }] },
      err: new Error('refused: Bearer hush-5.abc.def', { cause: new Error('authorization: bearer hush-6-xyz') }),
    };
    const credentials: Readonly<Record<string, unknown>> = { accessToken: 'hush-1' };
    log.child(credentials).info('Request', request);
    expect(lines.join('')).not.toMatch(/hush/);
    expect(lines.join('')).toContain('[redacted]');
  });

  it('survives cycles, big values and fields named like its own', () => {
    const { log, records, lines } = capture();
    const cycle: Record<string, unknown> = { many: Array.from({ length: 5000 }, (_, i) => i) };
    cycle.self = cycle;
    const odd: Readonly<Record<string, unknown>> = {
      cycle,
      text: 'x'.repeat(100_000),
      big: 10n,
      msg: 'mine',
      level: 'mine',
      set: new Set([1]),
    };
    log.info('Odd', odd);
    expect(lines[0]?.length).toBeLessThan(20_000);
    expect(records()[0]).toMatchObject({ msg: 'Odd', level: 'info', msg_: 'mine', big: '10', set: [1] });
  });

  it('writes a short line for people in the text format', () => {
    const { log, lines } = capture('text');
    log.info('Evicting Pod', { Pod: 'shop/web-0', reason: 'two words', attempt: 2, actions: ['a'] });
    log.error('Pass failed', { err: new Error('Patching Node', { cause: new Error('conflict\nhere') }) });
    expect(lines).toEqual([
      '2026-11-21T11:00:00.000Z INFO  Evicting Pod Pod=shop/web-0 reason="two words" attempt=2 actions=["a"]\n',
      '2026-11-21T11:00:00.000Z ERROR Pass failed err="Patching Node: conflict\\nhere"\n',
    ]);
  });
});
