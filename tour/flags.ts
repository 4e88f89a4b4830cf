/** Checks the flags for the program before anything is shown. */
import { parseCommandLine } from '../src/cli/parse.ts';
import { readFile } from '../src/config/read-file.ts';
import { resolveOptions } from '../src/config/resolve.ts';

/** @returns the program's message about the flags of `run`; undefined if it would start. */
export function complaintOf(flags: readonly string[]): string | undefined {
  const line = parseCommandLine(['run', ...flags]);
  if (line.is === 'exit') return line.err;
  if (line.is !== 'run') return undefined;
  // The tour hides the variables of the user's own bridge from the program.
  const resolved = resolveOptions({ flags: line.flags, env: {}, readFile });
  return resolved.is === 'faults' ? resolved.faults.map((fault) => `${fault}\n`).join('') : undefined;
}
