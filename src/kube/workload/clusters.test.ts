import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { ScriptedAnswer, ScriptedRequest } from '../../../harness/doubles/scripted-server.ts';
import { soon } from '../../../harness/doubles/soon.ts';
import { WorkloadServer } from '../../../harness/doubles/workload-server.ts';
import type { ConnectionStatus } from '../../core/clusters.ts';
import { NODE } from '../../core/objects.ts';
import { KubeError } from '../http/errors.ts';
import { ClusterSet } from './clusters.ts';
import { type ConnectionTimings, DEFAULT_TIMINGS } from './connection.ts';

const A = 'tenant-a/prod';
const B = 'tenant-b/prod';
const HOUR_MS = 3_600_000;
/** Short where a test waits for it; the times that must play no part in a test are an hour. */
const QUICK: ConnectionTimings = {
  probeIntervalMs: 20,
  // Long enough for a machine that is busy with other tests.
  probeTimeoutMs: 20_000,
  requestTimeoutMs: 20_000,
  stallMs: 20_000,
  syncTimeoutMs: 20_000,
  checkIntervalMs: HOUR_MS,
  backoff: { baseMs: 20, maxMs: 20 },
  missingBackoff: { baseMs: 20, maxMs: 20 },
};

let secrets: Map<string, string>;
let changes: string[];
let states: string[];
/** The reason of each state. */
let details: (string | undefined)[];
let stop: AbortController;
let running: Promise<void>;
let set: ClusterSet;
let management: RecordingApi;
/** The Nodes that the Cluster object names. */
let known: readonly string[];
/** How far a test has moved the clock. */
let aheadMs: number;
const clock = { now: () => Date.now() + aheadMs };
const log = recordingLog();

function begin(timings: Partial<ConnectionTimings> = {}): void {
  set = new ClusterSet({
    management,
    env: {},
    readLabels: new Set(['value', 'approved']),
    dryRun: false,
    clock,
    log,
    timings: { ...QUICK, ...timings },
    knownNodes: () => known,
    onNodeChange: (cluster, name) => changes.push(`${cluster} ${name}`),
    onStateChange: (cluster, { state, detail }) => {
      states.push(`${cluster} ${state}`);
      details.push(detail);
    },
  });
  running = set.start(stop.signal);
}

