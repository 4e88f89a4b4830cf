import { describe, expect, it } from 'vitest';
import { node, type PodPart, pod, TAINT } from '../../../harness/builders/objects.ts';
import type { Node } from '../../core/objects.ts';
import { formatMarker, formatReport, type Report } from '../model/report.ts';
import { PRESETS, REJECTION_MARKER, REPORT_ANNOTATION } from '../names.ts';
import { explainPod } from './pod.ts';

const SETTINGS = { taints: Object.values(PRESETS), rejectionAnnotation: 'emm-failure' };
const BLOCKED = {
  pod: 'shop/db-0',
  cause: 'BudgetExhausted',
  detail: 'shop/db allows 0',
  remedy: 'Wait for shop/db-1',
} as const;
const REPORT: Report = {
  session: 's',
  phase: 'Draining',
  started: '2026-11-21T09:00:00Z',
  since: '2026-11-21T09:01:00Z',
  deadline: '2026-11-21T10:01:00Z',
  message: 'Evicting 2 of 3 Pods',
  pods: { total: 3, gone: 1, staying: 0 },
  blockedBy: [BLOCKED],
};
const RELEASE = 'kubectl taint node worker-1 drain=planned-downtime:NoSchedule-';

const reporting = (report?: Partial<Report>): Node =>
  node('worker-1', {
    ...(report !== undefined && { taints: [TAINT] }),
    meta: { annotations: report === undefined ? {} : { [REPORT_ANNOTATION]: formatReport({ ...REPORT, ...report }) } },
  });
const explain = (part: PodPart, on?: Node) =>
  explainPod(
    pod('db-0', { node: 'worker-1', ...part }),
    on === undefined ? { is: 'absent' } : { is: 'present', object: on },
    SETTINGS,
  );

describe('`explainPod()`', () => {
  const rejected = {
    annotations: {
      'emm-failure': 'TooManyExistingFailures',
      'emm-failure-message': 'Budget shop/db is short of 1 Pod',
      [REJECTION_MARKER]: formatMarker({
        node: 'worker-1',
        session: 's',
        annotation: 'emm-failure',
        reason: 'TooManyExistingFailures',
      }),
    },
  };

  it('tells why the maintenance was rejected, which Pods are in the way, and how to end the request', () => {
    expect(explain(rejected, reporting({ phase: 'Rejected', blockedBy: [{ ...BLOCKED, pod: 'shop/db-2' }] }))).toEqual({
      kind: 'Pod',
      name: 'shop/db-0',
      state: 'Rejected',
      outlook: 'Stuck',
      isUnderWay: true,
      reason: 'TooManyExistingFailures',
      summary: 'Budget shop/db is short of 1 Pod',
      waitsFor: 'the user, who ends the request on Node worker-1 or removes what is in the way and asks again',
      since: REPORT.since,
      deadline: REPORT.deadline,
      release: RELEASE,
      blockedBy: [{ ...BLOCKED, pod: 'shop/db-2' }],
      details: [
        'Node: worker-1, Rejected: Evicting 2 of 3 Pods',
        'shop/db-2: shop/db allows 0 (BudgetExhausted). Wait for shop/db-1',
      ],
    });
  });

  it('does not say twice what the Node says as well', () => {
    const { details } = explain(
      rejected,
      reporting({ phase: 'Rejected', message: 'Budget shop/db is short of 1 Pod' }),
    );
    expect(details[0]).toBe('Node: worker-1, Rejected');
  });

  it('tells a rejection that somebody else wrote from one of ours', () => {
    const foreign = { annotations: { 'appplatform.vmware.com/emm-failure': 'Whatever' } };
    expect(explain(foreign, reporting())).toMatchObject({
      state: 'ForeignRejection',
      reason: 'Whatever',
      waitsFor: 'whoever wrote it',
    });
  });

  it.each([
    [
      'Blocking',
      {},
      reporting({}),
      {
        summary: 'shop/db allows 0 (BudgetExhausted)',
        release: RELEASE,
        blockedBy: [BLOCKED],
        details: ['Node: worker-1, Draining: Evicting 2 of 3 Pods', 'What to do: Wait for shop/db-1'],
      },
    ],
    ['Leaving', { deletedAt: '2026-11-21T09:02:00Z' }, reporting({ blockedBy: [] }), { outlook: 'Moving' }],
    ['Pending', {}, reporting({ phase: 'Queued', blockedBy: [] }), { waitsFor: 'the maintenance of worker-1' }],
    ['Staying', {}, reporting({ phase: 'InMaintenance', blockedBy: [] }), { isUnderWay: true }],
    ['Staying', {}, reporting({ phase: 'Rejected', blockedBy: [] }), { isUnderWay: false, outlook: 'Idle' }],
    ['Idle', {}, reporting(), { isUnderWay: false, details: ['Node: worker-1'] }],
    ['NodeUnknown', {}, undefined, { isUnderWay: false }],
  ] as const)('knows a Pod that is %s', (state, part, on, expected) => {
    expect(explain(part, on)).toMatchObject({ state, ...expected });
  });

  it('knows a Pod without a Node, and a report that cannot be read', () => {
    expect(explainPod(pod('db-0'), { is: 'absent' }, SETTINGS)).toMatchObject({ state: 'Unscheduled' });
    const spoilt = node('worker-1', { meta: { annotations: { [REPORT_ANNOTATION]: '{' } } });
    expect(explain({}, spoilt).details).toContain("The Node's report cannot be read: it is not JSON");
  });
});
