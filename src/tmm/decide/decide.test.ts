import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../../harness/builders/cluster.ts';
import {
  budget,
  claim,
  controlledBy,
  localVolume,
  node,
  type PodPart,
  pod,
  replicaSet,
  statefulSet,
  TAINT,
} from '../../../harness/builders/objects.ts';
import { MACHINE_TAINT } from '../../core/machine-keys.ts';
import type { Node, Pod } from '../../core/objects.ts';
import { CORDON_ANNOTATION, REJECTION_MARKER, REPORT_ANNOTATION } from '../names.ts';
import type { TmmDecision } from './transition.ts';

const here = (name: string, part: PodPart = {}) => pod(name, { node: 'a', labels: { app: 'db' }, ...part });
const tainted = (part: Parameters<typeof node>[1] = {}): Node => node('a', { taints: [TAINT], ...part });
const eventsOf = (decision: TmmDecision): string[] =>
  decision.actions.flatMap((action) => (action.do === 'recordEvent' ? [`${action.type} ${action.reason}`] : []));
const noteOf = (decision: TmmDecision, reason: string): string | undefined =>
  decision.actions.flatMap((action) =>
    action.do === 'recordEvent' && action.reason === reason ? [action.note] : [],
  )[0];
const annotation = (cluster: TestCluster, name: string, key = 'emm-failure') =>
  cluster.pod(name).metadata.annotations?.[key];

/** A cluster whose node `a` was rejected with `GenericFailure`: `bare` has no controller. */
function rejectedCluster(settings: object = {}): TestCluster {
  const cluster = new TestCluster(
    { nodes: [tainted()], pods: [here('bare', { controller: null }), here('web')] },
    settings,
  );
  cluster.pass('a');
  return cluster;
}

describe('`decide()`: entering', () => {
  it('does nothing to a Node that nobody asks for', () => {
    const cluster = new TestCluster({ nodes: [node('a')], pods: [here('web')] });
    expect(cluster.decide('a')).toMatchObject({ because: 'Idle', actions: [], evictions: [] });
  });

  it('writes `Draining` with a deadline and the conditions in one request, and then evicts', () => {
    const cluster = new TestCluster({
      nodes: [tainted()],
      pods: [here('web'), here('ds', { controller: 'DaemonSet' })],
    });
    const decision = cluster.pass('a');
    expect(decision.because).toBe('Admitted');
    expect(decision.actions.map((action) => action.do)).toEqual(['patchNodeStatus', 'recordEvent']);
    expect(decision.evictions.map(({ name }) => name)).toEqual(['web']);
    expect(cluster.report('a')).toMatchObject({
      phase: 'Draining',
      started: '2026-11-21T02:00:00.000Z',
      deadline: '2026-11-21T03:00:00.000Z',
      pods: { total: 1, gone: 0, staying: 1 },
    });
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('True');
    expect(cluster.condition('a', 'DrainInProgress')).toBe('True');
    expect(cluster.condition('a', 'Drained')).toBe('False');
    expect(eventsOf(decision)).toEqual(['Normal MaintenanceAdmitted']);
  });

  it('reports what the judgement of room elsewhere left out', () => {
    const cluster = new TestCluster({
      nodes: [tainted()],
      pods: [here('web', { spec: { scheduling: { schedulerName: 'custom' } } })],
    });
    cluster.pass('a');
    expect(cluster.report('a')).toMatchObject({
      phase: 'Draining',
      notModelled: ['Pod shop/web is placed by scheduler custom'],
    });
  });

  it('refers to the Machine where machine drain has fenced the Node: nobody is to remove the fence', () => {
    const fenced = node('a', { taints: [MACHINE_TAINT] });
    const clusterOf = (...pods: readonly Pod[]): TestCluster => {
      const cluster = new TestCluster({ nodes: [fenced], pods });
      cluster.settings = { ...cluster.settings, taints: [...cluster.settings.taints, MACHINE_TAINT] };
      return cluster;
    };
    const drained = clusterOf();
    drained.pass('a');
    expect(drained.report('a')?.message).toBe('No related Pod runs here; none stays; its Machine ends the maintenance');
    const refused = clusterOf(here('bare', { controller: null }));
    expect(noteOf(refused.pass('a'), 'MaintenanceRejected')).toMatch(
      /Its Machine asks for the maintenance: the Node is taken back into service, and judged again when something has changed$/,
    );
  });

  it('goes straight to `InMaintenance` where nothing is related', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: [here('ds', { controller: 'DaemonSet' })] });
    expect(cluster.pass('a').because).toBe('Drained');
    expect(cluster.report('a')?.phase).toBe('InMaintenance');
    expect(cluster.condition('a', 'Drained')).toBe('True');
  });

  it('keeps `Checking` while the verdict may become better, and rejects at the admission timeout', () => {
    const cluster = new TestCluster({
      nodes: [tainted()],
      pods: [here('db-0')],
      budgets: [budget('db', { healthy: 2 })],
    });
    const first = cluster.pass('a');
    expect(first).toMatchObject({ because: 'AdmissionPending', evictions: [], requeueAfterMs: 60_000 });
    expect(eventsOf(first)).toEqual(['Normal MaintenanceWaiting']);
    expect(cluster.condition('a', 'MaintenancePlanned')).toBe('True');
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('False');
    cluster.nowMs += 30_000;
    expect(cluster.decide('a')).toMatchObject({ because: 'AdmissionPending', actions: [], requeueAfterMs: 30_000 });
    cluster.nowMs += 30_000;
    expect(cluster.pass('a').because).toBe('Rejected');
    expect(annotation(cluster, 'db-0')).toBe('TooManyExistingFailures');
  });

  it('admits as soon as the missing member is ready again', () => {
    const cluster = new TestCluster({
      nodes: [tainted()],
      pods: [here('db-0')],
      budgets: [budget('db', { healthy: 2 })],
    });
    cluster.pass('a');
    cluster.budgets = [budget('db')];
    expect(cluster.pass('a')).toMatchObject({ because: 'Admitted', evictions: [{ name: 'db-0' }] });
  });

  it('cordons where that is wanted, but not what is cordoned already', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: [here('web')] }, { cordon: 'always' });
    cluster.pass('a');
    expect(cluster.pass('a').actions.map((action) => action.do)).toEqual(['setUnschedulable']);
    expect(cluster.node('a').spec.unschedulable).toBe(true);
    expect(cluster.node('a').metadata.annotations?.[CORDON_ANNOTATION]).toBe(cluster.report('a')?.session);

    const foreign = new TestCluster(
      { nodes: [tainted({ unschedulable: true })], pods: [here('web')] },
      { cordon: 'always' },
    );
    foreign.pass('a');
    foreign.pass('a');
    expect(foreign.node('a').metadata.annotations?.[CORDON_ANNOTATION]).toBeUndefined();
  });
});

