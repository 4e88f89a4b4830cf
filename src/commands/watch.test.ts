import { afterEach, describe, expect, it } from 'vitest';
import { FakeStream } from '../../harness/doubles/fake-stream.ts';
import { PushedApi } from '../../harness/doubles/pushed-api.ts';
import { eventually } from '../../harness/wait.ts';
import { formatReport, type Report } from '../tmm/model/report.ts';
import { REPORT_ANNOTATION } from '../tmm/names.ts';
import type { Format } from './format.ts';
import { Overview } from './overview.ts';
import { presenterFor } from './presenters.ts';
import { configure } from './settings.ts';
import { terminalOf } from './terminal.ts';
import { follow } from './watch.ts';

const DRAINING: Report = {
  session: 's',
  phase: 'Draining',
  started: '2026-11-21T09:00:00Z',
  since: '2026-11-21T09:00:00Z',
  deadline: '2026-11-21T10:00:00Z',
  message: 'Evicting',
  pods: { total: 8, gone: 2, staying: 0 },
  blockedBy: [],
};
const NOW = Date.parse('2026-11-21T09:00:30Z');

function rawNode(name: string, resourceVersion: string, report?: Report): object {
  const annotations = report === undefined ? {} : { [REPORT_ANNOTATION]: formatReport(report) };
  return { metadata: { name, uid: `uid-of-${name}`, resourceVersion, annotations } };
}

const P = 'runtime-extension-maintenance-controller.cloud.sap';
const named = (name: string) => ({ name, namespace: 'metal', uid: `uid-of-${name}`, resourceVersion: '1' });

function settings() {
  const configured = configure(new Map(), {});
  if (configured.is === 'faults') throw new Error(configured.faults.join());
  return configured.settings;
}

const stopped: AbortController[] = [];
afterEach(() => {
  for (const stop of stopped.splice(0)) stop.abort();
});

/** A watch over one Node that drains, after its first answer has been shown. */
async function watching(stream: FakeStream, { output = 'text' as Format, all = false } = {}) {
  const api = new PushedApi({ '/api/v1/nodes': [rawNode('worker-1', '1', DRAINING), rawNode('worker-2', '1')] });
  const stop = new AbortController();
  stopped.push(stop);
  const errors: string[] = [];
  const display = {
    terminal: terminalOf(stream, { env: {}, noColour: true }),
    writeError: (text: string) => errors.push(text),
    now: () => NOW,
  };
  const overview = await Overview.prepare(api, { namespaces: [] }, settings(), stop.signal);
  const ended = follow(api, overview, presenterFor({ output, all }, display), { now: () => NOW, stop: stop.signal });
  await eventually(() => (stream.written.includes('worker-1') ? true : undefined), { what: 'the first answer' });
  await api.watched('/api/v1/nodes');
  return { api, stop, ended, errors };
}

const seen = (stream: FakeStream, text: string) =>
  eventually(() => (stream.screen().join('\n').includes(text) ? true : undefined), { what: `${text} on the screen` });

