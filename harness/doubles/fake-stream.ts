import type { OutputStream } from '../../src/commands/terminal.ts';

const ESCAPE = '\x1b';
/** A control sequence with its parameter and its last letter, the end of a line, or what lies between. */
const TOKENS = new RegExp(`${ESCAPE}\\[([?\\d;]*)([A-Za-z])|\\n|\\r|[^${ESCAPE}\\r\\n]+`, 'g');

/** A terminal that supports our own control sequences: it keeps the output, and knows what is visible. */
export class FakeStream implements OutputStream {
  readonly isTTY: boolean;
  columns: number;
  rows: number;
  written = '';
  readonly #listeners: (() => void)[] = [];

  constructor({ isTTY = true, columns = 40, rows = 24 }: { isTTY?: boolean; columns?: number; rows?: number } = {}) {
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.written += text;
  }

  on(_event: 'resize', listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Resizes the window, as a user may do. */
  resize(columns: number): void {
    this.columns = columns;
    for (const listener of this.#listeners) listener();
  }

  isCursorHidden(): boolean {
    return this.written.lastIndexOf('\x1b[?25l') > this.written.lastIndexOf('\x1b[?25h');
  }

  /** The lines on the screen, without colours. @throws Error for an unknown sequence. */
  screen(): readonly string[] {
    let lines: string[] = [];
    let row = 0;
    let column = 0;
    for (const [token, parameter = '', final = ''] of this.written.matchAll(TOKENS)) {
      if (token === '\n' || token === '\r' || final === 'H') column = 0;
      if (token === '\n') row += 1;
      else if (token === '\r' || final === 'm' || final === 'h' || final === 'l' || final === 'K') continue;
      else if (final === 'A') row -= Number(parameter);
      else if (final === 'J' && parameter === '') lines = lines.slice(0, row);
      else if (final === 'J') lines = [];
      else if (final === 'H') row = 0;
      else if (final !== '') throw new Error(`Unknown sequence ${JSON.stringify(token)}`);
      else {
        // Overwriting a line clears the rest of it.
        lines[row] = (lines[row] ?? '').slice(0, column) + token;
        column += token.length;
      }
    }
    return lines;
  }
}
