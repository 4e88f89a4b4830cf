/** `POST pods/NAME/binding`: puts a Pod on a Node, once (kubernetes `pkg/registry/core/pod/storage/storage.go`). */
import type { Stored } from '../api.ts';
import { type Context, timeText } from '../context.ts';
import { conflict } from '../errors.ts';
import { at, type JsonObject, listOf, objectOf, textOf, withPath } from '../json.ts';
import { changeObject, type Target } from './change.ts';
import type { WriteOptions } from './options.ts';

export interface Binding {
  readonly node: string;
  /** The UID of the intended Pod. */
  readonly uid?: string;
}

/** @throws ApiError 404, or 409 if the Pod has a Node, is being deleted, or has another UID */
export function bindPod(context: Context, target: Target, { node, uid }: Binding, options: WriteOptions): void {
  const { resource, name } = target;
  const about = { ...resource, plural: 'pods/binding' };
  const change = (pod: Stored): JsonObject => {
    if (uid !== undefined && uid !== pod.metadata.uid) {
      const why = `the UID in the precondition (${uid}) does not match the UID in record (${pod.metadata.uid}). The object might have been deleted and then recreated`;
      throw conflict(resource, name, why);
    }
    const taken = textOf(at(pod, 'spec', 'nodeName'));
    if (taken !== '') throw conflict(about, name, `pod ${name} is already assigned to node ${JSON.stringify(taken)}`);
    if (listOf(at(pod, 'spec', 'schedulingGates')).length > 0) {
      throw conflict(about, name, `pod ${name} has non-empty .spec.schedulingGates`);
    }
    if (pod.metadata.deletionTimestamp !== undefined) {
      throw conflict(about, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    }
    const lastTransitionTime = timeText(context.clock.now());
    const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime };
    const others = listOf(at(pod, 'status', 'conditions')).filter((one) => objectOf(one).type !== 'PodScheduled');
    return withPath(withPath(pod, ['spec', 'nodeName'], node), ['status', 'conditions'], [...others, scheduled]);
  };
  changeObject(context, { ...target, subresource: 'binding' }, change, options);
}
