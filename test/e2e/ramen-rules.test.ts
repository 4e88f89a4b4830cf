/**
 * Rules learned from the life cycle of an unmodified Ramen (docs/ramen.md): works before views after an outage, a deletion that is no new
 * spec, the effects of a truthful view, and the separation of several bridges on one hub.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { freePort } from '../../controlplane/ports.ts';
import { FaultProxy } from '../../harness/fault-proxy.ts';
import { History } from '../../harness/history.ts';
import { Bridge, command } from '../../harness/program.ts';
import { inlineKubeconfig, RamenHub } from '../../harness/ramen.ts';
import { install, installCluster, installHub } from '../../harness/ramen-kinds.ts';
import { conditionOf, viewsPath, type Work, worksPath } from '../../harness/ramen-objects.ts';
import { find } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const VRG = { apiGroup: 'ramendr.openshift.io', version: 'v1alpha1', kind: 'VolumeReplicationGroup' };
const DRPCS = '/apis/ramendr.openshift.io/v1alpha1/namespaces/default/drplacementcontrols';
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/east/leases/maintenance-bridge-ramen';
const FINALIZER = 'maintenance-bridge.io/manifest-work';

const map = (name: string, data: Readonly<Record<string, string>> = { a: '1' }): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const vrg = (replicationState: string): object => ({
  apiVersion: 'ramendr.openshift.io/v1alpha1',
  kind: 'VolumeReplicationGroup',
  metadata: { name: 'shop', namespace: 'default' },
  spec: { replicationState },
});

interface ServedEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

describeOnControlPlane('a Ramen hub', {}, (get) => {
  let east: ControlPlane;
  let proxy: FaultProxy;
  let ramen: RamenHub;
  let metrics: string;

  beforeAll(async () => {
    east = await startControlPlane();
    await Promise.all([installHub(get()), installCluster(east)]);
    proxy = await FaultProxy.start(east);
    ramen = new RamenHub(get(), { east });
    await ramen.register({ east: proxy.kubeconfig() });
    metrics = `127.0.0.1:${await freePort()}`;
    ramen.start({ flags: [`--metrics-bind-address=${metrics}`] });
  });
  afterAll(async () => {
    await ramen?.bridge?.end();
    await proxy?.close();
    await east?.stop();
  });

  const event = (reason: string, name: string): Promise<ServedEvent> =>
    eventually(
      async () => {
        const all = await get().api.list<ServedEvent>('/apis/events.k8s.io/v1/events');
        return all.find((each) => each.reason === reason && each.regarding.name === name);
      },
      { what: `Event ${reason} on ${name}`, deadlineMs: 20_000 },
    );
  /** A kubeconfig that may get these kinds in namespace `east`, and nothing else. */
  const limited = async (kinds: readonly { readonly group: string; readonly resource: string }[]): Promise<string> => {
    const account = { namespace: 'east', name: 'developer' };
    const kubeconfig = await get().kubeconfigFor(account);
    const apiGroup = 'rbac.authorization.k8s.io';
    const root = `/apis/${apiGroup}/v1/namespaces/east`;
    const rules = kinds.map(({ group, resource }) => ({ apiGroups: [group], resources: [resource], verbs: ['get'] }));
    await get().api.create(`${root}/roles`, { metadata: { name: account.name }, rules });
    await get().api.create(`${root}/rolebindings`, {
      metadata: { name: account.name },
      roleRef: { apiGroup, kind: 'Role', name: account.name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    });
    return kubeconfig;
  };
  const gone = (name: string, deadlineMs = 60_000): Promise<true> =>
    eventually(async () => ((await find(get().api, `${worksPath('east')}/${name}`)) === undefined ? true : undefined), {
      what: `work ${name} to go`,
      deadlineMs,
    });

  it('applies what is due before it answers what is asked, when a cluster comes back', async () => {
    await ramen.createWork('east', 'shop-vrg', [vrg('primary')]);
    await ramen.applied('east', 'shop-vrg');
    await ramen.createView('east', 'shop', { ...VRG, name: 'shop', namespace: 'default' });
    const shows = (replicationState: string): Promise<unknown> =>
      ramen.says('east', 'shop', ({ result }) => state({ status: { result } }) === replicationState, replicationState);
    await shows('primary');
    for (let round = 0; round < 3; round += 1) {
      proxy.mode = 'down';
      proxy.cut();
      await ramen.says('east', 'shop', ({ status, result }) => status === 'False' && result === undefined, 'nothing');
      const history = await History.start(get(), [viewsPath('east')]);
      // In the meantime the hub has failed over.
      await ramen.setManifests('east', 'shop-vrg', [vrg('secondary')]);
      proxy.mode = 'ok';
      await shows('secondary');
      const shown = history.changes().flatMap(({ object }) => (object.metadata.name === 'shop' ? [state(object)] : []));
      expect(shown.filter((each) => each !== undefined)).not.toContain('primary');
      history.stop();
      await ramen.setManifests('east', 'shop-vrg', [vrg('primary')]);
      await shows('primary');
    }
    await get().api.delete(`${worksPath('east')}/shop-vrg`);
    await gone('shop-vrg');
    await get().api.delete(`${viewsPath('east')}/shop`);
  });

  it('takes the generation of a deletion for no new spec', async () => {
    await ramen.createWork('east', 'ends', [map('held')]);
    const { metadata } = await ramen.applied('east', 'ends');
    await east.api.patch(`${MAPS}/held`, { metadata: { finalizers: ['example.org/hold'] } }, 'merge');
    const history = await History.start(get(), [worksPath('east')]);
    await get().api.delete(`${worksPath('east')}/ends`);
    await eventually(async () => ((await find<object>(east.api, `${MAPS}/held`)) as { metadata: object }).metadata, {
      what: 'the object',
    });
    await eventually(
      async () => {
        const found = await find<{ metadata: { deletionTimestamp?: string } }>(east.api, `${MAPS}/held`);
        return found?.metadata.deletionTimestamp;
      },
      { what: 'the object to be deleted' },
    );
    const work = await ramen.work('east', 'ends');
    expect(work.metadata.generation).toBe(metadata.generation + 1);
    await east.api.patch(`${MAPS}/held`, { metadata: { finalizers: null } }, 'merge');
    await gone('ends');
    const reasons = history
      .changes()
      .filter(({ object }) => object.metadata.name === 'ends')
      .map(({ object }) => conditionOf(object as unknown as Work, 'Applied')?.reason);
    expect(new Set(reasons)).toEqual(new Set(['AppliedManifestWorkComplete']));
    history.stop();
  });

  it('says by Event and metric that a work has outlived its application, and takes it back when it is deleted', async () => {
    const { kind, apiVersion } = { kind: 'DRPlacementControl', apiVersion: 'ramendr.openshift.io/v1alpha1' };
    await get().api.create(DRPCS, { apiVersion, kind, metadata: { name: 'shop', namespace: 'default' } });
    await ramen.createWork('east', 'shop-left', [map('left')]);
    await ramen.applied('east', 'shop-left');
    const prefix = 'drplacementcontrol.ramendr.openshift.io';
    const annotations = { [`${prefix}/drpc-name`]: 'shop', [`${prefix}/drpc-namespace`]: 'default' };
    await get().api.patch(`${worksPath('east')}/shop-left`, { metadata: { annotations } }, 'merge');
    const orphans = (count: number): Promise<true> =>
      eventually(
        async () => {
          const text = await (await fetch(`http://${metrics}/metrics`)).text();
          const [, value] = /^maintenance_bridge_ramen_orphaned_works (\d+)$/m.exec(text) ?? [];
          return Number(value) === count ? true : undefined;
        },
        { what: `${count} works to be counted as orphaned`, deadlineMs: 20_000 },
      );
    await orphans(0);
    await get().api.delete(`${DRPCS}/shop`);
    const { note, type } = await event('ApplicationGone', 'shop-left');
    expect(type).toBe('Warning');
    expect(note).toContain('kubectl delete manifestwork -n east shop-left');
    await orphans(1);
    expect(await find(east.api, `${MAPS}/left`)).toBeDefined();
    // The commands do too, with one right on the hub and none on the cluster.
    const kubeconfig = await limited([{ group: 'work.open-cluster-management.io', resource: 'manifestworks' }]);
    const why = await eventually(
      async () => {
        const { code, out } = await command([
          'why',
          'manifestwork/shop-left',
          '-n',
          'east',
          '--kubeconfig',
          kubeconfig,
        ]);
        return code === 0 && out.includes('Orphaned') ? out : undefined;
      },
      { what: 'why to say so', deadlineMs: 40_000 },
    );
    expect(why).toContain('kubectl delete manifestwork -n east shop-left');
    const overview = await command(['status', '-A', '--kubeconfig', get().kubeconfig]);
    expect(overview.out).toMatch(/manifestwork\/east\/shop-left +Orphaned/);
    await get().api.delete(`${worksPath('east')}/shop-left`);
    await gone('shop-left');
    await orphans(0);
    expect(await find(east.api, `${MAPS}/left`)).toBeUndefined();
  });

  it('brings an object up to date without taking from others what they have set', async () => {
    await east.api.patch(`${MAPS}/theirs`, map('theirs', { mine: 'x', both: '1' }), 'apply', { fieldManager: 'admin' });
    await ramen.createWork('east', 'adopts', [map('theirs', { both: '1', ours: 'y' })]);
    await ramen.applied('east', 'adopts');
    interface Managed {
      readonly data: object;
      readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly fieldsV1: object }[] };
    }
    const fieldsOf = async (): Promise<Readonly<Record<string, string>>> => {
      const { metadata } = await east.api.get<Managed>(`${MAPS}/theirs`);
      return Object.fromEntries(
        metadata.managedFields.map(({ manager, fieldsV1 }) => [manager, JSON.stringify(fieldsV1)]),
      );
    };
    const before = await fieldsOf();
    expect(before.admin).toContain('f:mine');
    expect(before.admin).toContain('f:both');
    const { uid } = (await ramen.work('east', 'adopts')).metadata;
    expect(before[`maintenance-bridge/${uid}`]).not.toContain('f:mine');
    await ramen.setManifests('east', 'adopts', [map('theirs', { ours: 'z' })]);
    await ramen.applied('east', 'adopts');
    expect((await east.api.get<Managed>(`${MAPS}/theirs`)).data).toEqual({ mine: 'x', both: '1', ours: 'z' });
    await get().api.delete(`${worksPath('east')}/adopts`);
    await gone('adopts');
    expect((await east.api.get<Managed>(`${MAPS}/theirs`)).data).toMatchObject({ mine: 'x', both: '1' });
  });

  it('leaves a work alone that a klusterlet looks after, and one of a namespace that is no cluster', async () => {
    await ramen.createWork('east', 'klusterlets', [map('never')]);
    await get().api.create('/api/v1/namespaces', { metadata: { name: 'nobody' } });
    await get().api.create(worksPath('nobody'), {
      apiVersion: 'work.open-cluster-management.io/v1',
      kind: 'ManifestWork',
      metadata: { name: 'foreign', finalizers: ['cluster.open-cluster-management.io/manifest-work-cleanup'] },
      spec: { workload: { manifests: [map('never')] } },
    });
    await get().api.create(worksPath('nobody'), {
      apiVersion: 'work.open-cluster-management.io/v1',
      kind: 'ManifestWork',
      metadata: { name: 'unserved' },
      spec: { workload: { manifests: [map('never')] } },
    });
    expect((await event('ClusterNotConfigured', 'unserved')).type).toBe('Warning');
    await ramen.applied('east', 'klusterlets');
    const finalizers = ['cluster.open-cluster-management.io/manifest-work-cleanup'];
    await get().api.patch(`${worksPath('east')}/klusterlets`, { metadata: { finalizers } }, 'merge');
    await ramen.setManifests('east', 'klusterlets', [map('never', { a: '2' })]);
    expect((await event('KlusterletAtWork', 'klusterlets')).type).toBe('Warning');
    const { metadata, status } = await ramen.work('east', 'klusterlets');
    expect(metadata.finalizers).toEqual(finalizers);
    expect(conditionOf({ metadata, ...(status && { status }) }, 'Applied')?.observedGeneration).toBe(1);
    expect(await find(get().api, `${worksPath('nobody')}/unserved`)).not.toHaveProperty('status');
    await get().api.patch(`${worksPath('east')}/klusterlets`, { metadata: { finalizers: null } }, 'merge');
    await get().api.delete(`${worksPath('east')}/klusterlets`);
  });

  it('serves each cluster from one place: a bridge that pulls waits while another one pushes or pulls, and then goes on', async () => {
    await get()
      .api.create('/api/v1/namespaces', { metadata: { name: 'pull' } })
      .catch(() => undefined);
    await east.api.create('/api/v1/namespaces/default/secrets', {
      metadata: { name: 'hub' },
      data: { value: Buffer.from(inlineKubeconfig(get())).toString('base64') },
    });
    const path = join(east.directory, 'pull.yaml');
    const config = {
      apiVersion: 'maintenance-bridge.io/v1alpha1',
      kind: 'BridgeConfiguration',
      ramen: {
        bridge: {
          enabled: true,
          clusters: [{ name: 'east' }],
          hub: { kubeconfigSecret: { namespace: 'default', name: 'hub' } },
        },
      },
    };
    writeFileSync(path, JSON.stringify(config));
    const flags = ['--config', path, '--enable-tmm=false', '--enable-capi=false', '--leader-elect=false'];
    const holder = async (): Promise<string | undefined> =>
      (await get().api.get<{ spec: { holderIdentity?: string } }>(LEASE)).spec.holderIdentity;
    const pushing = await eventually(async () => (await holder()) || undefined, {
      what: 'the one that pushes to serve',
      deadlineMs: 20_000,
    });
    const pull = (id: string): Bridge =>
      new Bridge({ kubeconfig: east.kubeconfig, flags: [...flags, '--leader-election-id', id] });
    const seesThat = (bridge: Bridge, serving: string): Promise<unknown> =>
      bridge
        .logged(
          (line) => line.msg === 'Observed a leader' && line.identity === serving,
          'the one that pulls to see that another one serves',
          60_000,
        )
        .catch((error: unknown) => {
          const lines = bridge.lines.slice(-20).map((line) => JSON.stringify(line));
          throw new Error(`${String(error)}; it said ${lines.join('\n')}`);
        });
    const servesAfter = (before: string): Promise<string> =>
      eventually(
        async () => {
          const now = await holder();
          return now !== undefined && now !== '' && now !== before ? now : undefined;
        },
        { what: 'another one to serve', deadlineMs: 60_000 },
      );
    const first = pull('first');
    let second: Bridge | undefined;
    try {
      await seesThat(first, pushing);
      await ramen.createWork('east', 'pushed', [map('carried')]);
      await ramen.applied('east', 'pushed');
      expect(await holder()).toBe(pushing);
      // The other one ends, and releases its Lease.
      expect(await ramen.bridge?.end()).toBe(0);
      const pulling = await servesAfter(pushing);
      await ramen.setManifests('east', 'pushed', [map('carried', { a: '2' })]);
      await ramen.applied('east', 'pushed', 'True', 40_000);
      expect(await find(east.api, `${MAPS}/carried`)).toMatchObject({ data: { a: '2' } });

      second = pull('second');
      await seesThat(second, pulling);
      await ramen.setManifests('east', 'pushed', [map('carried', { a: '3' })]);
      await ramen.applied('east', 'pushed', 'True', 40_000);
      expect(await holder()).toBe(pulling);
      expect(await first.end()).toBe(0);
      await servesAfter(pulling);
      await get().api.delete(`${worksPath('east')}/pushed`);
      await gone('pushed', 40_000);
      expect(await find(east.api, `${MAPS}/carried`)).toBeUndefined();
    } finally {
      await first.end();
      await second?.end();
    }
  });

  it('gives a work back whose cluster has left the configuration, and says what stays', async () => {
    await ramen.bridge?.end();
    ramen.start();
    await ramen.createWork('east', 'parting', [map('stays')]);
    await ramen.applied('east', 'parting', 'True', 40_000);
    expect(await ramen.bridge?.end()).toBe(0);
    ramen.start({ bridge: { clusters: [] } });
    await event('ClusterNotConfigured', 'parting');
    expect((await ramen.work('east', 'parting')).metadata.finalizers).toEqual([FINALIZER]);
    await get().api.delete(`${worksPath('east')}/parting`);
    await gone('parting', 30_000);
    expect((await event('ObjectsLeft', 'parting')).note).toMatch(/its objects stay on cluster east/);
    expect(await find(east.api, `${MAPS}/stays`)).toBeDefined();
    await ramen.bridge?.end();
  });

  it('keeps away from a cluster from the moment at which a klusterlet is installed there', async () => {
    ramen.start();
    await ramen.createWork('east', 'before', [map('before')]);
    await ramen.applied('east', 'before', 'True', 60_000);
    await ramen.createView('east', 'before', {
      version: 'v1',
      kind: 'ConfigMap',
      name: 'before',
      namespace: 'default',
    });
    await ramen.says('east', 'before', ({ status }) => status === 'True', 'the object', 40_000);
    await install(east.api, [
      {
        group: 'work.open-cluster-management.io',
        version: 'v1',
        kind: 'AppliedManifestWork',
        plural: 'appliedmanifestworks',
        scope: 'Cluster',
      },
    ]);
    const kind = { apiVersion: 'work.open-cluster-management.io/v1', kind: 'AppliedManifestWork' };
    await east.api.create('/apis/work.open-cluster-management.io/v1/appliedmanifestworks', {
      ...kind,
      metadata: { name: 'hash-work' },
    });
    await ramen.says(
      'east',
      'before',
      ({ reason, message = '' }) => reason === 'GetResourceFailed' && /klusterlet/.test(message),
      'that a klusterlet works there',
      40_000,
    );
    await ramen.createWork('east', 'refused', [map('refused')]);
    await eventually(async () => conditionOf(await ramen.work('east', 'refused'), 'Applied'), {
      what: 'the work to be looked at',
      deadlineMs: 40_000,
    });
    expect(await find(east.api, `${MAPS}/refused`)).toBeUndefined();
    // It is gone again: the bridge continues by itself.
    await east.api.delete('/apis/work.open-cluster-management.io/v1/appliedmanifestworks/hash-work');
    await ramen.applied('east', 'refused', 'True', 60_000);
  });
});

function state(object: object): string | undefined {
  const { result } = ((object as { status?: { result?: { spec?: { replicationState?: string } } } }).status ?? {}) as {
    result?: { spec?: { replicationState?: string } };
  };
  return result?.spec?.replicationState;
}
