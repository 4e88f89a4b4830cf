import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

interface Row {
  readonly name: string;
  readonly budget: object;
  readonly replicas: number;
  /** How many of the Pods are not ready. */
  readonly unready?: number;
  /** currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed */
  readonly numbers: readonly [number, number, number, number];
}

const ROWS: readonly Row[] = [
  { name: 'minAvailable as a number', budget: { minAvailable: 2 }, replicas: 3, numbers: [3, 2, 3, 1] },
  { name: 'minAvailable beyond what there is', budget: { minAvailable: 5 }, replicas: 3, numbers: [3, 5, 3, 0] },
  { name: 'minAvailable 100%', budget: { minAvailable: '100%' }, replicas: 3, numbers: [3, 3, 3, 0] },
  { name: 'minAvailable 50%, rounded up', budget: { minAvailable: '50%' }, replicas: 5, numbers: [5, 3, 5, 2] },
  { name: 'maxUnavailable 1', budget: { maxUnavailable: 1 }, replicas: 3, numbers: [3, 2, 3, 1] },
  { name: 'maxUnavailable 0', budget: { maxUnavailable: 0 }, replicas: 3, numbers: [3, 3, 3, 0] },
  { name: 'maxUnavailable 30%, rounded up', budget: { maxUnavailable: '30%' }, replicas: 5, numbers: [5, 3, 5, 2] },
  { name: 'maxUnavailable beyond what there is', budget: { maxUnavailable: 7 }, replicas: 3, numbers: [3, 0, 3, 3] },
  { name: 'an unready Pod', budget: { maxUnavailable: 1 }, replicas: 3, unready: 1, numbers: [2, 2, 3, 0] },
  { name: 'no Pods', budget: { maxUnavailable: 1 }, replicas: 0, numbers: [0, 0, 0, 0] },
  { name: 'no Pods and a minimum', budget: { minAvailable: 1 }, replicas: 0, numbers: [0, 1, 0, 0] },
];

describe('the status of a PodDisruptionBudget', () => {
  let sandbox: SimulatedSandbox;
  let clock: ManualClock;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  function start(): void {
    clock = new ManualClock();
    sandbox = new SimulatedSandbox({}, clock);
    sandbox.nodes('a', 'b');
  }

  const status = () => sandbox.must('poddisruptionbudgets.policy', 'web', 'default').status;
  const numbers = () => [
    status()?.currentHealthy,
    status()?.desiredHealthy,
    status()?.expectedPods,
    status()?.disruptionsAllowed,
  ];
  const condition = () => status()?.conditions?.[0];

  it.each(ROWS)('with $name', async ({ budget, replicas, unready = 0, numbers: expected }) => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas });
    await clock.advance(1000);
    for (const { metadata } of sandbox.pods('web').slice(0, unready)) {
      const annotations = { 'sandbox.maintenance-bridge.io/ready': 'false' };
      sandbox.patch('pods', metadata.name, { metadata: { annotations } }, 'default');
    }
    sandbox.budget('web', budget);
    await clock.advance(0);
    expect(numbers()).toEqual(expected);
    const allowed = expected[3] > 0;
    expect(condition()).toMatchObject({
      type: 'DisruptionAllowed',
      status: allowed ? 'True' : 'False',
      reason: allowed ? 'SufficientPods' : 'InsufficientPods',
    });
    expect(status()?.observedGeneration).toBe(1);
  });

  it('follows the Pods and its own specification', async () => {
    start();
    sandbox.workload('statefulsets.apps', 'web', { replicas: 3, podManagementPolicy: 'Parallel' });
    sandbox.budget('web', { maxUnavailable: 1 });
    await clock.advance(1000);
    expect(numbers()).toEqual([3, 2, 3, 1]);
    sandbox.api.evict('default', 'web-0');
    expect(() => sandbox.api.evict('default', 'web-1')).toThrow(
      "Cannot evict pod as it would violate the pod's disruption budget.",
    );
    await clock.advance(100);
    expect(numbers()).toEqual([2, 2, 3, 0]);
    await clock.advance(2000);
    expect(numbers()).toEqual([3, 2, 3, 1]);
    sandbox.patch('poddisruptionbudgets.policy', 'web', { spec: { maxUnavailable: 2 } }, 'default');
    await clock.advance(0);
    expect([...numbers(), status()?.observedGeneration]).toEqual([3, 1, 3, 2, 2]);
  });

  it('counts a Pod no longer, for two minutes, whose eviction was allowed and did not come', async () => {
    start();
    sandbox.workload('deployments.apps', 'web', { replicas: 3 });
    sandbox.budget('web', { maxUnavailable: 2 });
    await clock.advance(1000);
    const name = sandbox.pods('web')[0]?.metadata.name ?? '';
    const disruptedPods = { [name]: new Date(clock.now()).toISOString().replace('.000', '') };
    const reference = { resource: 'poddisruptionbudgets.policy', namespace: 'default', name: 'web' };
    sandbox.api.patch(reference, { status: { disruptedPods } }, 'status');
    await clock.advance(0);
    expect(numbers()).toEqual([2, 1, 3, 1]);
    await clock.advance(120_000);
    expect(numbers()).toEqual([3, 1, 3, 2]);
    expect(status()?.disruptedPods).toBeUndefined();
  });

  it('allows nothing for Pods whose controller has no scale', async () => {
    start();
    sandbox.workload('daemonsets.apps', 'web');
    await clock.advance(1000);
    sandbox.budget('web', { maxUnavailable: 1 });
    await clock.advance(0);
    expect(status()?.disruptionsAllowed).toBe(0);
    expect(condition()).toMatchObject({
      status: 'False',
      reason: 'SyncFailed',
      message: 'daemonsets.apps does not implement the scale subresource',
    });
  });

  it('leaves Pods without a controller out of the sum, and counts them for a minimum', async () => {
    start();
    sandbox.pod('one', {}, { labels: { app: 'web' } });
    sandbox.budget('web', { maxUnavailable: 1 });
    await clock.advance(1000);
    expect(numbers()).toEqual([1, 0, 0, 0]);
    expect(sandbox.events('web').some((event) => event.startsWith('UnmanagedPods'))).toBe(true);
    sandbox.delete('poddisruptionbudgets.policy', 'web', 'default');
    sandbox.budget('web', { minAvailable: 1 });
    await clock.advance(0);
    expect(numbers()).toEqual([1, 1, 1, 0]);
  });
});
