/**
 * Pods without a controller, with `tmm.unmanagedPods: recreate`. Each is stored in a Secret before anything is evicted, and
 * comes back from there when the session is over. At every moment one of the two is there:
 *
 * | Killed after | Is left | The next pass |
 * | --- | --- | --- |
 * | the Secret was created | Pod, Secret | evicts the Pod, or discards the Secret when the session is over |
 * | the eviction | Secret | creates the Pod when the session is over |
 * | the Pod was created | Pod, Secret | sees by its managedFields that it is ours, deletes the Secret |
 * | the Secret was deleted | Pod | awaits it, as the report says |
 */
import { type Action, refOf, type StorePod } from '../core/action.ts';
import { controllerOf, isReady } from '../core/meta.ts';
import { type Node, POD, type Pod } from '../core/objects.ts';
import { SECRET } from '../core/stored-pods.ts';
import * as events from './events.ts';
import { type Kept, type KeptPod, keyOfPod } from './kept.ts';
import type { Observed } from './observed.ts';
import type { Context, Draft } from './request.ts';
import type { TmmSettings } from './settings.ts';

/**
 * An eviction that was sent before the session ended, perhaps by a process that was killed, may take effect until an API
 * server gives a request up (its `--request-timeout` is a minute). Until then a Pod that is still there may yet go.
 */
const LATE_EVICTION_MS = 60_000;

/** Whether nothing but us would create the Pod again. */
export function isRecreated(pod: Pod, { unmanagedPods }: TmmSettings): boolean {
  return unmanagedPods === 'recreate' && controllerOf(pod) === undefined;
}

export function storePod(pod: Pod, node: string, session: string): StorePod {
  const { namespace = '', name, uid } = pod.metadata;
  return {
    do: 'storePod',
    target: refOf(POD, pod),
    as: { pod: { namespace, name, uid }, node, session, wasReady: isReady(pod) },
  };
}

export interface Homecoming {
  readonly actions: readonly Action[];
  /** Pods that are not created again yet. */
  readonly pending: readonly KeptPod[];
  /** When time alone makes a difference. */
  readonly nextAtMs?: number;
  /** Since when Pods that have never left have been seen; for the next pass. */
  readonly hereSinceMs?: number;
}

interface Step {
  readonly action?: Action;
  readonly isPending?: boolean;
  readonly nextAtMs?: number;
}

/**
 * Creates stored Pods again and discards what is stored of Pods that have never left.
 *
 * @param over the Pods whose session is over.
 * @param node absent where it was deleted; then there is nothing that Events could be about.
 */
export function bringHome(
  { kept, nowMs }: Observed,
  over: readonly KeptPod[],
  hereSinceMs: number | undefined,
  node?: Node,
): Homecoming {
  const sinceMs = over.some(({ is }) => is === 'here') ? (hereSinceMs ?? nowMs) : undefined;
  const steps = over.map((each) => ({ each, step: stepOf(each, kept, nowMs, sinceMs ?? nowMs, node) }));
  const times = steps.flatMap(({ step }) => step.nextAtMs ?? []);
  return {
    actions: steps.flatMap(({ step }) => step.action ?? []),
    pending: steps.filter(({ step }) => step.isPending === true).map(({ each }) => each),
    ...(times.length > 0 && { nextAtMs: Math.min(...times) }),
    ...(sinceMs !== undefined && { hereSinceMs: sinceMs }),
  };
}

function stepOf(stored: KeptPod, kept: Kept, nowMs: number, hereSinceMs: number, node: Node | undefined): Step {
  const { secret, pod } = stored;
  const target = refOf(SECRET, secret);
  switch (stored.is) {
    case 'leaving':
      return { isPending: true }; // Its end is an event.
    case 'here': {
      const discardAtMs = hereSinceMs + LATE_EVICTION_MS;
      return nowMs < discardAtMs ? { nextAtMs: discardAtMs } : { action: { do: 'discardStored', target } };
    }
    case 'gone':
    case 'replaced': {
      const { resourceVersion } = secret.metadata;
      const attempt = kept.attempts.get(pod.uid);
      const retryAtMs = attempt?.basis === resourceVersion ? (attempt.retryAtMs ?? 0) : 0;
      if (nowMs < retryAtMs) return { isPending: true, nextAtMs: retryAtMs };
      const tell = node === undefined ? {} : { tell: events.homecoming(node, keyOfPod(stored)) };
      const action: Action = { do: 'restorePod', target, resourceVersion, pod, node: stored.node, ...tell };
      return { isPending: true, action };
    }
  }
}

/** The decision with what brings the Pods home, after all that is written before that. */
export function withHomecoming(draft: Draft, home: Homecoming, { memory }: Context, nowMs: number): Draft {
  const { hereSinceMs: _, ...rest } = draft.memory ?? memory;
  const homeMs = home.nextAtMs === undefined ? undefined : Math.max(0, home.nextAtMs - nowMs);
  const times = [draft.requeueAfterMs ?? [], homeMs ?? []].flat();
  return {
    ...draft,
    actions: [...draft.actions, ...home.actions],
    memory: { ...rest, ...(home.hereSinceMs !== undefined && { hereSinceMs: home.hereSinceMs }) },
    ...(times.length > 0 && { requeueAfterMs: Math.min(...times) }),
  };
}

/** Pods that are neither created again nor ready, for people; at most three by name. */
export function describeAway({ kept }: Observed, pending: readonly KeptPod[]): string {
  const reasons = new Map(pending.map((each) => [keyOfPod(each), kept.attempts.get(each.pod.uid)?.detail]));
  const keys = [...new Set([...reasons.keys(), ...kept.awaited])].sort();
  const named = keys.slice(0, 3).map((key) => {
    const why = reasons.get(key);
    return why === undefined ? `Pod ${key}` : `Pod ${key} (${why})`;
  });
  return keys.length > 3 ? `${named.join(', ')} and ${keys.length - 3} more Pods` : named.join(', ');
}