describe('`follow()`', () => {
  it('prints a line per change where it writes to a pipe, and asks for nothing again', async () => {
    const stream = new FakeStream({ isTTY: false });
    const { api, stop, ended } = await watching(stream);
    const done: Report = { ...DRAINING, phase: 'InMaintenance', pods: { total: 8, gone: 8, staying: 0 } };
    api.push('/api/v1/nodes', 'MODIFIED', rawNode('worker-1', '2', done));
    await seen(stream, 'InMaintenance');
    // A change that is not worth showing, like a kubelet's status report.
    api.push('/api/v1/nodes', 'MODIFIED', rawNode('worker-2', '2'));
    api.push('/api/v1/nodes', 'DELETED', rawNode('worker-1', '3', done));
    await seen(stream, 'Deleted');
    expect(stream.screen().map((line) => line.split(/\s+/, 4))).toEqual([
      ['2026-11-21T09:00:30Z', 'node/worker-1', 'Draining', '2/8'],
      ['2026-11-21T09:00:30Z', 'node/worker-1', 'InMaintenance', '8/8'],
      ['2026-11-21T09:00:30Z', 'node/worker-1', 'Deleted', '8/8'],
    ]);
    expect(api.lists.filter((path) => path === '/api/v1/nodes')).toHaveLength(1);
    stop.abort();
    await ended;
  });

  it('prints no line twice for what none of its columns shows', async () => {
    const stream = new FakeStream({ isTTY: false });
    const { api } = await watching(stream);
    api.push('/api/v1/nodes', 'MODIFIED', rawNode('worker-1', '2', { ...DRAINING, message: 'Evicting still' }));
    const further = { ...DRAINING, pods: { total: 8, gone: 3, staying: 0 } };
    api.push('/api/v1/nodes', 'MODIFIED', rawNode('worker-1', '3', further));
    await seen(stream, '3/8');
    expect(stream.screen().map((line) => line.split(/\s+/, 4)[3])).toEqual(['2/8', '3/8']);
  });

  it('writes JSON lines also on a terminal', async () => {
    const stream = new FakeStream();
    await watching(stream, { output: 'json', all: true });
    const documents = stream.screen().map((line) => JSON.parse(line));
    expect(documents).toMatchObject([
      { type: 'ADDED', object: { kind: 'Node', name: 'worker-1', state: 'Draining', progress: { done: 2, total: 8 } } },
      { type: 'ADDED', object: { kind: 'Node', name: 'worker-2', state: 'Idle' } },
    ]);
  });

  it('draws in place on a terminal, with a bar, and gives the cursor back in the end', async () => {
    const stream = new FakeStream({ columns: 100 });
    const { api, stop, ended } = await watching(stream);
    expect(stream.screen()[1]).toBe('node/worker-1  Draining  ███░░░░░░░░░ 2/8  30s    59m   Pods that are leaving');
    expect(stream.isCursorHidden()).toBe(true);
    stream.resize(24);
    expect(stream.screen()).toEqual(['OBJECT         STATE', 'node/worker-1  Draining']);
    api.push('/api/v1/nodes', 'MODIFIED', rawNode('worker-1', '2'));
    await seen(stream, 'Nothing is under way.');
    stop.abort();
    expect(stream.isCursorHidden()).toBe(false);
    await ended;
  });

  it('tells of a watch that fails and of its return, beside the answer', async () => {
    const stream = new FakeStream({ isTTY: false });
    const { api, errors } = await watching(stream);
    api.cut('/api/v1/nodes', 'connection reset');
    await api.watched('/api/v1/nodes');
    api.push('/api/v1/nodes', 'MODIFIED', rawNode('worker-2', '2'));
    await eventually(() => (errors.length >= 2 ? true : undefined), { what: 'both notices' });
    expect(errors).toEqual(['Watch failed, trying again: nodes: connection reset\n', 'Watch recovered: nodes\n']);
    expect(stream.screen()).toHaveLength(1);
  });
});

