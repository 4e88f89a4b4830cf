import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, TestCluster } from '../../../harness/builders/cluster.ts';
import { node, type PodPart, pod, TAINT } from '../../../harness/builders/objects.ts';
import type { EvictPod } from '../../core/action.ts';
import type { KeepingAttempt } from '../../core/ports.ts';
import { decide } from './decide.ts';
import type { TmmDecision } from './transition.ts';

const bare = (name = 'tool', part: PodPart = {}) => pod(name, { node: 'a', controller: null, ...part });
const uidOf = (name: string): string => `uid-of-shop-${name}`;
const tainted = (pods: readonly ReturnType<typeof pod>[], settings: object = {}): TestCluster =>
  new TestCluster({ nodes: [node('a', { taints: [TAINT] })], pods }, { unmanagedPods: 'recreate', ...settings });

/** The condition that the Eviction API writes before it deletes a Pod. */
const EVICTED = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' };

/** The decided actions in order; reports are shown by their phase. */
function deeds({ actions }: TmmDecision): readonly string[] {
  return actions.map((action) => {
    if (action.do === 'recordEvent') return action.reason;
    if (action.do === 'patchNodeStatus') {
      const report = Object.values(action.annotations)[0];
      return typeof report === 'string' ? (JSON.parse(report) as { phase: string }).phase : 'no report';
    }
    return action.do === 'storePod' ? `store ${action.target.name}` : action.do;
  });
}
const namesOf = ({ evictions }: TmmDecision): readonly string[] => evictions.map(({ name }) => name);

/** Removes the Pods, as the Eviction API and the kubelet would. */
function evict(cluster: TestCluster, ...uids: readonly string[]): void {
  cluster.pods = cluster.pods.filter(({ metadata }) => !uids.includes(metadata.uid));
}
/** Runs the Pod, as the scheduler and the kubelet would. */
function run(cluster: TestCluster, name: string, nodeName = 'a'): void {
  cluster.pods = cluster.pods.map((each) =>
    each.metadata.name === name
      ? {
          ...each,
          spec: { ...each.spec, nodeName },
          status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
        }
      : each,
  );
}
/** A Node in maintenance whose bare Pod `tool` has been evicted. */
function inMaintenance(part: PodPart = {}, settings: object = {}): TestCluster {
  const cluster = tainted([bare('tool', part)], settings);
  cluster.pass('a');
  cluster.pass('a');
  evict(cluster, uidOf('tool'));
  cluster.nowMs += 1000;
  expect(cluster.pass('a').because).toBe('Drained');
  return cluster;
}
const failed = (part: Partial<KeepingAttempt>): KeepingAttempt => ({
  outcome: 'NotRestored',
  basis: '1',
  count: 1,
  detail: 'exceeded quota',
  ...part,
});

