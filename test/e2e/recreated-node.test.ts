/** A Node that is deleted in the middle of its maintenance, and another one that takes its name. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { REJECTION_MARKER } from '../../src/tmm/names.ts';

describeOnControlPlane(
  'A Node that is deleted and created again',
  { scheduler: true, controllerManager: true, kwok: true },
  (get) => {
    let bridge: Bridge;
    beforeAll(async () => {
      bridge = await new Bridge({ kubeconfig: get().kubeconfig, flags: ['--leader-elect=false'] }).leads();
    });
    afterAll(() => bridge?.end());
    afterEach(removePlots);

    const recreate = async (plot: Plot): Promise<void> => {
      await get().api.delete(`/api/v1/nodes/${plot.home}`);
      await get().addNodes([plot.home], { labels: { plot: plot.namespace } });
    };

    it('is not drained by the request to the one before it', async () => {
      const plot = await Plot.make(get(), 'again', 2);
      await plot.runAtHome(() => plot.replicaSet('web', 2), 'web', 2);
      await plot.budget('web', { maxUnavailable: 1 });
      await plot.gate('web');
      await plot.taint();
      await eventually(async () => ((await plot.report())?.blockedBy.length === 1 ? true : undefined), {
        what: 'the drain to be held up',
      });
      const [left] = await plot.on(plot.home, 'web');
      await recreate(plot);
      await plot.ungate('web');
      await plot.editBudget('web', { maxUnavailable: 2 });
      await plot.ready('web', 2);
      // A new Node does not wait: its predecessor's slot is free.
      await plot.taint(plot.nodes[1]);
      await plot.phase('InMaintenance', plot.nodes[1]);
      expect(await plot.report()).toBeUndefined();
      const after = (await plot.pods('web')).map(({ metadata }) => metadata.uid);
      expect(after).toHaveLength(2);
      expect(
        bridge.lines.filter(({ msg, Pod }) => msg === 'Evicting' && Pod === `again/${left?.metadata.name}`).length,
      ).toBeLessThan(2);
    });

    it('leaves no reason on Pods that were told of its rejection and that are elsewhere', async () => {
      const plot = await Plot.make(get(), 'told', 2);
      await plot.bare('tool', { nodeName: plot.home });
      await plot.ready('tool', 1, plot.home);
      await plot.taint();
      await plot.phase('Rejected');
      const marker = async (): Promise<string | undefined> =>
        (await plot.pods('tool'))[0]?.metadata.annotations?.[REJECTION_MARKER];
      await eventually(async () => ((await marker()) === undefined ? undefined : true), { what: 'the Pod to be told' });
      await recreate(plot);
      await eventually(
        async () => {
          const pods = await plot.pods('tool');
          return pods.every(({ metadata }) => metadata.annotations?.['emm-failure'] === undefined) ? true : undefined;
        },
        { what: 'the reason to go, with the Pod or from it' },
      );
      expect(await plot.report()).toBeUndefined();
      expect(await plot.condition('MaintenanceInProgress')).toBeUndefined();
    });
  },
);
