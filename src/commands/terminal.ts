/** The terminal, or the pipe, that a command writes to. */

/** What decides how an answer is laid out. */
export interface Canvas {
  /** Absent where lines may be of any length, as in a pipe. */
  readonly columns?: number;
  readonly hasColour: boolean;
}

export const PIPE: Canvas = { hasColour: false };

/** Something to write to for longer. */
export interface Terminal {
  /** Whether what was written can be written over. */
  readonly isInteractive: boolean;
  /** The size at this moment; a window can be resized. */
  canvas(): Canvas;
  /** Lines on the screen. */
  rows(): number;
  write(text: string): void;
  onResize(listener: () => void): void;
}

/** What is needed of `process.stdout`. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
}

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the user asked for none. */
  readonly noColour: boolean;
}

const USUAL = { columns: 80, rows: 24 } as const;

/**
 * Colours are for terminals only, and not where `NO_COLOR` is set to anything (https://no-color.org) or the terminal is
 * `dumb`, which cannot be written over either.
 */
export function terminalOf(stream: OutputStream, { env, noColour }: TerminalOptions): Terminal {
  const isInteractive = stream.isTTY === true && env.TERM !== 'dumb';
  const hasColour = isInteractive && !noColour && (env.NO_COLOR ?? '') === '';
  return {
    isInteractive,
    canvas: () => (stream.isTTY === true ? { columns: stream.columns || USUAL.columns, hasColour } : PIPE),
    rows: () => stream.rows || USUAL.rows,
    write: (text) => void stream.write(text),
    onResize: (listener) => void stream.on('resize', listener),
  };
}