async function server(...nodes: readonly string[]): Promise<WorkloadServer> {
  const started = await WorkloadServer.start(...nodes);
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

const setSecret = (cluster: string, kubeconfig: string) => secrets.set(`${cluster}-kubeconfig`, kubeconfig);
/** A state may be over when somebody looks: one that was recorded meanwhile counts as well. */
const reaches = (
  cluster: string,
  state: ConnectionStatus['state'],
): Promise<{ readonly detail?: string | undefined }> => {
  const from = states.length;
  return soon(() => {
    const status = set.status(cluster);
    if (status?.state === state) return status;
    const at = states.indexOf(`${cluster} ${state}`, from);
    if (at < 0) throw new Error(`${cluster} is ${status?.state}: ${status?.detail}`);
    return { detail: details[at] };
  });
};
const label = (cluster: string, name: string, value: string) =>
  set.apply(
    cluster,
    [{ do: 'patchMeta', target: { resource: NODE, name, uid: `uid-${name}` }, labels: { value } }],
    log,
  );
/** One cluster, connected. */
async function connected(timings: Partial<ConnectionTimings> = {}, ...nodes: readonly string[]) {
  const workload = await server(...nodes);
  setSecret(A, workload.kubeconfig());
  begin(timings);
  set.want(new Set([A]));
  await reaches(A, 'Connected');
  return workload;
}

beforeEach(() => {
  secrets = new Map();
  known = [];
  changes = [];
  states = [];
  details = [];
  aheadMs = 0;
  stop = new AbortController();
  management = new RecordingApi(({ path }) => {
    const [, namespace, name] = /^\/api\/v1\/namespaces\/(.+)\/secrets\/(.+)$/.exec(path) ?? [];
    const content = secrets.get(`${namespace}/${name}`);
    if (content === undefined) throw new KubeError({ reason: 'NotFound', code: 404, message: 'not found' });
    return { data: { value: Buffer.from(content).toString('base64') } };
  });
});
afterEach(async () => {
  stop.abort();
  await running;
});

describe('a connection', () => {
  it('`ClusterSet` serves the Nodes without their annotations once it is connected', async () => {
    await connected({}, 'n1');
    expect(set.node(A, 'n1')).toEqual({
      is: 'present',
      object: { metadata: { name: 'n1', uid: 'uid-n1', resourceVersion: '1', labels: {} } },
    });
    expect(set.node(A, 'n2')).toEqual({ is: 'absent' });
    expect(states).toEqual([`${A} Connected`]);
    expect(management.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/namespaces/tenant-a/secrets/prod-kubeconfig',
    ]);
  });

  it('`ClusterSet` asks for metadata only', async () => {
    const workload = await connected({}, 'n1');
    for (const { path, headers } of workload.requests) {
      if (path === '/api/v1/nodes') expect(headers.accept).toContain('as=PartialObjectMetadata');
    }
  });

  it('`ClusterSet` tells of changed labels and of Nodes that come and go, not of mere reports', async () => {
    const workload = await connected({}, 'n1', 'n2');
    await soon(() => expect(workload.watchedBy).toHaveLength(1));
    expect(changes).toEqual([]);
    workload.put('n1');
    workload.put('n1', { value: 'b' });
    workload.remove('n2');
    workload.put('n3');
    await soon(() => expect(changes).toEqual([`${A} n1`, `${A} n2`, `${A} n3`]));
  });

  it('`ClusterSet` carries actions out, and throws `Unreachable` where there is no connection', async () => {
    const workload = await connected({}, 'n1');
    await label(A, 'n1', 'x');
    expect(workload.labels('n1')).toEqual({ value: 'x' });
    await expect(label(B, 'n1', 'x')).rejects.toMatchObject({ reason: 'Unreachable' });
    expect(set.status(B)).toBeUndefined();
    expect(set.node(B, 'n1')).toEqual({ is: 'unknown' });
    expect(await set.confirmNode(B, 'n1')).toEqual({ is: 'unknown' });
  });

  it('`ClusterSet` connects nothing before it is started', async () => {
    set = new ClusterSet({
      management,
      env: {},
      readLabels: new Set(),
      dryRun: false,
      clock,
      log,
      onNodeChange: () => {},
      onStateChange: () => {},
    });
    set.want(new Set([A]));
    expect(set.status(A)).toMatchObject({ state: 'Connecting' });
    expect(management.requests).toEqual([]);
    running = set.start(stop.signal);
    await soon(() => expect(management.requests).toHaveLength(1));
  });

  it('`ClusterSet` keeps two clusters of one name apart', async () => {
    const [a, b] = [await server('n'), await server()];
    setSecret(A, a.kubeconfig());
    setSecret(B, b.kubeconfig());
    begin();
    set.want(new Set([A, B]));
    await Promise.all([reaches(A, 'Connected'), reaches(B, 'Connected')]);
    expect(set.node(A, 'n').is).toBe('present');
    expect(set.node(B, 'n').is).toBe('absent');
    expect(set.statuses().map(({ state }) => state)).toEqual(['Connected', 'Connected']);
    expect(set.details()).toEqual(['2 of 2 connected']);
  });

  it('`ClusterSet` closes every connection of a cluster that is wanted no more, and all of them when it stops', async () => {
    const [a, b] = [await server('n'), await server('n')];
    setSecret(A, a.kubeconfig());
    setSecret(B, b.kubeconfig());
    begin();
    set.want(new Set([A, B]));
    await Promise.all([reaches(A, 'Connected'), reaches(B, 'Connected')]);
    set.want(new Set([B]));
    expect(set.status(A)).toBeUndefined();
    expect(set.node(A, 'n')).toEqual({ is: 'unknown' });
    await soon(() => expect(a.openConnections).toBe(0));
    expect(b.openConnections).toBeGreaterThan(0);
    stop.abort();
    await running;
    await soon(() => expect(b.openConnections).toBe(0));
  });
});