describe('`decide()`: rejecting', () => {
  it('writes the Node first, then tells every related Pod', () => {
    const cluster = new TestCluster({
      nodes: [tainted()],
      pods: [here('bare', { controller: null }), here('web'), here('ds', { controller: 'DaemonSet' })],
    });
    const decision = cluster.pass('a');
    expect(decision).toMatchObject({ because: 'Rejected', evictions: [] });
    expect(decision.actions.map((action) => action.do)).toEqual([
      'patchNodeStatus',
      'recordEvent',
      'patchMeta',
      'patchMeta',
    ]);
    expect(eventsOf(decision)).toEqual(['Warning MaintenanceRejected']);
    expect(noteOf(decision, 'MaintenanceRejected')).toContain(
      'kubectl taint node a drain=planned-downtime:NoSchedule-',
    );
    expect(annotation(cluster, 'web')).toBe('GenericFailure');
    expect(annotation(cluster, 'web', 'emm-failure-message')).toBe(
      'Pod shop/bare: No controller would create it again',
    );
    expect(annotation(cluster, 'ds')).toBeUndefined();
    expect(cluster.report('a')).toMatchObject({
      phase: 'Rejected',
      reason: 'GenericFailure',
      blockedBy: [{ cause: 'NoController' }],
    });
  });

  it('is sticky: the reason may have gone, the rejection stays until the taint goes', () => {
    const cluster = rejectedCluster();
    cluster.pods = cluster.pods.filter(({ metadata }) => metadata.name !== 'bare');
    expect(cluster.decide('a')).toMatchObject({ because: 'RejectionHeld', actions: [], evictions: [] });
  });

  it('tells Pods that appear later', () => {
    const cluster = rejectedCluster();
    cluster.pods = [...cluster.pods, here('late')];
    cluster.pass('a');
    expect(annotation(cluster, 'late')).toBe('GenericFailure');
  });

  it('never overwrites nor removes a foreign value', () => {
    const cluster = new TestCluster({
      nodes: [tainted()],
      pods: [
        here('bare', { controller: null }),
        here('theirs', { annotations: { 'emm-failure': 'NotEnoughResources' } }),
      ],
    });
    cluster.pass('a');
    expect(cluster.pod('theirs').metadata.annotations).toEqual({ 'emm-failure': 'NotEnoughResources' });
    cluster.untaint('a');
    cluster.pass('a');
    expect(cluster.pod('theirs').metadata.annotations).toEqual({ 'emm-failure': 'NotEnoughResources' });
    expect(cluster.pod('bare').metadata.annotations).toEqual({});
  });

  it('keeps a value that somebody wrote over ours', () => {
    const cluster = rejectedCluster();
    cluster.pods = cluster.pods.map((each) =>
      each.metadata.name === 'web'
        ? {
            ...each,
            metadata: { ...each.metadata, annotations: { ...each.metadata.annotations, 'emm-failure': 'Theirs' } },
          }
        : each,
    );
    cluster.untaint('a');
    cluster.pass('a');
    expect(annotation(cluster, 'web')).toBe('Theirs');
    expect(annotation(cluster, 'web', REJECTION_MARKER)).toBeUndefined();
  });

  it('takes the annotations off all Pods when the taint goes, wherever they are now', () => {
    const cluster = rejectedCluster();
    const copied = { ...cluster.pod('web'), spec: { nodeName: 'b' } };
    const copy = { ...copied, metadata: { ...copied.metadata, name: 'copy', uid: 'uid-of-copy' } };
    cluster.pods = [...cluster.pods, copy];
    cluster.untaint('a');
    const decision = cluster.pass('a');
    expect(decision.because).toBe('Ended');
    expect(eventsOf(decision)).toEqual(['Normal MaintenanceEnded']);
    for (const name of ['bare', 'web', 'copy']) expect(cluster.pod(name).metadata.annotations).toEqual({});
    expect(cluster.report('a')).toBeUndefined();
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('False');
  });

  it('cleans the key that was written even if the configuration names another one now', () => {
    const cluster = rejectedCluster({ rejectionAnnotation: 'example.com/failure' });
    expect(annotation(cluster, 'web', 'example.com/failure')).toBe('GenericFailure');
    const upgraded = new TestCluster({ nodes: cluster.nodes, pods: cluster.pods });
    upgraded.untaint('a');
    upgraded.pass('a');
    expect(upgraded.pod('web').metadata.annotations).toEqual({});
  });

  it('cleans Pods of a Node that was deleted', () => {
    const cluster = rejectedCluster();
    cluster.nodes = [];
    expect(cluster.pass('a').because).toBe('NodeGone');
    expect(cluster.pod('web').metadata.annotations).toEqual({});
  });

  it('writes the preset’s own key', () => {
    const vmware = { key: 'node.vmware.com/drain', value: 'planned-downtime', effect: 'NoSchedule' };
    const cluster = new TestCluster(
      { nodes: [node('a', { taints: [vmware] })], pods: [here('bare', { controller: null })] },
      { presets: ['vmware'] },
    );
    cluster.pass('a');
    expect(annotation(cluster, 'bare', 'appplatform.vmware.com/emm-failure')).toBe('GenericFailure');
  });
});

