/** The metrics of this feature. No object's name is ever a label. */

import type { BareMetalHost } from '../core/machine-objects.ts';
import { longestSeconds, type MetricDeclaration, type Metrics } from '../core/metrics.ts';
import { heldSince, isHeld } from './hosts.ts';
import { type Because, LEAVE_REASONS, type LeaveReason, STATES } from './names.ts';

export const MACHINES_BY_STATE = {
  name: 'maintenance_bridge_metal3_machines',
  type: 'gauge',
  help: 'Machines whose maintenance is approved, or has ended although the host is not back yet, by state.',
  labels: { state: STATES },
} as const satisfies MetricDeclaration;

const POWERS = ['off', 'on', 'unknown'] as const;
type Power = (typeof POWERS)[number];

export const HELD_HOSTS = {
  name: 'maintenance_bridge_metal3_held_hosts',
  type: 'gauge',
  help: 'BareMetalHosts that Metal3 is requested to keep off, by observed power state.',
  labels: { power: POWERS },
} as const satisfies MetricDeclaration;

export const LEFT_HOSTS = {
  name: 'maintenance_bridge_metal3_left_hosts',
  type: 'gauge',
  help: 'BareMetalHosts that keep our reboot annotation although no Machine needs them off, by the reason why it is not removed.',
  labels: { reason: LEAVE_REASONS },
} as const satisfies MetricDeclaration;

export const POWER_REQUESTS = {
  name: 'maintenance_bridge_metal3_power_requests_total',
  type: 'counter',
  help: 'Requests to Metal3 to keep a host off, and to switch it on again.',
  labels: { power: ['off', 'on'] },
} as const satisfies MetricDeclaration;

export const OLDEST_HOLD = {
  name: 'maintenance_bridge_metal3_oldest_hold_seconds',
  type: 'gauge',
  help: 'Time since the longest-lasting request to keep a host off, by observed power state; 0 if there is none.',
  labels: { power: POWERS },
} as const satisfies MetricDeclaration;

export const START_TIMEOUTS = {
  name: 'maintenance_bridge_metal3_start_timeouts_total',
  type: 'counter',
  help: 'Machines whose Node did not become ready in time after the maintenance.',
  labels: {},
} as const satisfies MetricDeclaration;

export const METAL3_METRICS: readonly MetricDeclaration[] = [
  MACHINES_BY_STATE,
  HELD_HOSTS,
  OLDEST_HOLD,
  LEFT_HOSTS,
  POWER_REQUESTS,
  START_TIMEOUTS,
];

interface Held {
  readonly power: Power;
  readonly sinceMs: number;
}

/** Counts as Machines and hosts change. */
export class Metal3Meter {
  readonly #metrics: Metrics;
  readonly #machines = new Map<string, Because>();
  readonly #hosts = new Map<string, Held>();
  readonly #left = new Map<string, LeaveReason>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Call it after a pass over a Machine; `NotRequested` forgets the Machine. */
  machine(key: string, because: Because): void {
    if (because === 'NotRequested') this.#machines.delete(key);
    else this.#machines.set(key, because);
  }

  /**
   * Call it after a pass over a host; undefined for one that has gone. Without a note on it, it counts as held since it was first seen so.
   */
  host(key: string, host: BareMetalHost | undefined, nowMs: number): void {
    if (host === undefined || !isHeld(host)) {
      this.#hosts.delete(key);
      return;
    }
    const { poweredOn } = host.status;
    const since = heldSince(host);
    this.#hosts.set(key, {
      power: poweredOn === undefined ? 'unknown' : poweredOn ? 'on' : 'off',
      sinceMs: since === undefined ? (this.#hosts.get(key)?.sinceMs ?? nowMs) : Date.parse(since),
    });
  }

  /** Why a host is left alone; undefined if it is not. */
  left(key: string, reason: LeaveReason | undefined): void {
    if (reason === undefined) this.#left.delete(key);
    else this.#left.set(key, reason);
  }

  requested(power: 'off' | 'on'): void {
    this.#metrics.increment(POWER_REQUESTS, { power });
  }

  startTimedOut(): void {
    this.#metrics.increment(START_TIMEOUTS, {});
  }

  /** Computes the gauges; call it before each exposition. Few Machines are in maintenance at a time. */
  collect(nowMs: number): void {
    const states = [...this.#machines.values()];
    for (const state of STATES) {
      this.#metrics.set(MACHINES_BY_STATE, { state }, states.filter((each) => each === state).length);
    }
    const reasons = [...this.#left.values()];
    for (const reason of LEAVE_REASONS) {
      this.#metrics.set(LEFT_HOSTS, { reason }, reasons.filter((each) => each === reason).length);
    }
    for (const power of POWERS) {
      const sinceMs = [...this.#hosts.values()].filter((held) => held.power === power).map((held) => held.sinceMs);
      this.#metrics.set(HELD_HOSTS, { power }, sinceMs.length);
      this.#metrics.set(OLDEST_HOLD, { power }, longestSeconds(nowMs, sinceMs));
    }
  }
}
