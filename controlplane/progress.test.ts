import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startProgress } from './progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function output(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 30, written, write: (text: string) => written.push(text) };
}

it('`startProgress()` writes a plain line every 20 seconds where there is no terminal', () => {
  const log = output(false);
  const progress = startProgress('Building', log);
  progress.detail('etcd');
  vi.advanceTimersByTime(45_000);
  progress.end('done');
  vi.advanceTimersByTime(60_000);
  expect(log.written).toEqual([
    'Building: 0 s\n',
    'Building: 20 s, etcd\n',
    'Building: 40 s, etcd\n',
    'Building: 45 s, done\n',
  ]);
});

it('`startProgress()` rewrites one line on a terminal and never wraps it', () => {
  const terminal = output(true);
  const progress = startProgress('Building', terminal);
  progress.detail('k8s.io/kubernetes/pkg/something/long');
  vi.advanceTimersByTime(1000);
  progress.end('done');
  expect(terminal.written).toEqual([
    '\r\x1b[KBuilding: 0 s',
    '\r\x1b[KBuilding: 1 s, k8s.io/kuberne',
    '\r\x1b[KBuilding: 1 s, done\n',
  ]);
});