describe('`decide()` with `unmanagedPods: recreate`', () => {
  it('stores Pods without a controller after the phase is written, and evicts nothing before they are', () => {
    const cluster = tainted([bare('one'), bare('two'), pod('web', { node: 'a' })]);
    const admitted = cluster.pass('a');
    expect(deeds(admitted)).toEqual(['Draining', 'MaintenanceAdmitted', 'store one', 'store two']);
    expect(namesOf(admitted)).toEqual([]);
    const announced = cluster.pass('a');
    expect(deeds(announced)).toEqual(expect.arrayContaining(['store one', 'store two']));
    expect(namesOf(announced)).toEqual(['web']);
    expect(namesOf(cluster.pass('a'))).toEqual(['one', 'two', 'web']);
  });

  it('does not evict without the Secret: where it goes, the eviction is withdrawn and the Pod stored again', () => {
    const cluster = tainted([bare()]);
    cluster.pass('a');
    cluster.pass('a');
    expect(namesOf(cluster.decide('a'))).toEqual(['tool']);
    cluster.stored.secrets = [];
    cluster.nowMs += 1000;
    expect(namesOf(cluster.decide('a'))).toEqual([]);
    expect(deeds(cluster.decide('a'))).toContain('store tool');
  });

  it('does not take an earlier session’s Secret for its own, since the Pod may have changed', () => {
    const cluster = tainted([bare()]);
    cluster.pass('a');
    cluster.untaint('a');
    cluster.nowMs += 1000;
    expect(cluster.pass('a').because).toBe('Ended');
    cluster.editNode('a', (each) => ({ ...each, spec: { taints: [TAINT] } }));
    const again = cluster.pass('a');
    expect(deeds(again)).toContain('store tool');
    expect(namesOf(again)).toEqual([]);
    cluster.pass('a');
    expect(namesOf(cluster.pass('a'))).toEqual(['tool']);
  });

  it('waits before it tries again what could not be stored, and says why', () => {
    const cluster = tainted([bare()]);
    cluster.pass('a');
    cluster.stored.secrets = [];
    const basis = cluster.report('a')?.session ?? '';
    cluster.keeping.set(uidOf('tool'), failed({ outcome: 'NotStored', basis, retryAtMs: NOW + 4000 }));
    cluster.nowMs += 1000;
    const waiting = cluster.pass('a');
    expect(deeds(waiting)).not.toContain('store tool');
    expect(waiting).toMatchObject({ requeueAfterMs: 3000, evictions: [] });
    expect(waiting.blockedBy).toMatchObject([{ cause: 'NotStored', detail: 'exceeded quota' }]);
    cluster.nowMs += 3000;
    const again = cluster.decide('a');
    expect(deeds(again)).toContain('store tool');
    expect(again.blockedBy).toMatchObject([{ cause: 'NotStored' }]);
  });

  it('rejects at once where a manifest is too large to be stored', () => {
    const cluster = tainted([bare(), pod('web', { node: 'a' })]);
    cluster.pass('a');
    cluster.stored.secrets = [];
    const basis = cluster.report('a')?.session ?? '';
    cluster.keeping.set(uidOf('tool'), failed({ outcome: 'TooLarge', basis, detail: 'It is large' }));
    expect(cluster.pass('a')).toMatchObject({ because: 'Rejected', completed: { rejected: 'GenericFailure' } });
    expect(cluster.report('a')).toMatchObject({ message: 'Pod shop/tool: It is large' });
  });

  it('rejects where this process runs in such a Pod: it could not bring itself back', () => {
    const decision = tainted([bare()]).decide('a', { ownPod: 'shop/tool' });
    expect(decision).toMatchObject({ because: 'Rejected', blockedBy: [{ cause: 'NoController' }] });
  });

  it('says whom it awaits before it creates them, and ends when they are ready', () => {
    const cluster = inMaintenance();
    cluster.untaint('a');
    expect(deeds(cluster.pass('a'))).toEqual(['Exiting', 'MaintenanceExiting', 'restorePod']);
    expect(cluster.report('a')).toMatchObject({ recreated: ['shop/tool'] });
    expect(cluster.stored.secrets).toEqual([]);
    expect(cluster.pod('tool').spec).not.toHaveProperty('nodeName');
    expect(cluster.pass('a')).toMatchObject({ because: 'Exiting', requeueAfterMs: 300_000 });
    run(cluster, 'tool', 'spare');
    expect(deeds(cluster.pass('a'))).toEqual(['no report', 'MaintenanceEnded']);
  });

  it('does not await what was not ready before', () => {
    const cluster = inMaintenance({ ready: false });
    cluster.untaint('a');
    expect(deeds(cluster.pass('a'))).toContain('restorePod');
    expect(cluster.pass('a').because).toBe('Ended');
  });

  it('lifts its cordon before it brings them home', () => {
    const cluster = tainted([bare()], { cordon: 'always' });
    for (let pass = 0; pass < 4; pass++) {
      for (const { uid } of cluster.pass('a').evictions) evict(cluster, uid);
      cluster.nowMs += 1000;
    }
    cluster.untaint('a');
    expect(deeds(cluster.pass('a'))).toEqual(['Exiting', 'MaintenanceExiting']);
    expect(deeds(cluster.pass('a'))).toEqual(['setUnschedulable']);
    expect(deeds(cluster.pass('a'))).toContain('restorePod');
  });

  it('waits for one that is still on its way out', () => {
    const cluster = inMaintenance();
    cluster.pods = [bare('tool', { deletedAt: '2026-11-21T02:00:30Z', conditions: [EVICTED] })];
    cluster.untaint('a');
    expect(deeds(cluster.pass('a'))).toEqual(['Exiting', 'MaintenanceExiting']);
    evict(cluster, uidOf('tool'));
    expect(deeds(cluster.pass('a'))).toEqual(['restorePod']);
  });

  it('names who is missing at the deadline, and why; creating them is tried on after the end', () => {
    const cluster = inMaintenance();
    cluster.untaint('a');
    const basis = cluster.stored.secrets[0]?.metadata.resourceVersion ?? '';
    cluster.keeping.set(uidOf('tool'), failed({ basis, retryAtMs: cluster.nowMs + 310_000 }));
    cluster.pass('a');
    cluster.nowMs += 300_000;
    const ended = cluster.pass('a');
    expect(deeds(ended)).toEqual(['no report', 'MaintenanceExitIncomplete', 'MaintenanceEnded']);
    expect(ended.actions).toContainEqual(
      expect.objectContaining({ note: expect.stringContaining('Pod shop/tool (exceeded quota)') }),
    );
    expect(ended.requeueAfterMs).toBe(10_000);
    expect(cluster.decide('a')).toMatchObject({ because: 'Restoring', actions: [], requeueAfterMs: 10_000 });
    cluster.nowMs += 10_000;
    expect(deeds(cluster.decide('a'))).toEqual(['restorePod']);
  });

  it('keeps the Secret of a Pod that never left for a minute: an eviction may still be on its way', () => {
    const cluster = tainted([bare()]);
    cluster.pass('a');
    cluster.pass('a');
    cluster.untaint('a');
    cluster.nowMs += 1000;
    expect(cluster.pass('a')).toMatchObject({ because: 'Ended', requeueAfterMs: 60_000 });
    cluster.nowMs += 59_000;
    expect(cluster.pass('a').actions).toEqual([]);
    cluster.nowMs += 1000;
    expect(deeds(cluster.pass('a'))).toEqual(['discardStored']);
    expect(cluster.pass('a')).toMatchObject({ because: 'Idle', actions: [] });
  });

  it('brings them back when the Node was deleted, with no Events since there is nothing to record them on', () => {
    const cluster = inMaintenance();
    cluster.nodes = cluster.nodes.filter(({ metadata }) => metadata.name !== 'a');
    const decision = cluster.pass('a');
    expect(deeds(decision)).toEqual(['restorePod']);
    expect(decision.actions[0]).not.toHaveProperty('tell');
  });

  it('brings back what an earlier session has stored although a new one has begun', () => {
    const cluster = inMaintenance();
    cluster.editNode('a', (each) => ({ ...each, metadata: { ...each.metadata, annotations: {} } }));
    expect(deeds(cluster.pass('a'))).toEqual(['InMaintenance', 'NodeDrained', 'restorePod']);
  });

  it('tells once of a Secret that cannot be read, and does not wait for its Pod', () => {
    const cluster = inMaintenance();
    cluster.untaint('a');
    cluster.decide('a').actions.slice(0, 1).forEach(cluster.carryOut.bind(cluster));
    const basis = cluster.stored.secrets[0]?.metadata.resourceVersion ?? '';
    cluster.keeping.set(uidOf('tool'), failed({ outcome: 'Unreadable', basis }));
    expect(deeds(cluster.pass('a'))).toEqual(['no report', 'MaintenanceEnded', 'PodNotRestored']);
    expect(cluster.pass('a').actions).toEqual([]);
    expect(cluster.stored.secrets).toHaveLength(1);
  });
});

