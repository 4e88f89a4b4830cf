/**
 * `npm run bench -- ramen`: the Ramen bridge between a real API server as the hub, and clusters that are sandboxes in the process of the
 * benchmark. Latencies are measured by a watch on the hub. Reports and asserts nothing. docs/performance.md has the figures of a run.
 *
 * `--views N` (default 500), `--clusters N` (default 10), `--works N` at once (default 1000).
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ControlPlane, startControlPlane } from '../controlplane/controlplane.ts';
import { type Changed, History } from '../harness/history.ts';
import type { Bridge } from '../harness/program.ts';
import { RamenHub } from '../harness/ramen.ts';
import { installHub } from '../harness/ramen-kinds.ts';
import { conditionOf, type View, viewsPath, type Work, worksPath } from '../harness/ramen-objects.ts';
import { makeRest, type Rest } from '../harness/rest.ts';
import { eventually } from '../harness/wait.ts';
import { type Sandbox, startSandboxApi } from '../sandbox/start.ts';
import { forEach, IN_FLIGHT, numbered } from './population.ts';
import { quantiles } from './quantiles.ts';

const SINGLE = 100;
const REST_MS = 20_000;
const LARGE_BYTES = 20 * 1024;
const DEADLINE_MS = 10 * 60_000;
const ALL_VIEWS = viewsPath('').replace('/namespaces//', '/');
const ALL_WORKS = worksPath('').replace('/namespaces//', '/');
const MAPS = 'configmaps';

const report = (what: string, value: string): void => console.log(`${what.padEnd(78)}${value}`);

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

const mapOf = (name: string, data: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      views: { type: 'string', default: '500' },
      clusters: { type: 'string', default: '10' },
      works: { type: 'string', default: '1000' },
    },
  });
  const [views, works] = [Number(values.views), Number(values.works)];
  await using hub = await startControlPlane({ auditLog: true });
  await installHub(hub);
  const sandboxes = await Promise.all(numbered(Number(values.clusters), 'c').map(async () => startSandboxApi()));
  const names = numbered(sandboxes.length, 'cluster');
  const clusterOf = (index: number): { readonly name: string; readonly sandbox: Sandbox } => ({
    name: names[index % names.length] ?? '',
    sandbox: sandboxes[index % sandboxes.length] as Sandbox,
  });
  const ramen = new RamenHub(hub, Object.fromEntries(names.map((name) => [name, hub])));
  await ramen.register(Object.fromEntries(names.map((name, index) => [name, clusterOf(index).sandbox.kubeconfig])));
  console.log(`${cpus().length} cores, Node.js ${process.version}, ${views} views of ${names.length} clusters\n`);

  spawnSync(process.execPath, [join(import.meta.dirname, '../scripts/build.ts')], { stdio: 'ignore' });
  const bridge = ramen.start({
    flags: ['--log-level=info'],
    program: [
      '--expose-gc',
      '--import',
      join(import.meta.dirname, 'report-heap.ts'),
      join(import.meta.dirname, '../dist/maintenance-bridge.cjs'),
    ],
  });
  const history = await History.start(hub, [ALL_VIEWS, ALL_WORKS]);
  try {
    const asks = async (prefix: string, count: number, data: Readonly<Record<string, string>>): Promise<void> => {
      await forEach([...Array(count).keys()], async (index) => {
        const { name, sandbox } = clusterOf(index);
        sandbox.api.create(MAPS, { metadata: { name: `${prefix}-${index}` }, data }, 'default');
        const scope = { version: 'v1', kind: 'ConfigMap', name: `${prefix}-${index}`, namespace: 'default' };
        await ramen.createView(name, `${prefix}-${index}`, scope);
      });
      await eventually(
        async () => {
          const all = await hub.api.list<View>(ALL_VIEWS);
          const shown = all.filter(({ status }) => status?.conditions?.[0]?.status === 'True');
          return shown.length === all.length ? true : undefined;
        },
        { what: 'all views to be answered', deadlineMs: DEADLINE_MS, pollMs: 500 },
      );
    };
    report(
      `start of the process until ${views} views are answered`,
      `${(await seconds(() => asks('small', views, { a: '0' }))).toFixed(1)} s`,
    );
    report(
      `a change on a cluster to its view, ${SINGLE} times`,
      quantiles(await singleChanges(history, clusterOf, views), 0.5, 0.99),
    );
    report(
      `a new work of one manifest to Applied, ${SINGLE} times`,
      quantiles(await singleWorks(history, ramen, clusterOf), 0.5, 0.99),
    );
    await atOnce(hub, ramen, clusterOf, works);
    report('requests while nothing changes, besides Leases and probes', await atRest(hub, sandboxes));
    const before = await memoryOf(bridge);
    await asks('large', 1000, { text: 'x'.repeat(LARGE_BYTES) });
    const after = await memoryOf(bridge);
    report(
      'heap in use after a garbage collection, and with 1 000 further views of 20 KiB',
      `${before.heap}, ${after.heap}`,
    );
    report('resident memory at these moments', `${before.resident}, ${after.resident}`);
  } finally {
    history.stop();
    await bridge.end();
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop()));
  }
}

/** Memory of the program: the heap after a garbage collection, and the resident size. */
async function memoryOf(bridge: Bridge): Promise<{ readonly heap: string; readonly resident: string }> {
  const told = bridge.lines.length;
  bridge.signal('SIGUSR2');
  const { heapUsed } = await eventually(
    () => bridge.lines.slice(told).find(({ msg }) => msg === 'Heap after garbage collection'),
    { what: 'the garbage to be collected', deadlineMs: 60_000 },
  );
  return { heap: `${(Number(heapUsed) / 1024 / 1024).toFixed(1)} MiB`, resident: `${await bridge.residentMiB()} MiB` };
}

