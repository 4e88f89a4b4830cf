import { describe, expect, it } from 'vitest';
import { TestCluster } from '../../../harness/builders/cluster.ts';
import { job, node, ofJob, type PodPart, pod, TAINT } from '../../../harness/builders/objects.ts';
import type { Job, PodFailureRule } from '../../core/objects.ts';

/** A cluster whose Node `a` is asked to go and holds Pods of the Job `sum`, beside a Pod that may leave. */
function clusterOf(sum: Job, pods: number, settings: object = {}, part: PodPart = {}): TestCluster {
  const members = Array.from({ length: pods }, (_, index) =>
    pod(`sum-${index}`, { node: 'a', ...part, meta: { ...ofJob(sum), ...part.meta } }),
  );
  return new TestCluster(
    { nodes: [node('a', { taints: [TAINT] })], pods: [...members, pod('web', { node: 'a' })], jobs: [sum] },
    settings,
  );
}

const rule = (action: string, more: Partial<PodFailureRule>): PodFailureRule => ({ action, ...more });
const onDisruption = [{ type: 'DisruptionTarget', status: 'True' }];
const exitCodes = (operator: string, ...values: number[]) => ({ onExitCodes: { operator, values } });
const lastTry = (...failureRules: readonly PodFailureRule[]): Job => job('sum', { backoffLimit: 0, failureRules });

interface Row {
  readonly name: string;
  readonly job: Job;
  /** How many of its Pods are here. @default 1 */
  readonly pods?: number;
  readonly part?: PodPart;
  readonly isFinal: boolean;
}

const leaving = { finalizers: ['batch.kubernetes.io/job-tracking'] };
const rows: readonly Row[] = [
  { name: 'a Job with tries left', job: job('sum', { backoffLimit: 6 }), isFinal: false },
  { name: 'a Job without a limit of its own takes six failures', job: job('sum', {}, { failed: 5 }), isFinal: false },
  { name: 'a Job that has used the default up', job: job('sum', {}, { failed: 6 }), isFinal: true },
  { name: 'a Job without tries', job: job('sum', { backoffLimit: 0 }), isFinal: true },
  { name: 'a Job that has used its tries up', job: job('sum', { backoffLimit: 2 }, { failed: 2 }), isFinal: true },
  { name: 'one try for two Pods', job: job('sum', { backoffLimit: 1 }), pods: 2, isFinal: true },
  { name: 'two tries for two Pods', job: job('sum', { backoffLimit: 2 }), pods: 2, isFinal: false },
  {
    name: 'a failure that is about to be counted',
    job: job('sum', { backoffLimit: 1 }, { uncountedFailed: ['some-uid'] }),
    isFinal: true,
  },
  { name: 'a suspended Job', job: job('sum', { backoffLimit: 0, suspend: true }), isFinal: false },
  { name: 'a finished Job', job: job('sum', {}, { isFinished: true }), isFinal: false },
  {
    name: 'a Pod of a Job that is called the same, and is another',
    job: job('sum', { backoffLimit: 0 }),
    part: { meta: ofJob({ ...job('sum', {}), metadata: { ...job('sum', {}).metadata, uid: 'before' } }) },
    isFinal: false,
  },
  {
    name: 'a rule that ignores disruptions',
    job: lastTry(rule('Ignore', { onPodConditions: onDisruption })),
    isFinal: false,
  },
  {
    name: 'a rule that ignores another condition',
    job: lastTry(rule('Ignore', { onPodConditions: [{ type: 'ConfigIssue', status: 'True' }] })),
    isFinal: true,
  },
  {
    name: 'a rule that ignores what is no disruption',
    job: lastTry(rule('Ignore', { onPodConditions: [{ type: 'DisruptionTarget', status: 'False' }] })),
    isFinal: true,
  },
  {
    name: 'an exit code of the program comes first, as in the documentation',
    job: lastTry(rule('FailJob', exitCodes('In', 42)), rule('Ignore', { onPodConditions: onDisruption })),
    isFinal: false,
  },
  {
    name: 'every exit code but some fails the Job before its disruption is ignored',
    job: lastTry(rule('FailJob', exitCodes('NotIn', 42)), rule('Ignore', { onPodConditions: onDisruption })),
    isFinal: true,
  },
  {
    name: 'the exit codes of a container that is stopped are spared',
    job: lastTry(rule('FailJob', exitCodes('NotIn', 137, 143)), rule('Ignore', { onPodConditions: onDisruption })),
    isFinal: false,
  },
  {
    name: 'an ignored exit code, which nobody can promise',
    job: lastTry(rule('Ignore', exitCodes('In', 143))),
    isFinal: true,
  },
  {
    name: 'a rule by which a disruption fails the Job, whatever tries it has',
    job: job('sum', { backoffLimit: 6, failureRules: [rule('FailJob', { onPodConditions: onDisruption })] }),
    isFinal: true,
  },
  {
    name: 'a rule by which a disruption fails the index',
    job: job('sum', { backoffLimitPerIndex: 3, failureRules: [rule('FailIndex', { onPodConditions: onDisruption })] }),
    isFinal: true,
  },
  {
    name: 'a rule by which a disruption counts',
    job: job('sum', { backoffLimit: 1, failureRules: [rule('Count', { onPodConditions: onDisruption })] }),
    isFinal: false,
  },
  { name: 'an index with a try left', job: job('sum', { backoffLimitPerIndex: 1 }), pods: 3, isFinal: false },
  { name: 'an index without a try', job: job('sum', { backoffLimitPerIndex: 0 }), isFinal: true },
  {
    name: 'an index that has used its tries up',
    job: job('sum', { backoffLimitPerIndex: 2 }),
    part: { annotations: { 'batch.kubernetes.io/job-index-failure-count': '2' } },
    isFinal: true,
  },
  {
    name: 'an index with a try left, of a Job without',
    job: job('sum', { backoffLimit: 3, backoffLimitPerIndex: 5 }, { failed: 3 }),
    isFinal: true,
  },
];