describe('confirmNode', () => {
  it('`ClusterSet.confirmNode` tells present from absent by asking the server', async () => {
    await connected({}, 'n1');
    expect(await set.confirmNode(A, 'n1')).toMatchObject({ is: 'present', object: { metadata: { uid: 'uid-n1' } } });
    expect(await set.confirmNode(A, 'n2')).toEqual({ is: 'absent' });
  });

  it.each([
    ['a 404, which any proxy may send', { status: 404, body: '<html>no such page</html>' }],
    ['an empty object', { body: {} }],
    ['something else than JSON', { body: 'OK' }],
    ['a cut connection', { destroy: true }],
    ['another Node', { body: { metadata: { resourceVersion: '1' }, items: [{ metadata: { name: 'other' } }] } }],
  ])('`ClusterSet.confirmNode` takes %s for unknown', async (_, answer) => {
    const workload = await connected({ probeIntervalMs: HOUR_MS }, 'n1');
    workload.substitute = () => answer;
    expect(await set.confirmNode(A, 'n2')).toEqual({ is: 'unknown' });
  });
});

describe('a kubeconfig that may not be used', () => {
  it('`ClusterSet` refuses `exec`, runs nothing, and connects once the Secret has changed', async () => {
    const workload = await server('n1');
    setSecret(A, workload.kubeconfig().replace('token: token-1', 'exec: { command: touch, args: [/tmp/pwned] }'));
    begin();
    set.want(new Set([A]));
    const { detail } = await reaches(A, 'Refused');
    expect(detail).toContain('Secret tenant-a/prod-kubeconfig: user.exec');
    expect(workload.requests).toEqual([]);
    setSecret(A, workload.kubeconfig());
    await reaches(A, 'Connected');
    expect(states).toEqual([`${A} Refused`, `${A} Connected`]);
  });

  it('`ClusterSet` tells when the reason of a refusal has changed', async () => {
    begin();
    set.want(new Set([A]));
    expect((await reaches(A, 'Refused')).detail).toBe('Secret tenant-a/prod-kubeconfig does not exist');
    expect(set.details()[0]).toBe('tenant-a/prod Refused: Secret tenant-a/prod-kubeconfig does not exist');
    setSecret(A, '{}');
    await soon(() => expect(set.status(A)?.detail).toContain('kubeconfig.current-context'));
    expect(states).toEqual([`${A} Refused`, `${A} Refused`]);
  });

  it.each([
    ['a certificate that is none', 'token: token-1', 'client-certificate-data: bm9u\n      client-key-data: bm9u'],
    ['a proxy that is not allowed', 'server:', 'proxy-url: http://proxy.test:1080\n      server:'],
  ])('`ClusterSet` refuses %s', async (_, part, replacement) => {
    const workload = await server();
    setSecret(A, workload.kubeconfig().replace(part, replacement));
    begin();
    set.want(new Set([A]));
    const { detail } = await reaches(A, 'Refused');
    expect(detail).toMatch(
      /^Reading certificate, key or CA: |: cluster\.proxy-url: its host is not in capi\.allowedProxies$/,
    );
  });

  it('`ClusterSet` refuses where the Secret goes while it is connected', async () => {
    const workload = await connected({ checkIntervalMs: 0 }, 'n1');
    secrets.clear();
    await reaches(A, 'Refused');
    await soon(() => expect(workload.openConnections).toBe(0));
  });
});

