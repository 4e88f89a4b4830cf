/** `SandboxApi`: requests without HTTP, for controllers in the same process. */
import { setImmediate } from 'node:timers';
import type { Change, DeleteOptions, Draft, Reference, ResourceName, SandboxApi, Stored } from './api.ts';
import type { Context } from './context.ts';
import { badRequest, notServed } from './errors.ts';
import { type JsonObject, objectOf } from './json.ts';
import { inVersionOf } from './kinds/convert.ts';
import type { Resource } from './kinds/resource.ts';
import { mergePatch } from './patch/merge.ts';
import { type Commit, keyFor } from './store/collection.ts';
import { bindPod } from './write/bind.ts';
import { changeObject } from './write/change.ts';
import { create } from './write/create.ts';
import { deleteObject } from './write/delete.ts';
import { evictPod } from './write/evict.ts';

/** Field manager of these writes. */
const MANAGER = 'sandbox';

export class InProcessApi implements SandboxApi {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  get({ resource: name, namespace, name: object }: Reference): Stored | undefined {
    const resource = this.#resource(name);
    const stored = this.#context.store.collection(resource.collection).get(keyFor(namespace, object));
    return stored && inVersionOf(resource, stored);
  }

  list(name: ResourceName, namespace?: string): readonly Stored[] {
    const resource = this.#resource(name);
    const found = this.#context.store.collection(resource.collection).list(namespace);
    return found.map((stored) => inVersionOf(resource, stored));
  }

  create(name: ResourceName, draft: Draft, namespace?: string): Stored {
    const resource = this.#resource(name);
    const given = objectOf(draft.metadata).namespace;
    const scope = resource.isNamespaced ? (namespace ?? (typeof given === 'string' ? given : undefined)) : undefined;
    if (resource.isNamespaced && scope === undefined)
      throw badRequest('an empty namespace may not be set during creation');
    return create(this.#context, resource, draft, scope, { manager: MANAGER });
  }

  patch({ resource: name, namespace, name: object }: Reference, patch: JsonObject, subresource?: 'status'): Stored {
    const target = { resource: this.#resource(name), namespace, name: object, subresource: subresource ?? '' } as const;
    return changeObject(this.#context, target, (current) => objectOf(mergePatch(current, patch)), { manager: MANAGER });
  }

  delete({ resource: name, namespace, name: object }: Reference, options: DeleteOptions = {}): void {
    deleteObject(this.#context, this.#resource(name), namespace, object, options);
  }

  evict(namespace: string, name: string): void {
    evictPod(this.#context, this.#resource('pods'), namespace, name);
  }

  /** Like the scheduler's `POST pods/NAME/binding`: sets `spec.nodeName` and condition `PodScheduled`. @throws ApiError 404, 409 */
  bind(namespace: string, name: string, node: string): void {
    const target = { resource: this.#resource('pods'), namespace, name, subresource: 'binding' } as const;
    bindPod(this.#context, target, { node }, { manager: MANAGER });
  }

  /** Like `PUT namespaces/NAME/finalize`: the Namespace is removed with the last of its finalizers. */
  finalizeNamespace(name: string, finalizers: readonly string[]): void {
    const target = {
      resource: this.#resource('namespaces'),
      namespace: undefined,
      name,
      subresource: 'finalize',
    } as const;
    const change = (current: Stored): JsonObject => ({ ...current, spec: { ...objectOf(current.spec), finalizers } });
    changeObject(this.#context, target, change, { manager: MANAGER });
  }

  watch(name: ResourceName, handler: (change: Change) => void): () => void {
    const { registry } = this.#context;
    let stop: (() => void) | undefined;
    const begin = (): void => {
      const resource = registry.byName(name);
      if (resource !== undefined) stop ??= this.#follow(resource, handler);
    };
    const forget = registry.onChange(begin);
    begin();
    return () => {
      forget();
      stop?.();
    };
  }

  #follow(resource: Resource, handler: (change: Change) => void): () => void {
    const { store } = this.#context;
    const collection = store.collection(resource.collection);
    let initial: readonly Stored[] = collection.list();
    let isOver = false;
    const tellInitial = (): void => {
      const objects = initial;
      initial = [];
      for (const object of objects) if (!isOver) handler({ type: 'ADDED', object: inVersionOf(resource, object) });
    };
    const tell = ({ type, object, before }: Commit): void => {
      if (isOver) return;
      handler({
        type,
        object: inVersionOf(resource, object),
        ...(before !== undefined && { before: inVersionOf(resource, before) }),
      });
    };
    const stop = store.follow(collection, store.version, (commits) => {
      tellInitial();
      commits.forEach(tell);
    });
    setImmediate(tellInitial);
    return () => {
      isOver = true;
      stop();
    };
  }

  #resource(name: ResourceName): Resource {
    const found = this.#context.registry.byName(name);
    if (found === undefined) throw notServed();
    return found;
  }
}
