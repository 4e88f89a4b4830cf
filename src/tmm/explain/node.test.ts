import { describe, expect, it } from 'vitest';
import { node, TAINT } from '../../../harness/builders/objects.ts';
import { DRAIN_LABEL, MACHINE_TAINT } from '../../core/machine-keys.ts';
import { formatReport, type Report } from '../model/report.ts';
import { type Phase, PRESETS, REPORT_ANNOTATION } from '../names.ts';
import { explainNode } from './node.ts';

const TAINTS = [PRESETS.default];
const PREFIX = 'runtime-extension-maintenance-controller.cloud.sap';
const REPORT: Report = {
  session: 's',
  phase: 'Draining',
  started: '2026-11-21T09:00:00Z',
  since: '2026-11-21T09:01:00Z',
  deadline: '2026-11-21T10:01:00Z',
  message: 'Evicting 2 of 3 Pods',
  pods: { total: 3, gone: 1, staying: 2 },
  blockedBy: [
    { pod: 'shop/db-0', cause: 'BudgetExhausted', detail: 'shop/db allows 0', remedy: 'Wait for shop/db-1' },
    { pod: 'shop/db-1', cause: 'BudgetExhausted', detail: 'shop/db allows 0', remedy: 'Wait for shop/db-1' },
  ],
};
const reporting = (report: string) =>
  node('worker-1', { taints: [TAINT], meta: { annotations: { [REPORT_ANNOTATION]: report } } });