describe('rotation', () => {
  it('`ClusterSet` takes new credentials over without failing a request', async () => {
    const workload = await connected({ checkIntervalMs: 50 }, 'n1');
    workload.tokens.add('token-2');
    let patched = 0;
    let isDone = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!isDone) {
        await label(A, 'n1', String(patched));
        patched += 1;
      }
    });
    await soon(() => expect(patched).toBeGreaterThan(50));
    setSecret(A, workload.kubeconfig('token-2'));
    await soon(() => expect(workload.watchedBy).toEqual(['token-2']));
    const patchedBefore = patched;
    await soon(() => expect(patched).toBeGreaterThan(patchedBefore + 50));
    isDone = true;
    await Promise.all(load);
    expect(states).toEqual([`${A} Connected`]);
  });

  it('`ClusterSet` tells of what differs where the new kubeconfig leads to another server', async () => {
    const first = await connected({ checkIntervalMs: 50 }, 'n1', 'n2');
    const second = await server('n2', 'n3');
    setSecret(A, second.kubeconfig());
    await soon(() => expect(set.node(A, 'n3').is).toBe('present'));
    expect(set.node(A, 'n1').is).toBe('absent');
    expect(changes.sort()).toEqual([`${A} n1`, `${A} n3`]);
    await soon(() => expect(first.openConnections).toBe(0));
  });

  it('`ClusterSet` keeps the old connection while the new credentials are refused', async () => {
    const workload = await connected({ checkIntervalMs: 0 }, 'n1');
    setSecret(A, workload.kubeconfig('token-2'));
    const refused = () => workload.requests.filter(({ headers }) => headers.authorization === 'Bearer token-2').length;
    await soon(() => expect(refused()).toBeGreaterThan(4));
    expect(states).toEqual([`${A} Connected`]);
    expect(set.node(A, 'n1').is).toBe('present');
    workload.tokens.add('token-2');
    await soon(() => expect(workload.watchedBy).toEqual(['token-2']));
  });

  it('`ClusterSet` reconnects at once after a 401 where the Secret has new credentials', async () => {
    const workload = await connected({ probeIntervalMs: HOUR_MS, backoff: { baseMs: HOUR_MS, maxMs: HOUR_MS } }, 'n1');
    workload.tokens = new Set(['token-2']);
    setSecret(A, workload.kubeconfig('token-2'));
    await expect(label(A, 'n1', 'x')).rejects.toMatchObject({ reason: 'Unauthorized' });
    await reaches(A, 'Connected');
    await soon(() => expect(states).toEqual([`${A} Connected`, `${A} Unauthorized`, `${A} Connected`]));
    await label(A, 'n1', 'x');
  });

  it('`ClusterSet` is Unauthorized, and knows nothing, until there are credentials that the server takes', async () => {
    const workload = await connected({}, 'n1');
    workload.tokens.clear();
    workload.cutConnections();
    const { detail } = await reaches(A, 'Unauthorized');
    expect(detail).toBe('the API server refuses the credentials (401)');
    expect(set.node(A, 'n1')).toEqual({ is: 'unknown' });
    await expect(label(A, 'n1', 'x')).rejects.toMatchObject({ reason: 'Unreachable' });
    workload.tokens.add('token-2');
    setSecret(A, workload.kubeconfig('token-2'));
    await reaches(A, 'Connected');
    expect(states).toEqual([`${A} Connected`, `${A} Unauthorized`, `${A} Connected`]);
  });
});

