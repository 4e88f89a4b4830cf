/** Temporary Maintenance Mode, driven by kubectl, and observed as by an operator. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { eventually } from '../../harness/wait.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true, auditLog: true } as const;
const REASON = 'emm-failure';

describeScenario('Temporary Maintenance Mode', OPTIONS, (get) => {
  let bridge: Bridge;
  beforeAll(async () => {
    bridge = await new Bridge({
      kubeconfig: await grantedKubeconfig(get()),
      flags: ['--tmm-admission-timeout=3s', '--tmm-exit-timeout=10s'],
    }).leads();
  });
  afterAll(() => bridge?.end());
  afterEach(removePlots);

  /** Evictions that reached the API server for Pods of this namespace, with the responses. */
  const evictions = async (plot: Plot): Promise<string[]> =>
    (await plot.evictions()).map(({ objectRef, responseStatus }) => `${objectRef?.name} ${responseStatus?.code}`);
  const reasonsOf = async (plot: Plot, app?: string) =>
    (await plot.pods(app)).map(({ metadata }) => metadata.annotations?.[REASON]);

  describe('a Node that may be drained', () => {
    it('is drained within the budget, reported, and brought back by the proposal’s own commands', async () => {
      const plot = await Plot.make(get(), 'drained', 3);
      await plot.runAtHome(() => plot.deployment('web', 4), 'web', 4);
      await plot.budget('web', { maxUnavailable: 1 });
      await plot.daemonSet('agent');
      await plot.ready('agent', 1, plot.home);

      await plot.kubectl('taint', 'node', plot.home, 'drain=planned-downtime:NoSchedule');
      const report = await plot.phase('InMaintenance');
      expect(report).toMatchObject({ pods: { total: 4, gone: 4, staying: 1 }, blockedBy: [] });
      expect(await plot.on(plot.home, 'web')).toEqual([]);
      expect(await plot.on(plot.home, 'agent')).toHaveLength(1);
      expect(await plot.condition('Drained')).toBe('True');
      expect(await plot.condition('MaintenanceInProgress')).toBe('True');
      expect(await plot.condition('DrainInProgress')).toBe('False');
      expect(await plot.condition('Ready')).toBe('True');
      await plot.ready('web', 4);
      // No eviction was refused by the budget: the bridge waited for it.
      expect((await evictions(plot)).filter((each) => each.endsWith(' 201'))).toHaveLength(4);

      // Misspelt in the proposal, but valid: kubectl ignores the value on removal.
      await plot.kubectl('taint', 'node', plot.home, 'drain=planned-downtine:NoSchedule-');
      await plot.phase('none');
      expect(await plot.condition('MaintenanceInProgress')).toBe('False');
      expect(await plot.condition('Drained')).toBe('False');
      for (const reason of ['MaintenanceAdmitted', 'NodeDrained', 'MaintenanceEnded']) {
        expect((await plot.event(reason)).type).toBe('Normal');
      }
      const described = await plot.kubectl('describe', 'node', plot.home);
      expect(described).toContain('MaintenanceEnded');

      await plot.kubectl('taint', 'node', plot.home, 'drain=planned-downtime:NoSchedule');
      await plot.phase('InMaintenance');
      await plot.kubectl('taint', 'node', plot.home, 'drain=planned-downtime:NoSchedule-');
      await plot.phase('none');
    });

    it('is free at once where nothing is related (row 1)', async () => {
      const plot = await Plot.make(get(), 'empty', 2);
      await plot.taint();
      expect(await plot.phase('InMaintenance')).toMatchObject({ pods: { total: 0, gone: 0 } });
      expect(await plot.condition('Drained')).toBe('True');
    });

    it('is let go where what its budget misses is on it, the unready Pod first (row 4, the repair case)', async () => {
      const plot = await Plot.make(get(), 'repair', 2);
      await plot.runAtHome(() => plot.replicaSet('db', 3), 'db', 3);
      await plot.budget('db', { minAvailable: 2 });
      const [sick] = await plot.pods('db');
      const name = sick?.metadata.name ?? '';
      await plot.makeUnready(name);
      await eventually(async () => ((await plot.budgetStatus('db')).currentHealthy === 2 ? true : undefined), {
        what: 'the budget to count two healthy Pods',
      });
      await plot.taint();
      await plot.phase('InMaintenance');
      const accepted = (await evictions(plot)).filter((each) => each.endsWith(' 201'));
      expect(accepted).toHaveLength(3);
      expect(accepted[0]).toBe(`${name} 201`);
    });

    it('keeps Pods that stay: of DaemonSets, tolerating ones, mirror and finished ones', async () => {
      const plot = await Plot.make(get(), 'staying', 2);
      await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
      await plot.daemonSet('agent');
      await plot.bare('tolerant', { nodeName: plot.home, tolerations: [{ key: 'drain', operator: 'Exists' }] });
      await plot.bare('finished', { nodeName: plot.home, restartPolicy: 'Never' });
      await plot.ready('agent', 1, plot.home);
      await plot.ready('tolerant', 1);
      await get().api.patch(
        `/api/v1/namespaces/${plot.namespace}/pods/finished/status`,
        { status: { phase: 'Succeeded' } },
        'merge',
      );
      // A mirror Pod as a kubelet makes it: owned by its Node, with the annotation that only kubelets may set.
      const node = await plot.node();
      const mirror = plot.template('mirror', { nodeName: plot.home }) as { metadata: object };
      await get().api.create(`/api/v1/namespaces/${plot.namespace}/pods`, {
        ...mirror,
        metadata: {
          ...mirror.metadata,
          name: 'mirror',
          annotations: { 'kubernetes.io/config.mirror': 'x' },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Node', name: plot.home, uid: node.metadata.uid, controller: true },
          ],
        },
      });

      await plot.taint();
      const report = await plot.phase('InMaintenance');
      expect(report).toMatchObject({ pods: { total: 1, gone: 1, staying: 4 } });
      expect((await plot.on(plot.home)).map(({ metadata }) => metadata.labels?.app).sort()).toEqual([
        'agent',
        'finished',
        'mirror',
        'tolerant',
      ]);
      await plot.untaint();
      await plot.phase('none');
    });

    it('does not evict a StatefulSet’s Pod again that has come back elsewhere under the same name', async () => {
      const plot = await Plot.make(get(), 'renamed', 2);
      await plot.runAtHome(() => plot.statefulSet('db', 3), 'db', 3);
      await plot.budget('db', { maxUnavailable: 1 });
      await plot.taint();
      await plot.phase('InMaintenance');
      const pods = await plot.ready('db', 3, plot.nodes[1]);
      expect(pods.map(({ metadata }) => metadata.name)).toEqual(['db-0', 'db-1', 'db-2']);
      const accepted = (await evictions(plot)).filter((each) => each.endsWith(' 201'));
      expect(accepted.sort()).toEqual(['db-0 201', 'db-1 201', 'db-2 201']);
    });

    it('waits for Pods that can only run there when the taint goes', async () => {
      const plot = await Plot.make(get(), 'pinned', 2);
      await plot.statefulSet('db', 1, { nodeSelector: { 'kubernetes.io/hostname': plot.home } });
      await plot.ready('db', 1, plot.home);
      await plot.taint();
      await plot.phase('InMaintenance');
      await eventually(async () => ((await plot.pods('db'))[0]?.status.phase === 'Pending' ? true : undefined), {
        what: 'db-0 to be Pending',
      });
      // Otherwise it might be back before the bridge has to wait for it.
      await plot.cordon(plot.home, true);
      await plot.untaint();
      await plot.phase('Exiting');
      await plot.cordon(plot.home, false);
      await plot.phase('none');
      await plot.ready('db', 1, plot.home);
      expect((await plot.event('MaintenanceEnded')).note).toContain('1 Pod had left');
      expect((await plot.event('MaintenanceExiting')).note).toContain(`1 of StatefulSet ${plot.namespace}/db`);
    });
  });

  describe('a Node that may not be drained', () => {
    it('is rejected before anything is touched where the budget allows none, and is as before when the taint goes', async () => {
      const plot = await Plot.make(get(), 'refused', 2);
      await plot.runAtHome(() => plot.deployment('db', 2), 'db', 2);
      await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
      await plot.budget('db', { maxUnavailable: 0 });
      await plot.daemonSet('agent');
      await plot.ready('agent', 1, plot.home);
      const before = await plot.pods();

      await plot.taint();
      const report = await plot.phase('Rejected');
      expect(report).toMatchObject({
        reason: 'TooManyExistingFailures',
        blockedBy: [{ cause: 'BudgetImpossible' }, {}],
      });
      await eventually(
        async () => ((await reasonsOf(plot, 'web')).every((reason) => reason !== undefined) ? true : undefined),
        {
          what: 'all Pods to be told',
        },
      );
      expect(await reasonsOf(plot, 'db')).toEqual(['TooManyExistingFailures', 'TooManyExistingFailures']);
      expect(await reasonsOf(plot, 'agent')).not.toContain('TooManyExistingFailures');
      const [pod] = await plot.pods('web');
      expect(pod?.metadata.annotations?.['emm-failure-message']).toContain(
        `PodDisruptionBudget ${plot.namespace}/db allows 0 disruptions`,
      );
      expect(await plot.condition('MaintenanceInProgress')).toBe('False');
      expect(await plot.event('MaintenanceRejected')).toMatchObject({ type: 'Warning' });
      expect(await evictions(plot)).toEqual([]);

      await plot.untaint(plot.home, 'drain=planned-downtine:NoSchedule-');
      await plot.phase('none');
      // The annotations are removed in the background: a Pod that refuses writes must not block the Node's session.
      const annotated = (pods: typeof before) => pods.map(({ metadata }) => [metadata.uid, metadata.annotations]);
      await eventually(
        async () => (isDeepStrictEqual(annotated(await plot.pods()), annotated(before)) ? true : undefined),
        { what: 'all Pods to be as before' },
      );
    });

    it('tells Pods that appear while it is rejected, and leaves foreign values alone', async () => {
      const plot = await Plot.make(get(), 'late', 2);
      await plot.bare('bare', { nodeName: plot.home });
      await plot.ready('bare', 1);
      const root = `/api/v1/namespaces/${plot.namespace}/pods`;
      await plot.bare('theirs', { nodeName: plot.home });
      await get().api.patch(`${root}/theirs`, { metadata: { annotations: { [REASON]: 'Theirs' } } }, 'merge');
      await plot.ready('theirs', 1);
      await plot.taint();
      await plot.phase('Rejected');
      await plot.bare('late', { nodeName: plot.home });
      await eventually(async () => ((await reasonsOf(plot, 'late'))[0] === 'GenericFailure' ? true : undefined), {
        what: 'the late Pod to be told',
      });
      expect(await reasonsOf(plot, 'theirs')).toEqual(['Theirs']);
      await plot.untaint();
      await plot.phase('none');
      await eventually(async () => ((await reasonsOf(plot, 'late'))[0] === undefined ? true : undefined), {
        what: 'the mark on the late Pod to go',
      });
      expect(await reasonsOf(plot, 'theirs')).toEqual(['Theirs']);
    });

    it('is rejected where two budgets select a Pod, which the Eviction API would refuse', async () => {
      const plot = await Plot.make(get(), 'twobudgets', 2);
      await plot.runAtHome(() => plot.deployment('web', 2), 'web', 2);
      await plot.budget('web', { maxUnavailable: 1 });
      await plot.budget('web', { maxUnavailable: 1 }, 'web-too');
      await plot.taint();
      const report = await plot.phase('Rejected');
      expect(report).toMatchObject({
        reason: 'GenericFailure',
        blockedBy: [{ cause: 'MultipleBudgets' }, { cause: 'MultipleBudgets' }],
      });
    });

    it('is rejected where the Pods do not all fit elsewhere, by the scheduler’s own rules', async () => {
      const plot = await Plot.make(get(), 'noroom', 2);
      const resources = { requests: { cpu: '12' } };
      const containers = [{ name: 'main', image: 'registry.invalid/main', resources }];
      await plot.runAtHome(() => plot.deployment('big', 2, { containers }), 'big', 2);
      // Two of them fit if nothing else is there; with a third Pod of another owner they do not.
      await plot.cordon(plot.home, true);
      await plot.deployment('theirs', 1, { containers });
      await plot.ready('theirs', 1, plot.nodes[1]);
      await plot.cordon(plot.home, false);
      await plot.taint();
      const report = await plot.phase('Rejected');
      expect(report).toMatchObject({ reason: 'NotEnoughResources', blockedBy: [{ cause: 'NoRoom' }] });
      expect(JSON.stringify(report)).toContain('Insufficient cpu');
      expect(await evictions(plot)).toEqual([]);
      expect(await plot.on(plot.home, 'big')).toHaveLength(2);
    });

    /** A budget that needs two of three members, of which the third waits at a gate: missing, and not on this Node. */
    const shortOfOne = async (name: string): Promise<Plot> => {
      const plot = await Plot.make(get(), name, 2);
      await plot.runAtHome(() => plot.replicaSet('db', 2), 'db', 2);
      await plot.budget('db', { minAvailable: 2 });
      await plot.gate('db');
      await get().api.patch(`/apis/apps/v1/namespaces/${name}/replicasets/db`, { spec: { replicas: 3 } }, 'merge');
      await eventually(async () => ((await plot.pods('db')).length === 3 ? true : undefined), {
        what: 'the third Pod',
      });
      return plot;
    };

    it('waits in Checking for a member that may recover, and drains once it has', async () => {
      const plot = await shortOfOne('recovers');
      await plot.taint();
      await plot.phase('Checking');
      expect(await plot.condition('MaintenanceInProgress')).toBe('False');
      await plot.ungate('db');
      await plot.phase('InMaintenance');
      expect(await plot.event('MaintenanceWaiting')).toMatchObject({ type: 'Normal' });
    });

    it('is rejected when the member does not recover in time', async () => {
      const plot = await shortOfOne('stays-down');
      await plot.taint();
      expect(await plot.phase('Rejected')).toMatchObject({
        reason: 'TooManyExistingFailures',
        blockedBy: [{ cause: 'BudgetExhausted' }, {}],
      });
      expect(await evictions(plot)).toEqual([]);
    });
  });

  describe('a drain that is held up', () => {
    /** Two Pods at home under a budget of one; the replacement of the first does not start, so the second must wait. */
    const heldUp = async (name: string): Promise<Plot> => {
      const plot = await Plot.make(get(), name, 2);
      await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
      await plot.budget('web', { maxUnavailable: 1 });
      await plot.gate('web');
      await plot.taint();
      await eventually(
        async () => {
          const report = await plot.report();
          const isBlocked = report?.phase === 'Draining' && report.blockedBy[0]?.cause === 'BudgetExhausted';
          // The first has left, and its eviction was not only requested.
          return isBlocked && (await plot.on(plot.home, 'web')).length === 1 ? true : undefined;
        },
        { what: 'the drain to be held up' },
      );
      return plot;
    };

    it('asks for nothing while it waits, and follows the budget’s change in well under a second', async () => {
      const plot = await heldUp('waits');
      const requests = async (): Promise<readonly string[]> => {
        const events = await get().auditEvents();
        const ours = events.filter(
          ({ user, verb, objectRef }) =>
            user.username === 'system:serviceaccount:maintenance-bridge:maintenance-bridge' &&
            verb !== 'watch' &&
            objectRef?.resource !== 'leases',
        );
        // While Cluster API is not installed, the bridge checks for it with backoff.
        return ours
          .map(({ verb, requestURI }) => `${verb} ${requestURI}`)
          .filter((each) => !each.includes('cluster.x-k8s.io'));
      };
      // Reported by the server itself, if it has metrics.
      const evictionsServed = async (): Promise<number> => {
        if (!get().can.has('metrics')) return 0;
        return [
          ...(await get().metrics()).matchAll(/^apiserver_request_total\{[^}]*subresource="eviction"[^}]*\} (\d+)/gm),
        ].reduce((sum, [, count]) => sum + Number(count), 0);
      };
      // The report's last line of progress is written within a second.
      let quiet: readonly string[] = [];
      await eventually(
        async () => {
          const now = await requests();
          const isQuiet = now.length === quiet.length;
          quiet = now;
          return isQuiet ? true : undefined;
        },
        { what: 'the requests to cease', pollMs: 1500 },
      );
      const served = await evictionsServed();
      const until = performance.now() + 4000;
      await eventually(() => (performance.now() > until ? true : undefined), { what: 'four quiet seconds' });
      expect((await requests()).slice(quiet.length)).toEqual([]);
      expect(await evictionsServed()).toBe(served);

      const openedAt = Date.now();
      await plot.editBudget('web', { maxUnavailable: 2 });
      await plot.phase('InMaintenance');
      const last = (await plot.evictions()).at(-1);
      expect(last?.responseStatus?.code).toBe(201);
      expect(Date.parse(last?.requestReceivedTimestamp ?? '') - openedAt).toBeLessThan(1000);
    });

    it('notices that a Pod has gone by itself', async () => {
      const plot = await heldUp('by-itself');
      const [pod] = await plot.on(plot.home, 'web');
      await plot.kubectl('-n', plot.namespace, 'delete', 'pod', pod?.metadata.name ?? '', '--wait=false');
      await plot.phase('InMaintenance');
      expect((await evictions(plot)).filter((each) => each.endsWith(' 201'))).toHaveLength(1);
    });

    it('evicts nothing more once the taint is removed in the middle', async () => {
      const plot = await heldUp('aborted');
      await plot.untaint();
      // Displaced Pods are awaited, wherever they run now.
      const isAwaited = async (): Promise<true | undefined> => {
        const { phase, message } = (await plot.report()) ?? {};
        return phase === 'Exiting' && message?.includes('1 of ReplicaSet aborted/web') === true ? true : undefined;
      };
      await eventually(isAwaited, { what: 'the exit to wait for the Pod' });
      await plot.ungate('web');
      await plot.phase('none');
      await plot.editBudget('web', { maxUnavailable: 2 });
      await plot.ready('web', 2);
      expect((await evictions(plot)).filter((each) => each.endsWith(' 201'))).toHaveLength(1);
      expect(await plot.on(plot.home, 'web')).not.toEqual([]);
    });
  });

  it('warns of a taint that was probably meant, and touches nothing', async () => {
    const plot = await Plot.make(get(), 'typo', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    await plot.taint(plot.home, 'drain=planned-downtine:NoSchedule');
    const event = await plot.event('UnrecognisedMaintenanceTaint');
    expect(event.type).toBe('Warning');
    expect(event.note).toContain(`kubectl taint node ${plot.home} drain=planned-downtime:NoSchedule`);
    expect(await plot.report()).toBeUndefined();
    expect(await plot.condition('MaintenanceInProgress')).toBeUndefined();
    expect(await plot.on(plot.home, 'web')).toHaveLength(1);
    // The commands of the warning are correct.
    await plot.untaint(plot.home, 'drain=planned-downtine:NoSchedule-');
    await plot.taint();
    await plot.phase('InMaintenance');
  });

  it('goes on with a report that somebody has spoilt', async () => {
    const plot = await Plot.make(get(), 'spoilt', 2);
    await plot.runAtHome(() => plot.deployment('web', 1), 'web', 1);
    await plot.kubectl('annotate', 'node', plot.home, 'maintenance-bridge.io/tmm={"phase":"Dreaming"}');
    await plot.taint();
    await plot.phase('InMaintenance');
    expect((await plot.event('MaintenanceReportUnreadable')).type).toBe('Warning');
  });

  it('is not drawn into a fight with somebody who removes the report each time', async () => {
    const plot = await Plot.make(get(), 'fought', 1);
    await plot.taint();
    const path = `/api/v1/nodes/${plot.home}`;
    await eventually(
      async () => {
        if ((await plot.report()) !== undefined) {
          await get().api.patch(path, { metadata: { annotations: { [REPORT_ANNOTATION]: null } } }, 'merge');
        }
        return (await plot.events()).some(({ reason }) => reason === 'MaintenanceReportRemoved') ? true : undefined;
      },
      { what: 'the Node to say that its report is removed', deadlineMs: 60_000, pollMs: 10 },
    );
    expect((await plot.events()).filter(({ reason }) => reason === 'NodeDrained').length).toBeLessThanOrEqual(7);
    await plot.phase('InMaintenance');
    await plot.untaint();
    await plot.phase('none');
  });

  itWhereThereIs('rbac', 'needs no right that it does not have', () => {
    const denied = bridge.lines.filter((line) => JSON.stringify(line).includes('forbidden'));
    expect(denied).toEqual([]);
  });
});
