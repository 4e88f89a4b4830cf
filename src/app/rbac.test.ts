import { describe, expect, it } from 'vitest';
import { CAPI_RULES } from '../capi/rbac.ts';
import { type FeatureName, sectionsWith } from './features.ts';
import { type Rights, rightsFor } from './rbac.ts';

function rights(on: Readonly<Partial<Record<FeatureName, object>>>, namespaces: readonly string[] = []): Rights {
  return rightsFor({ ...sectionsWith(on), namespaces, leaderElection: { enabled: true, id: 'x' } });
}

describe('`rightsFor()`', () => {
  it('asks for nothing that no feature needs', () => {
    expect(rights({})).toMatchObject({ cluster: [], watched: [] });
    expect(rights({ tmm: {} }).cluster).not.toContainEqual(expect.objectContaining({ resources: ['machines'] }));
  });

  it('never asks to list or to watch Secrets', () => {
    const onSecrets = rights({ tmm: {}, capi: {} }).cluster.filter(({ resources }) => resources.includes('secrets'));
    expect(onSecrets.map(({ verbs }) => verbs)).toEqual([['get']]);
  });

  it('asks for Machines and Secrets in the given namespaces only', () => {
    const { cluster, watched } = rights({ tmm: {}, capi: {} }, ['metal']);
    expect(watched).toEqual(CAPI_RULES);
    expect(cluster).not.toContainEqual(expect.objectContaining({ resources: ['secrets'] }));
    expect(rights({ tmm: {}, capi: {} }).watched).toEqual([]);
  });

  it('asks for one Lease, which nothing but its creation may leave unnamed', () => {
    const leases = rights({}).namespace.map(({ because: _, ...rule }) => rule);
    expect(leases).toEqual([
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: ['x'], verbs: ['get', 'update'] },
    ]);
  });
});
