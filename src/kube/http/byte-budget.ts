/**
 * Limits how many bytes of incomplete answers are held at once, over many servers: each of them keeps to its own limits, but a hundred
 * together could still fill the memory.
 */

/** An answer that is being read. Dispose of it when no part of the answer is held any more. */
export interface HeldBytes extends Disposable {
  /** Reports how much of the answer is held now. May end this reader or another one. */
  holds(bytes: number): void;
}

export class ByteBudget {
  readonly #maxBytes: number;
  readonly #readers = new Map<object, { bytes: number; readonly giveUp: () => void }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param giveUp called if the total is too large and no reader holds more than this one: it must release its bytes. */
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
