/** The message of a thrown value, for a sentence that puts it into context. */

/** Messages for `node:fs` errors, which contain a code and a path that the sentence names already. */
const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'a directory',
};

/** A program that cannot be started fails with the same codes, and its message needs the name. */
const FILE_CALLS: readonly string[] = ['access', 'open', 'read'];

/**
 * The error's own message. Node leaves it empty when several addresses were tried: then the messages of all of them. For a file that cannot
 * be read, the reason without the path.
 */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
  if (!(error instanceof Error)) return String(error);
  const { code, syscall = '' } = error as NodeJS.ErrnoException;
  return (FILE_CALLS.includes(syscall) && code !== undefined ? FILE_ERRORS[code] : undefined) ?? error.message;
}

/** `wanted a readable file, found no such file` */
export function unreadable(error: unknown): string {
  return `wanted a readable file, found ${messageOf(error)}`;
}
