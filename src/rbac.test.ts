import { describe, expect, it } from 'vitest';
import { CAPI_RULES } from './capi/rbac.ts';
import { capiSettingsSchema } from './capi/settings.ts';
import { METAL3_RULES } from './metal3/rbac.ts';
import { metal3SettingsSchema } from './metal3/settings.ts';
import { rightsFor } from './rbac.ts';
import { tmmSettingsSchema } from './tmm/settings.ts';

function rights(part: {
  readonly tmm?: boolean;
  readonly capi?: boolean;
  readonly metal3?: boolean;
  readonly namespaces?: readonly string[];
}) {
  return rightsFor({
    tmm: { enabled: part.tmm ?? true, settings: tmmSettingsSchema.parse({}) },
    capi: { enabled: part.capi ?? true, settings: capiSettingsSchema.parse({}) },
    metal3: { enabled: part.metal3 ?? false, settings: metal3SettingsSchema.parse({}) },
    namespaces: part.namespaces ?? [],
    leaderElection: { enabled: true, id: 'x' },
  });
}

describe('`rightsFor()`', () => {
  it('asks for nothing that no feature needs', () => {
    expect(rights({ tmm: false, capi: false })).toMatchObject({ cluster: [], watched: [] });
    expect(rights({ capi: false }).cluster).not.toContainEqual(expect.objectContaining({ resources: ['machines'] }));
  });

  it('never asks to list or to watch Secrets', () => {
    const onSecrets = rights({}).cluster.filter(({ resources }) => resources.includes('secrets'));
    expect(onSecrets.map(({ verbs }) => verbs)).toEqual([['get']]);
  });

  it('asks for Machines and Secrets in the given namespaces only', () => {
    const { cluster, watched } = rights({ namespaces: ['metal'] });
    expect(watched).toEqual(CAPI_RULES);
    expect(cluster).not.toContainEqual(expect.objectContaining({ resources: ['secrets'] }));
    expect(rights({}).watched).toEqual([]);
  });

  it('asks for one Lease, which nothing but its creation may leave unnamed', () => {
    const leases = rights({}).namespace.map(({ because: _, ...rule }) => rule);
    expect(leases).toEqual([
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: ['x'], verbs: ['get', 'update'] },
    ]);
  });

  it('asks for BareMetalHosts only where they are switched off', () => {
    expect(rights({}).cluster).not.toContainEqual(expect.objectContaining({ resources: ['baremetalhosts'] }));
    expect(rights({ metal3: true }).cluster).toEqual(expect.arrayContaining([...METAL3_RULES]));
    expect(rights({ metal3: true, capi: false, namespaces: ['metal'] }).watched).toEqual(METAL3_RULES);
  });
});