describe('`decide()`, of a stored Pod that has ended without us', () => {
  const deletedAt = '2026-11-21T02:00:30Z';
  /** @param wasSent whether the Secret says that an eviction was sent. */
  const storedCluster = (wasSent: boolean): TestCluster => {
    const cluster = tainted([bare(), pod('web', { node: 'a' })]);
    cluster.pass('a');
    if (wasSent) cluster.pass('a');
    cluster.nowMs += 1000;
    return cluster;
  };

  it.each<[string, boolean, PodPart | 'gone', boolean]>([
    ['it is gone, and no eviction was sent', false, 'gone', true],
    ['it is gone, and one was sent', true, 'gone', false],
    ['it has finished before its eviction', false, { phase: 'Succeeded' }, true],
    ['it has finished before its eviction took effect', true, { phase: 'Failed' }, true],
    ['somebody deletes it', false, { deletedAt }, true],
    ['somebody deletes it although an eviction was sent', true, { deletedAt }, true],
    ['it is evicted', true, { deletedAt, conditions: [EVICTED] }, false],
    ['it is evicted, and has run to its end', true, { deletedAt, phase: 'Succeeded', conditions: [EVICTED] }, false],
    ['somebody else evicts it', false, { deletedAt, conditions: [EVICTED] }, true],
  ])('discards it, and says so, while the session is under way: %s', (_, wasSent, part, isDiscarded) => {
    const cluster = storedCluster(wasSent);
    const others = cluster.pods.filter(({ metadata }) => metadata.name !== 'tool');
    cluster.pods = [...others, ...(part === 'gone' ? [] : [bare('tool', part)])];
    const decided = deeds(cluster.pass('a')).filter((deed) => deed.includes('iscard'));
    expect(decided).toEqual(isDiscarded ? ['discardStored', 'StoredPodDiscarded'] : []);
    expect(cluster.stored.secrets).toHaveLength(isDiscarded ? 0 : 1);
  });

  it('does so when the session is over, too, and does not wait for what no eviction was sent for', () => {
    const cluster = storedCluster(false);
    cluster.untaint('a');
    expect(deeds(cluster.pass('a'))).toContain('discardStored');
    const gone = storedCluster(false);
    evict(gone, uidOf('tool'));
    gone.untaint('a');
    expect(deeds(gone.pass('a'))).toEqual(expect.arrayContaining(['discardStored', 'StoredPodDiscarded']));
    expect(gone.stored.secrets).toEqual([]);
  });

  it('announces no eviction before admission has answered', () => {
    const cluster = storedCluster(false);
    const decision = decide({ ...cluster.observe('a'), probed: {} }, { settings: cluster.settings, memory: {} });
    expect(deeds(decision)).not.toContain('store tool');
    expect(decision.questions.map(({ name }) => name)).toEqual(['tool', 'web']);
  });
});

