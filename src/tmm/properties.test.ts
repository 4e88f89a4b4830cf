import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../harness/builders/cluster.ts';
import { budget, node, pod, TAINT } from '../../harness/builders/objects.ts';
import { decide } from './decide/decide.ts';
import { REJECTION_MARKER, REPORT_ANNOTATION } from './names.ts';

const podArbitrary = fc.record({
  ready: fc.boolean(),
  controller: fc.constantFrom('ReplicaSet', 'StatefulSet', 'DaemonSet', null),
  app: fc.constantFrom('db', 'web'),
  deleting: fc.boolean(),
  annotations: fc.constantFrom<Readonly<Record<string, string>>>({}, { 'emm-failure': 'Theirs' }, { theirs: 'x' }),
  node: fc.constantFrom('a', 'b'),
});

const clusterArbitrary = fc
  .record({
    pods: fc.array(podArbitrary, { maxLength: 8 }),
    allowed: fc.nat({ max: 3 }),
    healthy: fc.nat({ max: 4 }),
    observed: fc.boolean(),
    withBudget: fc.boolean(),
    cordon: fc.constantFrom('auto', 'always', 'never'),
  })
  .map(({ pods, allowed, healthy, observed, withBudget, cordon }) => ({
    settings: { cordon },
    objects: {
      nodes: [
        node('a', { taints: [TAINT, { key: 'theirs', effect: 'NoSchedule' }], meta: { annotations: { theirs: 'x' } } }),
        node('b'),
      ],
      pods: pods.map(({ ready, controller, app, deleting, annotations, node: nodeName }, index) =>
        pod(`p${index}`, {
          ready,
          controller,
          annotations,
          node: nodeName,
          labels: { app },
          ...(deleting && { deletedAt: '2026-11-21T02:00:30Z' }),
        }),
      ),
      budgets: withBudget ? [budget('db', { allowed, healthy, observed })] : [],
    },
  }));

const isWrite = ({ do: kind }: { readonly do: string }): boolean => kind !== 'recordEvent';

/** Runs passes until nothing is written any more; more than a handful would be a loop. */
function settle(cluster: TestCluster): void {
  for (let pass = 0; pass < 6; pass++) {
    if (!cluster.pass('a').actions.some(isWrite)) return;
    cluster.nowMs += 1000;
  }
  throw new Error('It never settles');
}

describe('invariants of `decide()`', () => {
  it('settles: once carried out, the same decision asks for nothing more', () => {
    fc.assert(
      fc.property(clusterArbitrary, ({ objects, settings }) => {
        const cluster = new TestCluster(objects, settings);
        settle(cluster);
        expect(cluster.decide('a').actions).toEqual([]);
        cluster.untaint('a');
        settle(cluster);
        expect(cluster.decide('a').actions).toEqual([]);
      }),
    );
  });

  it('decides by a plain value: an observation that was written as JSON and read again is decided the same way', () => {
    fc.assert(
      fc.property(clusterArbitrary, fc.integer({ min: 0, max: 4 }), ({ objects, settings }, passes) => {
        const cluster = new TestCluster(objects, settings);
        for (let pass = 0; pass < passes; pass++) {
          if (pass === 3) cluster.untaint('a');
          cluster.pass('a');
        }
        const observed = cluster.observe('a');
        const context = { settings: cluster.settings, memory: cluster.memories.get('a') ?? {} };
        expect(decide(JSON.parse(JSON.stringify(observed)), context)).toEqual(decide(observed, context));
      }),
    );
  });

  it('does not depend on the order of the Pods', () => {
    fc.assert(
      fc.property(clusterArbitrary, ({ objects, settings }) => {
        const forth = new TestCluster(objects, settings).decide('a');
        const back = new TestCluster({ ...objects, pods: objects.pods.toReversed() }, settings).decide('a');
        expect(back).toEqual(forth);
      }),
    );
  });

  it('leaves everything as it was, but for conditions, when a maintenance without evictions has ended', () => {
    fc.assert(
      fc.property(clusterArbitrary, ({ objects, settings }) => {
        const cluster = new TestCluster(objects, settings);
        settle(cluster);
        cluster.untaint('a');
        settle(cluster);
        // Pods that were terminating anyway are waited for, but not forever.
        cluster.nowMs += cluster.settings.exitTimeoutMs;
        settle(cluster);
        expect(cluster.pods.map(({ metadata }) => metadata.annotations ?? {})).toEqual(
          objects.pods.map(({ metadata }) => metadata.annotations ?? {}),
        );
        expect(cluster.node('a').metadata.annotations).toEqual({ theirs: 'x' });
        expect(cluster.node('a').spec.unschedulable ?? false).toBe(false);
      }),
    );
  });

  it('evicts nothing unless the Node says `Draining`, never from another Node, and never what it has marked', () => {
    fc.assert(
      fc.property(clusterArbitrary, ({ objects, settings }) => {
        const cluster = new TestCluster(objects, settings);
        for (let pass = 0; pass < 4; pass++) {
          const { evictions } = cluster.pass('a');
          for (const { name } of evictions) {
            expect(cluster.report('a')?.phase).toBe('Draining');
            expect(cluster.pod(name).spec.nodeName).toBe('a');
            expect(cluster.pod(name).metadata.annotations?.[REJECTION_MARKER]).toBeUndefined();
          }
        }
      }),
    );
  });

  it('is all or nothing: with a Pod that nobody would create again, no Pod is evicted', () => {
    fc.assert(
      fc.property(clusterArbitrary, ({ objects, settings }) => {
        const pods = [...objects.pods, pod('bare', { node: 'a', controller: null })];
        const cluster = new TestCluster({ ...objects, pods }, settings);
        for (let pass = 0; pass < 4; pass++) expect(cluster.pass('a').evictions).toEqual([]);
      }),
    );
  });

  it('goes on from whatever was carried out: killed after any write, it ends in the same state', () => {
    fc.assert(
      fc.property(clusterArbitrary, fc.nat({ max: 12 }), ({ objects, settings }, killAfter) => {
        const end = (cluster: TestCluster) => ({
          phase: cluster.report('a')?.phase,
          reason: cluster.report('a')?.reason,
          unschedulable: cluster.node('a').spec.unschedulable ?? false,
          annotations: cluster.pods.map(({ metadata }) => metadata.annotations?.['emm-failure']),
        });
        const undisturbed = new TestCluster(objects, settings);
        settle(undisturbed);

        const killed = new TestCluster(objects, settings);
        const writes = killed.decide('a').actions.filter(isWrite);
        for (const action of writes.slice(0, killAfter)) killed.carryOut(action);
        killed.memories.clear();
        settle(killed);
        expect(end(killed)).toEqual(end(undisturbed));
      }),
    );
  });

  it('takes any text for a report without failing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.boolean(), (report, isTainted) => {
        const taints = isTainted ? [TAINT] : [];
        const cluster = new TestCluster({
          nodes: [node('a', { taints, meta: { annotations: { [REPORT_ANNOTATION]: report } } })],
        });
        settle(cluster);
        expect(cluster.report('a')?.phase).toBe(isTainted ? 'InMaintenance' : undefined);
      }),
    );
  });
});
