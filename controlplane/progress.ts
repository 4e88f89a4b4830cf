/** One visible line for work that takes minutes. */

const TTY_MS = 1000;
const PLAIN_MS = 20_000;

/** What `process.stderr` has of it. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** What is being worked on at this moment. */
  detail(text: string): void;
  /** Ends the line, with the time that it took. */
  end(outcome: string): void;
}

/** Rewrites the line each second on a terminal; elsewhere writes a new one every 20 seconds, so that a log stays short. */
export function startProgress(what: string, output: Output = process.stderr): Progress {
  const started = Date.now();
  let current = '';
  const line = (): string => {
    const text = `${what}: ${Math.round((Date.now() - started) / 1000)} s${current === '' ? '' : `, ${current}`}`;
    return output.isTTY === true ? `\r\x1b[K${text.slice(0, (output.columns ?? 80) - 1)}` : `${text}\n`;
  };
  output.write(line());
  const timer = setInterval(() => output.write(line()), output.isTTY === true ? TTY_MS : PLAIN_MS);
  return {
    detail: (text) => {
      current = text;
    },
    end: (outcome) => {
      clearInterval(timer);
      current = outcome;
      output.write(output.isTTY === true ? `${line()}\n` : line());
    },
  };
}