describe('`Overview.look()`', () => {
  it('leaves out what it cannot see, and says what that is', async () => {
    const api = new PushedApi({ '/api/v1/nodes': [rawNode('worker-1', '1', DRAINING)] });
    const overview = await Overview.prepare(api, { namespaces: [] }, settings(), AbortSignal.timeout(5000));
    expect(await overview.look(api, AbortSignal.timeout(5000))).toEqual([]);
    expect(overview.explanations(NOW)).toMatchObject([{ name: 'worker-1', state: 'Draining' }]);

    const blind = new PushedApi({});
    const nothing = await Overview.prepare(blind, { namespaces: [] }, settings(), AbortSignal.timeout(5000));
    expect(await nothing.look(blind, AbortSignal.timeout(5000))).toEqual(['/api/v1/nodes is forbidden']);
    expect(nothing.isComplete()).toBe(false);
    expect(nothing.explanations(NOW)).toEqual([]);
  });

  const kinds: Readonly<Record<string, { path: string; objects: readonly object[]; shows: readonly string[] }>> = {
    nodes: { path: '/api/v1/nodes', objects: [rawNode('worker-1', '1', DRAINING)], shows: ['Node worker-1'] },
    machines: {
      path: '/apis/cluster.x-k8s.io/v1beta2/machines',
      objects: [
        {
          metadata: {
            ...named('m'),
            labels: { [`${P}/enabled`]: 'true', [`${P}/maintenance`]: 'approved' },
          },
          spec: { clusterName: 'c', providerID: 'metal3://metal/m/m' },
          status: { nodeRef: { name: 'worker-1' } },
        },
      ],
      shows: ['Machine metal/m'],
    },
    clusters: {
      path: '/apis/cluster.x-k8s.io/v1beta2/clusters',
      objects: [{ metadata: named('c'), spec: {} }],
      shows: [],
    },
    baremetalhosts: {
      path: '/apis/metal3.io/v1alpha1/baremetalhosts',
      objects: [
        { metadata: { ...named('m'), annotations: { [`reboot.metal3.io/${P.split('.')[0]}`]: '' } }, spec: {} },
      ],
      shows: ['BareMetalHost metal/m'],
    },
    ...Object.fromEntries(
      (
        [
          ['maintenancemodes', '/apis/ramendr.openshift.io/v1alpha1', 'MaintenanceMode m', {}],
          ['manifestworks', '/apis/work.open-cluster-management.io/v1', 'ManifestWork metal/m', { namespace: 'metal' }],
          [
            'managedclusterviews',
            '/apis/view.open-cluster-management.io/v1beta1',
            'ManagedClusterView metal/m',
            { namespace: 'metal' },
          ],
        ] as const
      ).map(([plural, root, shown, where]) => [
        plural,
        {
          path: `${root}/${plural}`,
          objects: [{ metadata: { ...named('m'), namespace: undefined, ...where }, spec: {} }],
          shows: [shown],
        },
      ]),
    ),
  };
  const lookWithout = async (forbidden: string | undefined) => {
    const api = new PushedApi(
      Object.fromEntries(
        Object.entries(kinds).flatMap(([plural, { path, objects }]) => (plural === forbidden ? [] : [[path, objects]])),
      ),
      Object.values(kinds).map(({ path }) => path),
    );
    const overview = await Overview.prepare(api, { namespaces: [] }, settings(), AbortSignal.timeout(5000));
    const faults = await overview.look(api, AbortSignal.timeout(5000));
    return { faults, explanations: overview.explanations(NOW) };
  };
  const shownIn = (explanations: readonly { kind: string; name: string }[]) =>
    explanations.map(({ kind, name }) => `${kind} ${name}`);

  it('shows every kind to whoever may read all of them', async () => {
    const { faults, explanations } = await lookWithout(undefined);
    expect(faults).toEqual([]);
    expect(shownIn(explanations).sort()).toEqual(
      Object.values(kinds)
        .flatMap(({ shows }) => shows)
        .sort(),
    );
    expect(explanations.flatMap(({ details }) => details).filter((detail) => detail.startsWith('Not seen'))).toEqual(
      [],
    );
  });

  it.each(Object.entries(kinds))(
    'shows everything else to whoever may not read %s, and says what it lacks',
    async (plural, { path, shows }) => {
      const { faults, explanations } = await lookWithout(plural);
      expect(faults).toEqual([`${path} is forbidden`]);
      const others = Object.values(kinds)
        .flatMap((kind) => kind.shows)
        .filter((shown) => !shows.includes(shown));
      expect(shownIn(explanations).sort()).toEqual(others.sort());
      const lacking = explanations.filter(
        ({ details, state }) => state.endsWith('Unseen') || details.some((detail) => detail.startsWith('Not seen')),
      );
      const unsure = { clusters: ['Machine metal/m', 'BareMetalHost metal/m'], machines: ['BareMetalHost metal/m'] };
      expect(shownIn(lacking)).toEqual(unsure[plural as 'clusters'] ?? []);
    },
  );

  it('goes on where a watch is forbidden, with what the others say', async () => {
    const withoutClusters = Object.entries(kinds).filter(([plural]) => plural !== 'clusters');
    const api = new PushedApi(
      Object.fromEntries(withoutClusters.map(([, { path, objects }]) => [path, objects])),
      Object.values(kinds).map(({ path }) => path),
    );
    const stop = new AbortController();
    stopped.push(stop);
    const overview = await Overview.prepare(api, { namespaces: [] }, settings(), stop.signal);
    const stream = new FakeStream();
    const display = { terminal: terminalOf(stream, { env: {}, noColour: true }), writeError: () => {}, now: () => NOW };
    const presenter = presenterFor({ output: 'text', all: true }, display);
    const ended = follow(api, overview, presenter, { now: () => NOW, stop: stop.signal });
    await eventually(() => (stream.written.includes('machine/m') ? true : undefined), {
      what: 'the Machine to be shown',
    });
    stop.abort();
    await ended;
  });
});
