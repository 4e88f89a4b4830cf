/**
 * The shipped file, with the chart's memory limit, between a real management cluster, a healthy workload cluster, and a
 * hostile one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installClusterApiCrds, lackingClusterApi } from '../../controlplane/cluster-api.ts';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import {
  type Hostile,
  PLAYS,
  PROXY_PLAYS,
  RAW_PLAYS,
  startHostile,
  startHostileProxy,
  startRawHostile,
} from '../../harness/doubles/hostile-server.ts';
import { startHostileThread } from '../../harness/doubles/hostile-thread.ts';
import { writeText } from '../../harness/doubles/test-kubeconfig.ts';
import { adminKubeconfig, HeldMachines } from '../../harness/held-machines.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { memoryLimitMiB, shippedProgram } from '../../harness/shipped.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { MACHINE_MAINTENANCE_LABEL, MAINTENANCE_LABEL, REQUESTED } from '../../src/core/machine-keys.ts';

const START_TIMEOUT_MS = 20 * 60_000;
const PLAYS_TIMEOUT_MS = 240_000;
/** How many changes of the healthy cluster are measured, and for how long at least. */
const CHANGES = 5;
const PLAY_MS = 3000;
const STOP_MS = 10_000;
/** The state that an operator sees, if it is fixed; the others are `Unreachable`, now or after some probes. */
const SEEN: Readonly<Record<string, RegExp>> = {
  'lists Nodes without end, page by page': /^Refused: the cluster has more than 10000 Nodes/,
  'lists the same page again and again': /^Refused: the list of its Nodes does not end after 80 pages/,
  'lists empty pages without end': /^Refused: the list of its Nodes does not end after 80 pages/,
  'lists one page without end': /^Refused: .*larger than 8388608 bytes/,
  'lists a Node with a label of 20 MiB': /^Refused: .*larger than 8388608 bytes/,
  'lists what is nested deeply': /^Refused: .*more than 250000 values/,
  'lists millions of empty objects': /^Refused: .*more than 250000 values/,
  'lists a Node with a million labels': /^Refused: .*more than 250000 values/,
  'compresses a list': /^Refused: .*larger than 8388608 bytes/,
  'tells of new Nodes without end': /^Refused: the cluster has more than 10000 Nodes/,
  'sends one event without end': /^Refused: .*2097152/,
  'compresses an error (500)': /^Unreachable: the API server answered 500/,
  'never answers': /^Unreachable: GET \/version did not answer within 5000 ms/,
  'has a foreign certificate': /^Unreachable: its certificate is not signed by the CA of the kubeconfig/,
  'accepts and says nothing': /^Unreachable: GET \/version did not answer within 5000 ms/,
  'answers CONNECT without end': /^Unreachable: the proxy did not open a tunnel/,
};

type Part = readonly [string, () => Promise<Hostile>];

const CLUSTERS: readonly Part[] = [
  ...Object.keys(PLAYS).map((name) => [name, () => startHostileThread(name)] as const),
  ...Object.entries(RAW_PLAYS).map(([name, play]) => [name, () => startRawHostile(play)] as const),
  ['has a foreign certificate', () => startHostile(() => undefined, { isForeign: true })],
];
const PROXIES: readonly Part[] = [
  ...Object.entries(PROXY_PLAYS).map(([name, play]) => [name, () => startHostileProxy(play)] as const),
  ['accepts and says nothing, as SOCKS5', () => startHostileProxy(() => undefined, 'socks5')],
  ['accepts and says nothing, as https', () => startHostileProxy(() => undefined, 'https')],
];

/** Roles that cause computation run a few at a time: how soon others are served depends on the load of the processors. */
const isBusy = ([name]: Part): boolean => /end|page|MiB|nested|million|compresses/.test(name);

