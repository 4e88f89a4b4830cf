/** The terminal, or the pipe, that a command writes to. */

/** Properties that determine the layout of an answer. */
export interface Canvas {
  /** Absent if lines may have any length, as in a pipe. */
  readonly columns?: number;
  readonly hasColour: boolean;
}

export const PIPE: Canvas = { hasColour: false };

/** An output that is written to repeatedly. */
export interface Terminal {
  /** Whether written text can be overwritten. */
  readonly isInteractive: boolean;
  /** The current size; a window can be resized. */
  canvas(): Canvas;
  /** The number of lines on the screen. */
  rows(): number;
  write(text: string): void;
  onResize(listener: () => void): void;
}

/** The part of `process.stdout` that is used. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
}

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the user asked for no colours. */
  readonly noColour: boolean;
}

const USUAL = { columns: 80, rows: 24 } as const;

/**
 * Colours are for terminals only, and are not used if `NO_COLOR` is set to anything (https://no-color.org) or the terminal is `dumb`, on
 * which nothing can be overwritten either.
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
