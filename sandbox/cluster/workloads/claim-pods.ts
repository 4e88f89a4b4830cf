/**
 * Ownership of Pods (controller_ref_manager.go): a controller adopts Pods without a controller that its selector matches, and releases its
 * own that the selector no longer matches.
 */
import { controllerOf, keyOf } from '../../../src/core/meta.ts';
import type { LabelSelector } from '../../../src/core/objects.ts';
import { matchesLabelSelector } from '../../../src/core/selectors.ts';
import type { Stored } from '../../api.ts';
import type { Pod } from '../base/kinds.ts';
import {
  controllerKey,
  controllerReference,
  isFinished,
  isTerminating,
  orphanPods,
  podsByController,
} from '../base/pods.ts';
import type { Work } from '../base/work-loop.ts';
import type { World } from '../base/world.ts';

type WorkloadResource = 'replicasets.apps' | 'statefulsets.apps' | 'daemonsets.apps' | 'jobs.batch';

/** @returns the Pods of the owner, including terminating and finished ones. */
export function claimPods(world: World, owner: Stored, selector: LabelSelector | undefined): readonly Pod[] {
  const { uid, namespace = '' } = owner.metadata;
  const matches = ({ metadata }: Pod): boolean => matchesLabelSelector(selector, metadata.labels);
  for (const pod of podsByController(world).get(uid)) {
    if (matches(pod) || isTerminating(pod)) continue;
    const ownerReferences = (pod.metadata.ownerReferences ?? []).filter((each) => each.uid !== uid);
    world.patch('pods', pod, { metadata: { ownerReferences } });
  }
  if (!isTerminating(owner)) {
    for (const pod of orphanPods(world).get(namespace)) {
      if (!matches(pod) || isTerminating(pod) || isFinished(pod)) continue;
      const ownerReferences = [...(pod.metadata.ownerReferences ?? []), controllerReference(owner)];
      world.patch('pods', pod, { metadata: { ownerReferences } });
    }
  }
  return podsByController(world).get(uid);
}

/** Enqueues a workload whenever one of its Pods changes, or one without an owner that it could adopt. */
export function watchPodsOf(world: World, resource: WorkloadResource, kind: string, work: Work): void {
  const workloads = inNamespace(world, resource);
  world.mirror('pods').onChange(({ type, object, before }) => {
    for (const pod of before === undefined ? [object] : [before, object]) {
      const key = controllerKey(pod, kind);
      if (key !== undefined) work.add(key);
    }
    if (type === 'DELETED' || controllerOf(object) !== undefined) return;
    for (const workload of workloads.get(object.metadata.namespace ?? '')) {
      const { selector } = workload.spec;
      if (matchesLabelSelector(selector, object.metadata.labels)) work.add(keyOf(workload));
    }
  });
}

/** Objects by their namespace. */
export function inNamespace<R extends WorkloadResource | 'poddisruptionbudgets.policy'>(world: World, resource: R) {
  return world.mirror(resource).index('namespace', (object: Stored) => object.metadata.namespace);
}
