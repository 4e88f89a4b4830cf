/**
 * How much is held at once of answers that are not whole yet, over many servers: each of them keeps to its own limits, and a hundred
 * together would fill the memory all the same.
 */

/** An answer that is being read. Dispose of it when nothing of the answer is held any more. */
export interface HeldBytes extends Disposable {
  /** Tells how much of the answer is held now. May end this reader or another one. */
  holds(bytes: number): void;
}

export class ByteBudget {
  readonly #maxBytes: number;
  readonly #readers = new Map<object, { bytes: number; readonly giveUp: () => void }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param giveUp called where too much is held in all and nobody holds more than this reader: it must let go. */
  enter(giveUp: () => void): HeldBytes {
    const token = {};
    this.#readers.set(token, { bytes: 0, giveUp });
    return {
      holds: (bytes) => {
        const reader = this.#readers.get(token);
        if (reader === undefined) return;
        this.#bytes += bytes - reader.bytes;
        reader.bytes = bytes;
        while (this.#bytes > this.#maxBytes) this.#endLargest();
      },
      [Symbol.dispose]: () => this.#leave(token),
    };
  }

  #endLargest(): void {
    const [first, ...others] = this.#readers;
    if (first === undefined) return;
    const [token, { giveUp }] = others.reduce((most, each) => (each[1].bytes > most[1].bytes ? each : most), first);
    this.#leave(token);
    giveUp();
  }

  #leave(token: object): void {
    this.#bytes -= this.#readers.get(token)?.bytes ?? 0;
    this.#readers.delete(token);
  }
}
