/** What this feature measures. No object's name is ever a label. */

import type { BareMetalHost } from '../core/machine-objects.ts';
import type { MetricDeclaration, Metrics } from '../core/metrics.ts';
import { isHeld } from './hosts.ts';
import { type Because, STATES } from './names.ts';

export const MACHINES_BY_STATE = {
  name: 'maintenance_bridge_metal3_machines',
  type: 'gauge',
  help: 'Machines whose maintenance is approved, or has ended while the host is not back yet, by state.',
  labels: { state: STATES },
} as const satisfies MetricDeclaration;

export const HELD_HOSTS = {
  name: 'maintenance_bridge_metal3_held_hosts',
  type: 'gauge',
  help: 'BareMetalHosts that Metal3 is asked to keep off, by the power that it observed.',
  labels: { power: ['off', 'on', 'unknown'] },
} as const satisfies MetricDeclaration;

export const POWER_REQUESTS = {
  name: 'maintenance_bridge_metal3_power_requests_total',
  type: 'counter',
  help: 'How often Metal3 was asked to keep a host off, and to let it be on again.',
  labels: { power: ['off', 'on'] },
} as const satisfies MetricDeclaration;

export const METAL3_METRICS: readonly MetricDeclaration[] = [MACHINES_BY_STATE, HELD_HOSTS, POWER_REQUESTS];

/** Keeps count as Machines and hosts change. */
export class Metal3Meter {
  readonly #metrics: Metrics;
  readonly #machines = new Map<string, Because>();
  readonly #hosts = new Map<string, 'off' | 'on' | 'unknown'>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** After a pass over a Machine; `NotRequested` forgets it. */
  machine(key: string, because: Because): void {
    if (because === 'NotRequested') this.#machines.delete(key);
    else this.#machines.set(key, because);
  }

  /** After a pass over a host; undefined for one that has gone. */
  host(key: string, host: BareMetalHost | undefined): void {
    const poweredOn = host?.status.poweredOn;
    if (host === undefined || !isHeld(host)) this.#hosts.delete(key);
    else this.#hosts.set(key, poweredOn === undefined ? 'unknown' : poweredOn ? 'on' : 'off');
  }

  requested(power: 'off' | 'on'): void {
    this.#metrics.increment(POWER_REQUESTS, { power });
  }

  /** Before an exposition. Few Machines are in maintenance at a time. */
  collect(): void {
    const states = [...this.#machines.values()];
    for (const state of STATES) {
      this.#metrics.set(MACHINES_BY_STATE, { state }, states.filter((each) => each === state).length);
    }
    const powers = [...this.#hosts.values()];
    for (const power of HELD_HOSTS.labels.power) {
      this.#metrics.set(HELD_HOSTS, { power }, powers.filter((each) => each === power).length);
    }
  }
}
