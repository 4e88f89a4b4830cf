/**
 * Restores Pods without a controller, with `tmm.unmanagedPods: recreate`. Each is stored in a Secret before anything is evicted, and is
 * created from it when the session is over. At every moment the Pod or its Secret exists:
 *
 * | Killed after | What exists | The next pass |
 * | --- | --- | --- |
 * | the Secret was created | Pod, Secret | announces the eviction, or discards the Secret when the session is over |
 * | the Secret recorded that an eviction is sent | Pod, Secret | evicts the Pod, or discards the Secret a minute after the session |
 * | the eviction | Secret | creates the Pod when the session is over |
 * | the Pod was created | Pod, Secret | sees by its managedFields that it is ours, deletes the Secret |
 * | the Secret was deleted | Pod | waits for the Pod, as the report says |
 *
 * Only Pods that we have evicted are created again. A Pod that has finished, or whose deletion began without an eviction, has ended without
 * us; so has one that is gone while its Secret records no eviction. In doubt the Pod is created: nothing is lost.
 */

import { type Action, refOf, type StorePod } from '../../core/action.ts';
import { isReady } from '../../core/meta.ts';
import { type Node, POD, type Pod } from '../../core/objects.ts';
import { SECRET, type StoredPod } from '../../core/stored-pods.ts';
import * as events from '../events.ts';
import type { Observed } from '../model/observed.ts';
import { hasEndedWithoutUs, type Kept, type KeptPod, keyOfPod } from '../model/stored-pods.ts';
import type { Context, Draft } from './transition.ts';

/**
 * An eviction that was sent before the session ended, perhaps by a process that was killed, may take effect until the API server gives up
 * the request (its `--request-timeout` is a minute). Until then a Pod that is still there may yet be evicted.
 */
const LATE_EVICTION_MS = 60_000;

export function storePod(pod: Pod, node: string, session: string, eviction: StoredPod['eviction']): StorePod {
  const { namespace = '', name, uid } = pod.metadata;
  return {
    do: 'storePod',
    target: refOf(POD, pod),
    as: { pod: { namespace, name, uid }, node, session, wasReady: isReady(pod), eviction },
  };
}

export interface Restoration {
  readonly actions: readonly Action[];
  /** Pods that are not created again yet. */
  readonly pending: readonly KeptPod[];
  /** When the passing of time alone changes the result. */
  readonly nextAtMs?: number;
  /** Since when Pods that never left have been seen; for the next pass. */
  readonly hereSinceMs?: number;
}

interface Step {
  readonly actions?: readonly Action[];
  readonly isPending?: boolean;
  readonly nextAtMs?: number;
}

/**
 * Creates stored Pods again, and discards the Secrets of Pods that never left.
 *
 * @param over the Pods whose session is over.
 * @param node absent if it was deleted; then there is no object to record Events about.
 */
export function restoreStoredPods(
  { kept, nowMs }: Observed,
  over: readonly KeptPod[],
  hereSinceMs: number | undefined,
  node?: Node,
): Restoration {
  const sinceMs = over.some(({ is }) => is === 'here') ? (hereSinceMs ?? nowMs) : undefined;
  const steps = over.map((each) => ({ each, step: stepOf(each, kept, nowMs, sinceMs ?? nowMs, node) }));
  const times = steps.flatMap(({ step }) => step.nextAtMs ?? []);
  return {
    actions: steps.flatMap(({ step }) => step.actions ?? []),
    pending: steps.filter(({ step }) => step.isPending === true).map(({ each }) => each),
    ...(times.length > 0 && { nextAtMs: Math.min(...times) }),
    ...(sinceMs !== undefined && { hereSinceMs: sinceMs }),
  };
}

function stepOf(stored: KeptPod, kept: Kept, nowMs: number, hereSinceMs: number, node: Node | undefined): Step {
  const { secret, pod } = stored;
  if (hasEndedWithoutUs(stored)) return { actions: discardEnded([stored], node) };
  switch (stored.is) {
    case 'leaving':
      return { isPending: true }; // Its end is an event.
    case 'deleted':
    case 'finished':
      return {};
    case 'here': {
      const discardAtMs = stored.eviction === 'waiting' ? nowMs : hereSinceMs + LATE_EVICTION_MS;
      return nowMs < discardAtMs ? { nextAtMs: discardAtMs } : { actions: [discard(stored)] };
    }
    case 'gone':
    case 'replaced': {
      const { resourceVersion } = secret.metadata;
      const attempt = kept.attempts[pod.uid];
      const retryAtMs = attempt?.basis === resourceVersion ? (attempt.retryAtMs ?? 0) : 0;
      if (nowMs < retryAtMs) return { isPending: true, nextAtMs: retryAtMs };
      const tell = node === undefined ? {} : { tell: events.restoreEvents(node, keyOfPod(stored), stored.session) };
      const target = refOf(SECRET, secret);
      const action: Action = { do: 'restorePod', target, resourceVersion, pod, node: stored.node, ...tell };
      return { isPending: true, actions: [action] };
    }
  }
}

function discard({ secret }: KeptPod): Action {
  return { do: 'discardStored', target: refOf(SECRET, secret), resourceVersion: secret.metadata.resourceVersion };
}

/** Discards the Secrets of Pods that ended without our eviction, whether their session is over or not. */
export function discardEnded(stored: readonly KeptPod[], node: Node | undefined): readonly Action[] {
  return stored
    .filter(hasEndedWithoutUs)
    .flatMap((each) => [discard(each), ...(node === undefined ? [] : [events.storedPodEnded(node, keyOfPod(each))])]);
}

/** Adds the restoration of Pods to the decision, after all of its own writes. */
export function withRestoration(draft: Draft, home: Restoration, { memory }: Context, nowMs: number): Draft {
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

/** Describes the Pods that are neither created again nor ready, for people; names at most three. */
export function describeAway({ kept }: Observed, pending: readonly KeptPod[]): string {
  const reasons = new Map(pending.map((each) => [keyOfPod(each), kept.attempts[each.pod.uid]?.detail]));
  const keys = [...new Set([...reasons.keys(), ...kept.awaited])].sort();
  const named = keys.slice(0, 3).map((key) => {
    const why = reasons.get(key);
    return why === undefined ? `Pod ${key}` : `Pod ${key} (${why})`;
  });
  return keys.length > 3 ? `${named.join(', ')} and ${keys.length - 3} more Pods` : named.join(', ');
}
