/** Hands the items of a list to whoever asked for them. */

/** Keeps the first error of the caller's `onItem` apart from the faults of the request. */
export class ItemReceiver {
  readonly #onItem: (item: unknown) => void;
  #failure: { readonly thrown: unknown } | undefined;

  constructor(onItem: (item: unknown) => void) {
    this.#onItem = onItem;
  }

  readonly pass = (item: unknown): void => {
    if (this.#failure !== undefined) return;
    try {
      this.#onItem(item);
    } catch (thrown) {
      this.#failure = { thrown };
    }
  };

  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }
}