type ClusterOf = (index: number) => { readonly name: string; readonly sandbox: Sandbox };

async function singleChanges(history: History, clusterOf: ClusterOf, views: number): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let turn = 0; turn < SINGLE; turn += 1) {
    const index = (turn * 7) % views;
    const { sandbox } = clusterOf(index);
    const value = `turn ${turn}`;
    const shown = heard(history, ({ metadata, status }) => {
      const { result } = (status ?? {}) as { result?: { data?: { a?: string } } };
      return metadata.name === `small-${index}` && result?.data?.a === value;
    });
    const started = performance.now();
    sandbox.api.patch({ resource: MAPS, namespace: 'default', name: `small-${index}` }, { data: { a: value } });
    await shown;
    latencies.push(performance.now() - started);
  }
  return latencies;
}

async function singleWorks(history: History, ramen: RamenHub, clusterOf: ClusterOf): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let turn = 0; turn < SINGLE; turn += 1) {
    const work = `single-${turn}`;
    const applied = heard(history, (object) => {
      return object.metadata.name === work && conditionOf(object as unknown as Work, 'Applied')?.status === 'True';
    });
    const started = performance.now();
    await ramen.createWork(clusterOf(turn).name, work, [mapOf(work, { a: '1' })]);
    await applied;
    latencies.push(performance.now() - started);
  }
  return latencies;
}

/** Resolves when the history contains such an object. */
async function heard(history: History, isMeant: (object: Changed) => boolean): Promise<void> {
  const before = history.count;
  await eventually(() => (history.since(before).some(({ object }) => isMeant(object)) ? true : undefined), {
    what: 'the change to be heard of',
    deadlineMs: 30_000,
    pollMs: 1,
  });
}

/**
 * Many works at once, compared with two loops that send the minimum requests of a work: its creation and three patches on the hub, and in
 * the second loop also the creation of its object on the cluster.
 */
async function atOnce(hub: ControlPlane, ramen: RamenHub, clusterOf: ClusterOf, works: number): Promise<void> {
  const status = { conditions: [], resourceStatus: { manifests: [] } };
  const nobody = 'nobody';
  await hub.api.create('/api/v1/namespaces', { metadata: { name: nobody } });
  const loop = (prefix: string, alsoOnCluster: (name: string, index: number) => Promise<unknown>): Promise<number> =>
    seconds(() =>
      forEach([...numbered(works, prefix).entries()], async ([index, name]) => {
        const path = `${worksPath(nobody)}/${name}`;
        await hub.api.create(worksPath(nobody), {
          apiVersion: 'work.open-cluster-management.io/v1',
          kind: 'ManifestWork',
          metadata: { name },
          spec: { workload: { manifests: [mapOf(name, { a: '1' })] } },
        });
        await hub.api.patch(path, { metadata: { labels: { bare: 'loop' } } }, 'merge');
        await hub.api.patch(`${path}/status`, { status }, 'merge');
        await alsoOnCluster(name, index);
        await hub.api.patch(`${path}/status`, { status: { ...status, done: true } }, 'merge');
      }),
    );
  const bare = await loop('bare', () => Promise.resolve());
  report(
    `bare loop: ${works} works created and patched three times each, ${IN_FLIGHT} in flight`,
    `${bare.toFixed(1)} s`,
  );
  const rests = new Map<Sandbox, Rest>();
  const onCluster = await loop('both', (name, index) => {
    const { sandbox } = clusterOf(index);
    const rest = rests.get(sandbox) ?? makeRest({ server: sandbox.url, ca: sandbox.ca, token: sandbox.token });
    rests.set(sandbox, rest);
    return rest.create('/api/v1/namespaces/default/configmaps', mapOf(name, { a: '1' }));
  });
  report('the same with a creation on the cluster for each', `${onCluster.toFixed(1)} s`);
  const took = await seconds(async () => {
    await forEach([...Array(works).keys()], (index) =>
      ramen.createWork(clusterOf(index).name, `burst-${index}`, [mapOf(`burst-${index}`, { a: '1' })]),
    );
    await eventually(
      async () => {
        const all = await hub.api.list<Work & { metadata: { name: string } }>(ALL_WORKS);
        const done = all.filter(
          (work) => work.metadata.name.startsWith('burst-') && conditionOf(work, 'Applied')?.status === 'True',
        );
        return done.length === works ? true : undefined;
      },
      { what: 'all works to be applied', deadlineMs: DEADLINE_MS, pollMs: 500 },
    );
  });
  report(`${works} works created by such a loop, until all are Applied`, `${took.toFixed(1)} s`);
}

async function atRest(hub: ControlPlane, sandboxes: readonly Sandbox[]): Promise<string> {
  const count = async (): Promise<number> => {
    const onHub = (await hub.auditEvents()).filter(
      ({ userAgent, requestURI }) =>
        userAgent?.startsWith('maintenance-bridge') && !/\/leases\/|watch=true/.test(requestURI),
    );
    const probes = /\/namespaces\/kube-system$|watch=true/;
    const onClusters = sandboxes.flatMap((sandbox) => sandbox.requests().filter(({ path }) => !probes.test(path)));
    return onHub.length + onClusters.length;
  };
  // The work caused by earlier works has finished.
  let last = -1;
  await eventually(
    async () => {
      const now = await count();
      const isSame = now === last;
      last = now;
      return isSame ? true : undefined;
    },
    { what: 'nothing to be sent any more', deadlineMs: 120_000, pollMs: 5000 },
  );
  await eventually(() => Promise.resolve(undefined), { what: 'a while', deadlineMs: REST_MS, pollMs: REST_MS }).catch(
    () => undefined,
  );
  return `${(await count()) - last} in ${REST_MS / 1000} s`;
}

await main();
