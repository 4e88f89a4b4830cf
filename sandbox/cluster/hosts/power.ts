/**
 * BareMetalHosts (baremetal-operator, `manageHostPower`), and the machines that are on or off with them.
 *
 * - A host should be on if `spec.online` is not false and it has no reboot annotation. Switching takes time, and `status.poweredOn` shows
 *   when it is done.
 * - `reboot.metal3.io/<key>` keeps the host off until its author removes it. `reboot.metal3.io` alone is removed as soon as the host is
 *   off, so that it comes on again.
 * - Only hosts that are `provisioned` or `externally provisioned` are switched. A host that is paused or detached is left alone.
 * - A host that may not be switched off (`spec.disablePowerOff`) is restarted for `reboot.metal3.io`, and otherwise stays on.
 * - A Node has no power while the host named by its provider ID is off.
 */
import { annotationOf, keyOf } from '../../../src/core/meta.ts';
import type { Node } from '../base/kinds.ts';
import type { BareMetalHost } from '../base/machine-kinds.ts';
import { isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import type { Workloads } from '../machines/workloads.ts';
import { POWER } from '../nodes/names.ts';
import type { Metal3Options } from '../options.ts';

const HOSTS = 'baremetalhosts.metal3.io';
const REBOOT = 'reboot.metal3.io';
const PAUSED = 'baremetalhost.metal3.io/paused';
const DETACHED = 'baremetalhost.metal3.io/detached';
const SWITCHABLE = ['provisioned', 'externally provisioned'];
const SCHEME = 'metal3://';
const DEFAULT_MS = 2000;

interface Switching {
  readonly toOn: boolean;
  readonly dueMs: number;
}

export function startHosts(world: World, workloads: Workloads, options: Metal3Options): void {
  const switching = new Map<string, Switching>();
  const work = world.controller('BareMetalHost', (key) => {
    const host = world.fresh(HOSTS, key);
    if (host === undefined || isTerminating(host)) return;
    const waitMs = look(world, host, switching, options);
    if (waitMs !== undefined) work.addAfter(key, waitMs);
    const present = world.fresh(HOSTS, key);
    if (present === undefined) return;
    for (const workload of workloads.all()) supply(workload, present);
  });
  world.mirror(HOSTS).onChange(({ type, object }) => {
    if (type === 'DELETED') switching.delete(object.metadata.uid);
    else work.add(keyOf(object));
  });
  workloads.onWorld((workload) => {
    workload.mirror('nodes').onChange(({ object, before }) => {
      const host = hostOf(object);
      if (host !== undefined && (before === undefined || hostOf(before) !== host)) work.add(host);
    });
  });
}

/** @returns after how many milliseconds the switching is done. */
function look(
  world: World,
  host: BareMetalHost,
  switching: Map<string, Switching>,
  { powerOffMs = DEFAULT_MS, powerOnMs = DEFAULT_MS }: Metal3Options,
): number | undefined {
  const { annotations = {}, uid } = host.metadata;
  if (PAUSED in annotations) return undefined;
  if (DETACHED in annotations) {
    world.patchStatus(HOSTS, host, { operationalStatus: 'detached' });
    return undefined;
  }
  const { state, isOn } = register(world, host);
  if (!SWITCHABLE.includes(state)) return undefined;
  const isReboot = Object.keys(annotations).some((key) => key === REBOOT || key.startsWith(`${REBOOT}/`));
  if (host.spec?.disablePowerOff === true) {
    if (REBOOT in annotations) forget(world, host);
    return undefined;
  }
  const wantedOn = host.spec?.online !== false && !isReboot;
  if (!isOn && REBOOT in annotations) forget(world, host);
  if (isOn === wantedOn) {
    switching.delete(uid);
    return undefined;
  }
  const known = switching.get(uid);
  const nowMs = world.nowMs();
  const begun =
    known?.toOn === wantedOn ? known : { toOn: wantedOn, dueMs: nowMs + (wantedOn ? powerOnMs : powerOffMs) };
  switching.set(uid, begun);
  if (begun.dueMs > nowMs) return begun.dueMs - nowMs;
  const present = world.fresh(HOSTS, keyOf(host));
  if (present !== undefined) world.patchStatus(HOSTS, present, { poweredOn: wantedOn });
  return undefined;
}

/** The initial state of a host without a status: inspected, and provisioned if it has a consumer. */
function register(world: World, host: BareMetalHost): { readonly state: string; readonly isOn: boolean } {
  const { consumerRef, externallyProvisioned, image, online } = (host.spec ?? {}) as Readonly<Record<string, unknown>>;
  const used = externallyProvisioned === true ? 'externally provisioned' : 'provisioned';
  const isUsed = consumerRef !== undefined || image !== undefined || externallyProvisioned === true;
  const state = host.status?.provisioning?.state ?? (isUsed ? used : 'available');
  const isOn = host.status?.poweredOn ?? online !== false;
  const { errorType: _, ...status } = host.status ?? {};
  const isDetached = status.operationalStatus === 'detached';
  const operationalStatus = isDetached ? 'OK' : (status.operationalStatus ?? 'OK');
  world.patchStatus(HOSTS, host, {
    operationalStatus,
    poweredOn: isOn,
    provisioning: { ...status.provisioning, state },
  });
  return { state, isOn };
}

/** Removes the request for one restart: the host has been restarted, or is off now. */
function forget(world: World, host: BareMetalHost): void {
  const present = world.fresh(HOSTS, keyOf(host));
  if (present !== undefined) world.patch(HOSTS, present, { metadata: { annotations: { [REBOOT]: null } } });
}

/** Gives power to the Nodes on the host, or removes it. */
function supply(workload: World, host: BareMetalHost): void {
  const wanted = host.status?.poweredOn === false ? 'off' : undefined;
  const nodes = workload.mirror('nodes').index('host', hostOf);
  for (const { metadata } of nodes.get(keyOf(host))) {
    const node = workload.fresh('nodes', metadata.name);
    if (node === undefined || annotationOf(node, POWER) === wanted) continue;
    workload.patch('nodes', node, { metadata: { annotations: { [POWER]: wanted ?? null } } });
  }
}

/** `namespace/name`, of `metal3://namespace/name/machine`. */
function hostOf({ spec }: Node): string | undefined {
  const { providerID } = spec ?? {};
  if (providerID?.startsWith(SCHEME) !== true) return undefined;
  const [namespace, name, machine] = providerID.slice(SCHEME.length).split('/');
  return machine === undefined ? undefined : `${namespace}/${name}`;
}
