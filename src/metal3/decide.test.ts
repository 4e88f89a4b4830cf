import { describe, expect, it } from 'vitest';
import { cluster } from '../../harness/builders/machines.ts';
import {
  type HostedPart,
  type HostPart,
  host,
  hosted,
  MemoryMetal3,
  POWER,
  REBOOT,
  SKIP,
  SKIP_OWNER,
} from '../../harness/builders/metal3.ts';
import type { Decision } from '../core/decision.ts';
import { isConsumerUnknown, isWantedOff } from './claims.ts';
import { decide } from './decide.ts';
import type { Because } from './names.ts';
import { observe } from './observe.ts';
import type { Observed } from './observed.ts';
import { metal3SettingsSchema } from './settings.ts';
import { decideSweep } from './sweep.ts';
import { declareIndexes } from './watches.ts';

const UID = '0f4d9c5e-7a51-4d0c-9f43-3f0f2b6f5a01';
const NOW = Date.parse('2026-11-21T10:00:00Z');
const MINUTE = 60_000;
const NOTE = `uid-of-metal-m/${new Date(NOW).toISOString()}`;
const HELD = { [REBOOT]: '', [POWER]: NOTE };
const SKIPPED = { [SKIP]: '', [SKIP_OWNER]: '' };

interface Row {
  readonly name: string;
  readonly machine?: HostedPart;
  /** null if there is none, `unknown` if Metal3 is not installed. */
  readonly host?: HostPart | null | 'unknown';
  readonly others?: readonly string[];
  readonly paused?: boolean;
  readonly gate?: Observed['gate'];
  readonly settings?: object;
  readonly because: Because;
  readonly written?: readonly string[];
}

const approved = (part: HostedPart = {}): HostedPart => ({ maintenance: 'approved', ...part });
const settled = (part: HostedPart = {}): HostedPart => approved({ annotations: SKIPPED, ...part });
const ended = (since = '', part: HostedPart = {}): HostedPart => ({
  annotations: { [SKIP]: '', [SKIP_OWNER]: since },
  ...part,
});

/** `Host +reboot`, `Machine -skip`, `(PowerOffRequested)`; a non-empty value follows a `=`. */
function written({ actions }: Decision<string>): readonly string[] {
  const names: Readonly<Record<string, string>> = {
    [REBOOT]: 'reboot',
    [POWER]: 'note',
    [SKIP]: 'skip',
    [SKIP_OWNER]: 'owner',
  };
  return actions.flatMap((action) => {
    if (action.do === 'recordEvent') return [`(${action.reason})`];
    if (action.do !== 'patchMeta') throw new Error(`Unexpected ${action.do}`);
    const what = action.target.resource.kind === 'Machine' ? 'Machine' : 'Host';
    return Object.entries(action.annotations ?? {}).map(([key, value]) => {
      if (value === null) return `${what} -${names[key]}`;
      return `${what} +${names[key]}${value === '' || value === NOTE ? '' : `=${value}`}`;
    });
  });
}

function decideOn(row: Row): Decision<Because> {
  const world = new MemoryMetal3();
  declareIndexes(world);
  const subject = hosted('m', row.machine);
  world.machines.put(subject);
  for (const other of row.others ?? []) {
    world.machines.put(hosted(other, { maintenance: 'approved', providerID: 'metal3://metal/m/m' }));
  }
  if (row.paused === true) world.clusters.put(cluster('shop', { paused: true }));
  if (row.host === 'unknown') world.hosts.isSynced = false;
  else if (row.host !== null) world.hosts.put(host('m', row.host));
  const observed = observe(world, subject, NOW);
  if (observed === undefined) throw new Error('The Clusters are not known');
  return decide({ ...observed, gate: row.gate ?? 'open' }, metal3SettingsSchema.parse(row.settings ?? {}));
}

const SWITCHED_OFF = ['Machine +skip', 'Machine +owner', 'Host +reboot', 'Host +note', '(PowerOffRequested)'];
const WAITING = ['Machine +skip', 'Machine +owner', '(PowerOffWaiting)'];

