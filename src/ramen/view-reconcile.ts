/** One pass over a ManagedClusterView: read the object, verify which cluster answered, write the answer. */
import type { RecordEvent } from '../core/action.ts';
import type { Result } from '../core/decision.ts';
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import { isDeleting } from '../core/meta.ts';
import { type ObjectAccess, type ObjectAddress, unlessChanged } from '../core/object-access.ts';
import type { Clock, Log, Seen } from '../core/ports.ts';
import { RepeatedWrites, UNDONE } from '../core/repeated-writes.ts';
import { type ClusterPorts, type Settling, whyNot } from './clusters.ts';
import { clusterNotConfigured } from './events.ts';
import type { BridgeMeter } from './metrics.ts';
import { CUSTOM_RESOURCE_DEFINITION, MANAGED_CLUSTER_VIEW, type ManagedClusterView } from './objects.ts';
import {
  type Evidence,
  readScope,
  saysAlready,
  secretsAreRefused,
  type Target,
  viewAnswer,
  viewCondition,
} from './view-answer.ts';

export interface ViewPorts extends ClusterPorts {
  readonly hub: ObjectAccess;
  readonly views: { get(key: string): Seen<ManagedClusterView> };
  readonly record: (event: RecordEvent) => void;
  readonly settling: Settling;
  /** Distinguishes two results. */
  readonly digest: (result: unknown) => string;
  readonly written: WrittenViews;
  readonly meter: BridgeMeter;
  readonly clock: Clock;
}

/** Our last writes to views: the cache receives them a moment later, and the object may have changed again by then. */
export class WrittenViews {
  readonly #last = new Map<string, { readonly before: string; readonly view: ManagedClusterView }>();

  wrote(key: string, before: ManagedClusterView, now: ManagedClusterView): void {
    this.#last.set(key, { before: before.metadata.resourceVersion, view: now });
  }

  forget(key: string): void {
    this.#last.delete(key);
  }

  /** The view after our own last write, if the cache does not have it yet. */
  newest(key: string, cached: ManagedClusterView): ManagedClusterView {
    const last = this.#last.get(key);
    return last?.before === cached.metadata.resourceVersion ? last.view : cached;
  }

  isOurs(key: string, { metadata }: ManagedClusterView): boolean {
    return this.#last.get(key)?.view.metadata.resourceVersion === metadata.resourceVersion;
  }
}

const CONFLICT_MS = 25;
/** Retry interval if no event announces a change: a connection does, rights do not. */
const RETRY_MS = 5000;
/** As in Open Cluster Management: for a kind whose changes cannot be watched. */
const POLL_S = 30;

/** The owner under which a view is notified of changes on its cluster. */
export function ownerOfView(key: string): string {
  return `view ${key}`;
}

/** The evidence, and when to look again if no event will come. */
interface Learnt {
  readonly evidence: Evidence;
  readonly requeueAfterMs?: number;
}

/** @returns a reconciler whose keys are `namespace/name` of ManagedClusterViews. */
export function reconcileViews(ports: ViewPorts): (key: string, context: { readonly log: Log }) => Promise<Result> {
  const { hub, views, meter, clock } = ports;
  const writes = new RepeatedWrites();
  return async (key, { log }) => {
    const seen = views.get(key);
    const [name = ''] = key.split('/');
    const cluster = ports.cluster(name);
    if (seen.is !== 'present') {
      if (seen.is === 'absent') {
        meter.view(key, undefined);
        ports.written.forget(key);
        cluster?.unwatch(ownerOfView(key));
      }
      return {};
    }
    const view = ports.written.newest(key, seen.object);
    if (isDeleting(view)) return {};
    if (cluster === undefined) {
      ports.record(clusterNotConfigured(MANAGED_CLUSTER_VIEW, view));
      return {};
    }
    const learnt = await learn(ports, view, key, cluster);
    if (learnt === undefined) return {};
    const { evidence, requeueAfterMs } = learnt;
    const answer = viewAnswer(evidence);
    meter.view(key, answer.reason);
    const digest = answer.result === undefined ? undefined : ports.digest(answer.result);
    const after: Result = requeueAfterMs === undefined ? {} : { requeueAfterMs };
    if (saysAlready(answer, view, digest)) return after;
    const { uid } = view.metadata;
    const content = JSON.stringify([answer.status, answer.reason, answer.message, digest]);
    const pauseMs = writes.pauseMs(uid, content, clock.now());
    if (pauseMs > 0) return { requeueAfterMs: Math.min(pauseMs, requeueAfterMs ?? pauseMs) };
    const condition = viewCondition(answer, view.conditions, clock.now());
    // The whole status at once: a merge would keep fields of the last result.
    const status = { conditions: [condition], ...(answer.result !== undefined && { result: answer.result }) };
    const at: ObjectAddress = { resource: MANAGED_CLUSTER_VIEW, namespace: name, name: view.metadata.name };
    const written = await hub.patch(
      at,
      [unlessChanged(view.metadata.resourceVersion), { op: 'add', path: '/status', value: status }],
      { subresource: 'status' },
    );
    if (written.is === 'done') {
      const { resourceVersion } = written.value.metadata;
      const now = {
        ...view,
        metadata: { ...view.metadata, resourceVersion },
        conditions: [condition],
        resultDigest: digest,
      };
      ports.written.wrote(key, seen.object, now);
      if (writes.wrote(uid, content, clock.now()) > 0) log.warn(UNDONE, { detail: answer.reason });
      meter.viewWritten(answer.reason);
      log.debug('View answered', { reason: answer.reason, detail: answer.message });
      return after;
    }
    if (written.reason === 'NotFound' || written.reason === 'DryRun') return {};
    ports.written.forget(key);
    if (written.reason === 'Conflict') return { requeueAfterMs: CONFLICT_MS };
    log.warn('Answering a view failed', { reason: written.reason, detail: written.message });
    return { requeueAfterMs: RETRY_MS };
  };
}

