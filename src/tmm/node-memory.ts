/**
 * What a process remembers per Node of one cluster between passes. A new process can do without any of it; it would at most repeat some
 * writes and Events.
 */
import { StaleCaches } from '../core/stale-caches.ts';
import type { Memory } from './decide/transition.ts';
import type { Reservation } from './model/slots.ts';

interface Remembered {
  readonly memory?: Memory;
  /** The slot that was taken a moment ago and that the caches may not show yet. */
  readonly reservation?: Reservation;
}

export class NodeMemory {
  /** Nodes that are left alone because caches may be stale. */
  readonly staleCaches = new StaleCaches();
  readonly #nodes = new Map<string, Remembered>();
  readonly #withdrawn = new Set<string>();

  /** The memory that the last decision on the Node returned. */
  memoryOf(nodeName: string): Memory {
    return this.#nodes.get(nodeName)?.memory ?? {};
  }

  /** @param memory empty if there is nothing to remember. */
  remember(nodeName: string, memory: Memory): void {
    const isEmpty = Object.keys(memory).length === 0;
    this.#change(nodeName, { memory: isEmpty ? undefined : memory });
  }

  /** Notes that the Node's request has gone: if the next pass sees a request, it is a new one. */
  withdraw(nodeName: string): void {
    this.#withdrawn.add(nodeName);
  }

  isWithdrawn(nodeName: string): boolean {
    return this.#withdrawn.has(nodeName);
  }

  /** Forgets a withdrawal after a decision that took it into account. */
  forgetWithdrawal(nodeName: string): void {
    this.#withdrawn.delete(nodeName);
  }

  get reservations(): ReadonlyMap<string, Reservation> {
    return new Map(
      [...this.#nodes].flatMap(([name, { reservation }]) =>
        reservation === undefined ? [] : [[name, reservation] as const],
      ),
    );
  }

  /** @returns whether the Node gives back a slot: it had one reserved, and takes none now. */
  reserve(nodeName: string, reservation: Reservation | undefined): boolean {
    const before = this.#nodes.get(nodeName)?.reservation;
    this.#change(nodeName, { reservation });
    return before !== undefined && reservation === undefined;
  }

  #change(nodeName: string, part: { readonly [K in keyof Remembered]: Remembered[K] | undefined }): void {
    const entries = Object.entries({ ...this.#nodes.get(nodeName), ...part }).filter(
      ([, value]) => value !== undefined,
    );
    if (entries.length === 0) this.#nodes.delete(nodeName);
    else this.#nodes.set(nodeName, Object.fromEntries(entries));
  }
}
