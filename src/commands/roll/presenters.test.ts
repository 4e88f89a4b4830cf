import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeStream } from '../../../harness/doubles/fake-stream.ts';
import type { Explanation } from '../../core/explanation.ts';
import { terminalOf } from '../terminal.ts';
import type { RollCounts } from './events.ts';
import { rollPresenter } from './presenters.ts';

const NOW = Date.parse('2026-11-21T09:00:30Z');
const COUNTS: RollCounts = {
  total: 8,
  done: 2,
  rejected: 1,
  failed: 0,
  timedOut: 0,
  skipped: 0,
  gone: 0,
  underWay: 1,
  pending: 4,
};
const UNDER_WAY: Explanation = {
  kind: 'Node',
  name: 'worker-3',
  state: 'Draining',
  outlook: 'Moving',
  isUnderWay: true,
  progress: { done: 1, total: 4 },
  summary: 'Evicting 3 of 4 Pods',
  details: [],
};
const NEXT = Array.from({ length: 10 }, (_, index) => `worker-${index + 4}`);
const ESCAPE = '\x1b';

function show(stream: FakeStream, env: Readonly<Record<string, string>> = {}, output: 'text' | 'json' = 'text') {
  const errors: string[] = [];
  const terminal = terminalOf(stream, { env, noColour: false });
  const presenter = rollPresenter(output, 'abc123', {
    terminal,
    writeError: (text) => errors.push(text),
    now: () => NOW,
  });
  presenter.event({ type: 'Done', node: 'worker-1', message: 'after 12s' }, COUNTS);
  presenter.update(() => ({ counts: COUNTS, underWay: [UNDER_WAY], next: NEXT }));
  presenter.ask('worker-3');
  presenter.event({ type: 'Trouble', message: 'Watch failed, trying again: nodes' }, COUNTS);
  vi.advanceTimersByTime(100);
  return { presenter, errors };
}

describe('a roll that is shown', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('keeps what happened above, and how it stands below: bars, what comes next, what is asked, what is wrong', () => {
    const stream = new FakeStream({ columns: 120 });
    const { presenter, errors } = show(stream);
    expect(stream.screen()).toEqual([
      expect.stringMatching(/^2026-11-21T09:00:30Z {2}node\/worker-1 +Done +2\/8 +after 12s$/),
      'Roll abc123 ██████▒▒▒░░░░░░░░░░░░░░░ 2 of 8 done, 1 rejected, 1 under way, 4 to come',
      expect.stringContaining('OBJECT'),
      expect.stringMatching(/^node\/worker-3 +Draining +███░░░░░░░░░ 1\/4/),
      'Then: worker-4, worker-5, worker-6, worker-7, worker-8, worker-9, worker-10, worker-11, and 2 more',
      'node/worker-3 is drained: press Enter when the work on it is done',
      'Watch failed, trying again: nodes',
    ]);
    expect(stream.written).toContain(`${ESCAPE}[`);
    expect(errors).toEqual([]);
    presenter.event({ type: 'Recovered', message: 'Watch recovered: nodes' }, COUNTS);
    presenter.ask(undefined);
    vi.advanceTimersByTime(100);
    expect(stream.screen()).toHaveLength(5);
    presenter.close();
    expect(stream.isCursorHidden()).toBe(false);
  });

  it.each([
    ['no colours with NO_COLOR', { NO_COLOR: '1' }],
    ['no colours with NO_COLOR set to anything', { NO_COLOR: 'false' }],
  ])('draws in place with %s', (_, env) => {
    const stream = new FakeStream({ columns: 120 });
    show(stream, env).presenter.close();
    expect(stream.written).not.toMatch(/\[\d+m/);
    expect(stream.screen().length).toBeGreaterThan(4);
  });

  it.each([80, 40, 20, 5])('draws no line that is wider than the terminal: %i columns', (columns) => {
    const stream = new FakeStream({ columns: 120 });
    const { presenter } = show(stream);
    stream.resize(columns);
    const drawn = stream.screen();
    expect(drawn.length).toBeGreaterThanOrEqual(6);
    for (const line of drawn) expect([...line].length).toBeLessThanOrEqual(columns);
    presenter.close();
  });

  it('is cut to the height of the terminal', () => {
    const stream = new FakeStream({ columns: 120, rows: 4 });
    show(stream).presenter.close();
    // The reports have scrolled away; the last frame takes no more than the screen.
    expect(stream.screen().slice(1)).toHaveLength(3);
    expect(stream.screen().at(-1)).toMatch(/^… and \d+ more lines$/);
  });

  it.each([
    ['a pipe', new FakeStream({ isTTY: false }), {}],
    ['a dumb terminal', new FakeStream({ columns: 200 }), { TERM: 'dumb' }],
  ])('is a line for each step in %s, and troubles go to standard error', (_, stream, env) => {
    const { presenter, errors } = show(stream, env);
    presenter.close();
    expect(stream.written).not.toContain(ESCAPE);
    expect(stream.written.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^\S+Z {2}node\/worker-1 +Done +2\/8 +after 12s$/),
      'node/worker-3 is drained: press Enter when the work on it is done',
    ]);
    expect(errors).toEqual([expect.stringContaining('Watch failed, trying again: nodes')]);
  });

  it('is a document for each step with -o json, on a terminal too', () => {
    const stream = new FakeStream({ columns: 80 });
    show(stream, {}, 'json').presenter.close();
    const documents = stream.written
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(documents).toEqual([
      expect.objectContaining({ roll: 'abc123', type: 'Done', node: 'worker-1', counts: COUNTS }),
      expect.objectContaining({ roll: 'abc123', type: 'Trouble' }),
    ]);
  });
});
