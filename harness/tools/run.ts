import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';

export interface ToolResult {
  /** The exit code; -1 if the program could not be started or was ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The input on the program's standard input. */
  readonly input?: string;
  readonly cwd?: string;
}

const MAX_OUTPUT = 64 * 1024 * 1024;

/** Runs a program to its end, independently of the user's own configuration. Never rejects. */
export function runTool(program: string, args: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
  const { input, cwd } = options;
  const env = { PATH: process.env.PATH, HOME: tmpdir(), NO_COLOR: '1' };
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, cwd, maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else resolve({ code: -1, stdout, stderr: stderr + error.message });
    });
    // A program may end without reading its input; its exit code then shows why.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
