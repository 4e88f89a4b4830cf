import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeLog } from '../obs/log.ts';
import { handleSignals, handleSignalsPatiently, STOP_LIMIT_MS } from './signals.ts';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

function start() {
  const lines: string[] = [];
  const host = new FakeProcess();
  const signal = handleSignals(host, makeLog({ level: 'debug', format: 'text', write: (line) => lines.push(line) }));
  return { host, signal, lines };
}

describe('`handleSignals()`', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(['SIGTERM', 'SIGINT'])('aborts on the first %s and leaves the exit to the work', (name) => {
    const { host, signal, lines } = start();
    expect(signal.aborted).toBe(false);
    host.emit(name);
    expect(signal.aborted).toBe(true);
    expect(host.exits).toEqual([]);
    expect(lines.join('')).toContain(`INFO  Stopping signal=${name}`);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('exits at once on a second signal, %s, with %i', (name, code) => {
    const { host } = start();
    host.emit('SIGTERM');
    host.emit(name);
    expect(host.exits).toEqual([code]);
  });

  it('exits with 1 and says so when the stop takes longer than its limit', () => {
    const { host, lines } = start();
    host.emit('SIGTERM');
    vi.advanceTimersByTime(STOP_LIMIT_MS - 1);
    expect(host.exits).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(host.exits).toEqual([1]);
    expect(lines.join('')).toContain('ERROR Stopping took too long limitMs=10000');
  });

  it.each(['uncaughtException', 'unhandledRejection'])('logs an %s and exits with 1', (name) => {
    const { host, lines } = start();
    host.emit(name, new Error('a bug'));
    expect(host.exits).toEqual([1]);
    expect(lines.join('')).toContain('err="a bug"');
  });
});

describe('`handleSignalsPatiently()`', () => {
  it('asks to finish, then to leave, and exits on the third', () => {
    const host = new FakeProcess();
    const { interrupted, abandon } = handleSignalsPatiently(host);
    host.emit('SIGINT');
    expect([interrupted.aborted, abandon.aborted]).toEqual([true, false]);
    host.emit('SIGTERM');
    expect([interrupted.aborted, abandon.aborted, host.exits]).toEqual([true, true, []]);
    host.emit('SIGINT');
    expect(host.exits).toEqual([130]);
  });

  it('leaves at once when the terminal is lost', () => {
    const host = new FakeProcess();
    const { interrupted, abandon } = handleSignalsPatiently(host);
    host.emit('SIGHUP');
    expect([interrupted.aborted, abandon.aborted, host.exits]).toEqual([true, true, []]);
  });
});
