/** ManifestWorks between real API servers: a hub and two clusters. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { RamenHub } from '../../harness/ramen.ts';
import { install, installCluster, installHub } from '../../harness/ramen-kinds.ts';
import { conditionOf, viewsPath, worksPath } from '../../harness/ramen-objects.ts';
import { find } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const UNDONE = 'Somebody undoes a change again and again';
const OWNED_BY = 'maintenance-bridge.io/owned-by';

interface ConfigMap {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

const configMap = (name: string, data: Readonly<Record<string, string>>, namespace = 'default'): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, creationTimestamp: null },
  data,
});
const path = (name: string, namespace = 'default'): string => `/api/v1/namespaces/${namespace}/configmaps/${name}`;

describeOnControlPlane('ManifestWorks', {}, (get) => {
  let east: ControlPlane;
  let ramen: RamenHub;

  beforeAll(async () => {
    east = await startControlPlane();
    await Promise.all([installHub(get()), installCluster(east)]);
    ramen = new RamenHub(get(), { east });
    await ramen.register();
    await get().api.create('/api/v1/namespaces/default/secrets', {
      metadata: { name: 's3' },
      stringData: { key: 'one' },
    });
    const place = { namespace: 'default', name: 's3' };
    ramen.start({ bridge: { copySecrets: [{ from: place, to: place }] } });
  });
  afterAll(async () => {
    await ramen?.bridge?.end();
    await east?.stop();
  });

  const map = (name: string): Promise<ConfigMap | undefined> => find<ConfigMap>(east.api, path(name));
  const becomes = (name: string, isMeant: (found: ConfigMap | undefined) => boolean, what: string): Promise<unknown> =>
    eventually(async () => (isMeant(await map(name)) ? true : undefined), {
      what: `ConfigMap ${name} to ${what}`,
      deadlineMs: 20_000,
    });
  const gone = (name: string): Promise<unknown> =>
    eventually(async () => ((await find(get().api, `${worksPath('east')}/${name}`)) === undefined ? true : undefined), {
      what: `work ${name} to go`,
      deadlineMs: 20_000,
    });

  it('keeps the ManagedCluster that an unmodified hub waits for, and copies of Secrets', async () => {
    interface Stand {
      readonly status?: {
        readonly conditions?: readonly { readonly type: string; readonly status: string }[];
        readonly clusterClaims?: readonly { readonly name: string; readonly value: string }[];
      };
    }
    const { metadata } = await east.api.get<ConfigMap>('/api/v1/namespaces/kube-system');
    const path = '/apis/cluster.open-cluster-management.io/v1/managedclusters/east';
    const joined = await eventually(
      async () => {
        const { status } = (await find<Stand>(get().api, path)) ?? {};
        return status?.conditions?.some(({ type, status }) => type === 'ManagedClusterJoined' && status === 'True')
          ? status
          : undefined;
      },
      { what: 'the ManagedCluster to be joined', deadlineMs: 20_000 },
    );
    expect(joined.clusterClaims).toEqual([{ name: 'id.k8s.io', value: metadata.uid }]);
    const copied = (value: string): Promise<unknown> =>
      eventually(
        async () => {
          const found = await find<ConfigMap>(east.api, '/api/v1/namespaces/default/secrets/s3');
          return found?.data?.key === Buffer.from(value).toString('base64') ? true : undefined;
        },
        { what: `the copy to hold ${value}`, deadlineMs: 30_000 },
      );
    await copied('one');
    await get().api.patch('/api/v1/namespaces/default/secrets/s3', { stringData: { key: 'two' } }, 'merge');
    await copied('two');
  });

  it('applies, replaces field by field, and removes what left the manifests', async () => {
    await ramen.createWork('east', 'plain', [configMap('one', { a: '1', b: '2' }), configMap('two', { a: '1' })]);
    const work = await ramen.applied('east', 'plain');
    expect(work.metadata.finalizers).toEqual(['maintenance-bridge.io/manifest-work']);
    expect(work.status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Applied True',
      'Available True',
      'Progressing False',
      'Degraded False',
    ]);
    expect(work.status?.resourceStatus?.manifests.map(({ resourceMeta }) => resourceMeta.name)).toEqual(['one', 'two']);
    expect((await map('one'))?.metadata.annotations?.[OWNED_BY]).toMatch(
      new RegExp(`/east/plain/${work.metadata.uid}$`),
    );

    await ramen.setManifests('east', 'plain', [configMap('one', { a: '9' })]);
    const next = await ramen.applied('east', 'plain');
    expect((await map('one'))?.data).toEqual({ a: '9' });
    expect(await map('two')).toBeUndefined();
    expect(next.status?.resourceStatus?.manifests.map(({ resourceMeta }) => resourceMeta.name)).toEqual(['one']);

    await get().api.delete(`${worksPath('east')}/plain`);
    await gone('plain');
    expect(await map('one')).toBeUndefined();
  });

  it('puts back what somebody changed or deleted', async () => {
    await ramen.createWork('east', 'drift', [configMap('drifts', { a: '1' })]);
    await ramen.applied('east', 'drift');
    await east.api.patch(path('drifts'), { data: { a: 'other', added: 'stays' } }, 'merge');
    await becomes('drifts', (found) => found?.data?.a === '1', 'be put back');
    expect((await map('drifts'))?.data?.added).toBe('stays');
    const before = (await map('drifts'))?.metadata.uid;
    await east.api.delete(path('drifts'));
    await becomes('drifts', (found) => found !== undefined && found.metadata.uid !== before, 'be created again');
    await get().api.delete(`${worksPath('east')}/drift`);
    await gone('drift');
    expect(await map('drifts')).toBeUndefined();
  });

  it('is not drawn into a fight: it says that somebody undoes each change, and restores the object in the end', async () => {
    await ramen.createWork('east', 'fought', [configMap('fought', { a: '1' })]);
    await ramen.applied('east', 'fought');
    const messages = async (): Promise<string> =>
      JSON.stringify((await ramen.work('east', 'fought')).status?.conditions ?? []);
    await eventually(
      async () => {
        if ((await map('fought'))?.data?.a === '1') await east.api.patch(path('fought'), { data: { a: '2' } }, 'merge');
        return (await messages()).includes('repeated with growing pauses') ? true : undefined;
      },
      { what: 'the work to say that it is undone', deadlineMs: 30_000, pollMs: 10 },
    );
    await becomes('fought', (found) => found?.data?.a === '1', 'be restored once more');
    await ramen.applied('east', 'fought');
  });

  it('is not drawn into a fight about what it writes on the hub either', async () => {
    await east.api.create('/api/v1/namespaces/default/configmaps', configMap('viewed', { a: '1' }));
    await ramen.createView('east', 'viewed', {
      kind: 'ConfigMap',
      version: 'v1',
      name: 'viewed',
      namespace: 'default',
    });
    await ramen.createWork('east', 'rewritten', [configMap('rewritten', { a: '1' })]);
    await ramen.applied('east', 'rewritten');
    const views = `${viewsPath('east')}/viewed`;
    const works = `${worksPath('east')}/rewritten`;
    const warnings = (): number => (ramen.bridge?.lines ?? []).filter(({ msg }) => msg === UNDONE).length;
    for (const [at, isAnswered] of [
      [views, async () => (await ramen.view('east', 'viewed')).status?.conditions?.length === 1],
      [works, async () => conditionOf(await ramen.work('east', 'rewritten'), 'Available') !== undefined],
    ] as const) {
      const before = warnings();
      await eventually(
        async () => {
          if (await isAnswered()) await get().api.patch(`${at}/status`, { status: { conditions: [] } }, 'merge');
          return warnings() > before ? true : undefined;
        },
        { what: `the bridge to say that ${at} is undone`, deadlineMs: 30_000, pollMs: 10 },
      );
      await eventually(async () => ((await isAnswered()) ? true : undefined), {
        what: `${at} to be written once more`,
        deadlineMs: 30_000,
      });
    }
  });

  it('brings an object up to date that was there before, and never deletes it', async () => {
    await east.api.create(path('').replace(/\/$/, ''), { metadata: { name: 'before' }, data: { theirs: 'x', a: '0' } });
    await ramen.createWork('east', 'adopts', [configMap('before', { a: '1' })]);
    await ramen.applied('east', 'adopts');
    expect((await map('before'))?.data).toEqual({ theirs: 'x', a: '1' });
    expect((await map('before'))?.metadata.annotations?.[OWNED_BY]).toBeUndefined();
    await get().api.delete(`${worksPath('east')}/adopts`);
    await gone('adopts');
    expect((await map('before'))?.data).toEqual({ theirs: 'x', a: '1' });
  });

  it('names what cannot be applied, and applies the others', async () => {
    await ramen.createWork('east', 'odd', [
      configMap('sound', { a: '1' }),
      { apiVersion: 'v1', metadata: { name: 'kindless' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'some-', namespace: 'default' } },
      { apiVersion: 'v1', kind: 'ConfigMapList', metadata: {}, items: [] },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'homeless' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'UPPER', namespace: 'default' } },
      { apiVersion: 'example.org/v1', kind: 'Later', metadata: { name: 'later' }, spec: { a: 1 } },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: 'dressed',
          namespace: 'default',
          uid: 'x',
          resourceVersion: '1',
          ownerReferences: [{ name: 'o' }],
        },
        status: {},
        data: { a: '1' },
      },
    ]);
    const work = await ramen.applied('east', 'odd', 'False');
    const messages = Object.fromEntries(
      work.status?.resourceStatus?.manifests.map(({ resourceMeta, conditions }) => [
        resourceMeta.ordinal,
        `${conditions[0]?.status} ${conditions[0]?.message}`,
      ]) ?? [],
    );
    expect(messages).toMatchObject({
      0: expect.stringMatching(/^True/),
      1: expect.stringMatching(/^False .*kind/),
      2: expect.stringMatching(/generateName/),
      3: expect.stringMatching(/lists each object by itself/),
      4: expect.stringMatching(/homeless.*needs metadata.namespace/),
      5: expect.stringMatching(/UPPER.*Invalid/),
      6: expect.stringMatching(/later.*does not serve kind Later of example.org\/v1/),
      7: expect.stringMatching(/^True/),
    });
    expect(conditionOf(work, 'Available')?.status).toBe('False');
    expect((await map('sound'))?.data).toEqual({ a: '1' });
    // A definition that is created later is noticed.
    await install(east.api, [
      { group: 'example.org', version: 'v1', kind: 'Later', plural: 'laters', scope: 'Cluster' },
    ]);
    await eventually(() => find(east.api, '/apis/example.org/v1/laters/later'), {
      what: 'the object to be applied',
      deadlineMs: 20_000,
    });
    await get().api.delete(`${worksPath('east')}/odd`);
    await gone('odd');
    expect(await map('sound')).toBeUndefined();
    expect(await find(east.api, '/apis/example.org/v1/laters/later')).toBeUndefined();
  });

  it('applies to a Namespace that another work brings, and keeps what is to be orphaned', async () => {
    await ramen.createWork('east', 'early', [configMap('guest', { a: '1' }, 'shop')]);
    await ramen.applied('east', 'early', 'False');
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', annotations: { 'maintenance-bridge.io/owned-by': 'a/b/c/d' } },
      spec: {},
    };
    await ramen.createWork('east', 'house', [namespace], { deleteOption: { propagationPolicy: 'Orphan' } });
    await ramen.applied('east', 'house');
    await ramen.applied('east', 'early', 'True', 5000);
    const found = await find<ConfigMap>(east.api, '/api/v1/namespaces/shop');
    expect(found?.metadata.annotations?.[OWNED_BY]).toBeUndefined();
    await get().api.delete(`${worksPath('east')}/house`);
    await gone('house');
    expect(await find(east.api, '/api/v1/namespaces/shop')).not.toHaveProperty(['metadata', 'deletionTimestamp']);
    await get().api.delete(`${worksPath('east')}/early`);
    await gone('early');
  });

  it('takes two works that say the same for agreed, and takes away what one alone has set when it leaves', async () => {
    // A ConfigMap stores no empty data, but the client that applied it owns the field.
    for (const name of ['twin-a', 'twin-b']) await ramen.createWork('east', name, [configMap('twin', {})]);
    for (const name of ['twin-a', 'twin-b']) await ramen.applied('east', name);
    await ramen.setManifests('east', 'twin-a', [configMap('twin', { a: '1' })]);
    await ramen.setManifests('east', 'twin-b', [configMap('twin', { b: '1' })]);
    for (const name of ['twin-a', 'twin-b']) await ramen.applied('east', name);
    expect((await map('twin'))?.data).toEqual({ a: '1', b: '1' });
    const [owner, guest] = (await map('twin'))?.metadata.annotations?.[OWNED_BY]?.includes('/twin-a/')
      ? ['twin-a', 'twin-b']
      : ['twin-b', 'twin-a'];
    await get().api.delete(`${worksPath('east')}/${guest}`);
    await gone(guest);
    expect((await map('twin'))?.data).toEqual(owner === 'twin-a' ? { a: '1' } : { b: '1' });
    await get().api.delete(`${worksPath('east')}/${owner}`);
    await gone(owner);
    expect(await map('twin')).toBeUndefined();
  });

  it('waits for an object to be gone, and lets two works share one', async () => {
    await ramen.createWork('east', 'first', [configMap('shared', { a: '1', first: 'x' })]);
    await ramen.applied('east', 'first');
    await ramen.createWork('east', 'second', [configMap('shared', { a: '1', second: 'y' })]);
    await ramen.applied('east', 'second');
    expect((await map('shared'))?.data).toEqual({ a: '1', first: 'x', second: 'y' });
    await ramen.createWork('east', 'rival', [configMap('shared', { a: 'mine' })]);
    const rival = await ramen.applied('east', 'rival', 'False');
    expect(conditionOf(rival, 'Applied')?.message).toMatch(/set otherwise by the work east\/(first|second)/);
    await get().api.delete(`${worksPath('east')}/rival`);
    await gone('rival');
    await get().api.delete(`${worksPath('east')}/first`);
    await gone('first');
    await becomes('shared', (found) => found?.data?.first === undefined, 'lose what only the first named');
    expect((await map('shared'))?.data).toEqual({ a: '1', second: 'y' });
    await east.api.patch(path('shared'), { metadata: { finalizers: ['example.org/hold'] } }, 'merge');
    await get().api.delete(`${worksPath('east')}/second`);
    await becomes('shared', (found) => found !== undefined && 'deletionTimestamp' in found.metadata, 'be deleted');
    expect(await find(get().api, `${worksPath('east')}/second`)).toBeDefined();
    await east.api.patch(path('shared'), { metadata: { finalizers: null } }, 'merge');
    await gone('second');
  });
});