describe('`decide()`: draining', () => {
  const draining = (pods: readonly ReturnType<typeof pod>[], budgets: readonly ReturnType<typeof budget>[] = []) => {
    const cluster = new TestCluster({ nodes: [tainted()], pods, budgets });
    cluster.pass('a');
    return cluster;
  };

  it('reports progress, at most once a second', () => {
    const cluster = draining([here('db-0'), here('db-1'), here('db-2')], [budget('db')]);
    cluster.pods = [here('db-1'), here('db-2')];
    cluster.nowMs += 5000;
    cluster.pass('a');
    expect(cluster.report('a')).toMatchObject({ message: '1 of 3 Pods gone', pods: { total: 3, gone: 1 } });
    cluster.pods = [here('db-2')];
    cluster.nowMs += 100;
    expect(cluster.decide('a')).toMatchObject({ actions: [], requeueAfterMs: 900 });
    cluster.nowMs += 900;
    cluster.pass('a');
    expect(cluster.report('a')?.pods.gone).toBe(2);
  });

  it('ends when the last related Pod has gone', () => {
    const cluster = draining([here('web'), here('ds', { controller: 'DaemonSet' })]);
    cluster.pods = [here('ds', { controller: 'DaemonSet' })];
    cluster.nowMs += 34_000;
    const decision = cluster.pass('a');
    expect(decision).toMatchObject({ because: 'Drained', evictions: [], completed: { drainMs: 34_000 } });
    expect(noteOf(decision, 'NodeDrained')).toBe('1 Pod gone in 34s; the machine may be worked on');
    expect(cluster.report('a')).toMatchObject({ phase: 'InMaintenance', pods: { total: 1, gone: 1, staying: 1 } });
    expect(cluster.decide('a')).toMatchObject({ because: 'InMaintenance', actions: [] });
  });

  it('says of a drained Node how many Pods stay, by why', () => {
    const cluster = draining([
      here('web'),
      here('ds', { controller: 'DaemonSet' }),
      here('stoic', { spec: { tolerations: [{ operator: 'Exists' }] } }),
      here('etcd', { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    ]);
    cluster.pods = cluster.pods.filter(({ metadata }) => metadata.name !== 'web');
    cluster.pass('a');
    const drained = cluster.node('a').status.conditions?.find(({ type }) => type === 'Drained');
    expect(drained).toMatchObject({ status: 'True', reason: 'DrainCompleted' });
    expect(drained?.message).toContain('3 stay (1 DaemonSet, 1 Mirror, 1 Tolerates)');
  });

  it('does not take back that a Node was drained: a Pod that appears is told, evicted within its budget, and never a reason to reject', () => {
    const cluster = draining([here('web')]);
    cluster.pods = [];
    cluster.pass('a');
    const { since } = cluster.report('a') ?? {};
    cluster.nowMs += 60_000;
    cluster.pods = [here('bare', { controller: null }), here('stray')];
    const decision = cluster.pass('a');
    expect(decision).toMatchObject({
      because: 'InMaintenance',
      phase: 'InMaintenance',
      evictions: [{ name: 'stray' }],
    });
    expect(eventsOf(decision)).toEqual(['Warning NodeNotDrained']);
    expect(cluster.report('a')).toMatchObject({
      phase: 'InMaintenance',
      since,
      blockedBy: [{ pod: 'shop/bare', cause: 'NoController' }, { pod: 'shop/stray' }],
    });
    expect(cluster.condition('a', 'Drained')).toBe('False');
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('True');
    // However long it takes.
    cluster.nowMs += 86_400_000;
    expect(cluster.pass('a')).toMatchObject({ phase: 'InMaintenance', evictions: [{ name: 'stray' }] });
    cluster.pods = [];
    // Its controller has put a Pod back already, and may do so again.
    expect(eventsOf(cluster.pass('a'))).toEqual([]);
    cluster.nowMs += 3000;
    expect(eventsOf(cluster.pass('a'))).toEqual(['Normal NodeDrained']);
    expect(cluster.condition('a', 'Drained')).toBe('True');
    expect(cluster.report('a')).toMatchObject({ phase: 'InMaintenance', since, blockedBy: [] });
  });

  it('keeps the slot of a Node on which a Pod has appeared during its maintenance', () => {
    const cluster = new TestCluster({ nodes: [tainted(), node('b', { taints: [TAINT] })] });
    cluster.pass('a');
    cluster.pods = [here('bare', { controller: null }), pod('y', { node: 'b' })];
    cluster.pass('a');
    expect(cluster.pass('b')).toMatchObject({ because: 'Queued', evictions: [] });
  });

  it('counts a Pod as gone only when its object is gone, whatever its phase', () => {
    const cluster = draining([here('web')]);
    cluster.pods = [here('web', { phase: 'Failed', ready: false, deletedAt: '2026-11-21T02:00:30Z' })];
    expect(cluster.pass('a')).toMatchObject({ because: 'Draining', evictions: [] });
    cluster.pods = [];
    expect(cluster.pass('a').because).toBe('Drained');
  });

  it('asks for no eviction once the taint has gone', () => {
    const cluster = draining([here('db-0'), here('db-1')], [budget('db')]);
    cluster.untaint('a');
    expect(cluster.pass('a')).toMatchObject({ because: 'Ended', evictions: [] });
    expect(cluster.report('a')).toBeUndefined();
  });

  it('rejects at the stored deadline, with the reason that the blockers give', () => {
    const cluster = draining([here('db-0'), here('db-1')], [budget('db')]);
    cluster.budgets = [budget('db', { healthy: 2 })];
    cluster.nowMs += 3_600_000;
    const decision = cluster.pass('a');
    expect(decision).toMatchObject({
      because: 'Rejected',
      evictions: [],
      completed: { rejected: 'TooManyExistingFailures' },
    });
    expect(annotation(cluster, 'db-1')).toBe('TooManyExistingFailures');
  });

  it('rejects with NotEnoughResources where replacements stay unschedulable', () => {
    const cluster = draining([here('db-0'), here('db-1')], [budget('db')]);
    const unschedulable = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }];
    cluster.pods = [here('db-1'), pod('db-2', { labels: { app: 'db' }, phase: 'Pending', conditions: unschedulable })];
    cluster.budgets = [budget('db', { healthy: 2 })];
    cluster.nowMs += 3_600_000;
    cluster.pass('a');
    expect(annotation(cluster, 'db-1')).toBe('NotEnoughResources');
  });

  it('rejects with GenericFailure where a Pod does not end', () => {
    const cluster = draining([here('web')]);
    cluster.pods = [here('web', { deletedAt: '2026-11-21T02:00:30Z', meta: { finalizers: ['example.com/hold'] } })];
    cluster.nowMs += 3_600_000;
    cluster.pass('a');
    expect(cluster.report('a')).toMatchObject({
      phase: 'Rejected',
      reason: 'GenericFailure',
      blockedBy: [{ cause: 'StuckTerminating' }],
    });
  });

  it('keeps the deadline that was stored, whatever the settings say now', () => {
    const before = draining([here('db-0')], [budget('db')]);
    const cluster = new TestCluster(
      { nodes: before.nodes, pods: before.pods, budgets: [budget('db', { allowed: 0 })] },
      { drainTimeout: '10s' },
    );
    cluster.nowMs += 60_000;
    expect(cluster.pass('a').because).toBe('Draining');
  });

  it('warns once when nothing has moved for a minute', () => {
    const cluster = draining([here('db-0')], [budget('db')]);
    cluster.budgets = [budget('db', { allowed: 0 })];
    cluster.pass('a');
    cluster.nowMs += 60_000;
    expect(eventsOf(cluster.pass('a'))).toEqual(['Warning MaintenanceBlocked']);
    cluster.nowMs += 60_000;
    expect(eventsOf(cluster.pass('a'))).toEqual([]);
  });

  it('warns once of a Pod whose eviction is denied, however often it asks again', () => {
    const cluster = draining([here('db-0')]);
    const told: string[] = [];
    for (let tries = 1; tries <= 7; tries++) {
      const { nowMs: atMs } = cluster;
      cluster.attempts.set('uid-of-shop-db-0', {
        outcome: 'Denied',
        atMs,
        basis: '',
        count: tries,
        retryAtMs: atMs + 30_000,
        detail: 'no',
      });
      told.push(...eventsOf(cluster.pass('a')));
      cluster.nowMs = atMs + 30_000;
      const again = cluster.pass('a');
      told.push(...eventsOf(again));
      expect(again).toMatchObject({ evictions: [{ name: 'db-0' }], blockedBy: [{ cause: 'EvictionDenied' }] });
    }
    expect(told).toEqual(['Warning MaintenanceBlocked']);
  });
});

