/** The objects that a cluster needs besides works and views: its ManagedCluster on the hub, and copies of Secrets. */
import type { RecordEvent } from '../core/action.ts';
import type { Result } from '../core/decision.ts';
import { type AnyObject, type ObjectAccess, type ObjectAddress, unlessChanged } from '../core/object-access.ts';
import type { Condition } from '../core/objects.ts';
import type { Clock, Log } from '../core/ports.ts';
import { contentWithoutTimes, RepeatedWrites, UNDONE } from '../core/repeated-writes.ts';
import { rfc3339 } from '../core/timestamps.ts';
import type { ClusterPorts } from './clusters.ts';
import { MANAGED_CLUSTER } from './objects.ts';
import { copySecret, failed, followPolicies } from './secret-copies.ts';
import type { BridgeSettings } from './settings.ts';

export interface ClusterReconcilePorts extends ClusterPorts {
  readonly hub: ObjectAccess;
  /** UID of a cluster's kube-system; undefined while the cluster is not connected. */
  readonly idOf: (cluster: string) => string | undefined;
  readonly settings: Pick<BridgeSettings, 'managedClusters' | 'copySecrets' | 'secretPolicies'>;
  readonly record: (event: RecordEvent) => void;
  readonly clock: Clock;
}

/** Interval at which copies are compared; a lost copy is restored within half a minute. */
const COPY_MS = 15_000;
const RETRY_MS = 5000;
const FIELD_MANAGER = 'maintenance-bridge';
const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'maintenance-bridge' };
const CLAIM = 'id.k8s.io';

/** @returns a reconciler whose keys are names of clusters. */
export function reconcileClusters(
  ports: ClusterReconcilePorts,
): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { settings } = ports;
  const writes = new RepeatedWrites();
  return async (key, { log }) => {
    const cluster = ports.cluster(key);
    const id = ports.idOf(key);
    // The connection triggers another pass.
    if (cluster?.condition().is !== 'connected' || id === undefined) return {};
    const copies = settings.copySecrets.filter(({ clusters }) => clusters === undefined || clusters.includes(key));
    let isDone = true;
    if (settings.managedClusters) isDone = await keepStandIn(ports, writes, key, id, log);
    for (const copy of copies) isDone = (await copySecret(ports.hub, cluster, copy, log)) && isDone;
    if (settings.secretPolicies) isDone = (await followPolicies(ports, cluster, log)) && isDone;
    const hasCopies = copies.length > 0 || settings.secretPolicies;
    if (!isDone) return { requeueAfterMs: RETRY_MS };
    // A ManagedCluster is watched; Secrets are not, so look again.
    return hasCopies ? { requeueAfterMs: COPY_MS } : {};
  };
}

interface StandInStatus {
  readonly conditions: readonly Condition[];
  readonly clusterClaims: readonly { readonly name: string; readonly value: string }[];
}

export type StandInStep =
  | { readonly do: 'nothing' }
  | { readonly do: 'create' }
  | { readonly do: 'write'; readonly status: StandInStatus }
  /** It is about another cluster, and belongs to another client. */
  | { readonly do: 'leave'; readonly why: string };

/** The parts of a ManagedCluster that Ramen needs: the condition `ManagedClusterJoined`, and the claim with the cluster's id. */
export function decideStandIn(found: AnyObject | undefined, id: string, nowMs: number): StandInStep {
  if (found === undefined) return { do: 'create' };
  const status = fieldsOf(found.status);
  const conditions = listOf(status?.conditions) as readonly Condition[];
  const claims = listOf(status?.clusterClaims) as StandInStatus['clusterClaims'];
  const claimed = claims.find(({ name }) => name === CLAIM)?.value;
  const isJoined = conditions.some(({ type, status }) => type === 'ManagedClusterJoined' && status === 'True');
  const isOurs = found.metadata.labels?.['app.kubernetes.io/managed-by'] === MANAGED_BY['app.kubernetes.io/managed-by'];
  if (isJoined && claimed === id) return { do: 'nothing' };
  if (!isOurs && claimed !== undefined && claimed !== id) {
    return { do: 'leave', why: `its claim ${CLAIM} is ${claimed}, and the cluster that answers is ${id}` };
  }
  const condition = (type: string, reason: string): Condition => {
    const old = conditions.find((each) => each.type === type);
    const message = 'Kept by maintenance-bridge in the place of a klusterlet';
    const isSame = old?.status === 'True' && old.lastTransitionTime !== undefined;
    return {
      type,
      status: 'True',
      reason,
      message,
      lastTransitionTime: isSame ? old.lastTransitionTime : rfc3339(nowMs),
    };
  };
  const ours = [condition('HubAcceptedManagedCluster', 'Configured'), condition('ManagedClusterJoined', 'Connected')];
  const others = conditions.filter(({ type }) => !ours.some((each) => each.type === type));
  return {
    do: 'write',
    status: {
      conditions: [...others, ...ours],
      clusterClaims: [...claims.filter(({ name }) => name !== CLAIM), { name: CLAIM, value: id }],
    },
  };
}

async function keepStandIn(
  { hub, clock }: ClusterReconcilePorts,
  writes: RepeatedWrites,
  name: string,
  id: string,
  log: Log,
): Promise<boolean> {
  const at: ObjectAddress = { resource: MANAGED_CLUSTER, name };
  let answer = await hub.get(at);
  if (answer.is === 'refused' && answer.reason !== 'NotFound')
    return failed(log, 'Reading the ManagedCluster failed', answer);
  let step = decideStandIn(answer.is === 'done' ? answer.value : undefined, id, clock.now());
  const created = `${name}/created`;
  if (step.do === 'create') {
    if (writes.pauseMs(created, id, clock.now()) > 0) return false;
    const { group, version, kind } = MANAGED_CLUSTER;
    const body = {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { name, labels: MANAGED_BY },
      spec: { hubAcceptsClient: true },
    };
    answer = await hub.create(at, body, FIELD_MANAGER);
    if (answer.is === 'refused') return failed(log, 'Creating the ManagedCluster failed', answer);
    if (writes.wrote(created, id, clock.now()) > 0) log.warn(UNDONE, { cluster: name, detail: 'its creation' });
    step = decideStandIn(answer.value, id, clock.now());
  }
  if (step.do === 'leave') {
    log.warn('The ManagedCluster is not ours to change', { cluster: name, detail: step.why });
    return true;
  }
  if (step.do !== 'write' || answer.is === 'refused') return true;
  const { metadata, status } = answer.value;
  const content = contentWithoutTimes(step.status);
  if (writes.pauseMs(name, content, clock.now()) > 0) return false;
  const written = await hub.patch(
    at,
    [
      unlessChanged(metadata.resourceVersion),
      { op: 'add', path: '/status', value: { ...fieldsOf(status), ...step.status } },
    ],
    { subresource: 'status' },
  );
  if (written.is === 'refused') return failed(log, 'Writing the ManagedCluster failed', written);
  if (writes.wrote(name, content, clock.now()) > 0) log.warn(UNDONE, { cluster: name, detail: 'its status' });
  return true;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function listOf(value: unknown): readonly object[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  return entries.map(fieldsOf).filter((each) => each !== undefined);
}
