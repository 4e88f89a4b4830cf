/** Requests of Pod owners by label, and webhooks that fail on their Pods. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge, command } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

describeScenario('Owners of Pods', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    bridge = await new Bridge({ kubeconfig: await grantedKubeconfig(get()), flags: ['--tmm-exit-timeout=5s'] }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  it('keep Pods from a drain, or have them waited for, in the spelling of Cluster API', async () => {
    const plot = await Plot.make(get(), 'owners', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    for (const [name, label] of [
      ['kept', 'Skip'],
      ['awaited', 'WaitCompleted'],
    ] as const) {
      const template = plot.template(name, { nodeName: plot.home }) as { metadata: { labels: object }; spec: object };
      const labels = { ...template.metadata.labels, 'cluster.x-k8s.io/drain': label };
      await get().api.create(`/apis/apps/v1/namespaces/${plot.namespace}/replicasets`, {
        metadata: { name },
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: name } },
          template: { ...template, metadata: { labels } },
        },
      });
      await plot.ready(name, 1, plot.home);
    }
    const uids = async () =>
      [await plot.pods('kept'), await plot.pods('awaited')].flat().map((pod) => pod.metadata.uid);
    const before = await uids();
    await plot.taint();
    await eventually(
      async () => {
        const report = await plot.report();
        const gone = report?.pods.gone === 1;
        return gone && report?.blockedBy.some(({ cause }) => cause === 'WaitsForCompletion') ? true : undefined;
      },
      { what: 'all but the Pod that is waited for to leave', deadlineMs: 30_000 },
    );
    expect(await plot.phase('Draining')).toMatchObject({ pods: { total: 2, gone: 1, staying: 1 } });
    expect(await uids()).toEqual(before);
    await plot.untaint();
    await plot.phase('none');
  });

  it('forbid an eviction for a time: a request waits for its end where that is near, and goes on by itself', async () => {
    const plot = await Plot.make(get(), 'marked', 2);
    await plot.runAtHome(() => plot.replicaSet('web', 1), 'web', 1);
    const [pod] = await plot.pods('web');
    // It counts from the start of the Pod, which was a few seconds ago, or more on a busy machine.
    const ageMs = Date.now() - Date.parse(pod?.status.startTime ?? '');
    const mark = `karpenter.sh/do-not-disrupt=${Math.ceil(ageMs / 1000) + 8}s`;
    await plot.kubectl('-n', plot.namespace, 'annotate', 'pod', pod?.metadata.name ?? '', mark);
    await plot.taint();
    expect(await plot.phase('Checking')).toMatchObject({ blockedBy: [{ cause: 'DoNotEvict' }] });
    await plot.phase('InMaintenance', plot.home, 60_000);
    await plot.untaint();
    await plot.phase('none');
  });

  it('that put a Pod back on its Node by the template are told so, and cost a few evictions', async () => {
    const plot = await Plot.make(get(), 'pinned-web', 2);
    await plot.deployment('web', 1, { nodeName: plot.home });
    await plot.ready('web', 1, plot.home);
    const foreseen = await command(['plan', plot.home, '--kubeconfig', get().kubeconfig]);
    expect(foreseen.out).toMatch(/pinned-web\/web-\S+ +ComesBack .*its template names the Node in spec.nodeName/);
    const before = await get().api.list<{ reason: string }>(`/api/v1/namespaces/${plot.namespace}/events`);
    const created = (events: readonly { reason: string }[]) =>
      events.filter(({ reason }) => reason === 'SuccessfulCreate').length;
    await plot.taint();
    const startedMs = performance.now();
    const uids = new Set<string>();
    await eventually(
      async () => {
        for (const { metadata } of await plot.pods('web')) uids.add(metadata.uid);
        expect((await plot.report())?.phase).toBe('Draining');
        return performance.now() - startedMs > 12_000 ? true : undefined;
      },
      { what: 'twelve seconds to pass', deadlineMs: 60_000 },
    );
    const after = await get().api.list<{ reason: string }>(`/api/v1/namespaces/${plot.namespace}/events`);
    // The first Pod, and one per eviction: at once, after the first return, and ten seconds after the second.
    expect(uids.size).toBeLessThanOrEqual(5);
    expect(created(after) - created(before)).toBeLessThanOrEqual(4);
    await eventually(
      async () => ((await plot.report())?.blockedBy.some(({ cause }) => cause === 'ComesBack') ? true : undefined),
      { what: 'the Pod to be told as one that comes back', deadlineMs: 60_000 },
    );
    expect(await plot.condition('Drained')).toBe('False');
    expect((await plot.events()).filter(({ reason }) => reason === 'NodeDrained')).toEqual([]);
    await plot.untaint();
  });

  it('of a kind that is not known, and that put a Pod back on the drained Node: it is not said to be drained in between', async () => {
    const plot = await Plot.make(get(), 'unknown-owner', 2);
    const widget = {
      apiVersion: 'example.org/v1',
      kind: 'Widget',
      name: 'web',
      uid: 'uid-of-a-widget',
      controller: true,
    };
    const create = async (name: string): Promise<void> => {
      const template = plot.template('web', { nodeName: plot.home }) as { metadata: object };
      await get().api.create(`/api/v1/namespaces/${plot.namespace}/pods`, {
        ...template,
        metadata: { ...template.metadata, name, ownerReferences: [widget] },
      });
    };
    const gone = () =>
      eventually(async () => ((await plot.pods('web')).length === 0 ? true : undefined), {
        what: 'the Pod to be evicted',
        deadlineMs: 60_000,
      });
    const drained = async () => (await plot.events()).filter(({ reason }) => reason === 'NodeDrained').length;
    await create('web-0');
    await plot.ready('web', 1, plot.home);
    await plot.taint();
    await plot.phase('InMaintenance');
    // From the first return on it is expected. It comes a moment after the last one has gone.
    for (const name of ['web-1', 'web-2']) {
      await create(name);
      await gone();
      expect(await plot.condition('Drained')).toBe('False');
    }
    expect(await drained()).toBe(1);
    expect(await plot.report()).toMatchObject({ phase: 'InMaintenance', returns: [{ owner: widget.uid, count: 2 }] });
    // Now it stays away.
    await eventually(async () => ((await plot.condition('Drained')) === 'True' ? true : undefined), {
      what: 'the Node to be drained again',
      deadlineMs: 60_000,
    });
    // Events are recorded in the background.
    await eventually(async () => ((await drained()) === 2 ? true : undefined), { what: 'the second Event of it' });
    await plot.untaint();
    await plot.phase('none');
  });

  itWhereThereIs('admission', 'a webhook that fails on some Pods keeps neither the others nor the Node', async () => {
    const plot = await Plot.make(get(), 'healthy-ns', 2);
    await plot.bare('told', { nodeName: plot.home });
    await plot.ready('told', 1, plot.home);
    await get().api.create('/api/v1/namespaces', { metadata: { name: 'hooked' } });
    const bare = plot.template('mute', { nodeName: plot.home }) as { metadata: object };
    for (const name of ['mute-a', 'mute-b']) {
      await get().api.create('/api/v1/namespaces/hooked/pods', { ...bare, metadata: { ...bare.metadata, name } });
    }
    await get().api.create(WEBHOOKS, {
      metadata: { name: 'nobody-behind-it' },
      webhooks: [
        {
          name: 'nobody.example.org',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds: 2,
          clientConfig: { url: 'https://127.0.0.1:1/mutate' },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'hooked' } },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods'] }],
        },
      ],
    });
    await plot.taint();
    await plot.phase('Rejected');
    await eventually(
      async () => ((await plot.pods('told'))[0]?.metadata.annotations?.['emm-failure'] ? true : undefined),
      { what: 'the Pod without a webhook to be told' },
    );
    await plot.untaint();
    await plot.phase('none');
    await eventually(
      async () =>
        (await plot.pods('told'))[0]?.metadata.annotations?.['emm-failure'] === undefined ? true : undefined,
      { what: 'the rejection to be taken off' },
    );
    await get().api.delete(`${WEBHOOKS}/nobody-behind-it`);
    await get().api.delete('/api/v1/namespaces/hooked');
  });
});
