/** A watch is refused while the others continue: no decision is made from the last known state. */
import { afterEach, expect, it } from 'vitest';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridges } from '../../harness/programs.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const PODS = /^\/api\/v1\/pods\?/;

describeOnControlPlane(
  'A program that is kept from seeing Pods',
  { scheduler: true, controllerManager: true, kwok: true },
  (get) => {
    const bridges = new Bridges(get, { flags: ['--leader-elect=false'] });
    afterEach(removePlots);

    it('does not take a Node for free of Pods', async () => {
      const plot = await Plot.make(get(), 'blind', 2);
      const { relay } = bridges;
      const bridge = await bridges.startBehindRelay().leads();
      relay.substitute = ({ path }) =>
        PODS.test(path)
          ? { code: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden', message: 'pods is forbidden' } }
          : undefined;
      // More than once: a watch may be opening while the others are cut.
      await eventually(
        () => {
          relay.cutWatches();
          return bridge.lines.find(({ msg, reason }) => msg === 'Watch failed, trying again' && reason === 'Forbidden');
        },
        { what: 'the watch to be refused', pollMs: 500 },
      );
      const sinceMs = Date.now();
      await plot.bare('db', { nodeName: plot.home });
      await plot.ready('db', 1, plot.home);
      // A moment without a watch is tolerated: every watch ends from time to time.
      await eventually(() => (Date.now() - sinceMs > 3500 ? true : undefined), { what: 'the moment to be over' });
      await plot.taint();
      await bridge.logged(
        ({ msg, Node }) => msg === 'Not decided: what was seen last may be old' && Node === plot.home,
        'the Node to be left alone',
      );
      expect(await plot.report()).toBeUndefined();
      relay.substitute = () => undefined;
      expect(await plot.phase('Rejected', plot.home, 60_000)).toMatchObject({ blockedBy: [{ cause: 'NoController' }] });
    });
  },
);
