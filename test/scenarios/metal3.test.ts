/** The Metal3 integration, with hosts that a stub or a simulated Metal3 switches. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAINTENANCE, type Metal3, Rack, REBOOT, startMetal3 } from '../../harness/metal3.ts';
import { Bridge, command } from '../../harness/program.ts';
import { asks, Bridges, killed } from '../../harness/programs.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeScenario, itWhereThereIs } from './suite.ts';

const FLAGS = ['--enable-tmm=false', '--enable-capi=false', '--enable-metal3-maintenance'];
const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const SKIP = 'cluster.x-k8s.io/skip-remediation';

describeScenario('the Metal3 integration', {}, (get) => {
  let bridge: Bridge;
  let metal3: Metal3;
  let rack: Rack;

  beforeAll(async () => {
    // It starts before Metal3 is installed: it waits without errors.
    bridge = new Bridge({ kubeconfig: await grantedKubeconfig(get(), { metal3: {} }), flags: FLAGS });
    await bridge.logged(({ msg, runnable }) => msg === 'Starting' && runnable === 'metal3', 'the controller to start');
    expect(bridge.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    metal3 = await startMetal3(get());
    await get().api.create('/api/v1/namespaces', { metadata: { name: 'metal' } });
    rack = new Rack(get(), 'metal');
  });
  afterAll(async () => {
    await bridge?.end();
    await metal3?.stop();
  });

  const ask = async (...args: readonly string[]): Promise<string> =>
    (await command([...args, `--kubeconfig=${get().kubeconfig}`, '-n', 'metal'])).out;

  it('keeps a host off while the maintenance is approved, and tells people', async () => {
    await rack.add('served');
    await rack.label('served', 'approved');
    await rack.isOn('served', false);
    expect(await rack.annotations('machine', 'served')).toHaveProperty([SKIP]);
    expect(await ask('why', 'baremetalhost/served')).toMatch(/: HeldOff.*Since:.*observed by Metal3: off/s);
    expect(await ask('status')).toMatch(/^baremetalhost\/metal\/served +HeldOff/m);
    await rack.label('served', null);
    await rack.isOn('served', true);
    await rack.isClean('served');
    await rack.event('served', 'PowerOnRequested');
    expect(metal3.cycles.get('served')).toBe(1);
  });

  it('gives a host back whose Machine is deleted', async () => {
    await rack.add('deleted');
    await rack.label('deleted', 'approved');
    await rack.isOn('deleted', false);
    await rack.deleteMachine('deleted');
    await rack.isOn('deleted', true);
    await rack.isClean('deleted', false);
  });

  it('keeps a host off whose Machine is deleted while our hook holds the deletion', async () => {
    await rack.addHost('technician');
    await rack.addMachine('technician', { annotations: { [HOOK]: '' }, finalizers: ['example.org/held'] });
    await rack.label('technician', 'approved');
    await rack.isOn('technician', false);
    await rack.deleteMachine('technician');
    for (const kind of ['Machine', 'BareMetalHost']) {
      expect((await rack.event('technician', 'MachineDeletedInMaintenance', kind)).type).toBe('Warning');
    }
    // Both come by the same watch: after this one, the other is known too.
    await rack.add('witness');
    await rack.label('witness', 'approved');
    await rack.isOn('witness', false);
    expect((await rack.host('technician')).status?.poweredOn).toBe(false);
    expect(await ask('why', 'baremetalhost/technician')).toMatch(/: MachineDeletedInMaintenance/);
    expect(await ask('status')).toMatch(/^baremetalhost\/metal\/technician +MachineDeletedInMaintenance/m);
    await rack.patchMachine('technician', { annotations: { [HOOK]: null } });
    await rack.isOn('technician', true);
    await rack.event('technician', 'PowerOnRequested');
    await rack.patchMachine('technician', { finalizers: null });
    await rack.label('witness', null);
    await rack.isOn('witness', true);
  });

  it('leaves a host off whose Machine is not there yet', async () => {
    const PAUSED = 'baremetalhost.metal3.io/paused';
    await rack.addHost('restored', 'restored', { [REBOOT]: '', [PAUSED]: '' });
    await rack.annotateHost('restored', { [PAUSED]: null });
    await rack.isOn('restored', false);
    await rack.add('bystander');
    await rack.annotateHost('bystander', { [REBOOT]: '' });
    await rack.isClean('bystander');
    expect(await rack.annotations('host', 'restored')).toHaveProperty([REBOOT]);
    expect(await ask('status')).toMatch(/^baremetalhost\/metal\/restored +ConsumerUnknown/m);
    await rack.addMachine('restored', { labels: { [MAINTENANCE]: 'approved' } });
    await rack.isNoted('restored');
    expect((await rack.host('restored')).status?.poweredOn).toBe(false);
    expect(metal3.cycles.get('restored')).toBe(1);
    await rack.label('restored', null);
    await rack.isOn('restored', true);
  });

  it('does not put back what somebody took away, until the next request', async () => {
    await rack.add('taken');
    await rack.label('taken', 'approved');
    await rack.isOn('taken', false);
    await rack.annotateHost('taken', { [REBOOT]: null });
    await rack.isOn('taken', true);
    expect((await rack.event('taken', 'AnnotationVanished')).type).toBe('Warning');
    // Later changes of the host do not matter.
    await rack.annotateHost('taken', { 'reboot.metal3.io/other': '' });
    await rack.isOn('taken', false);
    await rack.annotateHost('taken', { 'reboot.metal3.io/other': null });
    await rack.isOn('taken', true);
    expect(await rack.annotations('host', 'taken')).not.toHaveProperty([REBOOT]);
    await rack.label('taken', null);
    await rack.isClean('taken');
    await rack.label('taken', 'approved');
    await rack.isOn('taken', false);
    await rack.label('taken', null);
    await rack.isOn('taken', true);
  });

  it('leaves a host alone that somebody else uses', async () => {
    await rack.add('foreign', 'somebody');
    await rack.label('foreign', 'approved');
    expect((await rack.event('foreign', 'BareMetalHostMismatch')).note).toContain('somebody');
    expect(await rack.annotations('host', 'foreign')).toEqual({});
  });

  it('releases a host that was left behind', async () => {
    await rack.add('stale');
    await rack.annotateHost('stale', { [REBOOT]: '' });
    await rack.isClean('stale');
  });

  itWhereThereIs('rbac', 'needs no right that it does not have', () => {
    expect(bridge.lines.map((line) => JSON.stringify(line)).filter((line) => line.includes('forbidden'))).toEqual([]);
    expect(bridge.isRunning()).toBe(true);
  });

  describe('killed after a write', () => {
    beforeAll(() => bridge.end());
    const bridges = new Bridges(get, { flags: [...FLAGS, '--leader-elect=false'] });
    /** Returns when the process has died, just after the server carried out the first such write. */
    const dieAfter = (path: RegExp): Promise<void> => killed(bridges.startAndKillAfter(asks('PATCH', path)));
    const WRITES = [
      ['Machine', /\/machines\//],
      ['host', /\/baremetalhosts\//],
    ] as const;

    it.each(WRITES)('on the %s at the beginning, another one switches off, once', async (what, path) => {
      const name = `begun-${what.toLowerCase()}`;
      await rack.add(name);
      await rack.label(name, 'approved');
      await dieAfter(path);
      bridges.start();
      await rack.isOn(name, false);
      expect(await rack.annotations('machine', name)).toHaveProperty([SKIP]);
      await rack.label(name, null);
      await rack.isOn(name, true);
      await rack.isClean(name);
      expect(metal3.cycles.get(name)).toBe(1);
    });

    it.each(WRITES)('on the %s at the end, another one switches on and cleans up', async (what, path) => {
      const name = `ended-${what.toLowerCase()}`;
      await rack.add(name);
      await rack.label(name, 'approved');
      const first = bridges.start();
      await rack.isOn(name, false);
      await first.end('SIGKILL');
      await rack.label(name, null);
      await dieAfter(path);
      bridges.start();
      await rack.isOn(name, true);
      await rack.isClean(name);
      expect(metal3.cycles.get(name)).toBe(1);
    });
  });
});