const rows: readonly Row[] = [
  { name: 'does nothing for a Machine that nobody maintains', because: 'NotRequested' },
  { name: 'does nothing before the approval', machine: { maintenance: 'requested' }, because: 'NotRequested' },
  {
    name: 'holds remediation off, then switches the host off',
    machine: approved(),
    because: 'PoweringOff',
    written: SWITCHED_OFF,
  },
  {
    name: 'switches off hard where it is told to',
    machine: settled(),
    settings: { rebootMode: 'hard' },
    because: 'PoweringOff',
    written: ['Host +reboot={"mode":"hard"}', 'Host +note', '(PowerOffRequested)'],
  },
  {
    name: 'takes an approved Machine that is not enabled in, as the reference controller does',
    machine: approved({ enabled: false }),
    because: 'PoweringOff',
    written: SWITCHED_OFF,
  },
  { name: 'waits for the host to be off', machine: settled(), host: { annotations: HELD }, because: 'PoweringOff' },
  {
    name: 'has nothing more to do once the host is off',
    machine: settled(),
    host: { annotations: HELD, status: { poweredOn: false } },
    because: 'HeldOff',
  },
  {
    name: 'takes over an annotation of its key that somebody else set, with its value',
    machine: settled(),
    host: { annotations: { [REBOOT]: '{"mode":"hard"}' } },
    because: 'PoweringOff',
    written: ['Host +note'],
  },
  {
    name: 'does not put back what was taken away',
    machine: settled(),
    host: { annotations: { [POWER]: NOTE } },
    because: 'AnnotationVanished',
    written: ['(AnnotationVanished)'],
  },
  {
    name: 'takes the note of another Machine for an earlier request',
    machine: settled(),
    host: { annotations: { [POWER]: 'uid-of-metal-other/2026-11-01T00:00:00Z' } },
    because: 'PoweringOff',
    written: ['Host +reboot', 'Host +note', '(PowerOffRequested)'],
  },
  {
    name: 'leaves somebody else’s skip-remediation alone',
    machine: approved({ annotations: { [SKIP]: 'mine' } }),
    because: 'PoweringOff',
    written: ['Host +reboot', 'Host +note', '(PowerOffRequested)'],
  },
  // Provider IDs
  { name: 'is silent without a provider ID', machine: approved({ providerID: '' }), because: 'NotOurs' },
  { name: 'is silent for other providers', machine: approved({ providerID: 'aws:///eu/i-1' }), because: 'NotOurs' },
  ...[
    'metal3://',
    'metal3://metal/m',
    'metal3://metal/m/m/m',
    'metal3://metal//m',
    'metal3:///m/m',
    `metal3://x${UID}`,
  ].map(
    (providerID): Row => ({
      name: `reports the malformed provider ID ${providerID}`,
      machine: approved({ providerID }),
      because: 'ProviderIDMalformed',
      written: ['(ProviderIDMalformed)'],
    }),
  ),
  {
    name: 'finds the host of a legacy provider ID by its UID',
    machine: approved({ providerID: `metal3://${UID}`, infrastructureName: 'm' }),
    host: { uid: UID },
    because: 'PoweringOff',
    written: SWITCHED_OFF,
  },
  {
    name: 'wants the consumer of a legacy provider ID to be the Machine’s infrastructure',
    machine: approved({ providerID: `metal3://${UID}`, infrastructureName: 'other' }),
    host: { uid: UID },
    because: 'BareMetalHostMismatch',
    written: ['(BareMetalHostMismatch)'],
  },
  {
    name: 'follows a legacy provider ID into no other namespace',
    machine: approved({ providerID: `metal3://${UID}` }),
    host: { uid: UID, namespace: 'others' },
    because: 'BareMetalHostMismatch',
    written: ['(BareMetalHostMismatch)'],
  },
  {
    name: 'follows a provider ID into no other namespace',
    machine: approved({ providerID: 'metal3://others/m/m' }),
    host: { namespace: 'others' },
    because: 'BareMetalHostMismatch',
    written: ['(BareMetalHostMismatch)'],
  },
  ...[
    { consumer: 'other' },
    { consumerRef: { apiVersion: 'v1', kind: 'Metal3Machine', namespace: 'metal', name: 'm' } },
    { consumerRef: { apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1', kind: 'Machine', name: 'm' } },
    {
      consumerRef: {
        apiVersion: 'infrastructure.cluster.x-k8s.io/v1beta1',
        kind: 'Metal3Machine',
        namespace: 'others',
        name: 'm',
      },
    },
  ].map(
    (part): Row => ({
      name: `leaves a host alone that somebody else uses: ${JSON.stringify(part)}`,
      machine: approved(),
      host: part,
      because: 'BareMetalHostMismatch',
      written: ['(BareMetalHostMismatch)'],
    }),
  ),
  {
    name: 'takes a host without a consumer at the Machine’s word',
    machine: approved(),
    host: { consumer: null },
    because: 'PoweringOff',
    written: SWITCHED_OFF,
  },
  ...[{ infrastructureName: 'other' }, { infrastructureName: 'm', infrastructureKind: 'AWSMachine' }].map(
    (part): Row => ({
      name: `wants the Machine’s infrastructure to be that of its provider ID: ${JSON.stringify(part)}`,
      machine: approved(part),
      because: 'BareMetalHostMismatch',
      written: ['(BareMetalHostMismatch)'],
    }),
  ),
  {
    name: 'wants the infrastructure to agree where nobody uses the host, too',
    machine: approved({ infrastructureName: 'other' }),
    host: { consumer: null },
    because: 'BareMetalHostMismatch',
    written: ['(BareMetalHostMismatch)'],
  },
  {
    name: 'takes an infrastructure that agrees',
    machine: settled({ infrastructureName: 'm', infrastructureKind: 'Metal3Machine' }),
    because: 'PoweringOff',
    written: ['Host +reboot', 'Host +note', '(PowerOffRequested)'],
  },
  {
    name: 'lets one Machine alone speak for a host',
    machine: approved(),
    others: ['a'],
    because: 'BareMetalHostMismatch',
    written: ['(BareMetalHostMismatch)'],
  },
  {
    name: 'goes on beside a namesake that comes later',
    machine: settled(),
    others: ['z'],
    host: { annotations: HELD },
    because: 'PoweringOff',
  },
  {
    name: 'reports a host that is not there',
    machine: approved(),
    host: null,
    because: 'BareMetalHostNotFound',
    written: ['(BareMetalHostNotFound)'],
  },
  { name: 'concludes nothing without Metal3', machine: approved(), host: 'unknown', because: 'HostUnknown' },
  // Not now
  ...(
    [
      ['HostDetached', { annotations: { 'baremetalhost.metal3.io/detached': '' } }],
      ['HostDetached', { status: { operationalStatus: 'detached' } }],
      ['HostPaused', { annotations: { 'baremetalhost.metal3.io/paused': 'metal3.io/capm3' } }],
      ['HostServicing', { status: { operationalStatus: 'servicing' } }],
      ['HostNotProvisioned', { status: { provisioningState: 'inspecting' } }],
      ['HostDeleting', { deletedAt: '2026-11-21T09:00:00Z' }],
    ] as const
  ).map(
    ([because, part]): Row => ({
      name: `waits (${because})`,
      machine: approved(),
      host: part,
      because,
      written: WAITING,
    }),
  ),
  {
    name: 'switches off an externally provisioned host',
    machine: approved(),
    host: { status: { provisioningState: 'externally provisioned' } },
    because: 'PoweringOff',
    written: SWITCHED_OFF,
  },
  {
    name: 'never switches off with disablePowerOff',
    machine: settled(),
    host: { disablePowerOff: true },
    because: 'PowerOffDisabled',
    written: ['(PowerOffDisabled)'],
  },
  {
    name: 'takes its annotation away from a host that gets disablePowerOff, and remembers the request',
    machine: settled(),
    host: { disablePowerOff: true, annotations: HELD },
    because: 'PowerOffDisabled',
    written: ['Host -reboot', '(PowerOffDisabled)'],
  },
  {
    name: 'switches nothing off while the Machine is paused',
    machine: approved({ annotations: { 'cluster.x-k8s.io/paused': '' } }),
    because: 'MachinePaused',
    written: ['(PowerOffWaiting)'],
  },
  {
    name: 'switches nothing off while the Cluster is paused',
    machine: approved(),
    paused: true,
    because: 'MachinePaused',
    written: ['(PowerOffWaiting)'],
  },
  {
    name: 'writes nothing on a paused Machine whose host is held',
    machine: approved(),
    paused: true,
    host: { annotations: HELD, status: { poweredOn: false } },
    because: 'HeldOff',
  },
  {
    name: 'writes nothing on a paused Machine at the end',
    machine: ended(),
    paused: true,
    because: 'MachinePaused',
  },
  ...(['NodeUnknown', 'NodeNotDrained', 'NodeNotEmpty', 'VolumesAttached'] as const).map(
    (gate): Row => ({
      name: `waits before a closed gate (${gate})`,
      machine: approved(),
      gate,
      because: gate,
      written: WAITING,
    }),
  ),
  {
    name: 'asks no gate once the host is held',
    machine: settled(),
    host: { annotations: HELD },
    gate: 'NodeNotDrained',
    because: 'PoweringOff',
  },
  // The end
  {
    name: 'waits for the host to be released',
    machine: ended(),
    host: { annotations: HELD, status: { poweredOn: false } },
    because: 'PoweringOn',
  },
  {
    name: 'notes when the maintenance ended while the host is still off',
    machine: ended(),
    host: { status: { poweredOn: false } },
    because: 'PoweringOn',
    written: [`Machine +owner=${new Date(NOW).toISOString()}`],
  },
  {
    name: 'goes on holding remediation off while the Node is not ready',
    machine: ended(new Date(NOW - MINUTE).toISOString(), { nodeReady: false }),
    because: 'PoweringOn',
  },
  {
    name: 'allows remediation when host and Node are back',
    machine: ended(new Date(NOW - MINUTE).toISOString(), { nodeReady: true }),
    because: 'NotRequested',
    written: ['Machine -skip', 'Machine -owner'],
  },
  {
    name: 'allows remediation after metal3.startTimeout, and says so',
    machine: ended(new Date(NOW - 20 * MINUTE).toISOString(), { nodeReady: false }),
    because: 'NotRequested',
    written: ['Machine -skip', 'Machine -owner', '(StartTimedOut)'],
  },
  {
    name: 'allows remediation at once with startTimeout 0',
    machine: ended('', { nodeReady: false }),
    settings: { startTimeout: '0' },
    because: 'NotRequested',
    written: ['Machine -skip', 'Machine -owner'],
  },
  {
    name: 'allows remediation of a Machine that is being deleted',
    machine: settled({ deletedAt: '2026-11-21T09:00:00Z' }),
    host: { annotations: HELD },
    because: 'NotRequested',
    written: ['Machine -skip', 'Machine -owner'],
  },
  {
    name: 'keeps the host off, and says so on both, while our hook holds the deletion',
    machine: settled({ deletedAt: '2026-11-21T09:00:00Z', hook: true, annotations: SKIPPED }),
    host: { annotations: HELD, status: { poweredOn: false } },
    because: 'MachineDeletedInMaintenance',
    written: ['(MachineDeletedInMaintenance)', '(MachineDeletedInMaintenance)'],
  },
  {
    name: 'allows remediation once the hook of a deleted Machine has gone',
    machine: settled({ deletedAt: '2026-11-21T09:00:00Z' }),
    host: { annotations: HELD, status: { poweredOn: false } },
    because: 'NotRequested',
    written: ['Machine -skip', 'Machine -owner'],
  },
  {
    name: 'holds remediation off anew for the next request',
    machine: approved({ annotations: { [SKIP]: '', [SKIP_OWNER]: '2026-11-21T09:59:00Z' } }),
    host: { status: { poweredOn: false } },
    because: 'PoweringOff',
    written: ['Machine +owner', 'Host +reboot', 'Host +note', '(PowerOffRequested)'],
  },
  {
    name: 'allows remediation when the host is gone',
    machine: ended(),
    host: null,
    because: 'NotRequested',
    written: ['Machine -skip', 'Machine -owner'],
  },
];

describe('`decide()`', () => {
  it.each(rows)('$name', (row) => {
    const decision = decideOn(row);
    expect(decision.because).toBe(row.because);
    expect(written(decision)).toEqual(row.written ?? []);
  });

  it('asks a closed gate again after ten seconds', () => {
    expect(
      decideOn({ name: '', machine: approved(), gate: 'NodeUnknown', because: 'NodeUnknown' }).requeueAfterMs,
    ).toBe(10_000);
  });

  it('wakes up at metal3.startTimeout', () => {
    const machine = ended(new Date(NOW - MINUTE).toISOString(), { nodeReady: false });
    expect(decideOn({ name: '', machine, because: 'PoweringOn' }).requeueAfterMs).toBe(19 * MINUTE);
  });
});

describe('`decideSweep()`', () => {
  const sweep = (hostPart: HostPart, machinePart?: HostedPart, areMachinesKnown = true) => {
    const world = new MemoryMetal3();
    declareIndexes(world);
    world.machines.isSynced = areMachinesKnown;
    if (machinePart !== undefined) world.machines.put(hosted('m', machinePart));
    const subject = host('m', hostPart);
    const decision = decideSweep(subject, {
      isWantedOff: isWantedOff(subject, world),
      isConsumerUnknown: isConsumerUnknown(subject, world),
    });
    return [decision.because, ...written(decision)];
  };
  const RELEASED = ['Unwanted', 'Host -reboot', 'Host -note', '(PowerOnRequested)'];

  it('releases a host without a Machine, or whose Machine does not want it off any more', () => {
    expect(sweep({ annotations: HELD, consumer: null })).toEqual(RELEASED);
    expect(sweep({ annotations: HELD }, {})).toEqual(RELEASED);
    expect(sweep({ annotations: HELD }, { maintenance: 'requested' })).toEqual(RELEASED);
    expect(sweep({ annotations: HELD }, approved({ deletedAt: '2026-11-21T09:00:00Z' }))).toEqual(RELEASED);
    expect(sweep({ annotations: { [REBOOT]: 'by hand' } }, {})).toEqual([
      'Unwanted',
      'Host -reboot',
      '(PowerOnRequested)',
    ]);
    expect(sweep({ annotations: { [POWER]: NOTE } }, {})).toEqual(['Unwanted', 'Host -note']);
    const ofSomeoneElse = { apiVersion: 'example.org/v1', kind: 'Bench', name: 'm' };
    expect(sweep({ annotations: HELD, consumerRef: ofSomeoneElse })).toEqual(RELEASED);
    expect(sweep({ annotations: HELD }, approved({ infrastructureName: 'other' }))).toEqual(RELEASED);
  });

  it('leaves alone what it cannot judge: no Machine stands for the consumer, or the host is in nobody’s hands', () => {
    expect(sweep({ annotations: HELD })).toEqual(['ConsumerUnknown']);
    expect(sweep({ annotations: HELD, consumer: 'other' }, approved())).toEqual(['ConsumerUnknown']);
    // Its provider ID is set later than the Machine is created: after a restore both are there at once.
    expect(sweep({ annotations: HELD }, approved({ providerID: '', infrastructureName: 'm' }))).toEqual([
      'ConsumerUnknown',
    ]);
    const PAUSED = { 'baremetalhost.metal3.io/paused': 'metal3.io/capm3' };
    expect(sweep({ annotations: { ...HELD, ...PAUSED } }, {})).toEqual(['HostPaused']);
    expect(sweep({ annotations: { ...HELD, 'baremetalhost.metal3.io/detached': '' } }, {})).toEqual(['HostDetached']);
    expect(sweep({ annotations: HELD, status: { operationalStatus: 'detached' } }, {})).toEqual(['HostDetached']);
  });

  it('keeps off the host of a Machine whose deletion our hook holds', () => {
    expect(sweep({ annotations: HELD }, approved({ deletedAt: '2026-11-21T09:00:00Z', hook: true }))).toEqual([
      'Wanted',
    ]);
  });

  it('keeps what an approved Machine wants, and whatever is not ours', () => {
    expect(sweep({ annotations: HELD }, approved())).toEqual(['Wanted']);
    expect(sweep({ annotations: { 'reboot.metal3.io': '', 'reboot.metal3.io/other': '' } })).toEqual(['Clean']);
  });

  it('concludes nothing while the Machines are not known', () => {
    expect(sweep({ annotations: HELD }, undefined, false)).toEqual(['Unknown']);
  });
});
