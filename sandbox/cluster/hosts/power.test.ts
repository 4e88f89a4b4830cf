import { afterEach, describe, expect, it } from 'vitest';
import { conditionOf, ManualClock, SimulatedSandbox } from '../../../harness/simulated-cluster.ts';

const HOSTS = 'baremetalhosts.metal3.io';
const HOLD = 'reboot.metal3.io/maintenance';

describe('BareMetalHosts', () => {
  let sandbox: SimulatedSandbox;
  let clock: ManualClock;
  afterEach(() => {
    sandbox.stop();
    expect(sandbox.errors).toEqual([]);
  });

  async function start(spec: object = {}): Promise<void> {
    clock = new ManualClock();
    sandbox = new SimulatedSandbox({ metal3: {} }, clock);
    await clock.advance(0);
    sandbox.node('rack-1', { spec: { providerID: 'metal3://default/rack-1/machine' } });
    const consumerRef = { kind: 'Metal3Machine', namespace: 'default', name: 'machine' };
    sandbox.create(HOSTS, { metadata: { name: 'rack-1' }, spec: { online: true, consumerRef, ...spec } }, 'default');
    await clock.advance(1000);
  }

  const host = () => sandbox.must(HOSTS, 'rack-1', 'default');
  const isOn = () => host().status?.poweredOn;
  const nodeIs = () => conditionOf(sandbox.must('nodes', 'rack-1'), 'Ready');
  const annotate = (annotations: object): void =>
    sandbox.patch(HOSTS, 'rack-1', { metadata: { annotations } }, 'default');

  it('report that they are provisioned and on', async () => {
    await start();
    expect(host().status).toMatchObject({
      poweredOn: true,
      operationalStatus: 'OK',
      provisioning: { state: 'provisioned' },
    });
    expect(nodeIs()).toBe('True');
  });

  it('stay off while a reboot annotation with a key is there, and their Nodes with them', async () => {
    await start();
    annotate({ [HOLD]: '' });
    await clock.advance(1999);
    expect([isOn(), nodeIs()]).toEqual([true, 'True']);
    await clock.advance(1);
    expect([isOn(), nodeIs()]).toEqual([false, 'False']);
    await clock.advance(3_600_000);
    expect([isOn(), nodeIs(), host().metadata.annotations]).toEqual([false, 'Unknown', { [HOLD]: '' }]);
    annotate({ [HOLD]: null });
    await clock.advance(2000);
    expect([isOn(), nodeIs()]).toEqual([true, 'True']);
  });

  it('restart once for the annotation without a key, which is taken away', async () => {
    await start();
    annotate({ 'reboot.metal3.io': '' });
    await clock.advance(2000);
    expect([isOn(), host().metadata.annotations ?? {}]).toEqual([false, {}]);
    await clock.advance(2000);
    expect(isOn()).toBe(true);
  });

  it.each([
    ['paused', {}, { 'baremetalhost.metal3.io/paused': '' }],
    ['detached', {}, { 'baremetalhost.metal3.io/detached': '' }],
    ['not provisioned', { consumerRef: null }, {}],
    ['not to be switched off', { disablePowerOff: true }, {}],
  ])('are not switched where they are %s', async (_, spec, annotations) => {
    await start(spec);
    annotate({ ...annotations, [HOLD]: '' });
    await clock.advance(60_000);
    expect(isOn()).toBe(true);
  });

  it('go off where they are not wanted online', async () => {
    await start();
    sandbox.patch(HOSTS, 'rack-1', { spec: { online: false } }, 'default');
    await clock.advance(2000);
    expect(isOn()).toBe(false);
  });
});
