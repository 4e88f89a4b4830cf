/** Passes over Machines and hosts of a cluster in memory, with everything between the caches and the API server. */
import { beforeEach, describe, expect, it } from 'vitest';
import { merged } from '../../harness/builders/bridge.ts';
import { cluster } from '../../harness/builders/machines.ts';
import {
  type HostedPart,
  host,
  hosted,
  MemoryMetal3,
  POWER,
  REBOOT,
  SKIP,
  SKIP_OWNER,
} from '../../harness/builders/metal3.ts';
import { recordingLog } from '../../harness/doubles/recording-log.ts';
import { ALL_METRICS } from '../app/metrics.ts';
import { MAINTENANCE_LABEL } from '../core/machine-keys.ts';
import type { Known } from '../core/ports.ts';
import { MetricRegistry } from '../obs/metrics.ts';
import { Metal3Meter } from './metrics.ts';
import { reconcileHosts, reconcileMachines } from './reconcile.ts';
import { metal3SettingsSchema } from './settings.ts';
import { setupWatches } from './watches.ts';

let world: MemoryMetal3;
let queue: Set<string>;
let nowMs: number;
let registry: MetricRegistry;
let meter: Metal3Meter;
let log: ReturnType<typeof recordingLog>;
let passes: Readonly<Record<string, ReturnType<typeof reconcileMachines>>>;
let asked: string[];
let unseen: readonly string[];
let orphans: Set<string>;
let answers: { isDrained: Known<boolean>; stayingPods: Known<readonly string[]>; hasVolumes: Known<boolean> };

beforeEach(() => setUp());

function setUp(settings: object = {}): void {
  world = new MemoryMetal3();
  queue = new Set();
  nowMs = 0;
  registry = new MetricRegistry(ALL_METRICS);
  meter = new Metal3Meter(registry);
  log = recordingLog();
  asked = [];
  unseen = [];
  orphans = new Set();
  answers = {
    isDrained: { is: 'known', value: true },
    stayingPods: { is: 'known', value: [] },
    hasVolumes: { is: 'known', value: false },
  };
  setupWatches(world, {
    enqueueMachine: (key) => queue.add(`machine ${key}`),
    enqueueHost: (key) => queue.add(`host ${key}`),
    orphans,
  });
  const ports = {
    readers: world,
    orphans,
    unseen: () => unseen,
    nodes: {
      isDrained: async (key: string, name: string) => {
        asked.push(`${key}/${name} drained`);
        return answers.isDrained;
      },
      stayingPods: async () => answers.stayingPods,
      hasVolumes: async (key: string, name: string) => {
        asked.push(`${key}/${name} volumes`);
        return answers.hasVolumes;
      },
    },
    apply: world.apply,
    clock: { now: () => nowMs },
    meter,
    settings: metal3SettingsSchema.parse(settings),
  };
  passes = { machine: reconcileMachines(ports), host: reconcileHosts(ports) };
}

/** Makes passes until none is requested. @returns how many. */
async function settle(): Promise<number> {
  for (let count = 0; ; count += 1) {
    const [item] = queue;
    if (item === undefined) return count;
    queue.delete(item);
    const [what = '', key = ''] = item.split(' ');
    await passes[what]?.(key, { log });
  }
}

const add = (name: string, part: HostedPart = {}): void => {
  world.hosts.put(host(name));
  world.machines.put(hosted(name, part));
};
const label = (name: string, value: string | null): void =>
  world.editMachine(`metal/${name}`, (object) => ({
    ...object,
    metadata: { ...object.metadata, labels: merged(object.metadata.labels, { [MAINTENANCE_LABEL]: value }) },
  }));
const power = (name: string, poweredOn: boolean): void =>
  world.editHost(`metal/${name}`, (object) => ({ ...object, status: { ...object.status, poweredOn } }));
const annotationsOf = (name: string) =>
  Object.keys(world.hosts.objects.get(`metal/${name}`)?.metadata.annotations ?? {});

async function gauges(): Promise<readonly string[]> {
  meter.collect(nowMs);
  const { body } = await registry.exposition();
  return body
    .split('\n')
    .filter((line) => /^maintenance_bridge_metal3_.* (?!0$)/.test(line))
    .map((line) => line.replace('maintenance_bridge_metal3_', ''));
}

