/** Several caches of one kind, one per namespace, read as one: for a process that has access to some namespaces only. */
import type { KubeObject } from '../../core/objects.ts';
import type { Known, Seen, Source } from '../../core/ports.ts';

const ABSENT = { is: 'absent' } as const;
const UNKNOWN = { is: 'unknown' } as const;

export class NamespacedSource<T extends KubeObject> implements Source<T> {
  readonly #parts: ReadonlyMap<string, Source<T>>;

  /** @param parts by namespace. Objects in any other namespace are absent. */
  constructor(parts: ReadonlyMap<string, Source<T>>) {
    this.#parts = parts;
  }

  get(key: string): Seen<T> {
    return this.#parts.get(key.slice(0, key.indexOf('/')))?.get(key) ?? ABSENT;
  }

  /** Unknown while one of the namespaces is unknown: a partial answer could be taken for the whole. */
  byIndex(index: string, value: string): Known<readonly T[]> {
    const all: T[] = [];
    for (const part of this.#parts.values()) {
      const found = part.byIndex(index, value);
      if (found.is === 'unknown') return UNKNOWN;
      all.push(...found.value);
    }
    return { is: 'known', value: all };
  }

  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    for (const part of this.#parts.values()) part.addIndex(name, valuesOf);
  }

  addHandler(handler: Parameters<Source<T>['addHandler']>[0]): () => void {
    const removals = [...this.#parts.values()].map((part) => part.addHandler(handler));
    return () => {
      for (const remove of removals) remove();
    };
  }
}