type Happening =
  /** One pass, killed after this many actions; the new process has no memory. */
  | { readonly is: 'pass'; readonly killedAfter: number | null }
  /** An eviction that was sent takes effect. */
  | { readonly is: 'eviction' }
  | { readonly is: 'toggleTaint' }
  | { readonly is: 'run'; readonly node: string }
  | { readonly is: 'time'; readonly ms: number };

const happeningArbitrary: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant('pass' as const), killedAfter: fc.option(fc.nat({ max: 4 })) }) },
  { weight: 2, arbitrary: fc.constant({ is: 'eviction' } as const) },
  { weight: 1, arbitrary: fc.constant({ is: 'toggleTaint' } as const) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('run' as const), node: fc.constantFrom('a', 'spare') }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('time' as const), ms: fc.constantFrom(1000, 30_000, 59_000) }) },
);

/** Evictions that were sent are carried out at any time within a minute after the process has stopped wanting them. */
class Trial {
  readonly cluster = tainted([bare('one'), bare('two'), pod('web', { node: 'a' })]);
  #wanted: readonly EvictPod[] = [];
  #sent: readonly { readonly uid: string; readonly untilMs: number }[] = [];

  happen(happening: Happening): void {
    const { cluster } = this;
    switch (happening.is) {
      case 'pass':
        this.#pass(happening.killedAfter);
        return;
      case 'eviction': {
        const [due] = this.#sent.filter(({ untilMs }) => cluster.nowMs < untilMs);
        const uid = due?.uid ?? this.#wanted[0]?.uid;
        if (uid !== undefined) evict(cluster, uid);
        this.#sent = this.#sent.filter((each) => each.uid !== uid);
        return;
      }
      case 'toggleTaint':
        cluster.editNode('a', (each) => ({
          ...each,
          spec: { taints: each.spec.taints?.length ? [] : [TAINT] },
        }));
        return;
      case 'run':
        for (const { metadata, spec } of cluster.pods) {
          if (spec.nodeName === undefined) run(cluster, metadata.name, happening.node);
        }
        return;
      case 'time':
        cluster.nowMs += happening.ms;
    }
  }

  #pass(killedAfter: number | null): void {
    const { cluster } = this;
    const untilMs = cluster.nowMs + 60_000;
    this.#sent = [...this.#sent, ...this.#wanted.map(({ uid }) => ({ uid, untilMs }))];
    this.#wanted = [];
    if (killedAfter === null) {
      this.#wanted = cluster.pass('a').evictions;
      return;
    }
    cluster.decide('a').actions.slice(0, killedAfter).forEach(cluster.carryOut.bind(cluster));
    cluster.memories.clear();
  }

  /** Names of the bare Pods that neither run nor are stored. */
  lost(): readonly string[] {
    const { pods, stored } = this.cluster;
    const isStored = (name: string): boolean =>
      stored.secrets.some(({ metadata }) => metadata.annotations?.['maintenance-bridge.io/pod'] === `shop/${name}`);
    return ['one', 'two'].filter((name) => !pods.some(({ metadata }) => metadata.name === name) && !isStored(name));
  }
}

describe('invariants of `unmanagedPods: recreate`', () => {
  it('at every moment the Pod or its Secret is there, whatever happens, and in the end the Pods run and no Secret is left', () => {
    fc.assert(
      fc.property(fc.array(happeningArbitrary, { minLength: 5, maxLength: 60 }), (happenings) => {
        const trial = new Trial();
        const { cluster } = trial;
        for (const happening of happenings) {
          trial.happen(happening);
          expect(trial.lost()).toEqual([]);
        }
        cluster.untaint('a');
        for (let pass = 0; pass < 12; pass++) {
          for (const is of ['eviction', 'eviction', 'eviction'] as const) trial.happen({ is });
          trial.happen({ is: 'pass', killedAfter: null });
          trial.happen({ is: 'run', node: 'a' });
          trial.happen({ is: 'time', ms: 59_000 });
        }
        expect(trial.lost()).toEqual([]);
        expect(cluster.stored.secrets).toEqual([]);
        expect(cluster.pods.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['one', 'two']));
        expect(cluster.decide('a').actions).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