describe('`decide()`: exiting', () => {
  const local = here('db-0', {
    meta: controlledBy(statefulSet('owner', 1)),
    spec: { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'c' } }] },
  });
  const inMaintenance = () => {
    const cluster = new TestCluster({
      nodes: [tainted(), node('b')],
      pods: [local],
      budgets: [budget('db')],
      claims: [claim('c', 'v')],
      volumes: [localVolume('v', 'a')],
      statefulSets: [statefulSet('owner', 1)],
    });
    cluster.pass('a');
    cluster.pods = [];
    cluster.pass('a');
    return cluster;
  };

  it('waits until pinned Pods run here again', () => {
    const cluster = inMaintenance();
    cluster.untaint('a');
    const exiting = cluster.pass('a');
    expect(exiting).toMatchObject({ because: 'Exiting', requeueAfterMs: 300_000 });
    expect(cluster.report('a')).toMatchObject({
      phase: 'Exiting',
      message: 'Waiting for Pods to be ready again: 1 of StatefulSet shop/owner',
    });
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('True');
    cluster.pods = [{ ...local, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } }];
    expect(cluster.pass('a').because).toBe('Exiting');
    cluster.pods = [local];
    cluster.nowMs += 8000;
    const ended = cluster.pass('a');
    expect(ended.because).toBe('Ended');
    expect(noteOf(ended, 'MaintenanceEnded')).toBe('Maintenance ended after 8s; 1 Pod had left');
    expect(cluster.report('a')).toBeUndefined();
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('False');
  });

  it('tells at the exit timeout what is missing, and keeps the report until it is back', () => {
    const cluster = inMaintenance();
    cluster.untaint('a');
    cluster.pass('a');
    cluster.nowMs += 300_000;
    const late = cluster.pass('a');
    expect(eventsOf(late)).toEqual(['Warning MaintenanceExitIncomplete']);
    expect(late).toMatchObject({ phase: 'Exiting', completed: { maintenanceMs: 300_000 } });
    expect(late.requeueAfterMs).toBeUndefined();
    expect(cluster.report('a')).toMatchObject({ phase: 'Exiting', overdue: true });
    expect(cluster.report('a')?.message).toContain('kubectl annotate node a maintenance-bridge.io/tmm-');
    cluster.nowMs += 3_600_000;
    expect(cluster.pass('a').actions).toEqual([]);
    cluster.pods = [local];
    const ended = cluster.pass('a');
    expect(eventsOf(ended)).toEqual(['Normal MaintenanceEnded']);
    expect(ended.completed).toBeUndefined();
    expect(cluster.report('a')).toBeUndefined();
  });

  it('forgives what is missing when somebody removes the report by hand', () => {
    const cluster = inMaintenance();
    cluster.untaint('a');
    cluster.pass('a');
    cluster.editNode('a', (each) => ({ ...each, metadata: { ...each.metadata, annotations: {} } }));
    expect(cluster.pass('a').because).toBe('Idle');
    expect(cluster.condition('a', 'MaintenanceInProgress')).toBe('False');
    expect(cluster.pass('a').actions).toEqual([]);
  });

  it('leaves conditions alone that somebody else has set', () => {
    const foreign = { type: 'MaintenanceInProgress', status: 'True', reason: 'AdminRequested', message: 'By another' };
    const cluster = new TestCluster({ nodes: [node('a', { conditions: [foreign] })] });
    expect(cluster.pass('a').actions).toEqual([]);
  });

  it('begins a new session when the taint comes back', () => {
    const cluster = inMaintenance();
    const session = cluster.report('a')?.session;
    cluster.untaint('a');
    cluster.pass('a');
    cluster.nowMs += 1000;
    cluster.editNode('a', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    expect(cluster.pass('a').because).toBe('Drained');
    expect(cluster.report('a')?.session).not.toBe(session);
  });

  it('lifts only its own cordon', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: [] }, { cordon: 'always' });
    cluster.pass('a');
    cluster.pass('a');
    cluster.untaint('a');
    expect(cluster.pass('a')).toMatchObject({ because: 'Exiting', requeueAfterMs: 300_000 });
    expect(cluster.report('a')).toMatchObject({ phase: 'Exiting', deadline: '2026-11-21T02:05:00.000Z' });
    expect(cluster.pass('a').because).toBe('Uncordoning');
    expect(cluster.node('a').spec.unschedulable).toBe(false);
    expect(cluster.pass('a').because).toBe('Ended');
    expect(cluster.node('a').metadata.annotations).toEqual({});
  });

  it('ends at the deadline, with a Warning, where the cordon cannot be lifted', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: [] }, { cordon: 'always' });
    cluster.pass('a');
    cluster.pass('a');
    cluster.untaint('a');
    cluster.pass('a');
    cluster.nowMs += 299_999;
    // Uncordoning was tried, and refused.
    expect(cluster.decide('a')).toMatchObject({ because: 'Uncordoning', phase: 'Exiting', requeueAfterMs: 1 });
    cluster.nowMs += 1;
    const last = cluster.pass('a');
    expect(last.because).toBe('Ended');
    expect(eventsOf(last)).toEqual(['Warning MaintenanceExitIncomplete', 'Normal MaintenanceEnded']);
    expect(noteOf(last, 'MaintenanceExitIncomplete')).toContain('the cordon');
    expect(cluster.report('a')).toBeUndefined();
    // The cordon is still ours, and its removal is retried.
    expect(cluster.pass('a').because).toBe('Uncordoning');
    expect(cluster.node('a').spec.unschedulable).toBe(false);
  });
});

