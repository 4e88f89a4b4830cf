/** Reads files that a user names. */
import { closeSync, openSync, readSync } from 'node:fs';

/**
 * At most `limit` bytes, whatever the file is.
 *
 * @throws as `node:fs` does.
 */
export function readFile(path: string, limit: number): string {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(limit);
    let length = 0;
    while (length < limit) {
      const count = readSync(descriptor, buffer, length, limit - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}