describe('a server that fails', () => {
  it('`ClusterSet` gives up a server that hangs, without delaying another, and recovers by itself', async () => {
    const [a, b] = [await server('n'), await server('n')];
    setSecret(A, a.kubeconfig());
    setSecret(B, b.kubeconfig());
    // Several probes in a row have to go unanswered: only the hanging server times out, however busy the machine is.
    begin({ probeTimeoutMs: 1000, requestTimeoutMs: HOUR_MS, stallMs: HOUR_MS });
    set.want(new Set([A, B]));
    await Promise.all([reaches(A, 'Connected'), reaches(B, 'Connected')]);
    a.hang();
    const ended: string[] = [];
    const hanging = Array.from({ length: 40 }, () =>
      label(A, 'n', 'x').catch((error: KubeError) => ended.push(error.reason)),
    );
    await label(B, 'n', 'x');
    expect(ended).toEqual([]);

    await reaches(A, 'Unreachable');
    expect(set.node(A, 'n')).toEqual({ is: 'unknown' });
    // By now the server is known not to answer, and no more requests are sent.
    const patches = () => a.requests.filter(({ method }) => method === 'PATCH').length;
    const asked = patches();
    await expect(label(A, 'n', 'x')).rejects.toMatchObject({ reason: 'Unreachable' });
    expect(patches()).toBe(asked);

    a.recover();
    // Some of them have only waited for a connection, and are answered now.
    a.cutConnections();
    await Promise.all(hanging);
    await reaches(A, 'Connected');
    await label(A, 'n', 'y');
    expect(states.filter((state) => state.startsWith(B))).toEqual([`${B} Connected`]);
  });

  it('`ClusterSet` lets further requests fail at once while the first ones still wait', async () => {
    const workload = await connected({ probeIntervalMs: HOUR_MS, requestTimeoutMs: 500 }, 'n');
    workload.hang();
    const waiting = label(A, 'n', 'x');
    waiting.catch(() => undefined);
    aheadMs += QUICK.stallMs + 1;
    await expect(label(A, 'n', 'x')).rejects.toMatchObject({ message: expect.stringContaining('at present') });
    await expect(waiting).rejects.toMatchObject({ reason: 'TimedOut' });
  });

  it('`ClusterSet` bridges a few probes without an answer', async () => {
    const workload = await connected({ probeIntervalMs: 200 }, 'n');
    workload.substitute = ({ path }) => (path === '/version' ? { status: 503, body: 'no' } : undefined);
    const probes = () => workload.requests.filter(({ path }) => path === '/version').length;
    await soon(() => expect(probes()).toBeGreaterThan(3));
    workload.recover();
    const answered = probes() + 3;
    await soon(() => expect(probes()).toBeGreaterThan(answered));
    expect(states).toEqual([`${A} Connected`]);
  });

  it('`ClusterSet` never shows what the server said', async () => {
    const workload = await server();
    workload.substitute = () => ({ status: 500, body: 'internal secrets of another service' });
    setSecret(A, workload.kubeconfig());
    begin();
    set.want(new Set([A]));
    expect((await reaches(A, 'Unreachable')).detail).toBe('the API server answered 500');
    workload.substitute = () => ({ body: 'internal secrets of another service' });
    await soon(() =>
      expect(set.status(A)?.detail).toBe('the API server answered with something that is not what was asked for'),
    );
  });

  it('`ClusterSet` says that the credentials may not list Nodes', async () => {
    const workload = await server();
    workload.substitute = ({ path }) => (path === '/api/v1/nodes' ? { status: 403, body: {} } : undefined);
    setSecret(A, workload.kubeconfig());
    begin();
    set.want(new Set([A]));
    expect((await reaches(A, 'Unreachable')).detail).toBe('the credentials may not list and watch Nodes');
  });

  it('`ClusterSet` takes a load balancer’s 404 for no answer', async () => {
    const workload = await connected({}, 'n');
    workload.substitute = () => ({ status: 404, body: 'no backend' });
    workload.cutConnections();
    expect((await reaches(A, 'Unreachable')).detail).toBe('the API server answered 404');
  });

  it('`ClusterSet` gives up a connection whose watch has gone silent, and opens another', async () => {
    await connected({}, 'n');
    // Longer than two of the periods in which a bookmark must come.
    aheadMs += 320_000;
    // The watch is open again within milliseconds.
    await soon(() => expect(states).toEqual([`${A} Connected`, `${A} Unreachable`, `${A} Connected`]));
    expect(details[1]).toBe('nothing comes from the watch of the Nodes');
  });

  it('`ClusterSet` says an outage in one line', async () => {
    const workload = await connected({}, 'n');
    log.lines.length = 0;
    workload.substitute = () => ({ destroy: true });
    workload.cutConnections();
    await reaches(A, 'Unreachable');
    const attempts = workload.requests.length;
    await soon(() => expect(workload.requests.length).toBeGreaterThan(attempts + 5));
    const said = log.lines.filter(({ level }) => level !== 'debug');
    expect(said.map(({ message, fields }) => [message, fields.Cluster])).toEqual([
      ['Workload cluster not connected', A],
    ]);
  });

  it('`ClusterSet` keeps a connection while the management cluster is away', async () => {
    await connected({ checkIntervalMs: 0 }, 'n');
    const asked = management.requests.length;
    vi.spyOn(management, 'request').mockRejectedValue(
      new KubeError({ reason: 'Unreachable', code: 0, message: 'connect ECONNREFUSED' }),
    );
    await soon(() => expect(vi.mocked(management.request).mock.calls.length).toBeGreaterThan(3));
    expect(asked).toBeGreaterThan(0);
    expect(states).toEqual([`${A} Connected`]);
  });

  it('`DEFAULT_TIMINGS` drop a dead server within ClusterCache’s 75 s', () => {
    const { probeIntervalMs, probeTimeoutMs } = DEFAULT_TIMINGS;
    expect(5 * (probeIntervalMs + probeTimeoutMs)).toBeLessThanOrEqual(75_000);
  });
});

