/** The four scenes of the tour, in the order in which an operator meets them. */
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  APPROVED,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
  MAINTENANCE_LABEL,
} from '../../src/core/machine-keys.ts';
import { conditionIn, isTrue } from '../../src/sandbox/cluster/base/conditions.ts';
import type { Node } from '../../src/sandbox/cluster/base/kinds.ts';
import type { BareMetalHost, Machine } from '../../src/sandbox/cluster/base/machine-kinds.ts';
import { isReady } from '../../src/sandbox/cluster/base/pods.ts';
import { CONDITIONS } from '../../src/tmm/names.ts';
import { DB_PODS, FLEET, podsOf, SHOP, WEB_PODS, WEB_SPARE } from './setting.ts';
import { type Stage, StepFailed } from './stage.ts';

const TAINT = 'drain=planned-downtime:NoSchedule';
const NODES = 'nodes';
const MACHINES = 'machines.cluster.x-k8s.io';
const HOSTS = 'baremetalhosts.metal3.io';

export interface Scene {
  readonly title: string;
  readonly play: (stage: Stage) => Promise<void>;
}

export const SCENES: readonly Scene[] = [
  { title: 'A Node enters maintenance, its Pods move within their budget, the Node leaves', play: drainAndReturn },
  { title: 'A request that would do harm is rejected before anything is touched', play: reject },
  { title: 'The deletion of a Machine is held until its Node is approved', play: holdDeletion },
  { title: 'A host is drained, switched off for work on it, and switched on again', play: powerCycle },
];

async function drainAndReturn(stage: Stage): Promise<void> {
  const { voice } = stage;
  voice.fact(`${WEB_PODS} Pods of Deployment web run on worker-1; their budget allows ${WEB_SPARE} to be missing.`);
  await stage.kubectl(`taint node worker-1 ${TAINT}`);
  const least = await stage.follow('worker-1', 'InMaintenance');
  await stage.showEvent('worker-1', 'NodeDrained');
  if (least < WEB_PODS - WEB_SPARE)
    throw new StepFailed(`Expected at least ${WEB_PODS - WEB_SPARE} ready Pods of web at any time\nFound    ${least}`);
  await webIsReady(stage, 'worker-1');
  const stayed = podsOf(stage.api, 'agent').filter((pod) => isReady(pod) && pod.spec.nodeName === 'worker-1');
  if (stayed.length !== 1) throw new StepFailed(`Expected the DaemonSet’s Pod on worker-1\nFound    ${stayed.length}`);
  voice.fact(
    `Never fewer than ${least} were ready. All ${WEB_PODS} run on other Nodes; the DaemonSet’s Pod has stayed.`,
  );
  voice.fact(`Node worker-1: conditions ${conditionsOf(stage, 'worker-1')}`);
  await stage.kubectl('taint node worker-1 drain-');
  await stage.follow('worker-1', undefined);
  await stage.showEvent('worker-1', 'MaintenanceEnded');
}

async function webIsReady(stage: Stage, without: string): Promise<void> {
  const ready = () => podsOf(stage.api, 'web').filter((pod) => isReady(pod) && pod.spec.nodeName !== without);
  await stage.expect({
    what: `${WEB_PODS} ready Pods of web on other Nodes than ${without}`,
    of: ['pods'],
    probe: () => ready().length === WEB_PODS || undefined,
    found: () => `${ready().length}`,
  });
}

async function reject(stage: Stage): Promise<void> {
  const { voice, api } = stage;
  voice.fact(`${DB_PODS} Pods of StatefulSet db run on worker-2; their budget allows none to be missing. First, ask:`);
  await stage.run('plan worker-2', 3);
  await stage.kubectl(`taint node worker-2 ${TAINT}`);
  await stage.showEvent('worker-2', 'MaintenanceRejected');
  const reason = await stage.expect({
    what: 'annotation emm-failure on every Pod of db',
    of: ['pods'],
    probe: () => {
      const reasons = podsOf(api, 'db').map(({ metadata }) => metadata.annotations?.['emm-failure']);
      return reasons.length === DB_PODS && reasons.every((each) => each !== undefined) ? reasons[0] : undefined;
    },
    found: () =>
      podsOf(api, 'db')
        .map(({ metadata }) => `${metadata.name}: ${JSON.stringify(metadata.annotations ?? {})}`)
        .join(', '),
  });
  voice.fact(`Pods ${SHOP}/db-0 to db-${DB_PODS - 1}: annotation emm-failure=${reason}`);
  const left = podsOf(api, 'db').filter((pod) => pod.spec.nodeName === 'worker-2' && isReady(pod));
  if (left.length !== DB_PODS)
    throw new StepFailed(`Expected ${DB_PODS} Pods of db as before\nFound    ${left.length}`);
  await stage.kubectl('taint node worker-2 drain-');
  await stage.follow('worker-2', undefined);
  await stage.expect({
    what: 'no annotation of ours on Pods of db',
    of: ['pods'],
    probe: () =>
      podsOf(api, 'db').every(({ metadata }) => metadata.annotations?.['emm-failure'] === undefined) || undefined,
    found: () =>
      podsOf(api, 'db')
        .map(({ metadata }) => JSON.stringify(metadata.annotations ?? {}))
        .join(', '),
  });
  voice.fact('All of them run as before, and carry no annotation any more.');
}