/** @returns undefined if nothing is to be written yet. */
async function learn(
  ports: ViewPorts,
  view: ManagedClusterView,
  key: string,
  cluster: ManagedClusterAccess,
): Promise<Learnt | undefined> {
  const owner = ownerOfView(key);
  const scope = readScope(view.scope);
  if (scope.is === 'invalid') {
    cluster.unwatch(owner);
    return { evidence: scope };
  }
  const condition = cluster.condition();
  // A view's answer from before the start stays until something is known.
  if (condition.is === 'connecting') return undefined;
  const why = whyNot(condition);
  if (why !== undefined) return { evidence: { is: 'unavailable', detail: why } };
  if (!ports.settling.isSettled(cluster.name)) return undefined;

  const { target } = scope;
  const resolution = await cluster.objects.resolve({
    group: target.group,
    version: target.version,
    kind: target.kind,
    plural: target.plural,
  });
  if (resolution.is === 'refused')
    return { evidence: { is: 'refused', refusal: resolution }, requeueAfterMs: RETRY_MS };
  if (resolution.is === 'notServed') {
    const unproved = await cluster.confirm();
    if (unproved !== undefined) return unavailable(unproved);
    cluster.watch(owner, [{ resource: CUSTOM_RESOURCE_DEFINITION, name: '*' }]);
    return {
      evidence: { is: 'notServed', detail: `the cluster does not serve ${describe(target)}` },
      requeueAfterMs: POLL_S * 1000,
    };
  }
  const { resource } = resolution;
  if (resource.group === '' && resource.kind === 'Secret') return { evidence: secretsAreRefused() };
  if (resource.namespaced && target.namespace === undefined) {
    return {
      evidence: { is: 'invalid', reason: 'ResourceNameInvalid', detail: `kind ${resource.kind} needs a namespace` },
    };
  }
  const at: ObjectAddress = {
    resource,
    name: target.name,
    ...(resource.namespaced && { namespace: target.namespace }),
  };
  // The watch begins before the read, so that no change in between is missed.
  cluster.watch(owner, [at]);
  const answer = await cluster.objects.get(at);
  const unproved = await cluster.confirm();
  if (unproved !== undefined) return unavailable(unproved);
  const pollMs = Math.max(1, view.scope.updateIntervalSeconds ?? POLL_S) * 1000;
  const poll = cluster.isWatching(resource) ? {} : { requeueAfterMs: pollMs };
  if (answer.is === 'done') return { evidence: { is: 'present', object: answer.value }, ...poll };
  if (answer.reason === 'NotFound') return { evidence: { is: 'absent', resource, name: target.name }, ...poll };
  return { evidence: { is: 'refused', refusal: answer }, requeueAfterMs: RETRY_MS };
}

function unavailable(detail: string): Learnt {
  return {
    evidence: { is: 'unavailable', detail: `the cluster cannot be asked: ${detail}` },
    requeueAfterMs: RETRY_MS,
  };
}

function describe({ group, version, kind, plural }: Target): string {
  const groupVersion = [group, version].filter(Boolean).join('/');
  return `${kind ?? plural}${groupVersion === '' ? '' : ` of ${groupVersion}`}`;
}
