/** Machine drain whose process is killed after each of its writes, in the management cluster and in the workload cluster, one by one. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ControlPlane } from '../../controlplane/controlplane.ts';
import { FaultProxy } from '../../harness/fault-proxy.ts';
import { startMachines } from '../../harness/machine-managers.ts';
import { Fleet } from '../../harness/machines.ts';
import { Plot } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { eventually } from '../../harness/wait.ts';
import { DRAIN_ANNOTATION, DRAIN_LABEL, ENABLED_LABEL, MACHINE_TAINT } from '../../src/core/machine-keys.ts';
import { describeScenario, startAnother } from './suite.ts';

const FLAGS = ['--enable-tmm=false', '--enable-machine-drain', '--leader-elect=false'];
/** Events, and reviews of its own rights. */
const NOTHING_DEPENDS_ON = /\/events(\/|\?|$)|^\/apis\/authorization/;
const LIFE_MS = 240_000;

describeScenario('machine drain killed after each of its writes', {}, (get) => {
  let workload: ControlPlane;
  let clusterApi: AsyncDisposable;
  let fleet: Fleet;
  let plot: Plot;
  let proxies: readonly FaultProxy[] = [];
  let killer: Killer;

  beforeAll(async () => {
    workload = await startAnother({ scheduler: true, controllerManager: true, kwok: true, auditLog: true });
    clusterApi = await startMachines(get(), workload);
    fleet = await Fleet.make(get(), workload, 'metal', 'shop');
    const [management, remote] = [await FaultProxy.start(get()), await FaultProxy.start(workload)];
    proxies = [management, remote];
    const value = Buffer.from(remote.kubeconfig()).toString('base64');
    await get().api.patch('/api/v1/namespaces/metal/secrets/shop-kubeconfig', { data: { value } }, 'merge');
    const kubeconfig = join(get().directory, 'killed.kubeconfig');
    await writeFile(kubeconfig, management.kubeconfig(), { mode: 0o600 });
    killer = new Killer(proxies, () => new Bridge({ kubeconfig, flags: FLAGS }));
    await fleet.machine('control', { controlPlane: true });
    plot = await Plot.make(workload, 'killed', 2);
    for (const node of plot.nodes) {
      await fleet.machine(node, { labels: { [ENABLED_LABEL]: 'true' }, hasNode: true });
      await fleet.hooked(node);
    }
  });
  afterAll(async () => {
    await killer?.end();
    await clusterApi?.[Symbol.asyncDispose]();
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await workload?.stop();
  });

  const isFenced = async (name: string): Promise<boolean> =>
    ((await plot.node(name)).spec.taints ?? []).some((taint) => 'key' in taint && taint.key === MACHINE_TAINT.key);
  const maintenance = async (name: string): Promise<string | undefined> =>
    (await fleet.get(name)).metadata.labels?.['runtime-extension-maintenance-controller.cloud.sap/maintenance'];

  it(
    'comes to the same end, with one Machine away at a time',
    async () => {
      const [home = '', other = ''] = plot.nodes;
      await plot.runAtHome(() => plot.deployment('web', 3), 'web', 3);
      await plot.budget('web', { maxUnavailable: 1 });
      const before = (await plot.pods('web')).map(({ metadata }) => metadata.name).sort();
      const faults: string[] = [];
      /** Checks that must hold until the first Machine is back. */
      const look = async (): Promise<void> => {
        if (await isFenced(other)) faults.push('both are away');
        const left = (await maintenance(home)) === 'approved' ? await plot.on(home, 'web') : [];
        if (left.length > 0) faults.push(`approved with ${left.map(({ metadata }) => metadata.name)} on it`);
      };

      await fleet.label(home, { maintenance: 'requested' });
      await eventually(async () => ((await isFenced(home)) ? true : undefined), {
        what: 'the fence',
        deadlineMs: LIFE_MS,
      });
      await fleet.label(other, { maintenance: 'requested' });
      await eventually(
        async () => {
          await look();
          return (await maintenance(home)) === 'approved' ? true : undefined;
        },
        { what: 'the approval', deadlineMs: LIFE_MS },
      );
      await look();
      expect(faults).toEqual([]);
      await plot.ready('web', 3, other);
      const evicted = (await plot.evictions()).filter(({ responseStatus }) => responseStatus?.code === 201);
      expect([...new Set(evicted.map(({ objectRef }) => objectRef?.name))].sort()).toEqual(before);

      await fleet.label(home, { maintenance: null });
      await eventually(
        async () => {
          const { metadata } = await plot.node(home);
          if (metadata.labels?.[DRAIN_LABEL] !== undefined || (await isFenced(home))) return undefined;
          if ((await fleet.get(home)).metadata.annotations?.[DRAIN_ANNOTATION] !== undefined) return undefined;
          return (await fleet.nodeLabels(home)).length === 0 ? true : undefined;
        },
        { what: 'nothing of ours to be left', deadlineMs: LIFE_MS },
      );
      expect(await plot.report(home)).toBeUndefined();
      // The hooks, the record, the fence, the report, three evictions, the approval, and the return to service.
      expect(killer.kills.length).toBeGreaterThan(12);
      killer.spare();
      await fleet.labelled(other, 'maintenance', 'approved');
    },
    LIFE_MS + 120_000,
  );
});

/** Ends the process after each of its writes, as soon as the server has carried it out, and starts another. */
class Killer {
  /** The writes after which it was killed. */
  readonly kills: string[] = [];
  readonly #start: () => Bridge;
  #bridge: Bridge;
  #restart: Promise<void> = Promise.resolve();
  #isArmed = true;
  #isSpared = false;

  constructor(proxies: readonly FaultProxy[], start: () => Bridge) {
    this.#start = start;
    this.#bridge = start();
    for (const proxy of proxies) proxy.carriedOut = (method, path) => this.#carriedOut(method, path);
  }

  /** From now on it is not killed. */
  spare(): void {
    this.#isSpared = true;
  }

  async end(): Promise<void> {
    this.spare();
    await this.#restart;
    await this.#bridge.end('SIGKILL');
  }

  #carriedOut(method: string, path: string): void {
    const isWrite = method !== 'GET' && !path.includes('dryRun=All') && !NOTHING_DEPENDS_ON.test(path);
    if (!isWrite || !this.#isArmed || this.#isSpared) return;
    this.#isArmed = false;
    this.kills.push(`${method} ${path}`);
    this.#restart = this.#again();
  }

  async #again(): Promise<void> {
    await this.#bridge.end('SIGKILL');
    this.#bridge = this.#start();
    this.#isArmed = true;
  }
}
