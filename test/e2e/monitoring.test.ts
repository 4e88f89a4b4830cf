/** Every expression of the alerting rules and of the dashboard, evaluated by a real Prometheus that has scraped real replicas. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../controlplane/ports.ts';
import { Plot, removePlots } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { ensureTools, lackingTools, PROMETHEUS_TOOLS } from '../../harness/tools/tools.ts';
import { eventually } from '../../harness/wait.ts';
import { withoutFilters, withVariables } from '../monitoring/expressions.ts';
import { EXPRESSIONS, PANELS, RULES } from '../monitoring/files.ts';
import { Prometheus } from '../monitoring/prometheus.ts';

const EVERYTHING = { scheduler: true, controllerManager: true, kwok: true };
const TAINT = 'drain=planned-downtime:NoSchedule';

/** Values of panels after one maintenance and one rejection, by the labels of the series. */
const SHOWN: readonly { title: string; labels: Readonly<Record<string, string>>; value: unknown }[] = [
  { title: 'Rejected', labels: {}, value: 1 },
  { title: 'In maintenance', labels: {}, value: 0 },
  { title: 'Leaders', labels: { namespace: 'system', job: 'bridge' }, value: 1 },
  { title: 'Nodes by phase', labels: { phase: 'Rejected' }, value: 1 },
  { title: 'Longest in its phase', labels: { phase: 'Rejected' }, value: above(0) },
  { title: 'Blocked Pods by cause', labels: { cause: 'NoController' }, value: 1 },
  { title: 'Evictions by answer', labels: { outcome: 'Accepted' }, value: above(0) },
  { title: 'Rejections by reason', labels: { reason: 'GenericFailure' }, value: above(0) },
  { title: 'Duration of drains and maintenances', labels: {}, value: above(0) },
  { title: 'Queue', labels: { controller: 'tmm' }, value: 0 },
];

function above(limit: number): unknown {
  return expect.toSatisfy((value: number) => value > limit, `above ${limit}`);
}

describeOnControlPlane(
  'monitoring',
  EVERYTHING,
  (get) => {
    const bridges: Bridge[] = [];
    let prometheus: Prometheus | undefined;
    const asked = (): Prometheus => {
      if (prometheus === undefined) throw new Error('Prometheus runs only while tests do');
      return prometheus;
    };

    const startBridge = async (): Promise<string> => {
      const address = `127.0.0.1:${await freePort()}`;
      const { kubeconfig } = get();
      bridges.push(new Bridge({ kubeconfig, flags: [`--metrics-bind-address=${address}`] }));
      return address;
    };

    beforeAll(async () => {
      const targets = [await startBridge()];
      await bridges[0]?.leads();
      // A standby replica, so that expressions that count replicas have something to count.
      targets.push(await startBridge());
      const { prometheus: program } = await ensureTools(PROMETHEUS_TOOLS);
      prometheus = await Prometheus.start(program, targets);
      await eventually(async () => ((await asked().query('sum(up)'))[0]?.value === 2 ? true : undefined), {
        what: 'both replicas to be scraped',
        deadlineMs: 30_000,
      });

      const plot = await Plot.make(get(), 'observed');
      await plot.runAtHome(() => plot.deployment('web', 3), 'web', 3);
      await plot.kubectl('taint', 'node', plot.home, TAINT);
      await plot.phase('InMaintenance');
      await plot.kubectl('taint', 'node', plot.home, `${TAINT}-`);
      await plot.phase('none');
      // Nothing would create it again, so the maintenance of its Node is rejected, and remains so.
      await plot.bare('lonely');
      const [lonely] = await plot.ready('lonely', 1);
      await plot.kubectl('taint', 'node', lonely?.spec.nodeName ?? '', TAINT);
      await plot.phase('Rejected', lonely?.spec.nodeName);
      await eventually(
        async () => {
          const sample = await asked().query('sum(increase(maintenance_bridge_tmm_rejections_total[1m])) > 0');
          return sample.length > 0 ? true : undefined;
        },
        { what: 'the rejection to be scraped' },
      );
    });
    afterAll(async () => {
      await prometheus?.stop();
      await removePlots();
      await Promise.all(bridges.map((bridge) => bridge.end()));
    });

    it.each(EXPRESSIONS)('has data for $where', async ({ expr }) => {
      const samples = await asked().query(withoutFilters(withVariables(expr, '1m')));
      expect(samples.filter(({ value }) => Number.isFinite(value))).not.toEqual([]);
    });

    it.each(SHOWN)('shows in "$title" what has happened: $labels', async ({ title, labels, value }) => {
      const [target] = PANELS.find((panel) => panel.title === title)?.targets ?? [];
      expect(await asked().query(withVariables(target?.expr ?? '', '1m'))).toContainEqual({ metric: labels, value });
    });

    it('offers the installation in the variables of the dashboard', async () => {
      expect(await asked().labelValues('maintenance_bridge_build_info', 'namespace')).toEqual(['system']);
      expect(await asked().labelValues('maintenance_bridge_build_info{namespace=~".*"}', 'job')).toEqual(['bridge']);
    });

    it('evaluates every rule, and none of them is about to fire', async () => {
      const rules = await eventually(
        async () => {
          const all = await asked().rules();
          return all.every(({ health, state }) => health !== 'unknown' && state === 'inactive') ? all : undefined;
        },
        { what: 'all rules to be evaluated and inactive', deadlineMs: 15_000 },
      );
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
      expect(rules.map(({ name }) => name).sort()).toEqual(RULES.map(({ alert }) => alert).sort());
    });
  },
  lackingTools(PROMETHEUS_TOOLS),
);
