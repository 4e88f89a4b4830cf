/** The API servers of the Clusters' Nodes. A server that several Clusters share is watched once. */
import type { SandboxClock } from '../../api.ts';
import type { ClusterAccess } from '../base/cluster-access.ts';
import type { WorkLoop } from '../base/work-loop.ts';
import { World } from '../base/world.ts';
import type { ClusterApiOptions } from '../options.ts';

export class Workloads {
  readonly #management: World;
  readonly #clock: SandboxClock;
  readonly #loop: WorkLoop;
  readonly #find: ClusterApiOptions['workload'];
  readonly #worlds = new Map<ClusterAccess, World>();
  readonly #handlers: ((world: World) => void)[] = [];

  /** @param find the default is that all Nodes are on the management cluster itself. */
  constructor(management: World, clock: SandboxClock, loop: WorkLoop, find: ClusterApiOptions['workload']) {
    this.#management = management;
    this.#clock = clock;
    this.#loop = loop;
    this.#find = find;
    this.#worlds.set(management.api, management);
  }

  /** @returns undefined if the cluster cannot be reached. */
  of(namespace: string, name: string): World | undefined {
    const api = this.#find === undefined ? this.#management.api : this.#find({ namespace, name });
    if (api === undefined) return undefined;
    const known = this.#worlds.get(api);
    if (known !== undefined) return known;
    const world = new World(api, this.#clock, this.#loop, `${namespace}/${name} `);
    this.#worlds.set(api, world);
    for (const handler of this.#handlers) handler(world);
    return world;
  }

  /** Calls `handler` for each known API server, and for each new one. */
  onWorld(handler: (world: World) => void): void {
    this.#handlers.push(handler);
    for (const world of this.#worlds.values()) handler(world);
  }

  /** All API servers that are known, the management cluster's first. */
  all(): Iterable<World> {
    return this.#worlds.values();
  }

  stop(): void {
    for (const world of this.#worlds.values()) if (world !== this.#management) world.stop();
  }
}
