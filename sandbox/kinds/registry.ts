/** The resources that are currently served: the built-in ones, and those of CustomResourceDefinitions. */
import { BUILT_IN } from './built-in.ts';
import type { Resource } from './resource.ts';

export class Registry {
  /** Group/version/plural → resource. */
  readonly #served = new Map<string, Resource>();
  /** Changes whenever the served resources change. */
  #revision = 0;
  readonly #listeners = new Set<() => void>();

  constructor(resources: readonly Resource[] = BUILT_IN) {
    for (const resource of resources)
      this.#served.set(keyOf(resource.group, resource.version, resource.plural), resource);
  }

  get revision(): number {
    return this.#revision;
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#served.get(keyOf(group, version, plural));
  }

  hasGroup(group: string): boolean {
    return this.all().some((resource) => resource.group === group);
  }

  hasVersion(group: string, version: string): boolean {
    return this.all().some((resource) => resource.group === group && resource.version === version);
  }

  /** The first served version of `pods` or `deployments.apps`. */
  byName(name: string): Resource | undefined {
    const dot = name.indexOf('.');
    const [plural, group] = dot === -1 ? [name, ''] : [name.slice(0, dot), name.slice(dot + 1)];
    return this.all().find((resource) => resource.plural === plural && resource.group === group);
  }

  byKind(group: string, kind: string): Resource | undefined {
    return this.all().find((resource) => resource.kind === kind && resource.group === group);
  }

  /** Built-in ones first, then in order of registration; versions of one group in order of preference. */
  all(): readonly Resource[] {
    return [...this.#served.values()];
  }

  /** Replaces the resources of a definition; an empty list removes them. */
  replaceCustom(definition: string, resources: readonly Resource[]): void {
    for (const [key, resource] of this.#served) {
      if (resource.custom?.definition === definition) this.#served.delete(key);
    }
    for (const resource of resources)
      this.#served.set(keyOf(resource.group, resource.version, resource.plural), resource);
    this.#revision += 1;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back after each change of the served resources. @returns a function that stops this. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const keyOf = (group: string, version: string, plural: string): string => `${group}/${version}/${plural}`;
