/**
 * Other tools that take Nodes out of service, and the signs by which each shows which Node it holds. A held Node is not a destination for
 * Pods, counts as one that is away, and is not maintained by us until the tool has released it.
 *
 * Each sign is written by the tool itself, under the key that its sources name; none is inferred from a cordon, which anybody may set.
 */
import { z } from 'zod';
import { annotationOf, formatTaint, keyOf, labelOf } from './meta.ts';
import type { Job, KubeObject, Node } from './objects.ts';
import type { Index } from './ports.ts';

/** A Node that a tool holds. */
export interface Hold {
  readonly nodeName: string;
  readonly tool: string;
  /** The sign of it, for people: `taint medik8s.io/drain:NoSchedule`. */
  readonly sign: string;
  /** The tool will remove the Node in the end. */
  readonly removesNode?: true;
  /** When the hold expires by itself. */
  readonly untilMs?: number;
}

/** How a tool shows on the Node itself that it holds the Node. */
interface NodeSign {
  readonly tool: string;
  /** @returns the sign that was found; undefined if there is none. */
  readonly of: (node: Node) => string | undefined;
  readonly removesNode?: true;
}

const MACHINE_CONFIG = 'machineconfiguration.openshift.io';

const NODE_SIGNS: readonly NodeSign[] = [
  // medik8s/node-maintenance-operator, controllers/taint.go: set with the cordon, before it drains.
  { tool: 'node-maintenance-operator', of: byTaint('medik8s.io/drain') },
  // kubereboot/kured, cmd/kured/main.go, with --annotate-nodes; without it only the lock shows it, see `locksOf()`.
  { tool: 'kured', of: byAnnotation('weave.works/kured-reboot-in-progress') },
  // kubernetes/autoscaler, cluster-autoscaler/utils/taints/taints.go: set before the Node is drained and deleted.
  { tool: 'cluster-autoscaler', of: byTaint('ToBeDeletedByClusterAutoscaler'), removesNode: true },
  // kubernetes-sigs/karpenter, pkg/apis/v1/taints.go; before v1 the key was `karpenter.sh/disruption`.
  { tool: 'Karpenter', of: byTaint('karpenter.sh/disrupted'), removesNode: true },
  { tool: 'Karpenter', of: byTaint('karpenter.sh/disruption'), removesNode: true },
  // openshift/machine-config-operator, pkg/daemon/constants/constants.go.
  { tool: 'machine-config-operator', of: byMachineConfig },
];

/** A tool intends to take the Node, and may change its plan: it is mentioned, and nothing more. */
const INTENTIONS: readonly NodeSign[] = [
  { tool: 'cluster-autoscaler', of: byTaint('DeletionCandidateOfClusterAutoscaler', 'PreferNoSchedule') },
  // The name that kured's documentation suggests for --prefer-no-schedule-taint.
  { tool: 'kured', of: byTaint('weave.works/kured-node-reboot', 'PreferNoSchedule') },
];

/** The holds that the Node itself shows, in the order of the table. */
export function holdsOn(node: Node): readonly Hold[] {
  return NODE_SIGNS.flatMap(({ tool, of, removesNode }): readonly Hold[] => {
    const sign = of(node);
    return sign === undefined
      ? []
      : [{ nodeName: node.metadata.name, tool, sign, ...(removesNode && { removesNode }) }];
  });
}

/** One sentence for each tool that intends to take the Node. */
export function intentionsOn(node: Node): readonly string[] {
  return INTENTIONS.flatMap(({ tool, of }) => {
    const sign = of(node);
    return sign === undefined ? [] : [`${tool} may take this Node soon (${sign})`];
  });
}

/** The annotation of kured's DaemonSet that names the Nodes which it reboots (pkg/daemonsetlock of kubereboot/kured). */
export const KURED_LOCK = 'weave.works/kured-node-lock';
/** A lock of a thousand Nodes takes less. */
const MAX_LOCK_LENGTH = 256 * 1024;