describe('`decide()`: a report that somebody removes each time', () => {
  /** Passes every 100 ms, each followed by the removal. @returns the Events by second */
  const fight = (cluster: TestCluster, seconds: number): readonly (readonly string[])[] =>
    Array.from({ length: seconds }, () =>
      Array.from({ length: 10 }, () => {
        const told = eventsOf(cluster.pass('a'));
        cluster.editNode('a', ({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, annotations: {} } }));
        cluster.nowMs += 100;
        return told;
      }).flat(),
    );
  const DRAINED = 'Normal NodeDrained';
  const REMOVED = 'Warning MaintenanceReportRemoved';

  it('is written again a few times at once, then after growing pauses, and the Node says why', () => {
    const [first = [], ...others] = fight(new TestCluster({ nodes: [tainted()] }), 120);
    expect(first.filter((told) => told === DRAINED)).toHaveLength(5);
    expect(first.filter((told) => told === REMOVED)).toHaveLength(1);
    const later = others.flat();
    expect(later.filter((told) => told === DRAINED).length).toBeLessThanOrEqual(7);
    expect(later.filter((told) => told === REMOVED)).toHaveLength(later.length / 2);
  });

  it('is written at once for a new request, and where the last one stood for a while', () => {
    const cluster = new TestCluster({ nodes: [tainted()] });
    fight(cluster, 10);
    expect(cluster.decide('a')).toMatchObject({ because: 'ReportRemoved', actions: [], evictions: [] });
    cluster.untaint('a');
    cluster.pass('a');
    cluster.editNode('a', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    expect(cluster.decide('a').because).toBe('Drained');
    fight(cluster, 10);
    cluster.nowMs += 180_000;
    expect(eventsOf(cluster.pass('a'))).toEqual([DRAINED]);
  });
});

