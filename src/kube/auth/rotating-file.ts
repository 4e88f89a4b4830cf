/** Files that someone else rotates: projected tokens, client certificates, CA bundles. */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../core/error-message.ts';
import type { Clock } from '../../core/ports.ts';

/** The interval at which client-go reads a token file again (transport/token_source.go). */
const MAX_AGE_MS = 60_000;

/**
 * The content of a file, read again when it is older than a minute.
 *
 * The file is read without looking at its modification time: the files are small, and a projected volume is swapped by a symbolic link, so
 * that the time may even go backwards.
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
   * @throws Error if the file cannot be read and never could. If a file vanishes in the middle of a rotation, its last content stays in
   * force, as in client-go; the next call tries again.
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

  /** Makes the next `read()` read the file, whatever the age of its content. */
  invalidate(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }
}
