/** The record of leader election as a Lease of coordination.k8s.io/v1. */
import type { Resource } from '../../core/resources.ts';
import type { LeaseRecord, LeaseStore } from '../../runtime/leader.ts';
import { type ApiClient, type ApiRequest, pathOf } from '../http/api.ts';
import { orUndefined } from '../http/errors.ts';

/** It is only certain that the value is an object; unknown fields are written back unchanged. */
export interface Lease {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export const LEASE: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** Half the default renew deadline, as client-go does: a hung request leaves time for another. */
const TIMEOUT_MS = 5000;

/** A store that serves one elector: it remembers the object last read, to keep fields that are not its own. */
export function makeLeaseStore(options: {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly name: string;
}): LeaseStore {
  const { client, namespace, name } = options;
  let lastRead: Lease = {};

  /** The elector retries by itself, and a request retried by the client could arrive when its term is over. */
  async function send(request: Omit<ApiRequest, 'timeoutMs' | 'retry'>): Promise<LeaseRecord> {
    const lease = await client.request<Lease>({ ...request, timeoutMs: TIMEOUT_MS, retry: 'never' });
    lastRead = lease;
    return recordOf(lease);
  }

  return {
    get: (signal) => orUndefined(send({ method: 'GET', path: pathOf(LEASE, { namespace, name }), signal }), 'NotFound'),
    create: (record, signal) =>
      orUndefined(
        send({
          method: 'POST',
          path: pathOf(LEASE, { namespace }),
          body: { ...typeMeta, metadata: { namespace, name }, spec: specOf(record) },
          signal,
        }),
        'AlreadyExists',
      ),
    update: ({ resourceVersion, ...record }, signal) =>
      orUndefined(
        send({
          method: 'PUT',
          path: pathOf(LEASE, { namespace, name }),
          body: {
            ...typeMeta,
            metadata: { ...lastRead.metadata, namespace, name, resourceVersion },
            spec: { ...lastRead.spec, ...specOf(record) },
          },
          signal,
        }),
        'Conflict',
        // Deleted in between: there is nothing to update, and the next attempt creates it.
        'NotFound',
      ),
  };
}

const typeMeta = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };

function recordOf({ metadata, spec = {} }: Lease): LeaseRecord {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = spec;
  return {
    resourceVersion: metadata?.resourceVersion ?? '',
    holderIdentity: typeof holderIdentity === 'string' ? holderIdentity : '',
    ...(typeof leaseDurationSeconds === 'number' && { leaseDurationSeconds }),
    ...(typeof acquireTime === 'string' && { acquireTime }),
    ...(typeof renewTime === 'string' && { renewTime }),
    ...(typeof leaseTransitions === 'number' && { leaseTransitions }),
  };
}

function specOf(record: Omit<LeaseRecord, 'resourceVersion'>): Omit<LeaseRecord, 'resourceVersion'> {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = record;
  return {
    holderIdentity,
    ...(leaseDurationSeconds !== undefined && { leaseDurationSeconds }),
    ...(acquireTime !== undefined && { acquireTime }),
    ...(renewTime !== undefined && { renewTime }),
    ...(leaseTransitions !== undefined && { leaseTransitions }),
  };
}
