/** Features that the kubelet of the Node must declare (scheduler plugin NodeDeclaredFeatures, Kubernetes 1.36, KEP-5328). */
import { keyOf } from '../meta.ts';
import type { Pod } from '../objects.ts';
import type { Cluster } from './cluster.ts';
import type { FitNode } from './node.ts';
import type { Rule } from './rule.ts';

const REFUSAL = ["node(s) didn't match Pod's required features"];

/** A Pod that runs on a Node which declares fewer features was placed by a scheduler without this feature gate. */
export function featuresRule(pod: Pod, cluster: Cluster): Rule | undefined {
  const required = pod.spec.scheduling?.requiredFeatures;
  if (required === undefined) return undefined;
  const hasAll = ({ declaredFeatures }: FitNode): boolean =>
    required.every((feature) => declaredFeatures.includes(feature));
  const { leaving } = cluster;
  if (leaving !== undefined && leaving.name === pod.spec.nodeName && !hasAll(leaving)) {
    cluster.noteNotModelled(`Pod ${keyOf(pod)} needs features that its own Node does not declare`);
    return undefined;
  }
  return { change: 'never', refuse: (node) => (hasAll(node) ? undefined : REFUSAL) };
}
