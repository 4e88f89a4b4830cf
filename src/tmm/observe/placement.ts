/** Finds where Pods would have room elsewhere, according to the caches. */
import { conditionOf, keyOf } from '../../core/meta.ts';
import type { Node, Pod } from '../../core/objects.ts';
import type { Hold } from '../../core/other-tools.ts';
import { type FitResult, simulation } from '../../core/scheduling/fit.ts';
import type { Steps } from '../../core/scheduling/steps.ts';
import type { Neighbour } from '../model/observed.ts';
import type { ClusterView } from './cluster-view.ts';

/**
 * Places the `movable` Pods of the Node elsewhere, as the scheduler would, once all `leaving` Pods have gone, together with `others` that
 * look for room at the same time. Takes time that grows with the cluster.
 *
 * @param away Nodes that cannot be a destination; see `awayOf()`.
 */
export function* placeElsewhere(
  node: Node,
  away: ReadonlySet<string>,
  view: ClusterView,
  movable: readonly Pod[],
  others: readonly Pod[],
  leaving: readonly Pod[],
): Steps<FitResult> {
  const { name } = node.metadata;
  const gone = new Set(leaving.map(keyOf));
  const namespaces = view.allNamespaces();
  return yield* simulation({
    pods: movable,
    others,
    nodes: view.nodes().map((each) => {
      const pods = view.podsBoundTo(each.metadata.name);
      const isLeft = each.metadata.name === name || away.has(each.metadata.name);
      return { node: withoutLeftovers(each), pods: isLeft ? pods.filter((pod) => !gone.has(keyOf(pod))) : pods };
    }),
    leaving: { name },
    unavailable: away,
    storage: view.storage(),
    ...(namespaces !== undefined && { namespaces }),
  });
}

/**
 * Nodes that cannot be a destination: those that have asked for maintenance, whether or not they carry a taint that the Pod tolerates, and
 * those that another tool holds.
 */
export function awayOf(neighbours: readonly Neighbour[], holds: readonly Hold[] = []): ReadonlySet<string> {
  const asking = neighbours.filter(({ phase }) => phase !== 'Exiting');
  return new Set([...asking, ...holds].map(({ nodeName }) => nodeName));
}

/**
 * kube-controller-manager (pkg/controller/nodelifecycle) derives these taints from the Node's own status, and removes them a moment after
 * the status has changed: a Pod that is judged in that moment must not be rejected because of them.
 */
function withoutLeftovers(node: Node): Node {
  const { taints = [], unschedulable = false } = node.spec;
  const isReady = conditionOf(node.status.conditions, 'Ready')?.status === 'True';
  const left = taints.filter(({ key }) => !(key === CORDON ? !unschedulable : isReady && OF_KUBELET.has(key)));
  return left.length === taints.length ? node : { ...node, spec: { ...node.spec, taints: left } };
}

const CORDON = 'node.kubernetes.io/unschedulable';
const OF_KUBELET: ReadonlySet<string> = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);
