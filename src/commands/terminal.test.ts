import { describe, expect, it } from 'vitest';
import { FakeStream } from '../../harness/doubles/fake-stream.ts';
import { Screen } from './screen.ts';
import { terminalOf } from './terminal.ts';

describe('`terminalOf()`', () => {
  it.each([
    ['a pipe', { isTTY: false }, {}, false, { isInteractive: false, canvas: { hasColour: false } }],
    ['a terminal', {}, {}, false, { isInteractive: true, canvas: { columns: 40, hasColour: true } }],
    ['NO_COLOR', {}, { NO_COLOR: '1' }, false, { isInteractive: true, canvas: { columns: 40, hasColour: false } }],
    [
      'an empty NO_COLOR',
      {},
      { NO_COLOR: '' },
      false,
      { isInteractive: true, canvas: { columns: 40, hasColour: true } },
    ],
    ['--no-color', {}, {}, true, { isInteractive: true, canvas: { columns: 40, hasColour: false } }],
    ['TERM=dumb', {}, { TERM: 'dumb' }, false, { isInteractive: false, canvas: { columns: 40, hasColour: false } }],
    ['no known size', { columns: 0 }, {}, false, { isInteractive: true, canvas: { columns: 80, hasColour: true } }],
  ])('knows what may be written with %s', (_, part, env, noColour, expected) => {
    const terminal = terminalOf(new FakeStream(part), { env, noColour });
    expect({ isInteractive: terminal.isInteractive, canvas: terminal.canvas() }).toEqual(expected);
  });
});

describe('`Screen`', () => {
  const onScreen = (rows = 5) => {
    const stream = new FakeStream({ rows });
    return { stream, screen: new Screen(terminalOf(stream, { env: {}, noColour: true })) };
  };

  it('draws over what it drew, also where there are fewer lines than before', () => {
    const { stream, screen } = onScreen();
    screen.draw(['one', 'two', 'three']);
    screen.draw(['four']);
    expect(stream.screen()).toEqual(['four']);
    screen.draw(['five', 'six']);
    expect(stream.screen()).toEqual(['five', 'six']);
  });

  it('writes nothing where nothing has changed', () => {
    const { stream, screen } = onScreen();
    screen.draw(['one']);
    const before = stream.written;
    screen.draw(['one']);
    expect(stream.written).toBe(before);
  });

  it('cuts a frame that is higher than the terminal, and says how much', () => {
    const { stream, screen } = onScreen(4);
    screen.draw(['a', 'b', 'c', 'd', 'e']);
    expect(stream.screen()).toEqual(['a', 'b', '… and 3 more lines']);
  });

  it('begins anew after a resize', () => {
    const { stream, screen } = onScreen();
    screen.draw(['one', 'two']);
    screen.clear();
    screen.draw(['one', 'two']);
    expect(stream.screen()).toEqual(['one', 'two']);
  });

  it('hides the cursor while it draws, and gives it back once', () => {
    const { stream, screen } = onScreen();
    screen.close();
    expect(stream.written).toBe('');
    screen.draw(['one']);
    expect(stream.isCursorHidden()).toBe(true);
    screen.close();
    screen.close();
    expect(stream.isCursorHidden()).toBe(false);
    expect(stream.written.split('\x1b[?25h')).toHaveLength(2);
    expect(stream.screen()).toEqual(['one']);
  });
});
