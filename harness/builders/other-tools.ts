/** Nodes, DaemonSets and Jobs as other maintenance tools leave them. */
import type { Job, Node, PodController, Taint } from '../../src/core/objects.ts';
import { node } from './objects.ts';

export const DRAINED_BY_MEDIK8S: Taint = { key: 'medik8s.io/drain', effect: 'NoSchedule' };

/** kured's DaemonSet with this lock; undefined for none. */
export function kured(lock: string | undefined): PodController {
  const annotations = lock === undefined ? {} : { 'weave.works/kured-node-lock': lock };
  return {
    metadata: { name: 'kured', namespace: 'kube-system', uid: 'uid-of-kured', resourceVersion: '1', annotations },
    spec: {},
    status: {},
  };
}

/** The Job by which the system-upgrade-controller upgrades a Node. */
export function upgrade(nodeName: string, isFinished = false): Job {
  const labels = { 'upgrade.cattle.io/plan': 'k3s-agent', 'upgrade.cattle.io/node': nodeName };
  const name = `apply-k3s-agent-on-${nodeName}`;
  return {
    metadata: { name, namespace: 'system-upgrade', uid: `uid-of-${name}`, resourceVersion: '1', labels },
    spec: {},
    status: isFinished ? { isFinished: true } : {},
  };
}

const annotated = (name: string, annotations: Readonly<Record<string, string>>): Node =>
  node(name, { meta: { annotations } });
const tainted = (name: string, ...taints: readonly Taint[]): Node => node(name, { taints });

interface InHand {
  readonly tool: string;
  /** As an explanation names it. */
  readonly sign: string;
  readonly nodes?: (name: string) => Node;
  readonly daemonSets?: (name: string) => PodController;
  readonly jobs?: (name: string) => Job;
}

/** How each tool shows that it holds a Node. */
export const IN_OTHER_HANDS: readonly InHand[] = [
  {
    tool: 'node-maintenance-operator',
    sign: 'taint medik8s.io/drain:NoSchedule',
    nodes: (name) => tainted(name, DRAINED_BY_MEDIK8S),
  },
  {
    tool: 'kured',
    sign: 'annotation weave.works/kured-reboot-in-progress',
    nodes: (name) => annotated(name, { 'weave.works/kured-reboot-in-progress': '2026-11-21T01:58:00Z' }),
  },
  {
    tool: 'kured',
    sign: 'lock of DaemonSet kube-system/kured',
    daemonSets: (name) => kured(JSON.stringify({ nodeID: name, created: '2026-11-21T01:58:00Z', TTL: 0 })),
  },
  {
    tool: 'cluster-autoscaler',
    sign: 'taint ToBeDeletedByClusterAutoscaler=1763690280:NoSchedule',
    nodes: (name) =>
      tainted(name, { key: 'ToBeDeletedByClusterAutoscaler', value: '1763690280', effect: 'NoSchedule' }),
  },
  {
    tool: 'Karpenter',
    sign: 'taint karpenter.sh/disrupted:NoSchedule',
    nodes: (name) => tainted(name, { key: 'karpenter.sh/disrupted', effect: 'NoSchedule' }),
  },
  {
    tool: 'Karpenter',
    sign: 'taint karpenter.sh/disruption=disrupting:NoSchedule',
    nodes: (name) => tainted(name, { key: 'karpenter.sh/disruption', value: 'disrupting', effect: 'NoSchedule' }),
  },
  {
    tool: 'system-upgrade-controller',
    sign: 'Job system-upgrade/apply-k3s-agent-on-b of plan k3s-agent',
    jobs: (name) => upgrade(name),
  },
  {
    tool: 'machine-config-operator',
    sign: 'annotation machineconfiguration.openshift.io/state=Working',
    nodes: (name) => annotated(name, { 'machineconfiguration.openshift.io/state': 'Working' }),
  },
  {
    tool: 'machine-config-operator',
    sign: 'annotation machineconfiguration.openshift.io/desiredConfig, which differs from currentConfig',
    nodes: (name) =>
      annotated(name, {
        'machineconfiguration.openshift.io/state': 'Done',
        'machineconfiguration.openshift.io/currentConfig': 'rendered-worker-1',
        'machineconfiguration.openshift.io/desiredConfig': 'rendered-worker-2',
      }),
  },
  {
    tool: 'machine-config-operator',
    sign: 'annotation machineconfiguration.openshift.io/desiredDrain',
    nodes: (name) => annotated(name, { 'machineconfiguration.openshift.io/desiredDrain': 'drain-rendered-worker-2' }),
  },
];