describe('`explainNode()`', () => {
  it('tells what the report says, and the command that ends the request', () => {
    expect(explainNode(reporting(formatReport(REPORT)), TAINTS)).toEqual({
      kind: 'Node',
      name: 'worker-1',
      state: 'Draining',
      outlook: 'Waiting',
      isUnderWay: true,
      since: '2026-11-21T09:01:00Z',
      deadline: '2026-11-21T10:01:00Z',
      progress: { done: 1, total: 3 },
      summary: 'Evicting 2 of 3 Pods',
      waitsFor: 'Pod shop/db-0 (BudgetExhausted) and 1 more',
      release: 'kubectl taint node worker-1 drain=planned-downtime:NoSchedule-',
      blockedBy: REPORT.blockedBy,
      details: [
        'Pods: 3 to leave, 1 gone, 2 may stay',
        'Session since 2026-11-21T09:00:00Z',
        'shop/db-0, shop/db-1: shop/db allows 0 (BudgetExhausted). Wait for shop/db-1',
      ],
    });
  });

  it('names the user where nothing else is waited for', () => {
    const inMaintenance = { ...REPORT, phase: 'InMaintenance', blockedBy: [] } as const;
    expect(explainNode(reporting(formatReport(inMaintenance)), TAINTS).waitsFor).toContain('the user');
  });

  it('does not let a rejected Node wait for what only a new request could take up', () => {
    expect(explainNode(reporting(formatReport({ ...REPORT, phase: 'Rejected' })), TAINTS)).toMatchObject({
      outlook: 'Stuck',
      waitsFor: 'the user, because of Pod shop/db-0 (BudgetExhausted) and 1 more',
    });
  });

  it('gives the command that forgives what a late exit misses', () => {
    const message = 'Waiting for Pods to be ready again: 1 of Deployment shop/web';
    const late = formatReport({ ...REPORT, phase: 'Exiting', overdue: true, message, blockedBy: [] });
    const found = node('worker-1', { meta: { annotations: { [REPORT_ANNOTATION]: late } } });
    expect(explainNode(found, TAINTS)).toMatchObject({
      outlook: 'Stuck',
      waitsFor: 'Pods to be ready again: 1 of Deployment shop/web',
      release: 'kubectl annotate node worker-1 maintenance-bridge.io/tmm-',
    });
  });

  it('names what a queued Node waits for', () => {
    const message = 'Waiting for its turn: one Node at a time';
    const queued = { ...REPORT, phase: 'Queued', message, blockedBy: [] } as const;
    expect(explainNode(reporting(formatReport(queued)), TAINTS)).toMatchObject({
      summary: message,
      waitsFor: 'its turn: one Node at a time',
      details: [
        expect.any(String),
        expect.any(String),
        'It is judged when its turn comes; what the verdict would be today: maintenance-bridge plan worker-1',
      ],
    });
  });

  it('names the Nodes that are before a queued one at present, those that are away first', () => {
    const other = (name: string, phase: Phase, started: string) => {
      const report = formatReport({ ...REPORT, phase, started, blockedBy: [] });
      return node(name, { meta: { annotations: { [REPORT_ANNOTATION]: report } } });
    };
    const [early, late] = ['2026-11-21T01:00:00.000Z', '2026-11-21T23:00:00.000Z'];
    const queued = reporting(
      formatReport({ ...REPORT, phase: 'Queued', started: '2026-11-21T12:00:00.000Z', blockedBy: [] }),
    );
    const others = [
      queued,
      node('idle'),
      other('a', 'Queued', early),
      other('b', 'Queued', early),
      other('away', 'InMaintenance', late),
      other('rejected', 'Rejected', early),
      other('later', 'Queued', late),
      other('c', 'Queued', early),
    ];
    expect(explainNode(queued, TAINTS, [], others).details).toContain(
      'Before it at present: Node away (InMaintenance), Node a (Queued), Node b (Queued) and 1 more',
    );
  });

  it('tells a Node that nobody asks anything of from one that was not seen yet', () => {
    expect(explainNode(node('worker-1'), TAINTS)).toMatchObject({ state: 'Idle', isUnderWay: false });
    expect(explainNode(node('worker-1', { taints: [TAINT] }), TAINTS)).toMatchObject({
      state: 'Unseen',
      isUnderWay: true,
      waitsFor: 'the controller, which has not reported yet',
      details: [
        'Where this lasts, the API server refuses its report (a Warning on the Node says so), or no controller acts here: look at its Lease and its log',
      ],
    });
  });

  it('shows what a misspelt taint was meant to be', () => {
    const misspelt = node('worker-1', { taints: [{ ...TAINT, value: 'planned-downtine' }] });
    expect(explainNode(misspelt, TAINTS)).toMatchObject({
      state: 'Idle',
      details: [
        'Taint drain=planned-downtine:NoSchedule asks for nothing. ' +
          'To ask for maintenance: kubectl taint node worker-1 drain=planned-downtime:NoSchedule. ' +
          'To remove it: kubectl taint node worker-1 drain=planned-downtine:NoSchedule-',
      ],
    });
  });

  it.each([
    ['machine-deleted', 'approve-deletion', 'Its Machine is being deleted'],
    ['machine-maintenance', 'approve-maintenance', 'Maintenance of its Machine is requested'],
  ])('shows how the question `%s` is answered, until it is', (asked, answer, what) => {
    const labelled = (labels: Record<string, string>) => explainNode(node('worker-1', { meta: { labels } }), TAINTS);
    expect(labelled({ [`${PREFIX}/${asked}`]: 'true' }).details).toEqual([
      `${what}; without machine drain, when the Node is ready for it: kubectl label node worker-1 ${PREFIX}/${answer}=true`,
    ]);
    expect(labelled({ [`${PREFIX}/${asked}`]: 'true', [`${PREFIX}/${answer}`]: 'true' }).details).toEqual([]);
  });

  describe('of a Node that machine drain has fenced', () => {
    const fenced = (report?: Report, annotations: Record<string, string> = {}) =>
      node('worker-1', {
        taints: [MACHINE_TAINT],
        meta: {
          labels: { [DRAIN_LABEL]: 'true', [`${PREFIX}/machine-maintenance`]: 'true' },
          annotations: { ...annotations, ...(report && { [REPORT_ANNOTATION]: formatReport(report) }) },
        },
      });
    const { value, ...rest } = MACHINE_TAINT;
    const away: Report = { ...REPORT, phase: 'InMaintenance', taint: { ...rest, value }, blockedBy: [] };
    const WHY = 'Its Machine asks for the maintenance, and the maintenance ends there';

    it('refers to the Machine, and gives no command that would take the fence away', () => {
      const found = explainNode(fenced(away), TAINTS);
      expect(found).toMatchObject({
        state: 'InMaintenance',
        waitsFor: 'the user, who ends the maintenance of its Machine',
        details: [expect.any(String), expect.any(String), WHY],
      });
      expect(found).not.toHaveProperty('release');
    });

    it('names the Machine where Cluster API has recorded its name', () => {
      const names = { 'cluster.x-k8s.io/cluster-namespace': 'fleet', 'cluster.x-k8s.io/machine': 'worker-1' };
      expect(explainNode(fenced(away, names), TAINTS).details).toContain(
        `${WHY}: maintenance-bridge why machine/fleet/worker-1`,
      );
      const odd = { ...names, 'cluster.x-k8s.io/machine': 'a; rm -rf /' };
      expect(explainNode(fenced(away, odd), TAINTS).details).toContain(WHY);
    });

    it('is under way before the first report', () => {
      expect(explainNode(fenced(), TAINTS)).toMatchObject({ state: 'Unseen', isUnderWay: true });
    });

    it("follows the user's own taint where both are set", () => {
      const both = { ...fenced(REPORT), spec: { taints: [MACHINE_TAINT, TAINT] } };
      expect(explainNode(both, TAINTS).release).toBe('kubectl taint node worker-1 drain=planned-downtime:NoSchedule-');
    });
  });

  it('names the tool that has the Node in hand, and one that means to', () => {
    const taints = [
      { key: 'karpenter.sh/disrupted', effect: 'NoSchedule' },
      { key: 'DeletionCandidateOfClusterAutoscaler', effect: 'PreferNoSchedule' },
    ];
    const lock = { nodeName: 'worker-1', tool: 'kured', sign: 'lock of DaemonSet kube-system/kured' };
    expect(explainNode(node('worker-1', { taints }), TAINTS, [lock])).toMatchObject({
      state: 'Idle',
      details: [
        'Karpenter (taint karpenter.sh/disrupted:NoSchedule) has this Node in hand',
        'kured (lock of DaemonSet kube-system/kured) has this Node in hand',
        'cluster-autoscaler may take this Node soon (taint DeletionCandidateOfClusterAutoscaler:PreferNoSchedule)',
      ],
    });
  });

  it('says so where the report cannot be read', () => {
    expect(explainNode(reporting('{'), TAINTS).details).toContain('The report cannot be read: it is not JSON');
  });
});
