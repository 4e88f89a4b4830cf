/** Processes of a scenario that are killed, disconnected and restarted, some of them behind a relay. */
import { afterEach, beforeAll } from 'vitest';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { Bridge, type BridgeOptions } from './program.ts';
import { Relay, type RelayedRequest } from './relay.ts';
import { eventually } from './wait.ts';

/** Selects relayed requests. */
export type RequestFilter = (request: RelayedRequest) => boolean;

/** Requests of this method whose path, with the query, matches. */
export const asks =
  (method: string, path: RegExp): RequestFilter =>
  (request) =>
    request.method === method && path.test(request.path);

/** The processes of a `describe`, all of which are killed after each test. */
export class Bridges {
  readonly #get: () => ControlPlane;
  readonly #defaults: Partial<BridgeOptions>;
  readonly #running: Bridge[] = [];
  #relay: Relay | undefined;

  /**
   * Declares the hooks.
   *
   * @param defaults for each process; the kubeconfig is the administrator's unless another is given.
   */
  constructor(get: () => ControlPlane, defaults: Partial<BridgeOptions> = {}) {
    this.#get = get;
    this.#defaults = defaults;
    beforeAll(async () => {
      const relay = await Relay.start(get());
      this.#relay = relay;
      return () => relay.close();
    });
    afterEach(async () => {
      this.relay.carriedOut = () => undefined;
      this.relay.substitute = () => undefined;
      await Promise.all(this.#running.splice(0).map((bridge) => bridge.end('SIGKILL')));
    });
  }

  get relay(): Relay {
    if (this.#relay === undefined) throw new Error('The relay exists only while tests run');
    return this.#relay;
  }

  /** @param extraFlags in addition to those that all processes have. */
  start(extraFlags: readonly string[] = [], options: Partial<BridgeOptions> = {}): Bridge {
    const { kubeconfig } = this.#get();
    const flags = [...(this.#defaults.flags ?? []), ...extraFlags];
    const bridge = new Bridge({ kubeconfig, ...this.#defaults, ...options, flags });
    this.#running.push(bridge);
    return bridge;
  }

  /** As an administrator. */
  startBehindRelay(extraFlags: readonly string[] = []): Bridge {
    const { directory, adminToken } = this.#get();
    return this.start(extraFlags, { kubeconfig: this.relay.kubeconfig(directory, adminToken) });
  }

  /** Starts a process that is killed as soon as the server has carried out the `nth` matching request. */
  startAndKillAfter(isMeant: RequestFilter, nth = 1, extraFlags: readonly string[] = []): Bridge {
    const bridge = this.startBehindRelay(extraFlags);
    let seen = 0;
    this.relay.carriedOut = (request) => {
      if (isMeant(request) && ++seen === nth) void bridge.end('SIGKILL');
    };
    return bridge;
  }
}

/** Waits until a process that is to be killed has ended. */
export async function killed(bridge: Bridge): Promise<void> {
  await eventually(() => (bridge.isRunning() ? undefined : true), {
    what: 'the process to be killed',
    deadlineMs: 30_000,
  });
}
