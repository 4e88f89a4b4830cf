/** Connections to workload clusters between real API servers: one management cluster and two workload clusters. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import type { ConnectionState, ConnectionStatus } from '../../src/core/clusters.ts';
import { NODE } from '../../src/core/objects.ts';
import { loadKubeConfig } from '../../src/kube/auth/credentials.ts';
import { makeClient } from '../../src/kube/http/client.ts';
import { isKubeError } from '../../src/kube/http/errors.ts';
import { ClusterSet } from '../../src/kube/workload/clusters.ts';
import { type ConnectionTimings, DEFAULT_TIMINGS } from '../../src/kube/workload/connection.ts';

const A = 'tenant-a/prod';
const B = 'tenant-b/prod';
/** As in production, but in seconds. */
const TIMINGS: ConnectionTimings = {
  ...DEFAULT_TIMINGS,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  requestTimeoutMs: 2000,
  stallMs: 500,
  checkIntervalMs: 2000,
  backoff: { baseMs: 500, maxMs: 1000, jitter: 0.5 },
  missingBackoff: { baseMs: 500, maxMs: 1000, jitter: 0.5 },
};
const RIGHTS = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch', 'patch'] }];

type Uids = Readonly<Record<string, string>>;

describeOnControlPlane('workload clusters', { auditLog: true }, (management) => {
  let a: ControlPlane;
  let b: ControlPlane;
  let uids: Uids;
  let set: ClusterSet;
  let stop: AbortController;
  let running: Promise<void>;
  const log = recordingLog();
  const changes: string[] = [];
  const states: string[] = [];

  beforeAll(async () => {
    [a, b] = await Promise.all([
      startControlPlane({ nodes: ['n'], auditLog: true }),
      startControlPlane({ nodes: ['n', 'only-b'], auditLog: true }),
    ]);
    uids = { [A]: await uidOf(a), [B]: await uidOf(b) };
    for (const namespace of ['tenant-a', 'tenant-b']) {
      await management().api.create('/api/v1/namespaces', { metadata: { name: namespace } });
    }
    await putSecret(A, await accountKubeconfig(a, 'first'));
    await putSecret(B, await accountKubeconfig(b, 'first'));
    const { kubeconfig } = management();
    stop = new AbortController();
    set = new ClusterSet({
      management: makeClient(loadKubeConfig({ kubeconfig, env: {}, homedir: homedir() })),
      env: {},
      readLabels: new Set(['approve', 'value']),
      dryRun: false,
      clock: Date,
      log,
      timings: TIMINGS,
      onNodeChange: (cluster, name) => changes.push(`${cluster} ${name}`),
      onStateChange: (cluster, { state }) => states.push(`${cluster} ${state}`),
    });
    running = set.start(stop.signal);
    set.want(new Set([A, B]));
    await Promise.all([reaches(A, 'Connected'), reaches(B, 'Connected')]);
  });
  afterAll(async () => {
    stop?.abort();
    await running;
    await Promise.all([a?.stop(), b?.stop()]);
  });
  afterEach(() => {
    states.length = 0;
  });

  const uidOf = async ({ api }: ControlPlane): Promise<string> =>
    (await api.get<{ metadata: { uid: string } }>('/api/v1/nodes/n')).metadata.uid;

  /** A kubeconfig with a token of a new ServiceAccount that has our rights. */
  async function accountKubeconfig(controlPlane: ControlPlane, name: string): Promise<string> {
    const account = { namespace: 'bridge', name };
    const file = await controlPlane.kubeconfigFor(account);
    const root = '/apis/rbac.authorization.k8s.io/v1';
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
    const subjects = [{ kind: 'ServiceAccount', ...account }];
    await controlPlane.api.create(`${root}/clusterroles`, { metadata: { name }, rules: RIGHTS });
    await controlPlane.api.create(`${root}/clusterrolebindings`, { metadata: { name }, roleRef, subjects });
    return readFile(file, 'utf8');
  }

  /** Creates or replaces the Secret, as a cluster's provider does. */
  async function putSecret(cluster: string, kubeconfig: string): Promise<void> {
    const [namespace, clusterName] = cluster.split('/');
    const name = `${clusterName}-kubeconfig`;
    await management().api.patch(
      `/api/v1/namespaces/${namespace}/secrets/${name}`,
      { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { value: kubeconfig } },
      'apply',
      { fieldManager: 'provider', force: true },
    );
  }

  const reaches = (cluster: string, state: ConnectionState, deadlineMs = 60_000): Promise<ConnectionStatus> =>
    eventually(
      () => {
        const status = set.status(cluster);
        return status?.state === state ? status : undefined;
      },
      { what: `${cluster} to be ${state}`, deadlineMs },
    );
  const label = (cluster: string, value: string): Promise<void> => {
    const target = { resource: NODE, name: 'n', uid: uids[cluster] ?? '' };
    return set.apply(cluster, [{ do: 'patchMeta', target, labels: { value } }], log);
  };
  /** Waits for a patch by that ServiceAccount. */
  const patchesAs = (controlPlane: ControlPlane, cluster: string, account: string): Promise<true> =>
    eventually(
      async () => {
        await label(cluster, account);
        const made = (await controlPlane.auditEvents()).filter(({ verb }) => verb === 'patch');
        return made.some(({ user }) => user.username === `system:serviceaccount:bridge:${account}`) ? true : undefined;
      },
      { what: `a patch by ${account}`, deadlineMs: 20_000, pollMs: 250 },
    );
  /** Patches labels as fast as responses arrive until it is stopped. @returns how many patches were refused, by reason. */
  function load(cluster: string, workers: number) {
    const refusals: string[] = [];
    const latenciesMs: number[] = [];
    let isDone = false;
    const work = Array.from({ length: workers }, async () => {
      while (!isDone) {
        const startedMs = performance.now();
        try {
          await label(cluster, String(latenciesMs.length));
          latenciesMs.push(performance.now() - startedMs);
        } catch (error) {
          if (!isKubeError(error)) throw error;
          refusals.push(error.reason);
          // Like a queue: a request that fails immediately is not repeated immediately.
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    });
    return {
      refusals,
      latenciesMs,
      end: async () => {
        isDone = true;
        await Promise.all(work);
      },
    };
  }
  const answers = (count: number, { latenciesMs }: ReturnType<typeof load>): Promise<true> => {
    const wanted = latenciesMs.length + count;
    return eventually(() => (latenciesMs.length >= wanted ? true : undefined), { what: `${count} more answers` });
  };
  const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1] ?? 0;

  it('are connected, seen without annotations, and kept apart though they share a name', async () => {
    expect(set.node(A, 'only-b')).toEqual({ is: 'absent' });
    expect(set.node(B, 'only-b')).toMatchObject({ is: 'present', object: { metadata: { name: 'only-b' } } });
    const seen = set.node(A, 'n');
    expect(seen).toMatchObject({ is: 'present', object: { metadata: { uid: uids[A] } } });
    expect(JSON.stringify(seen)).not.toContain('annotations');
  });

  it('tell of a label that changes on a Node, and only there', async () => {
    changes.length = 0;
    await a.api.patch('/api/v1/nodes/n', { metadata: { labels: { approve: 'true' } } }, 'merge');
    await eventually(() => (changes.length > 0 ? true : undefined), { what: 'the change to be told' });
    expect(changes).toEqual([`${A} n`]);
    expect(set.node(A, 'n')).toMatchObject({ object: { metadata: { labels: { approve: 'true' } } } });
    await a.api.patch(
      '/api/v1/nodes/n',
      { metadata: { labels: { unread: 'x' }, annotations: { noise: 'x' } } },
      'merge',
    );
    await label(A, 'after-the-noise');
    await eventually(() => (changes.length > 1 ? true : undefined), { what: 'the next change to be told' });
    expect(changes).toEqual([`${A} n`, `${A} n`]);
    expect(JSON.stringify(set.node(A, 'n'))).not.toMatch(/unread|annotations/);
  });

  it('confirm that a Node is there or not', async () => {
    expect(await set.confirmNode(A, 'n')).toMatchObject({ is: 'present', object: { metadata: { uid: uids[A] } } });
    expect(await set.confirmNode(A, 'only-b')).toEqual({ is: 'absent' });
  });

  describe('whose credentials change', () => {
    it('take new ones over under load without a failed request', async () => {
      const patches = load(A, 8);
      await answers(100, patches);
      await putSecret(A, await accountKubeconfig(a, 'second'));
      const sessions = log.lines.length;
      await patchesAs(a, A, 'second');
      await answers(100, patches);
      await patches.end();
      expect(patches.refusals).toEqual([]);
      expect(states).toEqual([]);
      expect(log.lines.slice(sessions).filter(({ level }) => level !== 'debug')).toEqual([]);
    });

    it('are Unauthorized once theirs are revoked, and connected again by a new Secret', async () => {
      await putSecret(B, await accountKubeconfig(b, 'second'));
      await patchesAs(b, B, 'second');
      await b.api.delete('/api/v1/namespaces/bridge/serviceaccounts/second');
      // The server caches a valid token for ten seconds.
      await reaches(B, 'Unauthorized', 60_000);
      expect(set.node(B, 'n')).toEqual({ is: 'unknown' });
      expect(await set.confirmNode(B, 'only-a')).toEqual({ is: 'unknown' });
      await putSecret(B, await accountKubeconfig(b, 'third'));
      await reaches(B, 'Connected');
      await label(B, 'with-the-third');
    });

    it('are Refused with a kubeconfig that would run a program, until it is put right', async () => {
      const good = await accountKubeconfig(a, 'fourth');
      await putSecret(A, good.replace(/token: .*/, 'exec: { command: /bin/sh, apiVersion: v1 }'));
      const { detail } = await reaches(A, 'Refused');
      expect(detail).toContain('Secret tenant-a/prod-kubeconfig: user.exec');
      expect(set.node(A, 'n')).toEqual({ is: 'unknown' });
      await putSecret(A, good);
      await reaches(A, 'Connected');
    });
  });

  describe('whose API server fails', () => {
    it('leave the others’ latency as it was while one accepts and never answers, and recover by themselves', async () => {
      const others = load(B, 2);
      await answers(200, others);
      const before = others.latenciesMs.splice(0);
      const pid = a.processes.get('kube-apiserver');
      if (pid === undefined) throw new Error('The API server is not ours to stop');
      process.kill(pid, 'SIGSTOP');
      const hanging = load(A, 32);
      try {
        await reaches(A, 'Unreachable');
        await answers(200, others);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await hanging.end();
      await others.end();
      expect(others.refusals).toEqual([]);
      // The servers share this machine's processors, so only a multiple is meaningful.
      expect(median(others.latenciesMs)).toBeLessThan(Math.max(20, 5 * median(before)));
      expect(Math.max(...others.latenciesMs)).toBeLessThan(TIMINGS.requestTimeoutMs);
      await reaches(A, 'Connected');
      await label(A, 'after-the-pause');
      expect(states.filter((state) => state.startsWith(B))).toEqual([]);
    });

    it('are Unreachable while it is down, and connected once it is back', async () => {
      await a.killApiServer();
      const { detail } = await reaches(A, 'Unreachable', 5 * (TIMINGS.probeIntervalMs + TIMINGS.probeTimeoutMs) + 5000);
      expect(detail).toBe('connection refused (ECONNREFUSED)');
      expect(set.node(A, 'n')).toEqual({ is: 'unknown' });
      await a.startApiServer();
      await reaches(A, 'Connected', 60_000);
      await label(A, 'after-the-restart');
      expect(states).toEqual([`${A} Unreachable`, `${A} Connected`]);
    });
  });
});
