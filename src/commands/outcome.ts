/** What a command comes to, and how it reaches whoever reads it. */

/** What is to be printed, and the exit code. */
export interface Outcome<Code extends number> {
  readonly code: Code;
  readonly out: string;
  readonly err: string;
}

/** A command that could not even begin. */
export const failed = <Code extends number>(code: Code, ...lines: readonly string[]): Outcome<Code> => ({
  code,
  out: '',
  err: lines.map((line) => `${line}\n`).join(''),
});

/** What is needed of `process.stdout`. */
export interface Outlet {
  write(text: string, done: (error?: Error | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Ends when all of it has been taken, however slowly: a process that ends before takes with it what a pipe cannot hold.
 * A closed pipe (`| head -1`) is no failure: the reader has read enough.
 *
 * @returns why it could not be written; undefined where it was, or where nobody listens any more.
 */
export function deliver(outlet: Outlet, text: string): Promise<string | undefined> {
  if (text === '') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const settle = (error?: Error | null): void => resolve(error && !isClosed(error) ? error.message : undefined);
    // The stream reports a fault twice, and one without a listener ends the process.
    outlet.once('error', settle);
    outlet.write(text, settle);
  });
}

const isClosed = (error: Error): boolean => 'code' in error && error.code === 'EPIPE';