describe('a Secret that does not exist', () => {
  it('`ClusterSet` looks for it rarely, says nothing of it, and refuses after some minutes', async () => {
    begin({ missingBackoff: { baseMs: 5, maxMs: 5 } });
    set.want(new Set([A]));
    const { detail } = await reaches(A, 'Refused');
    expect(detail).toBe('Secret tenant-a/prod-kubeconfig does not exist');
    expect(management.requests.length).toBeGreaterThanOrEqual(9);
    expect(states).toEqual([`${A} Refused`]);
  });

  it('`ClusterSet` connects when it has come, without having warned', async () => {
    begin();
    const before = log.lines.length;
    set.want(new Set([A]));
    await soon(() => expect(set.status(A)?.detail).toContain('does not exist'));
    setSecret(A, (await server('n')).kubeconfig());
    await reaches(A, 'Connected');
    expect(states).toEqual([`${A} Connected`]);
    expect(log.lines.slice(before).filter(({ level }) => level === 'warn')).toEqual([]);
  });
});

describe('a kubeconfig that leads to another cluster than before', () => {
  it.each([
    ['beside the connection that serves', { checkIntervalMs: 0 }],
    ['after the connection was lost', {}],
  ])('`ClusterSet` refuses it %s, so that no Node is taken for gone', async (way, timings) => {
    const before = await connected(timings, 'n1', 'n2');
    const other = await server('m1');
    setSecret(A, other.kubeconfig());
    if (way.startsWith('after')) before.tokens.clear();
    const { detail } = await reaches(A, 'Refused');
    expect(detail).toBe(
      'the kubeconfig leads to another cluster than before: none of the 2 Nodes is there that it is known by; ' +
        'if that is right: kubectl -n tenant-a annotate clusters.cluster.x-k8s.io prod maintenance-bridge.io/known-nodes-',
    );
    expect(set.node(A, 'n1')).toEqual({ is: 'unknown' });
    expect(await set.confirmNode(A, 'n1')).toEqual({ is: 'unknown' });

    // One Node that was there before is enough, whatever the server's address.
    other.put('n2');
    await reaches(A, 'Connected');
    expect(set.node(A, 'n1')).toEqual({ is: 'absent' });
  });

  it('`ClusterSet` refuses it also as a new process, by what the Cluster object says, until that says nothing more', async () => {
    const other = await server('m1');
    setSecret(A, other.kubeconfig());
    known = ['uid-n1', 'uid-n2'];
    begin();
    set.want(new Set([A]));
    await reaches(A, 'Refused');
    expect(set.node(A, 'n1')).toEqual({ is: 'unknown' });
    known = [];
    await reaches(A, 'Connected');
  });

  it('`ClusterSet` trusts it where somebody says that it is right, also while this process has known another', async () => {
    await connected({ checkIntervalMs: 0 }, 'n1');
    setSecret(A, (await server('m1')).kubeconfig());
    await reaches(A, 'Refused');
    set.trustAnew(A);
    await reaches(A, 'Connected');
    expect(set.node(A, 'm1')).toMatchObject({ is: 'present' });
  });

  it('`ClusterSet` knows Nodes by their UID, not by their name', async () => {
    await connected({ checkIntervalMs: 0 }, 'n1');
    const other = await server();
    other.put('n1', {}, 'another-uid');
    setSecret(A, other.kubeconfig());
    await reaches(A, 'Refused');
  });
});

