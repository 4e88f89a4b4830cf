/** Splits a stream of bytes into lines. */

export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

const NEWLINE = 0x0a;

/** Decodes only complete lines, so that a character cut in two by the end of a packet stays whole. */
export class LineSplitter {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether bytes have come since the last line's end. */
  get hasRest(): boolean {
    return this.#bytes > 0;
  }

  /** How many bytes have come since the last line's end. */
  get restBytes(): number {
    return this.#bytes;
  }

  /**
   * Yields the lines that end in `chunk`, without their newline.
   *
   * @throws LineTooLong as soon as a line passes the limit, whether or not its end has come.
   */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      const line = Buffer.concat(this.#pieces).toString('utf8');
      this.#pieces = [];
      this.#bytes = 0;
      start = end + 1;
      yield line;
    }
    this.#keep(chunk.subarray(start));
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxBytes) throw new LineTooLong(`A line is longer than ${this.#maxBytes} bytes`);
    if (piece.length > 0) this.#pieces.push(piece);
  }
}
