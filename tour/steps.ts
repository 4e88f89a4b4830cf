/** The steps of the tour, in the order in which an operator meets them. */

import { type BareMetalHost, conditionIn, isReady, isTrue, type Machine, type Node } from '../sandbox/cluster.ts';
import { APPROVED, MAINTENANCE_LABEL } from '../src/core/machine-keys.ts';
import { CONDITIONS } from '../src/tmm/names.ts';
import { DB_PODS, FLEET, podsOf, SHOP, WEB_PODS, WEB_SPARE } from './cluster.ts';
import { serveHub } from './ramen.ts';
import { type Runner, StepFailed } from './runner.ts';

const TAINT = 'drain=planned-downtime:NoSchedule';
const NODES = 'nodes';
const MACHINES = 'machines.cluster.x-k8s.io';
const HOSTS = 'baremetalhosts.metal3.io';

export interface Step {
  readonly title: string;
  readonly play: (runner: Runner) => Promise<void>;
}

export const STEPS: readonly Step[] = [
  { title: 'A Node enters maintenance, its Pods move within their budget, the Node leaves', play: drainAndReturn },
  { title: 'A request that would do harm is rejected before anything is touched', play: reject },
  { title: 'A Machine is deleted: its Node is emptied before Cluster API may begin', play: holdDeletion },
  { title: 'One label on a Machine: its Node is drained, its host switched off, and all comes back', play: powerCycle },
  { title: 'A Ramen hub and its clusters, without Open Cluster Management', play: ramen },
];

async function drainAndReturn(runner: Runner): Promise<void> {
  const { output } = runner;
  output.fact(`${WEB_PODS} Pods of Deployment web run on worker-1; their budget allows ${WEB_SPARE} to be missing.`);
  await runner.kubectl(`taint node worker-1 ${TAINT}`);
  const least = await runner.follow('worker-1', 'InMaintenance');
  await runner.showEvent('worker-1', 'NodeDrained');
  if (least < WEB_PODS - WEB_SPARE)
    throw new StepFailed(`Expected at least ${WEB_PODS - WEB_SPARE} ready Pods of web at any time\nFound    ${least}`);
  await webIsReady(runner, 'worker-1');
  const stayed = podsOf(runner.api, 'agent').filter((pod) => isReady(pod) && pod.spec.nodeName === 'worker-1');
  if (stayed.length !== 1) throw new StepFailed(`Expected the DaemonSet’s Pod on worker-1\nFound    ${stayed.length}`);
  output.fact(
    `Never fewer than ${least} were ready. All ${WEB_PODS} run on other Nodes; the DaemonSet’s Pod has stayed.`,
  );
  output.fact(`Node worker-1: conditions ${conditionsOf(runner, 'worker-1')}`);
  await runner.kubectl('taint node worker-1 drain-');
  await runner.follow('worker-1', undefined);
  await runner.showEvent('worker-1', 'MaintenanceEnded');
}

async function webIsReady(runner: Runner, without: string): Promise<void> {
  const ready = () => podsOf(runner.api, 'web').filter((pod) => isReady(pod) && pod.spec.nodeName !== without);
  await runner.expect({
    what: `${WEB_PODS} ready Pods of web on other Nodes than ${without}`,
    of: ['pods'],
    probe: () => ready().length === WEB_PODS || undefined,
    found: () => `${ready().length}`,
  });
}