describe('`decide()`: numbers that change many times a second', () => {
  interface Case {
    readonly phase: string;
    readonly make: () => TestCluster;
    readonly change: (cluster: TestCluster, index: number) => void;
    /** In the report after the change to 49. */
    readonly last: string;
  }
  const setHealthy = (cluster: TestCluster, index: number): void => {
    cluster.budgets = [budget('db', { healthy: 100 + index, desired: 200, expected: 201 })];
  };
  const cases: readonly Case[] = [
    {
      phase: 'Checking',
      make: () => new TestCluster({ nodes: [tainted()], pods: [here('db')] }),
      change: setHealthy,
      last: '149 of 201 Pods are healthy',
    },
    {
      phase: 'InMaintenance',
      make: () => {
        const cluster = new TestCluster({ nodes: [tainted()] });
        cluster.pass('a');
        cluster.pods = [here('db')];
        return cluster;
      },
      change: setHealthy,
      last: '149 of 201 Pods are healthy',
    },
    {
      phase: 'Exiting',
      make: () => {
        const pods = Array.from({ length: 60 }, (_, index) => here(`web-${index}`));
        const cluster = new TestCluster({ nodes: [tainted()], pods, replicaSets: [replicaSet('owner', 60)] });
        cluster.pass('a');
        cluster.pods = [];
        cluster.pass('a');
        cluster.untaint('a');
        return cluster;
      },
      change: (cluster, index) => {
        cluster.pods = Array.from({ length: index }, (_, each) => pod(`web-${each}`, { node: 'spare' }));
      },
      last: '11 of ReplicaSet',
    },
  ];

  it.each(cases)(
    'are written at most once a second in $phase, and the last of them is',
    ({ phase, make, change, last }) => {
      const cluster = make();
      const decisions = Array.from({ length: 50 }, (_, index) => {
        cluster.nowMs += 20;
        change(cluster, index);
        return cluster.pass('a');
      });
      const writes = decisions.flatMap(({ actions }) => actions.filter((action) => action.do === 'patchNodeStatus'));
      expect(writes.length).toBeLessThanOrEqual(3);
      expect(JSON.stringify(cluster.report('a'))).not.toContain(last);
      cluster.nowMs += decisions.at(-1)?.requeueAfterMs ?? 0;
      cluster.pass('a');
      expect(cluster.report('a')?.phase).toBe(phase);
      expect(JSON.stringify(cluster.report('a'))).toContain(last);
      expect(cluster.pass('a').actions).toEqual([]);
    },
  );
});