describe('a Machine on a host', () => {
  it('goes through a whole maintenance with two requests at each end', async () => {
    add('a');
    expect(await settle()).toBe(0);
    label('a', 'approved');
    await settle();
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
    power('a', false);
    await settle();
    expect(await gauges()).toEqual([
      'machines{state="HeldOff"} 1',
      'held_hosts{power="off"} 1',
      'power_requests_total{power="off"} 1',
    ]);
    label('a', null);
    await settle();
    expect(annotationsOf('a')).toEqual([]);
    power('a', true);
    await settle();
    expect(world.machines.objects.get('metal/a')?.metadata.annotations).toEqual({});
    // Two at the beginning; at the end the host, the moment of the end, and the Machine.
    expect(world.patches).toHaveLength(5);
    expect(world.events).toEqual(['PowerOffRequested', 'PowerOnRequested']);
    expect(await gauges()).toEqual(['power_requests_total{power="off"} 1', 'power_requests_total{power="on"} 1']);
  });

  it('neither switches it off nor on while the approval may have changed unseen', async () => {
    add('a', { maintenance: 'approved' });
    unseen = ['machines'];
    expect(await passes.machine?.('metal/a', { log })).toEqual({ requeueAfterMs: 2000 });
    expect([annotationsOf('a'), world.patches]).toEqual([[], []]);
    unseen = [];
    await passes.machine?.('metal/a', { log });
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
    label('a', null);
    unseen = ['machines'];
    expect(await passes.host?.('metal/a', { log })).toEqual({ requeueAfterMs: 2000 });
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
    unseen = [];
    await passes.host?.('metal/a', { log });
    expect(annotationsOf('a')).toEqual([]);
  });

  it('is not switched off for an approval that was taken back while the workload cluster was asked', async () => {
    setUp({ requireDrained: true });
    add('a', { maintenance: 'approved' });
    // Somebody else's: nothing is written on the Machine, so there is no conflict.
    world.editMachine('metal/a', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { 'cluster.x-k8s.io/skip-remediation': '' } },
    }));
    Object.defineProperty(answers, 'isDrained', {
      get: () => {
        label('a', null);
        return { is: 'known', value: true };
      },
    });
    expect(await passes.machine?.('metal/a', { log })).toEqual({ requeueAfterMs: 0 });
    await settle();
    expect([annotationsOf('a'), world.patches]).toEqual([[], []]);
  });

  it('says anew that it is left alone when it was in order meanwhile', async () => {
    add('a', { maintenance: 'approved' });
    const blindPass = async (): Promise<number> => {
      unseen = ['machines'];
      await passes.machine?.('metal/a', { log });
      return log.lines.filter(({ message }) => message.startsWith('Not decided')).length;
    };
    expect([await blindPass(), await blindPass()]).toEqual([1, 1]);
    world.machines.objects.delete('metal/a');
    await passes.machine?.('metal/a', { log });
    add('a', { maintenance: 'approved' });
    expect(await blindPass()).toBe(2);
  });

  it('tells for how long its host has been held off, by the note on the host', async () => {
    add('a', { maintenance: 'approved' });
    await settle();
    nowMs = 90_000;
    power('a', false);
    await settle();
    expect(await gauges()).toContain('oldest_hold_seconds{power="off"} 90');
    expect(await gauges()).not.toContainEqual(expect.stringContaining('oldest_hold_seconds{power="on"}'));
  });

  it('is counted where it is not back in time', async () => {
    add('a', { nodeReady: false });
    world.editMachine('metal/a', (object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: { [SKIP]: '', [SKIP_OWNER]: new Date(0).toISOString() } },
    }));
    await settle();
    expect(await gauges()).toEqual(['machines{state="PoweringOn"} 1']);
    nowMs = 20 * 60_000;
    queue.add('machine metal/a');
    await settle();
    expect(await gauges()).toEqual(['start_timeouts_total 1']);
  });

  it('costs nothing while its host reports what is known', async () => {
    add('a', { maintenance: 'approved' });
    await settle();
    const lines = log.lines.length;
    power('a', true);
    expect(await settle()).toBe(0);
    expect(log.lines).toHaveLength(lines);
  });

  it('is gone, and its host is released', async () => {
    add('a', { maintenance: 'approved' });
    await settle();
    world.machines.remove('metal/a');
    await settle();
    expect(annotationsOf('a')).toEqual([]);
  });

  it('waits for its host to appear, and for its Cluster to go on', async () => {
    world.clusters.put(cluster('shop', { paused: true }));
    world.machines.put(hosted('a', { maintenance: 'approved' }));
    await settle();
    world.hosts.put(host('a'));
    await settle();
    expect(annotationsOf('a')).toEqual([]);
    world.clusters.put(cluster('shop', { paused: false }));
    await settle();
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
  });

  it('gives the turn to the next one that names the host', async () => {
    add('a', { maintenance: 'approved' });
    world.machines.put(hosted('b', { maintenance: 'approved', providerID: 'metal3://metal/a/a' }));
    await settle();
    label('a', null);
    await settle();
    expect(world.hosts.objects.get('metal/a')?.metadata.annotations?.[POWER]).toMatch(/^uid-of-metal-b\//);
  });
});

