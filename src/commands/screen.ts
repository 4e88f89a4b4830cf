/** A few lines at the end of the terminal that are redrawn in place. */
import { cut } from './table.ts';
import type { Terminal } from './terminal.ts';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CLEAR_ALL = '\x1b[2J\x1b[H';

/**
 * Overwrites only its own output, so that earlier output stays on the terminal, and so does the last frame in the end. A frame that is
 * higher than the terminal is cut: lines that have scrolled away cannot be reached again.
 */
export class Screen {
  readonly #terminal: Terminal;
  #height = 0;
  #frame = '';
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    const room = Math.max(1, this.#terminal.rows() - 1);
    const rest = lines.length - room + 1;
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), this.#cut(`… and ${rest} more lines`)];
    const frame = shown.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('');
    if (this.#height > 0 && frame === this.#frame) return;
    const start = this.#isOpen ? '' : HIDE_CURSOR;
    const up = this.#height === 0 ? '\r' : `\x1b[${this.#height}A\r`;
    this.#terminal.write(start + up + frame + CLEAR_BELOW);
    this.#frame = frame;
    this.#height = shown.length;
    this.#isOpen = true;
  }

  /** Prints lines that stay, above the frame. */
  print(text: string): void {
    const isDrawn = this.#height > 0;
    const up = isDrawn ? `\x1b[${this.#height}A\r${CLEAR_BELOW}` : '';
    this.#terminal.write(up + text + (isDrawn ? this.#frame : ''));
  }

  /** After a resize lines may have been wrapped, so the beginning of the frame is not known. */
  clear(): void {
    this.#terminal.write(CLEAR_ALL);
    this.#height = 0;
  }

  /** Shows the cursor again. May be called again. */
  close(): void {
    if (this.#isOpen) this.#terminal.write(SHOW_CURSOR);
    this.#isOpen = false;
    this.#height = 0;
  }

  #cut(line: string): string {
    return cut(line, this.#terminal.canvas().columns);
  }
}