describe('`decide()`: a Pod that comes back', () => {
  it('is evicted at most five times in twenty seconds, told by its cause, and rejects at the deadline', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: [here('web-0')] });
    let evictions = 0;
    const phases = new Set<string | undefined>();
    for (let ms = 0; ms < 20_000; ms += 100) {
      for (const { name } of cluster.pass('a').evictions) {
        evictions += 1;
        // The controller has bound the next Pod before this one is gone.
        cluster.pods = [...cluster.pods.filter(({ metadata }) => metadata.name !== name), here(`web-${evictions}`)];
      }
      phases.add(cluster.report('a')?.phase);
      cluster.nowMs += 100;
    }
    expect(evictions).toBeGreaterThan(2);
    expect(evictions).toBeLessThanOrEqual(5);
    expect([...phases]).toEqual(['Draining']);
    expect(cluster.report('a')?.blockedBy).toMatchObject([
      { cause: 'ComesBack', detail: expect.stringContaining('ReplicaSet owner has put Pods back on this Node') },
    ]);
    cluster.nowMs += cluster.settings.drainTimeoutMs;
    expect(cluster.pass('a').because).toBe('Rejected');
    expect(cluster.report('a')?.reason).toBe('GenericFailure');
  });

  it('is known to the next process, which does not begin anew', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: [here('web-0')] });
    let evictions = 0;
    for (let ms = 0; ms < 20_000; ms += 100) {
      // The process is killed every two seconds, and its memory is lost.
      if (ms % 2000 === 1900) cluster.memories.clear();
      for (const { name } of cluster.pass('a').evictions) {
        evictions += 1;
        cluster.pods = [...cluster.pods.filter(({ metadata }) => metadata.name !== name), here(`web-${evictions}`)];
      }
      cluster.nowMs += 100;
    }
    expect(evictions).toBeLessThanOrEqual(5);
    expect(cluster.report('a')?.returns).toMatchObject([{ owner: 'uid-of-owner', count: evictions }]);
    expect(cluster.report('a')?.blockedBy).toMatchObject([{ cause: 'ComesBack' }]);
  });

  describe('whose controller makes the next one only once it has gone', () => {
    const byTemplate = statefulSet('owner', 1, { spec: { replicas: 1, template: { nodeName: 'a' } } });
    const member = (uid: string) => here('db-0', { meta: { ...controlledBy(byTemplate), uid } });

    it('is not said to have left in between, where its template names the Node', () => {
      const cluster = new TestCluster({ nodes: [tainted()], pods: [member('1')], statefulSets: [byTemplate] });
      const phases = new Set<string | undefined>();
      for (let round = 2; round < 6; round++) {
        cluster.pass('a');
        cluster.pods = [];
        for (const _ of [1, 2]) {
          cluster.nowMs += 1000;
          cluster.pass('a');
          phases.add(cluster.report('a')?.phase);
        }
        cluster.pods = [member(String(round))];
        cluster.nowMs += 100;
        cluster.pass('a');
      }
      expect([...phases]).toEqual(['Draining']);
      expect(cluster.report('a')?.blockedBy).toMatchObject([{ cause: 'ComesBack' }]);
    });

    it('has left after all where it does not come back within moments', () => {
      const cluster = new TestCluster({ nodes: [tainted()], pods: [member('1')], statefulSets: [byTemplate] });
      cluster.pass('a');
      cluster.pods = [];
      expect(cluster.pass('a')).toMatchObject({ because: 'Draining', requeueAfterMs: 3000 });
      cluster.nowMs += 3000;
      expect(cluster.pass('a').because).toBe('Drained');
    });

    it('has left at once where nobody asks for it any more', () => {
      const cluster = new TestCluster({ nodes: [tainted()], pods: [member('1')], statefulSets: [byTemplate] });
      cluster.pass('a');
      cluster.pods = [];
      cluster.statefulSets = [];
      expect(cluster.pass('a').because).toBe('Drained');
    });
  });

  describe('to a drained Node, a second after the last one has gone', () => {
    const drained = (cluster: TestCluster) => cluster.condition('a', 'Drained');
    const rounds = (cluster: TestCluster, count: number): readonly (string | undefined)[] => {
      const seen: (string | undefined)[] = [];
      for (let round = 1; round <= count; round++) {
        cluster.pods = [here('web', { meta: { uid: `web-${round}` } })];
        while (cluster.pass('a').evictions.length === 0) cluster.nowMs += 1000;
        cluster.pods = [];
        cluster.pass('a');
        seen.push(drained(cluster));
        cluster.nowMs += 1000;
        cluster.pass('a');
      }
      return seen;
    };

    it('is not said to have left again before it comes back', () => {
      const cluster = new TestCluster({ nodes: [tainted()] });
      expect(rounds(cluster, 5)).toEqual(['True', 'False', 'False', 'False', 'False']);
      expect(cluster.report('a')).toMatchObject({ phase: 'InMaintenance', blockedBy: [{ cause: 'ComesBack' }] });
    });

    it('is said to have left once it stays away', () => {
      const cluster = new TestCluster({ nodes: [tainted()] });
      rounds(cluster, 3);
      const writes = cluster.pass('a').actions;
      expect(writes).toEqual([]);
      cluster.nowMs += 2000;
      expect(cluster.pass('a').because).toBe('Drained');
      expect(drained(cluster)).toBe('True');
      expect(cluster.report('a')).toMatchObject({ pods: { total: 2, gone: 2 }, blockedBy: [] });
    });
  });

  it('without a controller, made again by a guard, is the same: stored, told, and no hindrance to others', () => {
    const guard = (uid: string) => here('guard', { controller: null, meta: { uid } });
    const settings = { unmanagedPods: 'recreate' };
    const cluster = new TestCluster({ nodes: [tainted()], pods: [guard('1'), here('web')] }, settings);
    let evictions = 0;
    for (let ms = 0; ms < 20_000; ms += 200) {
      const { evictions: wanted } = cluster.pass('a');
      for (const { name } of wanted) {
        cluster.pods = cluster.pods.filter(({ metadata }) => metadata.name !== name);
        if (name !== 'guard') continue;
        evictions += 1;
        cluster.pods = [...cluster.pods, guard(String(evictions + 1))];
      }
      cluster.nowMs += 200;
    }
    expect(evictions).toBeLessThanOrEqual(5);
    expect(cluster.report('a')).toMatchObject({
      phase: 'Draining',
      pods: { total: 2, gone: 1 },
      blockedBy: [{ pod: 'shop/guard', cause: 'ComesBack' }],
    });
  });

  it('without a controller, made again under another name each time, is the same', () => {
    const guard = (index: number) => here(`guard-${index}`, { controller: null });
    const cluster = new TestCluster({ nodes: [tainted()], pods: [guard(0)] }, { unmanagedPods: 'recreate' });
    let evictions = 0;
    for (let ms = 0; ms < 20_000; ms += 100) {
      if (cluster.pass('a').evictions.length > 0) {
        evictions += 1;
        cluster.pods = [guard(evictions)];
      }
      cluster.nowMs += 100;
    }
    expect(evictions).toBeGreaterThan(2);
    expect(evictions).toBeLessThanOrEqual(5);
    expect(cluster.report('a')).toMatchObject({
      phase: 'Draining',
      blockedBy: [{ cause: 'ComesBack', detail: expect.stringContaining('Somebody has put Pods back on this Node') }],
    });
    expect(cluster.stored.secrets.length).toBeLessThanOrEqual(evictions + 1);
  });

  it('is not one whose Pods leave one after another', () => {
    const cluster = new TestCluster({ nodes: [tainted()], pods: ['a', 'b', 'c', 'd'].map((name) => here(name)) });
    for (let pass = 0; pass < 8; pass++) {
      const [first] = cluster.pass('a').evictions;
      cluster.pods = cluster.pods.filter(({ metadata }) => metadata.uid !== first?.uid);
      cluster.nowMs += 1000;
    }
    expect(cluster.report('a')).toMatchObject({ phase: 'InMaintenance', pods: { total: 4, gone: 4 } });
  });
});

