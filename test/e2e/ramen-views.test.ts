/**
 * ManagedClusterViews between real API servers, and their status when the connection is disturbed: the table of faults of
 * docs/ramen.md, row by row. In no case a view says "not found" about an existing object.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { FaultProxy } from '../../harness/fault-proxy.ts';
import { History } from '../../harness/history.ts';
import { RamenHub } from '../../harness/ramen.ts';
import { installCluster, installHub } from '../../harness/ramen-kinds.ts';
import { type Answered, conditionOf, saysAbsent, viewsPath } from '../../harness/ramen-objects.ts';
import { find } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const VRG = { apiGroup: 'ramendr.openshift.io', version: 'v1alpha1', kind: 'VolumeReplicationGroup' };
const VRGS = '/apis/ramendr.openshift.io/v1alpha1/namespaces/default/volumereplicationgroups';
/** The request for the cluster's identity: sent regularly, and after each response. */
const PROBE = 'GET /api/v1/namespaces/kube-system';
const HTML = '<html><body><h1>404</h1> page not found</body></html>';
const status = (code: number, reason: string, message: string, details?: object): string =>
  JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message,
    ...(details && { details }),
  });

describeOnControlPlane('ManagedClusterViews', {}, (get) => {
  let east: ControlPlane;
  let other: ControlPlane;
  let proxy: FaultProxy;
  let ramen: RamenHub;

  beforeAll(async () => {
    [east, other] = await Promise.all([startControlPlane(), startControlPlane()]);
    await Promise.all([installHub(get()), installCluster(east), installCluster(other)]);
    proxy = await FaultProxy.start(east);
    ramen = new RamenHub(get(), { east });
    await ramen.register({ east: proxy.kubeconfig() });
    ramen.start();
    await east.api.create(VRGS, {
      apiVersion: 'ramendr.openshift.io/v1alpha1',
      kind: 'VolumeReplicationGroup',
      metadata: { name: 'there', namespace: 'default', finalizers: ['example.org/x'] },
      spec: { replicationState: 'primary', gone: 'soon' },
    });
    await ramen.createView('east', 'there', { ...VRG, name: 'there', namespace: 'default' });
    await ramen.createView('east', 'absent', { ...VRG, name: 'absent', namespace: 'default' });
    await shown();
    await ramen.notFound('east', 'absent');
  });
  afterAll(async () => {
    await ramen?.bridge?.end();
    await proxy?.close();
    await Promise.all([east?.stop(), other?.stop()]);
  });
  afterEach(async () => {
    proxy.target = east;
    proxy.mode = 'ok';
    proxy.instead = () => undefined;
    proxy.cut();
    await shown(30_000);
    await ramen.notFound('east', 'absent', 30_000);
  });

  const shown = (deadlineMs?: number): Promise<Answered> =>
    ramen.says('east', 'there', ({ status }) => status === 'True', 'the object', deadlineMs);
  /**
   * Waits until the changes of the last test and the disconnection after it are processed: an interrupted request is repeated after
   * five seconds, even if a change has already led to another one.
   */
  const settled = (): Promise<true> => {
    let count = -1;
    let sinceMs = 0;
    return eventually(
      () => {
        const others = proxy.requests.filter((request) => request !== PROBE).length;
        if (others !== count) {
          count = others;
          sinceMs = performance.now();
        }
        return performance.now() - sinceMs >= 5500 ? true : undefined;
      },
      { what: 'the bridge to send nothing but probes for a while', deadlineMs: 20_000 },
    );
  };
  /** Both views withdraw their results, and neither says that the object does not exist. */
  const withdrawn = async (why: RegExp, deadlineMs = 60_000): Promise<void> => {
    for (const name of ['there', 'absent']) {
      const isHonest = ({ status, reason, message = '', result }: Answered): boolean =>
        status === 'False' &&
        reason === 'GetResourceFailed' &&
        !saysAbsent(message) &&
        why.test(message) &&
        result === undefined;
      await ramen.says('east', name, isHonest, `why it cannot say anything (${why})`, deadlineMs);
    }
  };

  it('shows the whole object and every change of it, replaced and not merged', async () => {
    const first = await shown();
    expect(first.message).toBe('Watching resources successfully');
    expect(first.result).toMatchObject({ kind: 'VolumeReplicationGroup', spec: { replicationState: 'primary' } });
    expect(first.result?.metadata.managedFields).toBeUndefined();
    await east.api.patch(`${VRGS}/there`, { spec: { gone: null, replicationState: 'secondary' } }, 'merge');
    const isNew = ({ result }: Answered): boolean =>
      JSON.stringify(result?.spec) === '{"replicationState":"secondary"}';
    await ramen.says('east', 'there', isNew, 'the change', 5000);
    await east.api.patch(`${VRGS}/there/status`, { status: { state: 'Secondary' } }, 'merge');
    await ramen.says(
      'east',
      'there',
      ({ result }) => JSON.stringify(result?.status) === '{"state":"Secondary"}',
      'the status',
      5000,
    );
  });

  it('says not found in the API server’s words, and of an object that goes', async () => {
    const { message } = await ramen.notFound('east', 'absent');
    expect(message).toBe(
      'failed to get resource with err: volumereplicationgroups.ramendr.openshift.io "absent" not found',
    );
    await east.api.create(VRGS, {
      apiVersion: 'ramendr.openshift.io/v1alpha1',
      kind: VRG.kind,
      metadata: { name: 'passing' },
    });
    await ramen.createView('east', 'passing', { ...VRG, name: 'passing', namespace: 'default' });
    await ramen.says('east', 'passing', ({ status }) => status === 'True', 'it');
    await east.api.delete(`${VRGS}/passing`);
    await ramen.notFound('east', 'passing', 5000);
  });

  it('writes nothing while nothing changes, and asks at most once a second', async () => {
    await settled();
    const { metadata } = await ramen.view('east', 'there');
    const before = proxy.requests.length;
    const startedMs = performance.now();
    await eventually(() => (performance.now() - startedMs > 5000 ? true : undefined), { what: 'five seconds to pass' });
    expect((await ramen.view('east', 'there')).metadata.resourceVersion).toBe(metadata.resourceVersion);
    const asked = proxy.requests.slice(before);
    expect(asked.length, asked.join('\n')).toBeLessThanOrEqual(5);
  });

  it('refuses what cannot be asked for', async () => {
    const refused = async (name: string, scope: object, reason: string): Promise<void> => {
      await ramen.createView('east', name, scope);
      const answer = await ramen.says('east', name, (said) => said.reason === reason, reason);
      expect(saysAbsent(answer.message ?? '')).toBe(false);
    };
    await refused('slash', { ...VRG, name: 'a/b', namespace: 'default' }, 'ResourceNameInvalid');
    await refused('encoded', { ...VRG, name: 'a%2Fb', namespace: 'default' }, 'ResourceNameInvalid');
    await refused('secret', { version: 'v1', kind: 'Secret', name: 'x', namespace: 'default' }, 'ResourceTypeInvalid');
    await refused('kindless', { apiGroup: 'apps', name: 'x', namespace: 'default' }, 'ResourceTypeInvalid');
    await refused(
      'unserved',
      { apiGroup: 'nowhere.example.org', version: 'v1', kind: 'Thing', name: 'x' },
      'ResourceGVKInvalid',
    );
    await refused('missing-kind', { ...VRG, kind: 'Recipe', name: 'x', namespace: 'default' }, 'ResourceGVKInvalid');
  });

  it('takes a resource in the place of a kind, with and without a namespace', async () => {
    await ramen.createView('east', 'by-resource', { resource: 'namespaces', name: 'default' });
    await ramen.says('east', 'by-resource', ({ result }) => result?.kind === 'Namespace', 'the Namespace');
  });

  it.each<[string, () => void, RegExp]>([
    [
      'every connection closes',
      () => {
        proxy.mode = 'down';
        proxy.cut();
      },
      /cannot be asked/,
    ],
    [
      'the server freezes',
      () => {
        proxy.mode = 'frozen';
      },
      /cannot be asked|Unreachable/,
    ],
    [
      'a proxy answers 404 with a page',
      () => {
        proxy.instead = () => ({ code: 404, body: HTML, type: 'text/html' });
        proxy.cut();
      },
      /./,
    ],
    [
      'a proxy answers 200 with a page',
      () => {
        proxy.instead = () => ({ code: 200, body: HTML, type: 'text/html' });
        proxy.cut();
      },
      /./,
    ],
    [
      'a load balancer answers a bare 404',
      () => {
        proxy.instead = () => ({ code: 404, body: 'default backend - 404' });
        proxy.cut();
      },
      /./,
    ],
    [
      'something answers a Status that does not name the object',
      () => {
        proxy.instead = () => ({
          code: 404,
          body: status(404, 'NotFound', 'the server could not find the requested resource', {}),
        });
        proxy.cut();
      },
      /./,
    ],
    [
      'the credentials are refused',
      () => {
        proxy.instead = () => ({ code: 401, body: status(401, 'Unauthorized', 'Unauthorized') });
        proxy.cut();
      },
      /401|Unauthorized/,
    ],
    [
      'another cluster answers',
      () => {
        proxy.target = other;
        proxy.cut();
      },
      /another cluster/,
    ],
  ])(
    'withdraws what it said when %s',
    async (_, breakIt, why) => {
      breakIt();
      await withdrawn(why);
    },
    60_000,
  );

  it.each<[string, number, string, RegExp]>([
    ['403', 403, status(403, 'Forbidden', 'volumereplicationgroups is forbidden: not found'), /Forbidden/],
    ['a 404 of the path', 404, status(404, 'NotFound', 'the server could not find the requested resource', {}), /./],
    [
      'a 404 of another object',
      404,
      status(404, 'NotFound', 'x "y" not found', { name: 'y', group: VRG.apiGroup, kind: 'volumereplicationgroups' }),
      /PathNotFound/,
    ],
    ['500', 500, status(500, 'InternalError', 'etcd: key not found'), /./],
    ['503', 503, 'service not found', /./],
    ['429', 429, status(429, 'TooManyRequests', 'not found'), /./],
    ['JSON of somebody else', 200, '{"message":"not found"}', /something else/],
  ])('does not take %s for absence', async (_, code, body, why) => {
    proxy.instead = (method, path) =>
      method === 'GET' && /volumereplicationgroups\/(there|absent)/.test(path) ? { code, body } : undefined;
    for (const name of ['there', 'absent']) {
      await get().api.patch(
        `${viewsPath('east')}/${name}`,
        { metadata: { annotations: { touched: String(code) + body.length } } },
        'merge',
      );
    }
    await withdrawn(why);
  });

  it('goes on with three clusters of which one freezes, one is another one for a while, and one gets a new certificate', async () => {
    const servers = { north: east, west: other, south: get() };
    const names = ['north', 'west', 'south'] as const;
    const [north, west, south] = await Promise.all(names.map((name) => FaultProxy.start(servers[name])));
    if (north === undefined || west === undefined || south === undefined) throw new Error('Three proxies start');
    const three = new RamenHub(get(), servers);
    await three.register({ north: north.kubeconfig(), west: west.kubeconfig(), south: south.kubeconfig() });
    const bridge = three.start();
    const history = await History.start(get(), names.map(viewsPath));
    const map = (name: string, a: string): object => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `of-${name}`, namespace: 'default' },
      data: { a },
    });
    const shows = (name: string, a: string): Promise<Answered> =>
      three.says(
        name,
        'there',
        ({ result }) => JSON.stringify(result?.data) === JSON.stringify({ a }),
        `a: ${a}`,
        60_000,
      );
    try {
      for (const name of names) {
        await three.createWork(name, 'carried', [map(name, '1')]);
        const scope = { version: 'v1', kind: 'ConfigMap', namespace: 'default' };
        await three.createView(name, 'there', { ...scope, name: `of-${name}` });
        await three.createView(name, 'absent', { ...scope, name: 'absent' });
      }
      for (const name of names) {
        await three.applied(name, 'carried', 'True', 60_000);
        await shows(name, '1');
        await three.notFound(name, 'absent', 60_000);
      }

      north.mode = 'frozen';
      west.target = east;
      west.cut();
      south.renew();
      for (const name of names) await three.setManifests(name, 'carried', [map(name, '2')]);
      for (const name of names) {
        await eventually(
          async () => {
            const work = await three.work(name, 'carried');
            const applied = conditionOf(work, 'Applied');
            return applied?.status === 'False' && applied.observedGeneration === work.metadata.generation
              ? true
              : undefined;
          },
          { what: `work ${name}/carried to take Applied back`, deadlineMs: 30_000 },
        );
        const isHonest = ({ status, reason, message = '', result }: Answered): boolean =>
          status === 'False' && reason === 'GetResourceFailed' && !saysAbsent(message) && result === undefined;
        for (const view of ['there', 'absent']) await three.says(name, view, isHonest, 'why it cannot tell', 60_000);
      }
      // Nothing intended for one cluster was applied to the other one that answered instead.
      expect(await find(east.api, '/api/v1/namespaces/default/configmaps/of-west')).toBeUndefined();

      north.mode = 'ok';
      north.cut();
      west.target = other;
      west.cut();
      await three.setKubeconfig('south', south.kubeconfig());
      for (const name of names) {
        await three.applied(name, 'carried', 'True', 60_000);
        await shows(name, '2');
        await three.notFound(name, 'absent', 60_000);
      }
      for (const name of names) {
        const said = history.changes().flatMap(({ object: { metadata, status } }) => {
          const { conditions = [] } = (status ?? {}) as { conditions?: readonly { message: string }[] };
          return metadata.name === 'there' && metadata.namespace === name
            ? conditions.map(({ message }) => message)
            : [];
        });
        // Before the work was applied, the object did not exist.
        const since = said.slice(said.indexOf('Watching resources successfully'));
        expect(since.filter(saysAbsent), name).toEqual([]);
      }
    } finally {
      history.stop();
      await bridge.end();
      await Promise.all([north, west, south].map((proxy) => proxy.close()));
    }
  });
});
