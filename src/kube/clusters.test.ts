import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RecordingApi } from '../../test/support/recording-api.ts';
import { recordingLog } from '../../test/support/recording-log.ts';
import { soon } from '../../test/support/soon.ts';
import { WorkloadServer } from '../../test/support/workload-server.ts';
import type { ConnectionStatus } from '../core/clusters.ts';
import { NODE } from '../core/objects.ts';
import { type ConnectionTimings, DEFAULT_TIMINGS } from './cluster-connection.ts';
import { ClusterSet } from './clusters.ts';
import { KubeError } from './errors.ts';

const A = 'tenant-a/prod';
const B = 'tenant-b/prod';
const HOUR_MS = 3_600_000;
/** Quick where a test waits for it; what a test shows to happen without a wait gets an hour of its own. */
const QUICK: ConnectionTimings = {
  probeIntervalMs: 20,
  // Long enough for a machine that is busy with other tests.
  probeTimeoutMs: 2000,
  requestTimeoutMs: 2000,
  stallMs: 1000,
  syncTimeoutMs: 5000,
  checkIntervalMs: HOUR_MS,
  backoff: { baseMs: 20, maxMs: 20 },
};

let secrets: Map<string, string>;
let changes: string[];
let states: string[];
/** Beside each state, why. */
let details: (string | undefined)[];
let stop: AbortController;
let running: Promise<void>;
let set: ClusterSet;
let management: RecordingApi;
/** By how much a test has moved the clock. */
let aheadMs: number;
const clock = { now: () => Date.now() + aheadMs };
const log = recordingLog();

function begin(timings: Partial<ConnectionTimings> = {}): void {
  set = new ClusterSet({
    management,
    env: {},
    dryRun: false,
    clock,
    log,
    timings: { ...QUICK, ...timings },
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
const reaches = (cluster: string, state: ConnectionStatus['state']): Promise<ConnectionStatus> =>
  soon(() => {
    const status = set.status(cluster);
    if (status?.state !== state) throw new Error(`${cluster} is ${status?.state}: ${status?.detail}`);
    return status;
  });
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
    workload.put('n1', { a: 'b' });
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
    await reaches(A, 'Refused');
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
    ['a proxy of another kind', 'server:', 'proxy-url: socks5://proxy.test:1080\n      server:'],
  ])('`ClusterSet` refuses %s', async (_, part, replacement) => {
    const workload = await server();
    setSecret(A, workload.kubeconfig().replace(part, replacement));
    begin();
    set.want(new Set([A]));
    const { detail } = await reaches(A, 'Refused');
    expect(detail).toMatch(/^(Reading certificate, key or CA: |proxy-url has the scheme)/);
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
    const timings = { probeTimeoutMs: 300, requestTimeoutMs: 500, stallMs: 250 };
    begin(timings);
    set.want(new Set([A, B]));
    await Promise.all([reaches(A, 'Connected'), reaches(B, 'Connected')]);
    a.hang();
    const hanging = Array.from({ length: 40 }, () => label(A, 'n', 'x').catch((error: KubeError) => error.reason));
    const startedMs = performance.now();
    await label(B, 'n', 'x');
    expect(performance.now() - startedMs).toBeLessThan(timings.probeTimeoutMs);
    expect(new Set(await Promise.all(hanging))).toEqual(new Set(['TimedOut']));

    // By now it is known not to answer: nobody waits for it any more.
    const knownMs = performance.now();
    await expect(label(A, 'n', 'x')).rejects.toMatchObject({ reason: 'Unreachable' });
    expect(performance.now() - knownMs).toBeLessThan(timings.stallMs);

    await reaches(A, 'Unreachable');
    expect(set.node(A, 'n')).toEqual({ is: 'unknown' });
    a.recover();
    await reaches(A, 'Connected');
    await label(A, 'n', 'y');
    expect(states.filter((state) => state.startsWith(B))).toEqual([`${B} Connected`]);
  });

  it('`ClusterSet` lets further requests fail at once while the first ones still wait', async () => {
    const workload = await connected({ probeIntervalMs: HOUR_MS, requestTimeoutMs: 500 }, 'n');
    workload.hang();
    const waiting = label(A, 'n', 'x');
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
    await soon(() => expect(set.status(A)?.detail).toBe('the API server answered 200'));
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
    // Beyond two of the periods in which a bookmark must come.
    aheadMs += 320_000;
    // It is open again within milliseconds.
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