describe('a Machine that is deleted while its host is held off', () => {
  const remove = (): void =>
    world.editMachine('metal/a', (object) => ({
      ...object,
      metadata: { ...object.metadata, deletionTimestamp: '1970-01-01T00:00:00Z' },
    }));
  const release = (): void =>
    world.editMachine('metal/a', (object) => ({ ...object, metadata: { ...object.metadata, annotations: {} } }));

  it('keeps it off until our hook goes, and people are told on both', async () => {
    add('a', { maintenance: 'approved', hook: true });
    await settle();
    power('a', false);
    await settle();
    remove();
    await settle();
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
    expect(world.events.slice(-2)).toEqual(['MachineDeletedInMaintenance', 'MachineDeletedInMaintenance']);
    expect(await gauges()).toContain('machines{state="MachineDeletedInMaintenance"} 1');
    release();
    await settle();
    expect(annotationsOf('a')).toEqual([]);
    expect(world.events.at(-1)).toBe('PowerOnRequested');
  });

  it('gives it back at once where no hook of ours holds the deletion', async () => {
    add('a', { maintenance: 'approved' });
    await settle();
    remove();
    await settle();
    expect(annotationsOf('a')).toEqual([]);
  });
});

describe('a host that nobody stands for', () => {
  const left = { annotations: { [REBOOT]: '', [POWER]: 'uid-of-metal-a/1970-01-01T00:00:00.000Z' } };

  it('waits for its Machine to appear, and stays off for one that is approved', async () => {
    world.hosts.put(host('a', left));
    await settle();
    expect(await gauges()).toContain('left_hosts{reason="ConsumerUnknown"} 1');
    world.machines.put(hosted('a', { maintenance: 'approved' }));
    await settle();
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
    expect(await gauges()).not.toContainEqual(expect.stringContaining('left_hosts'));
  });

  it('is released for a Machine that appears and wants nothing', async () => {
    world.hosts.put(host('a', left));
    await settle();
    world.machines.put(hosted('a'));
    await settle();
    expect(annotationsOf('a')).toEqual([]);
  });

  it('is left alone by a process that has not seen its Machine go', async () => {
    world.hosts.put(host('a', left));
    await settle();
    expect([annotationsOf('a'), world.patches]).toEqual([[REBOOT, POWER], []]);
    // As cluster-api-provider-metal3 does once the host is free.
    world.hosts.put(host('a', { ...left, consumer: null }));
    await settle();
    expect(annotationsOf('a')).toEqual([]);
  });

  it.each(['paused', 'detached'])('is left alone while it is %s', async (how) => {
    add('a', { maintenance: 'approved' });
    await settle();
    world.annotateHost('metal/a', { [`baremetalhost.metal3.io/${how}`]: '' });
    label('a', null);
    await settle();
    expect(annotationsOf('a')).toContain(REBOOT);
    world.annotateHost('metal/a', { [`baremetalhost.metal3.io/${how}`]: null });
    await settle();
    expect(annotationsOf('a')).toEqual([]);
  });
});

describe('a gate', () => {
  it('is not asked where it is off', async () => {
    add('a', { maintenance: 'approved' });
    await settle();
    expect(asked).toEqual([]);
  });

  it('takes no notice of Pods that stay where it is told so', async () => {
    setUp({ requireDrained: true, stayingPods: 'ignore' });
    answers.stayingPods = { is: 'known', value: ['shop/a'] };
    add('a', { maintenance: 'approved' });
    await settle();
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
  });

  it('knows nothing where the Pods cannot be listed', async () => {
    setUp({ requireDrained: true });
    answers.stayingPods = { is: 'unknown' };
    add('a', { maintenance: 'approved' });
    await settle();
    expect(await gauges()).toEqual(['machines{state="NodeUnknown"} 1']);
  });

  it('keeps the host on until it opens, and is not asked again afterwards', async () => {
    setUp({ requireDrained: true, waitForVolumeDetach: true });
    add('a', { maintenance: 'approved' });
    answers.isDrained = { is: 'known', value: false };
    await settle();
    expect(await gauges()).toEqual(['machines{state="NodeNotDrained"} 1']);
    answers.isDrained = { is: 'known', value: true };
    answers.stayingPods = { is: 'known', value: ['shop/b', 'shop/a', 'shop/d', 'shop/c'] };
    await passes.machine?.('metal/a', { log });
    expect(await gauges()).toEqual(['machines{state="NodeNotEmpty"} 1']);
    expect(world.notes.at(-1)).toContain('NodeNotEmpty (Pods shop/a, shop/b, shop/c and 1 more)');
    answers.stayingPods = { is: 'known', value: [] };
    answers.hasVolumes = { is: 'known', value: true };
    expect(await passes.machine?.('metal/a', { log })).toEqual({ requeueAfterMs: 10_000 });
    answers.hasVolumes = { is: 'unknown' };
    await passes.machine?.('metal/a', { log });
    expect(annotationsOf('a')).toEqual([]);
    answers.hasVolumes = { is: 'known', value: false };
    await passes.machine?.('metal/a', { log });
    expect(annotationsOf('a')).toEqual([REBOOT, POWER]);
    asked = [];
    answers.stayingPods = { is: 'known', value: ['shop/late'] };
    await passes.machine?.('metal/a', { log });
    expect(asked).toEqual([]);
  });
});