async function holdDeletion(stage: Stage): Promise<void> {
  const { voice } = stage;
  stage.definePrefix();
  await stage.kubectl(`delete machine worker-3 -n ${FLEET.namespace} --wait=false`);
  const held = await stage.expect({
    what: 'the deletion of Machine worker-3 to be held by a pre-drain hook',
    of: [MACHINES],
    probe: () => {
      const deleting = deletingOf(stage, 'worker-3');
      return deleting?.reason === 'WaitingForPreDrainHook' ? deleting : undefined;
    },
    found: () => `condition Deleting ${JSON.stringify(deletingOf(stage, 'worker-3'))}`,
  });
  voice.fact(`Machine worker-3: condition Deleting=True, ${held.reason}`);
  await nodeLabelled(stage, 'worker-3', MACHINE_DELETED_LABEL);
  await stage.kubectl(`label node worker-3 ${stage.short(APPROVE_DELETION_LABEL)}=true`);
  await stage.expect({
    what: 'Machine worker-3 and its Node to be drained and gone',
    of: [MACHINES, NODES],
    probe: () => (stage.machine('worker-3') === undefined && nodeOf(stage, 'worker-3') === undefined) || undefined,
    found: () => `condition Deleting ${JSON.stringify(deletingOf(stage, 'worker-3'))}`,
  });
  await webIsReady(stage, 'worker-3');
  voice.fact('The hook has gone, Cluster API has drained the Node, and Machine and Node are gone.');
}

async function powerCycle(stage: Stage): Promise<void> {
  const { voice } = stage;
  const machine = `label machine worker-4 -n ${FLEET.namespace} ${stage.short(MAINTENANCE_LABEL)}`;
  await stage.kubectl(`${machine}=requested`);
  await nodeLabelled(stage, 'worker-4', MACHINE_MAINTENANCE_LABEL);
  await stage.kubectl(`taint node worker-4 ${TAINT}`);
  await stage.follow('worker-4', 'InMaintenance');
  await stage.kubectl(`label node worker-4 ${stage.short(APPROVE_MAINTENANCE_LABEL)}=true`);
  await stage.expect({
    what: `Machine worker-4 to be labelled maintenance=${APPROVED}`,
    of: [MACHINES],
    probe: () => stage.machine('worker-4')?.metadata.labels?.[MAINTENANCE_LABEL] === APPROVED || undefined,
    found: () => `label ${stage.machine('worker-4')?.metadata.labels?.[MAINTENANCE_LABEL]}`,
  });
  voice.fact(`Machine worker-4: label ${stage.short(MAINTENANCE_LABEL)}=${APPROVED}`);
  await powered(stage, 'off');
  await stage.kubectl(`${machine}-`);
  await powered(stage, 'on');
  await stage.kubectl(`label node worker-4 ${stage.short(APPROVE_MAINTENANCE_LABEL)}-`);
  await stage.kubectl('taint node worker-4 drain-');
  await stage.follow('worker-4', undefined);
}

async function powered(stage: Stage, wanted: 'on' | 'off'): Promise<void> {
  const isSo = (): boolean => {
    const isOn = hostOf(stage, 'worker-4')?.status?.poweredOn;
    return isOn === (wanted === 'on') && isTrue(nodeOf(stage, 'worker-4')?.status?.conditions, 'Ready') === isOn;
  };
  await stage.expect({
    what: `BareMetalHost worker-4 to be ${wanted}, and its Node to follow`,
    of: [HOSTS, NODES],
    probe: () => isSo() || undefined,
    found: () => JSON.stringify(hostOf(stage, 'worker-4')?.status),
  });
  const status = wanted === 'on' ? 'Ready' : 'NotReady';
  stage.voice.fact(`BareMetalHost worker-4: powered ${wanted}; Node worker-4: ${status}`);
}

async function nodeLabelled(stage: Stage, name: string, label: string): Promise<void> {
  await stage.expect({
    what: `Node ${name} to be labelled ${label}=true`,
    of: [NODES],
    probe: () => nodeOf(stage, name)?.metadata.labels?.[label] === 'true' || undefined,
    found: () => `labels ${JSON.stringify(nodeOf(stage, name)?.metadata.labels)}`,
  });
  stage.voice.fact(`Node ${name}: label ${stage.short(label)}=true`);
}

function conditionsOf(stage: Stage, name: string): string {
  const present = nodeOf(stage, name)?.status?.conditions;
  return CONDITIONS.map((type) => `${type}=${conditionIn(present, type)?.status}`).join(', ');
}

// The API server has validated what it holds.
const nodeOf = ({ api }: Stage, name: string) => api.get({ resource: NODES, name }) as Node | undefined;
const hostOf = ({ api }: Stage, name: string) =>
  api.get({ resource: HOSTS, namespace: FLEET.namespace, name }) as BareMetalHost | undefined;

function deletingOf(stage: Stage, name: string) {
  return conditionIn((stage.machine(name) as Machine | undefined)?.status?.conditions, 'Deleting');
}
