import { messageOf } from '../core/error-message.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import { findAccess } from '../kube/auth/kubeconfig.ts';
import { inDetail } from '../kube/cache/in-detail.ts';
import { NamespacedSource } from '../kube/cache/namespaced-source.ts';
import { OptionalKind } from '../kube/cache/optional-kind.ts';
import { Outages } from '../kube/cache/outages.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { isKubeError } from '../kube/http/errors.ts';
import { fields, text } from '../kube/http/json.ts';
import { readKubeconfigSecret, type SecretRead } from '../kube/workload/kubeconfig-secret.ts';
import { MANAGED_TIMINGS, ManagedCluster } from '../kube/workload/managed-cluster.ts';
import type { SecretRef } from '../ramen/settings.ts';
import type { Runnable } from '../runtime/manager.ts';
import { aborted, sleep } from '../runtime/sleep.ts';
import type { WatchedResource } from './caches.ts';
import type { Parts } from './parts.ts';

/** Retry interval if we may not read kube-system of the hub, which an administrator has to permit. */
const RETRY_MS = 5000;

/** The cluster that holds works and views. */
export interface Hub {
  readonly isRemote: boolean;
  readonly client: ApiClient;
  readonly outages: Outages;
  /** UID of its kube-system; undefined while it is not known. */
  id(): string | undefined;
  readonly runnables: readonly Runnable[];
}

/** Push: the cluster that we run against is the hub. */
export function localHub({ client, outages, log }: Parts): Hub {
  let id: string | undefined;
  const ask = async (): Promise<string | undefined> => {
    try {
      const body = await client.request<unknown>({ method: 'GET', path: '/api/v1/namespaces/kube-system' });
      return text(fields(fields(body)?.metadata)?.uid);
    } catch (error) {
      if (!isKubeError(error)) throw error;
      log.warn('Reading the Namespace kube-system failed', { detail: error.message });
      return undefined;
    }
  };
  const identity: Runnable = {
    name: 'ramen-identity',
    phase: 'services',
    needsLeadership: false,
    start: async (stop) => {
      while (!stop.aborted && id === undefined) {
        id = await ask();
        if (id === undefined) await sleep(RETRY_MS, stop);
      }
      await aborted(stop);
    },
    details: () => (id === undefined ? ['the Namespace kube-system cannot be read'] : []),
  };
  return { isRemote: false, client, outages, id: () => id, runnables: [identity] };
}

/** Pull: we run on the managed cluster, and a Secret there leads to the hub. */
export function remoteHub(parts: Parts, place: SecretRef): Hub {
  const { client, env, log, observers, mayWrite } = parts;
  const link = new ManagedCluster({
    name: 'hub',
    env,
    clock: Date,
    log,
    dryRun: parts.dryRun,
    read: (signal) => readKubeconfigSecret(client, place, { timeoutMs: MANAGED_TIMINGS.requestTimeoutMs, signal }),
    admit: () => Promise.resolve(undefined),
    onChange: () => undefined,
    onCondition: () => undefined,
    onRequest: observers.request,
    mayWrite,
  });
  const runnable: Runnable = {
    name: 'ramen-hub',
    phase: 'caches',
    needsLeadership: false,
    start: (stop) => link.run(stop),
    details: () => {
      const condition = link.condition();
      return condition.is === 'lost' ? [`hub: ${condition.detail}`] : [];
    },
  };
  const outages = new Outages({ log: inDetail(log), clock: Date });
  return { isRemote: true, client: link.client, outages, id: () => link.id, runnables: [runnable] };
}

export function localAccess({ env, homedir, access: { kubeconfig, context } }: Parts): SecretRead {
  try {
    const access = findAccess({ kubeconfig, context, env, homedir });
    return { is: 'read', kubeconfig: { access, fingerprint: 'local' } };
  } catch (error) {
    return { is: 'unread', detail: messageOf(error) };
  }
}

/** Adds the watches of one kind; empty namespaces mean all. */
export function watchKinds<T extends KubeObject>(
  parts: Parts,
  hub: Hub,
  resource: WatchedResource<T>,
  namespaces: readonly string[],
  transform: (raw: unknown) => T | undefined,
): Source<T> {
  if (namespaces.length === 0) return watchKind(parts, hub, resource, transform).informer;
  const caches = namespaces.map(
    (name) => [name, watchKind(parts, hub, resource, transform, { namespace: name }).informer] as const,
  );
  return new NamespacedSource<T>(new Map(caches));
}

export function watchKind<T extends KubeObject>(
  { manager, observers, log, watches }: Parts,
  hub: Hub,
  resource: WatchedResource<T>,
  transform: (raw: unknown) => T | undefined,
  of: { readonly namespace?: string; readonly fieldSelector?: string } = {},
): OptionalKind<T> {
  const { plural } = resource;
  const kind = new OptionalKind<T>({
    client: hub.client,
    resource,
    versions: [resource.version],
    ...of,
    transform,
    clock: Date,
    log: hub.isRemote ? inDetail(log) : log,
    outages: hub.outages,
    // Ramen waits for us, so reconnect quickly.
    ...(hub.isRemote && { backoff: { baseMs: 200, maxMs: 2000 } }),
    onRestart: (reason) => observers.watchRestart(plural, reason),
    onHandlerError: () => observers.handlerError(plural),
  });
  watches.push({ resource: plural, mirror: kind });
  // A hub that is away must not keep this process from becoming ready.
  manager.add(hub.isRemote ? withoutWaiting(kind) : kind);
  return kind;
}

function withoutWaiting(kind: Runnable): Runnable {
  const { name, phase, needsLeadership } = kind;
  return { name, phase, needsLeadership, start: (stop) => kind.start(stop) };
}