describe('`decide()`: what somebody else wrote', () => {
  it('warns once of a taint that was probably meant, with the commands to copy', () => {
    const typo = { key: 'drain', value: 'planned-downtine', effect: 'NoSchedule' };
    const cluster = new TestCluster({ nodes: [node('a', { taints: [typo] })], pods: [here('web')] });
    const decision = cluster.pass('a');
    expect(decision).toMatchObject({ because: 'Idle', evictions: [] });
    expect(noteOf(decision, 'UnrecognisedMaintenanceTaint')).toBe(
      'Taint drain=planned-downtine:NoSchedule asks for nothing. To ask for maintenance: kubectl taint node a drain=planned-downtime:NoSchedule. ' +
        'To remove it: kubectl taint node a drain=planned-downtine:NoSchedule-',
    );
    expect(cluster.pass('a').actions).toEqual([]);
    cluster.untaint('a');
    cluster.pass('a');
    cluster.editNode('a', (each) => ({ ...each, spec: { taints: [typo] } }));
    expect(eventsOf(cluster.pass('a'))).toEqual(['Warning UnrecognisedMaintenanceTaint']);
  });

  it('takes another effect for a near miss too', () => {
    const cluster = new TestCluster({
      nodes: [node('a', { taints: [{ ...TAINT, effect: 'NoExecute' }] })],
      pods: [here('web')],
    });
    expect(eventsOf(cluster.pass('a'))).toEqual(['Warning UnrecognisedMaintenanceTaint']);
  });

  it.each(['not json', '{}', '{"session":"x","phase":"Dreaming"}', 'x'.repeat(70_000)])(
    'starts over, and says so, where the report is %.20s',
    (report) => {
      const cluster = new TestCluster({
        nodes: [tainted({ meta: { annotations: { [REPORT_ANNOTATION]: report } } })],
        pods: [here('web')],
      });
      const decision = cluster.pass('a');
      expect(decision.because).toBe('Admitted');
      expect(eventsOf(decision)).toContain('Warning MaintenanceReportUnreadable');
      expect(cluster.report('a')?.phase).toBe('Draining');
    },
  );

  it('removes an unreadable report where nobody asks for maintenance', () => {
    const cluster = new TestCluster({
      nodes: [node('a', { meta: { annotations: { [REPORT_ANNOTATION]: '[]', other: 'x' } } })],
    });
    cluster.pass('a');
    expect(cluster.node('a').metadata.annotations).toEqual({ other: 'x' });
  });

  it('takes a marker that it did not write off, and nothing with it', () => {
    const cluster = new TestCluster({
      nodes: [node('a')],
      pods: [here('web', { annotations: { [REJECTION_MARKER]: 'nonsense', 'emm-failure': 'GenericFailure' } })],
    });
    cluster.pass('a');
    expect(cluster.pod('web').metadata.annotations).toEqual({ 'emm-failure': 'GenericFailure' });
  });
});
