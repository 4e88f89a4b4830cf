import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, SimulatedSandbox } from '../../harness/simulated-cluster.ts';
import type { ApproverOptions } from './options.ts';

const P = 'runtime-extension-maintenance-controller.cloud.sap';

describe('the approver', () => {
  let sandbox: SimulatedSandbox;
  let clock: ManualClock;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  async function start(approver: ApproverOptions): Promise<void> {
    clock = new ManualClock();
    sandbox = new SimulatedSandbox({ approver }, clock);
    sandbox.nodes('a');
    await clock.advance(1000);
  }

  const label = (key: string, value: string | null): void =>
    sandbox.patch('nodes', 'a', { metadata: { labels: { [`${P}/${key}`]: value } } });
  const approvals = () =>
    Object.keys(sandbox.must('nodes', 'a').metadata.labels ?? {}).filter((key) => key.startsWith(`${P}/approve-`));

  it('approves what is asked for after its delay, and takes the approval back with the question', async () => {
    await start({ delayMs: 3000 });
    label('machine-maintenance', 'true');
    await clock.advance(2999);
    expect(approvals()).toEqual([]);
    await clock.advance(1);
    expect(approvals()).toEqual([`${P}/approve-maintenance`]);
    label('machine-deleted', 'true');
    label('machine-maintenance', null);
    await clock.advance(3000);
    expect(approvals()).toEqual([`${P}/approve-deletion`]);
  });

  it('waits for the drain where it is so configured', async () => {
    await start({ waitsForDrain: true });
    sandbox.pod('web', { terminationGracePeriodSeconds: 1 });
    sandbox.workload('daemonsets.apps', 'agent');
    await clock.advance(1000);
    label('machine-maintenance', 'true');
    await clock.advance(60_000);
    expect(approvals()).toEqual([]);
    sandbox.delete('pods', 'web', 'default');
    await clock.advance(2000);
    expect(approvals()).toEqual([`${P}/approve-maintenance`]);
  });

  it('holds until the annotation of the Node says so, and that of one Node where it says no', async () => {
    await start({ holds: true });
    label('machine-maintenance', 'true');
    await clock.advance(60_000);
    expect(approvals()).toEqual([]);
    const say = (value: string): void =>
      sandbox.patch('nodes', 'a', { metadata: { annotations: { 'sandbox.maintenance-bridge.io/approve': value } } });
    say('true');
    await clock.advance(1000);
    expect(approvals()).toEqual([`${P}/approve-maintenance`]);
    say('false');
    label('machine-deleted', 'true');
    await clock.advance(60_000);
    expect(approvals()).toEqual([`${P}/approve-maintenance`]);
  });
});