const kuredLock = z.object({
  nodeID: z.string().min(1),
  created: z.string().optional(),
  /** In nanoseconds; 0: it never expires. */
  TTL: z.number().optional(),
});
/** One Node at a time, or several with --concurrency. */
const kuredLocks = z.union([
  z.object({ locks: z.array(kuredLock) }).transform(({ locks }) => locks),
  kuredLock.transform((lock) => [lock]),
]);

/** The holds in kured's lock. A lock that cannot be read names no Node: any could be meant, and kured itself does not act on it. */
export function locksOf(daemonSet: KubeObject): readonly Hold[] {
  const text = annotationOf(daemonSet, KURED_LOCK);
  if (text === undefined || text.length > MAX_LOCK_LENGTH) return [];
  const read = kuredLocks.safeParse(jsonOf(text));
  return !read.success
    ? []
    : read.data.map(({ nodeID, created, TTL = 0 }): Hold => {
        const untilMs = TTL > 0 && created !== undefined ? Date.parse(created) + TTL / 1e6 : Number.NaN;
        const sign = `lock of DaemonSet ${keyOf(daemonSet)}`;
        return { nodeName: nodeID, tool: 'kured', sign, ...(Number.isFinite(untilMs) && { untilMs }) };
      });
}

/** A Job of rancher/system-upgrade-controller names its Node (pkg/apis/upgrade.cattle.io/constants.go). */
export const UPGRADE_NODE_LABEL = 'upgrade.cattle.io/node';
const UPGRADE_PLAN_LABEL = 'upgrade.cattle.io/plan';

export function upgradesOf(job: Job): readonly Hold[] {
  const [nodeName, plan] = [labelOf(job, UPGRADE_NODE_LABEL), labelOf(job, UPGRADE_PLAN_LABEL)];
  if (nodeName === undefined || plan === undefined || job.status.isFinished === true) return [];
  return [{ nodeName, tool: 'system-upgrade-controller', sign: `Job ${keyOf(job)} of plan ${plan}` }];
}

/** Nodes, DaemonSets and Jobs that show that another tool holds a Node, each under the empty value: few. */
export const NODES_IN_OTHER_HANDS: Index<Node> = { name: 'otherHands', of: (node) => inOtherHands(holdsOn(node)) };
export const LOCKING_DAEMON_SETS: Index<KubeObject> = { name: 'locks', of: (each) => inOtherHands(locksOf(each)) };
export const UPGRADE_JOBS: Index<Job> = { name: 'upgrades', of: (job) => inOtherHands(upgradesOf(job)) };

const inOtherHands = (holds: readonly Hold[]): readonly string[] => (holds.length > 0 ? [''] : []);

/** For a message: which tool holds the Node, and by which sign. */
export function describeHold({ tool, sign }: Pick<Hold, 'tool' | 'sign'>): string {
  return `${tool} (${sign})`;
}

function byTaint(key: string, effect = 'NoSchedule'): NodeSign['of'] {
  return ({ spec }) => {
    const found = spec.taints?.find((taint) => taint.key === key && taint.effect === effect);
    return found && `taint ${formatTaint(found)}`;
  };
}

function byAnnotation(key: string): NodeSign['of'] {
  return (node) => (annotationOf(node, key) === undefined ? undefined : `annotation ${key}`);
}

/**
 * The controller chooses a Node by setting another `desiredConfig`; the daemon there then asks for a drain, works, reboots, and asks to be
 * uncordoned when it is done.
 */
function byMachineConfig(node: Node): string | undefined {
  const at = (name: string): string | undefined => annotationOf(node, `${MACHINE_CONFIG}/${name}`);
  const [state, current, desired, drain] = [at('state'), at('currentConfig'), at('desiredConfig'), at('desiredDrain')];
  if (state === 'Working' || state === 'Rebooting') return `annotation ${MACHINE_CONFIG}/state=${state}`;
  if (current !== undefined && desired !== undefined && current !== desired)
    return `annotation ${MACHINE_CONFIG}/desiredConfig, which differs from currentConfig`;
  return drain?.startsWith('drain-') === true ? `annotation ${MACHINE_CONFIG}/desiredDrain` : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