describe('a Pod of a Job that its eviction would fail for good', () => {
  it.each(rows)('is told from others: $name → $isFinal', ({ job: sum, pods = 1, part, isFinal }) => {
    const { because, blockedBy, evictions } = clusterOf(sum, pods, {}, part).decide('a');
    expect(because).toBe(isFinal ? 'Rejected' : 'Admitted');
    expect(blockedBy.map(({ cause }) => cause)).toEqual(isFinal ? Array(pods).fill('JobWouldFail') : []);
    expect(evictions).toHaveLength(isFinal ? 0 : pods + 1);
    expect(clusterOf(sum, pods, { finalJobs: 'evict' }, part).decide('a').evictions).toHaveLength(pods + 1);
    const waiting = clusterOf(sum, pods, { finalJobs: 'wait' }, part).decide('a');
    expect(waiting.because).toBe('Admitted');
    expect(waiting.evictions.map(({ name }) => name)).toContain('web');
    expect(waiting.evictions).toHaveLength(isFinal ? 1 : pods + 1);
  });

  it('counts Pods that are on their way out, until the Job has counted them', () => {
    const sum = job('sum', { backoffLimit: 1 });
    const cluster = clusterOf(sum, 1);
    expect(cluster.decide('a').because).toBe('Admitted');
    const deletedAt = '2026-11-21T02:00:30Z';
    const other = pod('other', { node: 'b', deletedAt, meta: { ...ofJob(sum), ...leaving } });
    cluster.pods = [...cluster.pods, other];
    expect(cluster.decide('a').because).toBe('Rejected');
    cluster.jobs = [job('sum', { backoffLimit: 1 }, { uncountedFailed: [other.metadata.uid] })];
    expect(cluster.decide('a').because).toBe('Rejected');
    cluster.pods = [...cluster.pods.slice(0, -1), { ...other, metadata: { ...other.metadata, finalizers: [] } }];
    cluster.jobs = [job('sum', { backoffLimit: 2 }, { failed: 1 })];
    expect(cluster.decide('a').because).toBe('Admitted');
  });

  it('says what the Job takes, and the command that gives it enough tries', () => {
    const [blocked] = clusterOf(job('sum', { backoffLimit: 3 }, { failed: 2 }), 2).decide('a').blockedBy;
    expect(blocked).toEqual({
      pod: 'shop/sum-0',
      cause: 'JobWouldFail',
      detail:
        'Its eviction would fail Job shop/sum for good: with the evictions of 2 Pods it has 4 failures, and its backoffLimit is 3',
      remedy: `Wait for it to finish, or give it more tries: kubectl -n shop patch job sum --type=merge -p '{"spec":{"backoffLimit":4}}'; then taint again`,
    });
  });

  it('is waited for with `finalJobs: wait` until it has finished, and judged at the deadline', () => {
    const cluster = clusterOf(job('sum', { backoffLimit: 0 }), 1, { finalJobs: 'wait' });
    cluster.pass('a');
    cluster.pods = cluster.pods.filter(({ metadata }) => metadata.name !== 'web');
    cluster.nowMs += 2000;
    expect(cluster.pass('a')).toMatchObject({ because: 'Draining', evictions: [] });
    expect(cluster.report('a')).toMatchObject({
      phase: 'Draining',
      pods: { total: 2, gone: 1 },
      blockedBy: [{ pod: 'shop/sum-0', cause: 'WaitsForCompletion' }],
    });
    const finished = new TestCluster(
      { ...cluster, pods: [{ ...cluster.pod('sum-0'), status: { phase: 'Succeeded' } }] },
      { finalJobs: 'wait' },
    );
    finished.nowMs = cluster.nowMs;
    expect(finished.pass('a').because).toBe('Drained');
    cluster.nowMs += 3_600_000;
    expect(cluster.pass('a').because).toBe('Rejected');
    expect(cluster.report('a')).toMatchObject({ reason: 'GenericFailure' });
  });

  it('is evicted after all where its Job has been given more tries meanwhile', () => {
    const cluster = clusterOf(job('sum', { backoffLimit: 0 }), 1, { finalJobs: 'wait' });
    cluster.pass('a');
    cluster.jobs = [job('sum', { backoffLimit: 1 })];
    cluster.nowMs += 2000;
    expect(cluster.pass('a').evictions.map(({ name }) => name)).toContain('sum-0');
  });
});
