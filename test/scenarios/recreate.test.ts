/** Pods without a controller that are stored, evicted and created again (`tmm.unmanagedPods: recreate`). */
import { beforeAll, expect, it } from 'vitest';
import { Plot } from '../../harness/plot.ts';
import type { Bridge } from '../../harness/program.ts';
import { asks, Bridges, killed } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import type { ServedPod } from '../../harness/workloads.ts';
import { describeScenario } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const OWN_NAMESPACE = 'maintenance-bridge';
const SECRETS = `/api/v1/namespaces/${OWN_NAMESPACE}/secrets`;

/** The address is written by a network plugin for that one Pod. */
const NOTES = { 'example.com/note': 'keep', 'cni.projectcalico.org/podIP': '10.0.0.1/32' };

interface ServedSecret {
  readonly type: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
}
interface WholePod extends ServedPod {
  readonly spec: ServedPod['spec'] & {
    readonly containers: readonly object[];
    readonly volumes: readonly { readonly name: string }[];
  };
}

describeScenario('Pods without a controller', OPTIONS, (get) => {
  const bridges = new Bridges(get, {
    flags: ['--leader-elect=false', '--tmm-unmanaged-pods=recreate', '--tmm-max-concurrent-nodes=100'],
    env: { POD_NAMESPACE: OWN_NAMESPACE },
  });
  let kubeconfig: string;
  beforeAll(async () => {
    kubeconfig = await grantedKubeconfig(get(), { tmm: { unmanagedPods: 'recreate' }, capi: {} });
  });
  /** With the rights that the program declares. */
  const start = (): Bridge => bridges.start([], { kubeconfig });
  /** The Secrets with stored Pods of the plot. */
  const stored = async (plot: Plot): Promise<readonly ServedSecret[]> =>
    (
      await get().api.list<ServedSecret>(SECRETS, {
        labelSelector: 'app.kubernetes.io/managed-by=maintenance-bridge',
      })
    ).filter(({ metadata }) => metadata.annotations['maintenance-bridge.io/pod']?.startsWith(`${plot.namespace}/`));
  const nothingStored = (plot: Plot): Promise<true> =>
    eventually(async () => ((await stored(plot)).length === 0 ? true : undefined), { what: 'no Secret to be left' });
  const find = async (plot: Plot, name: string): Promise<WholePod | undefined> =>
    (await get().api.list<WholePod>(`/api/v1/namespaces/${plot.namespace}/pods`)).find(
      ({ metadata }) => metadata.name === name,
    );
  const uids = async (plot: Plot): Promise<readonly string[]> =>
    (await plot.pods()).map(({ metadata }) => metadata.uid);
  /** A plot with bare Pods at home, all of them ready. */
  const makeBare = async (name: string, ...pods: readonly string[]): Promise<Plot> => {
    const plot = await Plot.make(get(), name, 2);
    for (const pod of pods) await plot.bare(pod, { nodeName: plot.home });
    for (const pod of pods) await plot.ready(pod, 1);
    return plot;
  };

  it('come back as they were', async () => {
    const plot = await Plot.make(get(), 'as-it-was', 2);
    await plot.runAtHome(
      () =>
        get().api.create(`/api/v1/namespaces/${plot.namespace}/pods`, {
          metadata: { name: 'tool', labels: { app: 'tool', team: 'a' }, annotations: NOTES },
          spec: {
            nodeSelector: { plot: plot.namespace },
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                name: 'main',
                image: 'registry.invalid/main',
                env: [{ name: 'PASSWORD', value: 'hush-hush' }],
                volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
              },
            ],
            volumes: [
              { name: 'scratch', emptyDir: {} },
              { name: 'settings', configMap: { name: 'settings', optional: true } },
            ],
          },
        }),
      'tool',
      1,
    );
    const before = await find(plot, 'tool');
    const bridge = await start().leads();
    await plot.taint();
    await plot.phase('InMaintenance');
    expect(await plot.pods()).toEqual([]);
    expect(await stored(plot)).toMatchObject([
      {
        type: 'maintenance-bridge.io/pod',
        metadata: {
          name: `tmm-pod-${before?.metadata.uid}`,
          annotations: { 'maintenance-bridge.io/node': plot.home, 'maintenance-bridge.io/pod': 'as-it-was/tool' },
        },
      },
    ]);

    await plot.untaint();
    await plot.phase('none');
    const after = await find(plot, 'tool');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.metadata.labels).toEqual(before?.metadata.labels);
    expect(after?.metadata.annotations).toEqual({ 'example.com/note': 'keep' });
    expect(withoutToken(after)).toEqual(withoutToken(before));
    // A server with ServiceAccount admission adds one, as before.
    expect(after?.spec.volumes.filter(isToken)).toHaveLength(before?.spec.volumes.filter(isToken).length ?? -1);
    expect(after?.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    expect(await stored(plot)).toEqual([]);
    expect((await plot.event('PodRestored')).note).toBe('Pod as-it-was/tool was created again');
    await plot.event('MaintenanceEnded');
    expect(JSON.stringify(bridge.lines)).not.toContain('hush-hush');
    expect(bridge.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('are all stored before the first of all Pods is evicted', async () => {
    const plot = await makeBare('all-first', 'one', 'two');
    await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
    start();
    await plot.taint();
    await plot.phase('InMaintenance');
    // Before an eviction, its state is written to the existing Secret: the attempt to create it is refused.
    const stores = (await get().auditEvents()).filter(
      ({ objectRef, verb, responseStatus }) =>
        objectRef?.resource === 'secrets' && verb === 'create' && responseStatus?.code === 201,
    );
    const writes = [
      ...stores.map(({ requestReceivedTimestamp: at }) => ({ what: 'store', at })),
      ...(await plot.evictions()).map(({ requestReceivedTimestamp: at }) => ({ what: 'evict', at })),
    ];
    const order = writes.sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ what }) => what);
    expect(order.slice(-6)).toEqual(['store', 'store', 'evict', 'evict', 'evict', 'evict']);
    await plot.untaint();
    await plot.phase('none');
    expect((await plot.pods()).map(({ metadata }) => metadata.labels?.app).sort()).toEqual([
      'one',
      'two',
      'web',
      'web',
    ]);
    await nothingStored(plot);
  });

  it('are not run again where they ended before their eviction: by themselves, or by somebody while nobody looked', async () => {
    const plot = await makeBare('not-ours', 'one', 'two', 'three');
    const first = bridges.startAndKillAfter(asks('POST', /\/secrets(\?|$)/), 2);
    await plot.taint();
    await killed(first);
    const [deleted = '', finished = ''] = (await stored(plot)).map(
      ({ metadata }) => metadata.annotations['maintenance-bridge.io/pod']?.split('/')[1] ?? '',
    );
    const rest = ['one', 'two', 'three'].find((name) => name !== deleted && name !== finished) ?? '';
    await get().api.delete(`/api/v1/namespaces/${plot.namespace}/pods/${deleted}`);
    await plot.endPod(finished);
    await eventually(async () => ((await find(plot, deleted)) === undefined ? true : undefined), {
      what: 'the deleted Pod to be gone',
    });
    start();
    await plot.phase('InMaintenance');
    await eventually(
      async () =>
        (await plot.events()).filter(({ reason }) => reason === 'StoredPodDiscarded').length === 2 || undefined,
      { what: 'both to be told as not ours' },
    );
    expect((await stored(plot)).map(({ metadata }) => metadata.annotations['maintenance-bridge.io/pod'])).toEqual([
      `${plot.namespace}/${rest}`,
    ]);
    await plot.untaint();
    await plot.phase('none');
    await nothingStored(plot);
    expect((await find(plot, rest))?.status.phase).toBe('Running');
    expect(await find(plot, deleted)).toBeUndefined();
    expect((await find(plot, finished))?.status.phase).toBe('Succeeded');
  });

  it.each([
    { name: 'kill-store', after: 'the first was stored', isMeant: asks('POST', /\/secrets(\?|$)/), nth: 1 },
    { name: 'kill-evict-1', after: 'the first was evicted', isMeant: asks('POST', /\/eviction$/), nth: 1 },
    { name: 'kill-evict-2', after: 'the second was evicted', isMeant: asks('POST', /\/eviction$/), nth: 2 },
  ])('are not lost when the process is killed after $after', async ({ name, isMeant, nth }) => {
    const plot = await makeBare(name, 'one', 'two');
    const before = await uids(plot);
    const first = bridges.startAndKillAfter(isMeant, nth);
    await plot.taint();
    await killed(first);
    start();
    await plot.phase('InMaintenance');
    expect((await stored(plot)).length).toBe(2);
    await plot.untaint();
    await plot.phase('none');
    await Promise.all(['one', 'two'].map((pod) => plot.ready(pod, 1)));
    for (const uid of await uids(plot)) expect(before).not.toContain(uid);
    await nothingStored(plot);
  });

  it.each([
    { name: 'kill-create-1', after: 'the first was created', isMeant: asks('POST', /\/pods\?/), nth: 1 },
    { name: 'kill-create-2', after: 'the second was created', isMeant: asks('POST', /\/pods\?/), nth: 2 },
    { name: 'kill-delete-1', after: 'the first Secret was deleted', isMeant: asks('DELETE', /\/secrets\//), nth: 1 },
    { name: 'kill-delete-2', after: 'the second Secret was deleted', isMeant: asks('DELETE', /\/secrets\//), nth: 2 },
  ])('are created once when the process is killed after $after', async ({ name, isMeant, nth }) => {
    const plot = await makeBare(name, 'one', 'two');
    const before = await start().leads();
    await plot.taint();
    await plot.phase('InMaintenance');
    await before.end('SIGKILL');
    const second = bridges.startAndKillAfter(isMeant, nth);
    await plot.untaint();
    await killed(second);
    const created = await uids(plot);
    start();
    await plot.phase('none');
    await nothingStored(plot);
    await Promise.all(['one', 'two'].map((pod) => plot.ready(pod, 1)));
    expect(await uids(plot)).toHaveLength(2);
    expect(await uids(plot)).toEqual(expect.arrayContaining([...created]));
    expect((await plot.events()).map(({ reason }) => reason)).not.toContain('PodNotRestored');
  });

  it('come back at the start where the taint went while nobody ran', async () => {
    const plot = await makeBare('gone-meanwhile', 'one');
    const first = start();
    await plot.taint();
    await plot.phase('InMaintenance');
    await first.end('SIGKILL');
    await plot.untaint();
    start();
    await plot.phase('none');
    await plot.ready('one', 1);
    await nothingStored(plot);
  });

  it('come back elsewhere when their Node is deleted', async () => {
    const plot = await makeBare('node-gone', 'one');
    start();
    await plot.taint();
    await plot.phase('InMaintenance');
    await plot.kubectl('delete', 'node', plot.home);
    await plot.ready('one', 1, plot.nodes[1]);
    await nothingStored(plot);
  });

  it('give way to another Pod of their name', async () => {
    const plot = await makeBare('taken', 'one');
    start();
    await plot.taint();
    await plot.phase('InMaintenance');
    await plot.bare('one', { containers: [{ name: 'main', image: 'registry.invalid/theirs' }] });
    const [theirs] = await plot.ready('one', 1);
    await plot.untaint();
    await plot.phase('none');
    expect((await plot.event('PodNotRestored')).note).toContain('somebody has created another Pod of that name');
    expect(await uids(plot)).toEqual([theirs?.metadata.uid]);
    await nothingStored(plot);
  });

  it('stay in a Secret that somebody has edited, and the maintenance ends', async () => {
    const plot = await makeBare('edited', 'one');
    start();
    await plot.taint();
    await plot.phase('InMaintenance');
    const [secret] = await stored(plot);
    await get().api.patch(`${SECRETS}/${secret?.metadata.name}`, { data: { 'pod.json': 'e30=' } }, 'merge');
    await plot.untaint();
    await plot.phase('none');
    expect((await plot.event('PodNotRestored')).note).toContain('does not hold the manifest of a Pod any more');
    expect(await stored(plot)).toHaveLength(1);
    expect(await plot.pods()).toEqual([]);
  });

  it('are tried again when they cannot be created', async () => {
    const plot = await makeBare('refused', 'one');
    bridges.startBehindRelay();
    await plot.taint();
    await plot.phase('InMaintenance');
    let refusals = 0;
    bridges.relay.substitute = ({ method, path }) => {
      if (method !== 'POST' || !path.startsWith(`/api/v1/namespaces/${plot.namespace}/pods?`) || refusals === 2) return;
      refusals += 1;
      const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403 };
      return { code: 403, body: { ...status, message: 'exceeded quota' } };
    };
    await plot.untaint();
    await plot.phase('none');
    expect(refusals).toBe(2);
    await plot.ready('one', 1);
    await nothingStored(plot);
  });

  it('lead to a rejection before the first eviction when one is too large to be stored', async () => {
    const plot = await makeBare('too-large', 'one');
    const notes = Object.fromEntries(
      Array.from({ length: 4 }, (_, index) => [`example.com/note-${index}`, 'x'.repeat(60_000)]),
    );
    const env = Array.from({ length: 8 }, (_, index) => ({ name: `NOTE_${index}`, value: 'x'.repeat(100_000) }));
    await plot.runAtHome(
      () =>
        get().api.create(`/api/v1/namespaces/${plot.namespace}/pods`, {
          metadata: { name: 'large', labels: { app: 'large' }, annotations: notes },
          spec: {
            nodeSelector: { plot: plot.namespace },
            containers: [{ name: 'main', image: 'registry.invalid/main', env }],
          },
        }),
      'large',
      1,
    );
    const before = await uids(plot);
    start();
    await plot.taint();
    expect(await plot.phase('Rejected')).toMatchObject({
      reason: 'GenericFailure',
      message: expect.stringMatching(/^Pod too-large\/large: Its manifest has \d+ bytes, and a Secret takes 921600$/),
    });
    expect(await uids(plot)).toEqual(before);
  });
});

const isToken = ({ name }: { readonly name: string }): boolean => name.startsWith('kube-api-access-');

/** Without the Node and the token volume, whose name differs each time. */
function withoutToken(pod: WholePod | undefined): object | undefined {
  if (pod === undefined) return undefined;
  const { nodeName: _, volumes, ...spec } = pod.spec;
  const kept = { ...spec, volumes: volumes.filter((volume) => !isToken(volume)) };
  return JSON.parse(JSON.stringify(kept).replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'token'));
}