describe('a cluster beyond its limits', () => {
  const item = (i: number, labels = {}) => ({
    metadata: { name: `n${i}`, uid: `u${i}`, resourceVersion: '1', labels },
  });
  const items = (from: number, count: number) => Array.from({ length: count }, (_, i) => item(from + i));
  const listOnly = (answer: (page: number) => ScriptedAnswer) => {
    let pages = 0;
    return ({ path, query }: ScriptedRequest) =>
      path === '/api/v1/nodes' && !query.has('watch') ? answer(pages++) : undefined;
  };
  const listOf = (list: readonly unknown[], next?: string): ScriptedAnswer => ({
    body: { metadata: { resourceVersion: '1', ...(next !== undefined && { continue: next }) }, items: list },
  });

  it.each([
    [
      'Nodes without end',
      (page: number) => listOf(items(page * 250, 250), `after-${page}`),
      /^the cluster has more than 10000 Nodes$/,
    ],
    [
      'pages without end',
      (page: number) => listOf([], `after-${page}`),
      /^the list of its Nodes does not end after 80 pages$/,
    ],
    [
      'pages full of what is no Node',
      (page: number) => listOf([{}, { metadata: { name: 'x' } }], `after-${page}`),
      /^the list of its Nodes does not end after 80 pages$/,
    ],
    [
      'long names, and labels that are read',
      (page: number) =>
        listOf(
          items(page * 250, 250).map((node) => padded(node)),
          `after-${page}`,
        ),
      /^the names and labels of its \d+ Nodes need more than 4194304 bytes$/,
    ],
    [
      'a label of 20 MiB',
      () => listOf([item(1, { value: 'x'.repeat(20 * 1024 * 1024) })]),
      /^GET \/api\/v1\/nodes: The answer's body is larger than 8388608 bytes$|^The answer's body is larger than 8388608 bytes$/,
    ],
  ])(
    '`ClusterSet` refuses %s, with the figure',
    async (_, answer, expected) => {
      const workload = await server('n1');
      workload.substitute = listOnly(answer);
      setSecret(A, workload.kubeconfig());
      begin({ syncTimeoutMs: 60_000 });
      set.want(new Set([A]));
      const { detail } = await soon(() => {
        const status = set.status(A);
        if (status?.state !== 'Refused') throw new Error(`${status?.state} ${status?.detail}`);
        return status;
      });
      expect(detail).toMatch(expected);
    },
    90_000,
  );

  const padded = ({ metadata }: ReturnType<typeof item>) => ({
    metadata: {
      ...metadata,
      name: metadata.name.padEnd(253, 'x'),
      labels: { value: 'v'.repeat(63), approved: 'v'.repeat(63) },
    },
  });

  it('`ClusterSet` keeps no labels but those that are read', async () => {
    const workload = await server();
    workload.put('n1', { value: '1', 'kubernetes.io/os': 'linux' });
    setSecret(A, workload.kubeconfig());
    begin();
    set.want(new Set([A]));
    await reaches(A, 'Connected');
    expect(set.node(A, 'n1')).toMatchObject({ object: { metadata: { labels: { value: '1' } } } });
  });

  it('`ClusterSet` drops a connection whose watch sends Nodes without end, or one that is too large', async () => {
    const workload = await connected({ probeIntervalMs: 20 }, 'n1');
    // The server keeps nothing of a flood for a watch that opens after it.
    await soon(() => expect(workload.watchedBy).not.toEqual([]));
    workload.flood(10_001);
    const { detail } = await reaches(A, 'Refused');
    expect(detail).toBe('the cluster has more than 10000 Nodes');
  });
});
