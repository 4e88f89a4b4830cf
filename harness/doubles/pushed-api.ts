/** An API server of a few lists whose watches deliver what a test pushes. Other lists are forbidden. */
import type { ApiClient, ApiRequest, StreamRequest } from '../../src/kube/http/api.ts';
import { KubeError } from '../../src/kube/http/errors.ts';

interface Stream {
  readonly lines: (string | KubeError)[];
  wake: () => void;
}

export class PushedApi implements ApiClient {
  /** The paths that were asked for, other than by watches. */
  readonly lists: string[] = [];
  readonly #objects: Readonly<Record<string, readonly object[]>>;
  readonly #streams = new Map<string, Stream>();
  readonly #watched = new Map<string, PromiseWithResolvers<void>>();

  readonly #served: readonly string[];

  /**
   * @param objects by the path of their list.
   * @param served paths of lists of kinds defined by a CRD, allowed or not; no other CRD is served.
   */
  constructor(objects: Readonly<Record<string, readonly object[]>>, served: readonly string[] = []) {
    this.#objects = objects;
    this.#served = served;
  }

  async request<T>({ path }: ApiRequest): Promise<T> {
    this.lists.push(path);
    const resources = this.#served
      .filter((each) => each.startsWith(`${path}/`))
      .map((each) => ({ name: each.split('/').at(-1) }));
    if (resources.length > 0) return { resources } as T;
    if (path.startsWith('/apis/') && !this.#served.includes(path))
      throw new KubeError({ reason: 'NotFound', code: 404, message: `${path} not found` });
    const items = this.#objects[path];
    if (items === undefined) throw new KubeError({ reason: 'Forbidden', code: 403, message: `${path} is forbidden` });
    return { metadata: { resourceVersion: '1' }, items } as T;
  }

  async *lines({ path, signal }: StreamRequest): AsyncGenerator<string> {
    const stream: Stream = { lines: [], wake: () => {} };
    this.#streams.set(path, stream);
    this.#watchOf(path).resolve();
    const aborted = (): void => {
      stream.lines.push(new KubeError({ reason: 'Aborted', code: 0, message: 'aborted' }));
      stream.wake();
    };
    signal.addEventListener('abort', aborted, { once: true });
    for (;;) {
      const next = stream.lines.shift();
      if (next instanceof KubeError) throw next;
      if (next !== undefined) yield next;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        stream.wake = resolve;
        await promise;
      }
    }
  }

  /** Resolves when there is a watch to push to. */
  watched(path: string): Promise<void> {
    return this.#watchOf(path).promise;
  }

  push(path: string, type: string, object: object): void {
    this.#add(path, JSON.stringify({ type, object }));
  }

  /** Breaks the watch; `watched` then waits for the next one. */
  cut(path: string, message: string): void {
    this.#watched.delete(path);
    this.#add(path, new KubeError({ reason: 'Unreachable', code: 0, message }));
  }

  #add(path: string, line: string | KubeError): void {
    const stream = this.#streams.get(path);
    if (stream === undefined) throw new Error(`Nobody watches ${path}`);
    stream.lines.push(line);
    stream.wake();
  }

  #watchOf(path: string): PromiseWithResolvers<void> {
    const known = this.#watched.get(path) ?? Promise.withResolvers<void>();
    this.#watched.set(path, known);
    return known;
  }
}