async function reject(runner: Runner): Promise<void> {
  const { output, api } = runner;
  output.fact(`${DB_PODS} Pods of StatefulSet db run on worker-2; their budget allows none to be missing. First, ask:`);
  await runner.run('plan worker-2', 3);
  await runner.kubectl(`taint node worker-2 ${TAINT}`);
  await runner.showEvent('worker-2', 'MaintenanceRejected');
  const reason = await runner.expect({
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
  output.fact(`Pods ${SHOP}/db-0 to db-${DB_PODS - 1}: annotation emm-failure=${reason}`);
  const left = podsOf(api, 'db').filter((pod) => pod.spec.nodeName === 'worker-2' && isReady(pod));
  if (left.length !== DB_PODS)
    throw new StepFailed(`Expected ${DB_PODS} Pods of db as before\nFound    ${left.length}`);
  await runner.kubectl('taint node worker-2 drain-');
  await runner.follow('worker-2', undefined);
  await runner.expect({
    what: 'no annotation of ours on Pods of db',
    of: ['pods'],
    probe: () =>
      podsOf(api, 'db').every(({ metadata }) => metadata.annotations?.['emm-failure'] === undefined) || undefined,
    found: () =>
      podsOf(api, 'db')
        .map(({ metadata }) => JSON.stringify(metadata.annotations ?? {}))
        .join(', '),
  });
  output.fact('All of them run as before, and carry no annotation any more.');
}

async function holdDeletion(runner: Runner): Promise<void> {
  const { output } = runner;
  await runner.kubectl(`delete machine worker-3 -n ${FLEET.namespace} --wait=false`);
  const held = await runner.expect({
    what: 'the deletion of Machine worker-3 to be held by a pre-drain hook',
    of: [MACHINES],
    probe: () => {
      const deleting = deletingOf(runner, 'worker-3');
      return deleting?.reason === 'WaitingForPreDrainHook' ? deleting : undefined;
    },
    found: () => `condition Deleting ${JSON.stringify(deletingOf(runner, 'worker-3'))}`,
  });
  output.fact(`Machine worker-3: condition Deleting=True, ${held.reason}`);
  await runner.showEvent('worker-3', 'NodeDrained');
  await runner.expect({
    what: 'Machine worker-3 and its Node to be gone',
    of: [MACHINES, NODES],
    probe: () => (runner.machine('worker-3') === undefined && nodeOf(runner, 'worker-3') === undefined) || undefined,
    found: () => `condition Deleting ${JSON.stringify(deletingOf(runner, 'worker-3'))}`,
  });
  await webIsReady(runner, 'worker-3');
  output.fact('The hook has gone, Cluster API had nothing left to drain, and Machine and Node are gone.');
}

async function powerCycle(runner: Runner): Promise<void> {
  const { output } = runner;
  runner.definePrefix();
  const machine = `label machine worker-4 -n ${FLEET.namespace} ${runner.short(MAINTENANCE_LABEL)}`;
  await runner.kubectl(`${machine}=requested`);
  await runner.follow('worker-4', 'InMaintenance');
  await runner.expect({
    what: `Machine worker-4 to be labelled maintenance=${APPROVED}`,
    of: [MACHINES],
    probe: () => runner.machine('worker-4')?.metadata.labels?.[MAINTENANCE_LABEL] === APPROVED || undefined,
    found: () => `label ${runner.machine('worker-4')?.metadata.labels?.[MAINTENANCE_LABEL]}`,
  });
  output.fact(`Machine worker-4: label ${runner.short(MAINTENANCE_LABEL)}=${APPROVED}`);
  await powered(runner, 'off');
  await runner.kubectl(`${machine}-`);
  await powered(runner, 'on');
  await runner.follow('worker-4', undefined);
}

async function ramen(runner: Runner): Promise<void> {
  if (runner.ramen === undefined) runner.output.fact('Left out, since your own configuration is tried.');
  else await serveHub(runner, runner.ramen);
}

async function powered(runner: Runner, wanted: 'on' | 'off'): Promise<void> {
  const isSo = (): boolean => {
    const isOn = hostOf(runner, 'worker-4')?.status?.poweredOn;
    return isOn === (wanted === 'on') && isTrue(nodeOf(runner, 'worker-4')?.status?.conditions, 'Ready') === isOn;
  };
  await runner.expect({
    what: `BareMetalHost worker-4 to be ${wanted}, and its Node to follow`,
    of: [HOSTS, NODES],
    probe: () => isSo() || undefined,
    found: () => JSON.stringify(hostOf(runner, 'worker-4')?.status),
  });
  const status = wanted === 'on' ? 'Ready' : 'NotReady';
  runner.output.fact(`BareMetalHost worker-4: powered ${wanted}; Node worker-4: ${status}`);
}

function conditionsOf(runner: Runner, name: string): string {
  const present = nodeOf(runner, name)?.status?.conditions;
  return CONDITIONS.map((type) => `${type}=${conditionIn(present, type)?.status}`).join(', ');
}

// The API server has validated its content.
const nodeOf = ({ api }: Runner, name: string) => api.get({ resource: NODES, name }) as Node | undefined;
const hostOf = ({ api }: Runner, name: string) =>
  api.get({ resource: HOSTS, namespace: FLEET.namespace, name }) as BareMetalHost | undefined;

function deletingOf(runner: Runner, name: string) {
  return conditionIn((runner.machine(name) as Machine | undefined)?.status?.conditions, 'Deleting');
}
