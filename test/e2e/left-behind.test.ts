/** Objects that no feature handles any more are reported at the start, and before the program is uninstalled. */
import { afterEach, beforeAll, expect, it } from 'vitest';
import { installMetal3Crds, Rack, REBOOT } from '../../harness/metal3.ts';
import { Bridge, command } from '../../harness/program.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';

const HOOK = 'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller';
const LEFT = 'Left behind, and nobody looks after it';
const NO_CAPI = ['--enable-capi=false', '--leader-elect=false'];

describeOnControlPlane('what is left behind', {}, (get) => {
  let rack: Rack;
  let bridge: Bridge | undefined;

  const leftBehind = (...flags: readonly string[]) =>
    command(['status', '--left-behind', `--kubeconfig=${get().kubeconfig}`, ...flags]);
  const start = (kubeconfig: string, flags: readonly string[]): Bridge => {
    bridge = new Bridge({ kubeconfig, flags });
    return bridge;
  };

  beforeAll(async () => {
    await installMetal3Crds(get());
    await get().api.create('/api/v1/namespaces', { metadata: { name: 'metal' } });
    await get().api.create('/api/v1/namespaces', { metadata: { name: 'other' } });
    rack = new Rack(get(), 'metal');
  });
  afterEach(() => bridge?.end());

  it('is nothing in a cluster that never had us', async () => {
    expect(await leftBehind()).toMatchObject({
      code: 0,
      out: 'Nothing of ours was found that would be left behind.\n',
    });
  });

  it('holds up whoever uninstalls while a hook or a held host is among it, in the namespaces that count', async () => {
    await rack.addHost('held', 'held', { [REBOOT]: '' });
    await rack.addMachine('hooked', { annotations: { [HOOK]: '' } });
    const { code, out } = await leftBehind();
    expect(code).toBe(1);
    expect(out).toContain('Machines carry our pre-drain hook, which holds their deletion (1): machine/metal/hooked');
    expect(out).toContain(
      'BareMetalHosts carry our reboot annotation, which keeps them off (1): baremetalhost/metal/held',
    );
    expect((await leftBehind('-n', 'other')).code).toBe(0);
    expect((await leftBehind('-n', 'other', '-n', 'metal')).code).toBe(1);
  });

  it('is told at the start by a process that has the features switched off', async () => {
    const { reason, detail, level } = await start(get().kubeconfig, NO_CAPI).logged(
      ({ msg, reason }) => msg === LEFT && /Machines/.test(String(reason)),
      'the hook to be told',
    );
    expect([level, reason, detail]).toEqual([
      'warn',
      'Machines carry our pre-drain hook, which holds their deletion (1)',
      expect.stringContaining('machine/metal/hooked'),
    ]);
    await bridge?.logged(({ msg, reason }) => msg === LEFT && /Hosts/.test(String(reason)), 'the host to be told');
  });

  it('is told by a process whose namespaces were shrunk', async () => {
    const flags = ['--enable-tmm=false', '--enable-metal3-maintenance', '--namespace=other', '--leader-elect=false'];
    const one = start(get().kubeconfig, flags);
    await one.logged(({ msg, reason }) => msg === LEFT && /Machines/.test(String(reason)), 'the hook to be told');
    await one.logged(({ msg, reason }) => msg === LEFT && /Hosts/.test(String(reason)), 'the host to be told');
  });

  it('is not looked for beyond the rights, without a request that is refused', async () => {
    const one = start(await grantedKubeconfig(get()), ['--leader-elect=false']);
    const { detail } = await one.logged(({ msg }) => msg.startsWith('Not looked for'), 'the missing right to be told');
    expect(detail).toBe('baremetalhosts: no right to list them');
    expect(one.lines.filter(({ msg }) => msg === LEFT)).toEqual([]);
  });
});
