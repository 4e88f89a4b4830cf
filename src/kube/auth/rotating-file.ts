/** Files that someone else rotates: projected tokens, client certificates, CA bundles. */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../core/error-message.ts';
import type { Clock } from '../../core/ports.ts';

/** As often as client-go reads a token file again (transport/token_source.go). */
const MAX_AGE_MS = 60_000;

/**
 * The content of a file, read again when it is older than a minute.
 *
 * It is read, not asked for its modification time: the files are small, and a projected volume is swapped by a symbolic
 * link, behind which a time may even go backwards.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #clock: Clock;
  #content: Buffer | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * @throws Error when the file cannot be read and never could. A file that vanishes in the middle of a rotation leaves
   * the last content in force, as in client-go; the next call tries again.
   */
  async read(): Promise<Buffer> {
    const now = this.#clock.now();
    if (this.#content !== undefined && now - this.#readAtMs < MAX_AGE_MS) return this.#content;
    try {
      this.#content = await readFile(this.#path);
      this.#readAtMs = now;
    } catch (cause) {
      if (this.#content === undefined) throw new Error(`Reading ${this.#path}: ${messageOf(cause)}`, { cause });
    }
    return this.#content;
  }

  /** Makes the next `read()` look at the file, whatever its age. */
  invalidate(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }
}
