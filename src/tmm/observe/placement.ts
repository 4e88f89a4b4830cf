/** Where Pods would find room elsewhere, as the caches see the cluster. */
import { conditionOf, keyOf } from '../../core/meta.ts';
import type { Node, Pod } from '../../core/objects.ts';
import type { Hold } from '../../core/other-tools.ts';
import { type FitResult, simulation } from '../../core/scheduling/fit.ts';
import type { Steps } from '../../core/scheduling/steps.ts';
import type { Neighbour } from '../model/observed.ts';
import type { ClusterView } from './cluster-view.ts';

/**
 * Places `movable` Pods of the Node elsewhere, as the scheduler would, once all that are `leaving` have gone, together with
 * `others` that look for room at the same time. Costs time that grows with the cluster.
 *
 * @param away Nodes that are no place to go; see `awayOf()`.
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
 * Nodes that are no place to go: those that have asked for maintenance, whether they carry a taint that the Pod tolerates or not, and
 * those that another tool has in hand.
 */
export function awayOf(neighbours: readonly Neighbour[], holds: readonly Hold[] = []): ReadonlySet<string> {
  const asking = neighbours.filter(({ phase }) => phase !== 'Exiting');
  return new Set([...asking, ...holds].map(({ nodeName }) => nodeName));
}

/**
 * kube-controller-manager (pkg/controller/nodelifecycle) derives these taints from what the Node itself says, and takes them away a
 * moment after that has changed: whoever is judged in that moment must not be rejected for them.
 */
function withoutLeftovers(node: Node): Node {
  const { taints = [], unschedulable = false } = node.spec;
  const isReady = conditionOf(node.status.conditions, 'Ready')?.status === 'True';
  const left = taints.filter(({ key }) => !(key === CORDON ? !unschedulable : isReady && OF_KUBELET.has(key)));
  return left.length === taints.length ? node : { ...node, spec: { ...node.spec, taints: left } };
}

const CORDON = 'node.kubernetes.io/unschedulable';
const OF_KUBELET: ReadonlySet<string> = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);
