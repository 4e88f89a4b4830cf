/** The output of the tour: headings, commands, facts, and a progress line that is redrawn in place on a terminal. */
import { Screen } from '../src/commands/screen.ts';
import { type Colour, cut, paint } from '../src/commands/table.ts';
import type { Terminal } from '../src/commands/terminal.ts';

const WIDTH = 100;
const INDENT = '   ';
const BAR = 24;

export class Output {
  readonly #terminal: Terminal;
  readonly #screen: Screen;
  #step: string | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#screen = new Screen(terminal);
  }

  heading(text: string): void {
    this.#write(['', this.#terminal.canvas().hasColour ? `\x1b[1m${text}\x1b[22m` : text]);
  }

  /** A command that a user types. */
  command(text: string): void {
    this.#write([INDENT + this.#in('cyan', `$ ${text}`)]);
  }

  /** The output of a command. */
  answer(text: string): void {
    const lines = text.trimEnd().split('\n');
    this.#write(lines.map((line) => this.#in('grey', cut(INDENT + line, this.#room()))));
  }

  fact(text: string): void {
    this.#write(wrap(text, this.#room() - INDENT.length).map((line) => INDENT + line));
  }

  /** An Event, its reason in the colour of its type. */
  event({ type, reason, note }: { readonly type: string; readonly reason: string; readonly note: string }): void {
    const [first = '', ...rest] = wrap(`Event ${reason}: ${note}`, this.#room() - INDENT.length);
    const coloured = first.replace(reason, this.#in(type === 'Warning' ? 'yellow' : 'green', reason));
    this.#write([coloured, ...rest].map((line) => INDENT + line));
  }

  failure(text: string): void {
    this.#write(text.split('\n').map((line) => this.#in('red', line)));
  }

  /** One line that changes, until `end()` leaves it as it is: redrawn on a terminal, and elsewhere a line for each `step`. */
  progress(text: string, step: string): void {
    const line = cut(INDENT + text, this.#room());
    if (this.#terminal.isInteractive) this.#screen.draw([line]);
    else if (step !== this.#step) this.#write([line]);
    this.#step = step;
  }

  /** Ends the progress line, and shows the cursor again. */
  end(): void {
    this.#screen.close();
    this.#step = undefined;
  }

  /** A line that a terminal wraps cannot be redrawn. */
  #room(): number {
    return Math.min(WIDTH, this.#terminal.canvas().columns ?? WIDTH);
  }

  #in(colour: Colour, text: string): string {
    return this.#terminal.canvas().hasColour ? paint(colour, text) : text;
  }

  #write(lines: readonly string[]): void {
    this.#terminal.write(`${lines.join('\n')}\n`);
  }
}

export function bar(done: number, total: number): string {
  const filled = total === 0 ? BAR : Math.round((done / total) * BAR);
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}] ${done}/${total}`;
}

/** Lines of at most `width`, broken at spaces; a longer word has a separate line. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
