/** Why a file could not be read, in the words of a fault line. */

const ERRNO_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'a directory',
};

/** `wanted a readable file, found no such file` */
export function unreadable(error: unknown): string {
  return `wanted a readable file, found ${reasonOf(error)}`;
}

/** The errno's word where there is one: messages of `node:fs` repeat the path. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return code === undefined ? error.message : (ERRNO_WORDS[code] ?? code);
}
