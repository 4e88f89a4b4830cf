/** The result of a command, and how it is written to the output. */

/** The text to print, and the exit code. */
export interface Outcome<Code extends number> {
  readonly code: Code;
  readonly out: string;
  readonly err: string;
}

/** The outcome of a command that could not begin. */
export const failed = <Code extends number>(code: Code, ...lines: readonly string[]): Outcome<Code> => ({
  code,
  out: '',
  err: lines.map((line) => `${line}\n`).join(''),
});

/** The part of `process.stdout` that is used. */
export interface Outlet {
  write(text: string, done: (error?: Error | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Writes the text, and resolves when the reader has taken all of it, however slowly: a process that exits earlier loses what does not fit
 * into the pipe. A closed pipe (`| head -1`) is not a failure.
 *
 * @returns why it could not be written; undefined if it was, or if the reader has gone.
 */
export function deliver(outlet: Outlet, text: string): Promise<string | undefined> {
  if (text === '') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const settle = (error?: Error | null): void => resolve(error && !isClosed(error) ? error.message : undefined);
    // The stream emits an error twice, and an error without a listener ends the process.
    outlet.once('error', settle);
    outlet.write(text, settle);
  });
}

const isClosed = (error: Error): boolean => 'code' in error && error.code === 'EPIPE';
