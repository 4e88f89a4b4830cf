import { describe, expect, it } from 'vitest';
import {
  type HostedPart,
  type HostPart,
  host,
  hosted,
  MemoryMetal3,
  POWER,
  REBOOT,
} from '../../harness/builders/metal3.ts';
import { explainHost } from './explain.ts';
import { metal3SettingsSchema } from './settings.ts';
import { declareIndexes } from './watches.ts';

const SINCE = '2026-11-21T09:00:00.000Z';
const HELD = { [REBOOT]: '', [POWER]: `uid-of-metal-m/${SINCE}` };

function explain(part: HostPart, machinePart?: HostedPart) {
  const world = new MemoryMetal3();
  declareIndexes(world);
  if (machinePart !== undefined) world.machines.put(hosted('m', machinePart));
  const subject = host('m', part);
  world.hosts.put(subject);
  return explainHost(subject, world, metal3SettingsSchema.parse({}), Date.parse(SINCE));
}

describe('`explainHost()`', () => {
  it('says since when a host is off, for which Machine, and how to end it', () => {
    expect(explain({ annotations: HELD, status: { poweredOn: false } }, { maintenance: 'approved' })).toEqual({
      kind: 'BareMetalHost',
      name: 'metal/m',
      state: 'HeldOff',
      outlook: 'Ready',
      isUnderWay: true,
      since: SINCE,
      summary: 'It is off and may be worked on',
      waitsFor: 'the user, who ends the maintenance',
      release: 'kubectl -n metal label machine m runtime-extension-maintenance-controller.cloud.sap/maintenance-',
      details: [
        'Power wanted by us: off',
        'Power observed by Metal3: off',
        'Machine: metal/m',
        'Provisioning state: provisioned',
        'Operational status: OK',
      ],
    });
  });

  it('names what keeps Metal3 from acting, and the command that ends it', () => {
    const annotations = { 'baremetalhost.metal3.io/paused': '' };
    expect(explain({ annotations }, { maintenance: 'approved' })).toMatchObject({
      state: 'HostPaused',
      release: 'kubectl -n metal annotate baremetalhost m baremetalhost.metal3.io/paused-',
    });
  });

  it('tells a host that goes off from one that Metal3 reports an error of', () => {
    const going = { annotations: HELD, status: { poweredOn: true } };
    expect(explain(going, { maintenance: 'approved' })).toMatchObject({ state: 'PoweringOff', outlook: 'Moving' });
    const failing = { ...going, status: { ...going.status, errorType: 'power management error' } };
    expect(explain(failing, { maintenance: 'approved' })).toMatchObject({
      state: 'PoweringOff',
      outlook: 'Stuck',
      waitsFor: 'Metal3, which reports: power management error',
      details: expect.arrayContaining(['Error: power management error']),
    });
  });

  it('shows who else holds the host off', () => {
    expect(explain({ annotations: { 'reboot.metal3.io/other': '' } }).details).toContain(
      'Held off or rebooted by somebody else too: reboot.metal3.io/other',
    );
  });

  it('warns of a Machine that is deleted while somebody may be at the machine', () => {
    const held = { annotations: HELD, status: { poweredOn: false } };
    expect(explain(held, { maintenance: 'approved', hook: true, deletedAt: SINCE })).toMatchObject({
      state: 'MachineDeletedInMaintenance',
      outlook: 'Waiting',
      release: 'maintenance-bridge why machine/m -n metal',
    });
  });

  it('says why a host stays off that no Machine wants off', () => {
    expect(explain({ annotations: HELD })).toMatchObject({
      state: 'ConsumerUnknown',
      outlook: 'Stuck',
      summary: expect.stringContaining('No Machine stands for its consumer m'),
      release: `kubectl -n metal annotate baremetalhost m ${REBOOT}- ${POWER}-`,
    });
    const annotations = { ...HELD, 'baremetalhost.metal3.io/paused': '' };
    expect(explain({ annotations }, {})).toMatchObject({ state: 'HostPaused', outlook: 'Waiting' });
  });

  it('counts a host as under way only while something is', () => {
    expect(explain({}).isUnderWay).toBe(false);
    expect(explain({}, {}).isUnderWay).toBe(false);
    expect(explain({ annotations: HELD }, {})).toMatchObject({ state: 'NotRequested', isUnderWay: true });
  });
});
