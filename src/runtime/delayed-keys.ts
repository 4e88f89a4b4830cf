/** The longest delay that a timer of Node.js takes; a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Entry {
  readonly key: string;
  readonly dueMs: number;
}

/**
 * Calls back for each key when it is due. Thousands of keys share one timer over a binary heap.
 *
 * Each key is due once: of several requested times, the earliest wins. Time is monotonic, so a corrected wall clock neither holds a key
 * back nor releases it early.
 */
export class DelayedKeys {
  readonly #onDue: (key: string) => void;
  /** The valid time of each key; a heap entry with another time is obsolete and skipped. */
  readonly #dueMs = new Map<string, number>();
  readonly #heap: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(onDue: (key: string) => void) {
    this.#onDue = onDue;
  }

  add(key: string, ms: number): void {
    const dueMs = performance.now() + Math.max(0, ms);
    const current = this.#dueMs.get(key);
    if (current !== undefined && current <= dueMs) return;
    this.#dueMs.set(key, dueMs);
    this.#push({ key, dueMs });
    if (this.#heap[0]?.key === key) this.#arm();
  }

  /** Forgets everything; nothing is called back until the next `add`. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs.clear();
    this.#heap.length = 0;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#heap[0];
    if (next === undefined) return;
    const ms = Math.ceil(next.dueMs - performance.now());
    this.#timer = setTimeout(() => this.#fire(), Math.min(MAX_TIMER_MS, Math.max(0, ms)));
  }

  #fire(): void {
    const nowMs = performance.now();
    for (let next = this.#heap[0]; next !== undefined && next.dueMs <= nowMs; next = this.#heap[0]) {
      this.#pop();
      if (this.#dueMs.get(next.key) !== next.dueMs) continue;
      this.#dueMs.delete(next.key);
      this.#onDue(next.key);
    }
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.dueMs <= entry.dueMs) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const below = dueOf(heap[right]) < dueOf(heap[left]) ? right : left;
      const child = heap[below];
      if (child === undefined || child.dueMs >= last.dueMs) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function dueOf(entry: Entry | undefined): number {
  return entry?.dueMs ?? Number.POSITIVE_INFINITY;
}