/** Roles that are played at the same time against one process. */
function acts(parts: readonly Part[]): readonly { readonly names: string; readonly parts: readonly Part[] }[] {
  const busy = parts.filter(isBusy);
  const quiet = parts.filter((part) => !isBusy(part));
  return [...inLots(busy, 2), ...inLots(quiet, 12)].map((lot) => ({
    names: lot.map(([name]) => name).join('; '),
    parts: lot,
  }));
}

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

function inLots<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

describeOnControlPlane(
  'the file that is shipped',
  {},
  (get) => {
    let workload: ControlPlane;
    let calm: HeldMachines;
    let rights: string;
    let shipped: Awaited<ReturnType<typeof shippedProgram>>;

    beforeAll(async () => {
      [workload, shipped] = await Promise.all([startControlPlane({ nodes: ['calm'] }), shippedProgram()]);
      await installClusterApiCrds(get());
      rights = await grantedKubeconfig(get());
      calm = await HeldMachines.make(get(), 'calm', await adminKubeconfig(workload));
      await calm.machine('calm');
    }, START_TIMEOUT_MS);
    afterAll(() => workload?.stop(), 60_000);

    const start = (kubeconfig: string, flags: readonly string[] = []): Bridge =>
      new Bridge({ kubeconfig, ...shipped, flags: ['--leader-election-namespace=maintenance-bridge', ...flags] });

    /** @returns after how many milliseconds the change is on the Node. */
    async function change(value: string | null): Promise<number> {
      const startedMs = performance.now();
      await calm.patch('calm', { labels: { [MAINTENANCE_LABEL]: value } });
      await eventually(
        async () => {
          const { metadata } = await workload.api.get<{ metadata: { labels: Record<string, string> } }>(
            '/api/v1/nodes/calm',
          );
          return (metadata.labels[MACHINE_MAINTENANCE_LABEL] === 'true') === (value !== null) ? true : undefined;
        },
        { what: 'the calm Node to be told', deadlineMs: 60_000, pollMs: 10 },
      );
      return performance.now() - startedMs;
    }

    /**
     * The healthy cluster is served within a second while the others continue. Simultaneous connections and other load on this machine
     * may delay it at first; a delay caused by the hostile clusters would persist.
     */
    async function served(isOver: () => boolean = () => true): Promise<void> {
      await change(REQUESTED);
      const untilMs = performance.now() + PLAY_MS;
      let last: readonly number[] = [];
      await eventually(
        async () => {
          last = [...last, await change(null), await change(REQUESTED)].slice(-CHANGES);
          const isServed = last.length === CHANGES && medianOf(last) < 1000;
          return isServed && performance.now() > untilMs && isOver() ? true : undefined;
        },
        { what: 'changes of the other cluster to take less than a second', deadlineMs: 90_000 },
      );
      await change(null);
    }

    /** The process ends in time after SIGTERM, and has released the Lease. */
    async function endsInTime(bridge: Bridge): Promise<void> {
      expect(bridge.isRunning()).toBe(true);
      const startedMs = performance.now();
      expect(await bridge.end('SIGTERM')).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(STOP_MS);
    }

    const stateOf = (bridge: Bridge, cluster: string): string | undefined =>
      bridge.lines
        .filter(({ msg, Cluster }) => msg === 'Workload cluster not connected' && Cluster === cluster)
        .map(({ state, reason }) => `${state}: ${reason}`)
        .at(-1);

    let runs = 0;
    /** A cluster that plays one of the roles. */
    async function cast([name, begin]: Part): Promise<{ name: string; hostile: Hostile; machines: HeldMachines }> {
      runs += 1;
      const namespace = `hostile-${runs}`;
      const hostile = await begin();
      const machines = await HeldMachines.make(get(), namespace, hostile.kubeconfig);
      await machines.machine('n');
      await machines.patch('n', { labels: { [MAINTENANCE_LABEL]: REQUESTED } });
      return { name, hostile, machines };
    }

    async function play(parts: readonly Part[]): Promise<void> {
      const players = await Promise.all(parts.map(cast));
      const proxies = players.flatMap(({ hostile: { proxy } }) => (proxy === undefined ? [] : [proxy]));
      const bridge = start(rights, proxies.length === 0 ? [] : [`--capi-allowed-proxies=${proxies.join(',')}`]);
      try {
        await calm.known(true);
        for (const { name, hostile } of players) {
          await eventually(() => (hostile.connections() > 0 ? true : undefined), {
            what: `the one that ${name} to be asked`,
            // A Lease that was not released blocks for 15 seconds.
            deadlineMs: 90_000,
          });
        }
        await served();
        for (const { name, machines } of players) {
          const seen = SEEN[name];
          const said = () => stateOf(bridge, `${machines.namespace}/${machines.namespace}`) ?? '';
          if (seen !== undefined) {
            await eventually(() => (seen.test(said()) ? true : undefined), {
              what: `the one that ${name} to be seen as ${seen}`,
              deadlineMs: 90_000,
            });
          }
          expect(await machines.isHooked('n'), name).toBe(true);
        }
        expect(await bridge.peakMiB()).toBeLessThan(memoryLimitMiB());
        await endsInTime(bridge);
        const { spec } = await get().api.get<{ spec: { holderIdentity?: string } }>(
          '/apis/coordination.k8s.io/v1/namespaces/maintenance-bridge/leases/maintenance-bridge',
        );
        expect(spec.holderIdentity ?? '').toBe('');
      } finally {
        await bridge.end('SIGKILL');
        await Promise.all(players.map(({ machines }) => machines.remove('n')));
        await Promise.all(players.map(({ hostile }) => hostile[Symbol.asyncDispose]()));
      }
    }

    describe('beside a workload cluster that', () => {
      it.each(acts(CLUSTERS))('$names, keeps no other cluster waiting', ({ parts }) => play(parts), PLAYS_TIMEOUT_MS);
    });

    // A proxy that accepts connections and sends nothing kept a cluster `Connected` forever.
    describe('beside a workload cluster whose proxy', () => {
      it.each(acts(PROXIES))('$names, keeps no other cluster waiting', ({ parts }) => play(parts), PLAYS_TIMEOUT_MS);
    });

    it('beside forty workload clusters at once that list most of a page and stop, lives within its memory', async () => {
      await using hostile = await startHostileThread('lists most of a page and stops');
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, i) => HeldMachines.make(get(), `many-${i}`, hostile.kubeconfig)),
      );
      await Promise.all(all.map((machines) => machines.machine('n')));
      const bridge = start(rights);
      try {
        const refused = () => all.filter(({ namespace }) => stateOf(bridge, `${namespace}/${namespace}`) !== undefined);
        await served(() => refused().length > 30);
        expect(await bridge.peakMiB()).toBeLessThan(memoryLimitMiB());
        await endsInTime(bridge);
      } finally {
        await bridge.end('SIGKILL');
        await Promise.all(all.map((machines) => machines.remove('n')));
      }
    });

    describe('under a management cluster that', () => {
      // It is trusted with the content of objects, not with the size of a response.
      const own = ([name]: Part): boolean =>
        name === 'compresses a list' ||
        !/page|nested|label|Node|bookmarks|lines|event|list|watch|takes labels/.test(name);

      it.concurrent.each(CLUSTERS.filter(own))('%s, lives within its memory and ends in time', async (_, begin) => {
        await using hostile = await begin();
        const bridge = start(writeText(hostile.kubeconfig));
        try {
          const sinceMs = performance.now();
          await eventually(
            () => (hostile.connections() > 10 && performance.now() - sinceMs > PLAY_MS ? true : undefined),
            { what: 'the hostile one to be asked again and again', deadlineMs: 90_000 },
          );
          expect(await bridge.peakMiB()).toBeLessThan(memoryLimitMiB());
          await endsInTime(bridge);
        } finally {
          await bridge.end('SIGKILL');
        }
      });
    });
  },
  lackingClusterApi(),
);
