/**
 * Everything that a decision may ask for, as plain data. A settled cluster yields no actions; a dry run is the same
 * decision with an `Apply` that prints.
 */
import type { Condition, KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';

/** Names one object, with the UID that guards against a namesake. */
export interface ObjectRef {
  readonly resource: Resource<unknown>;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

/** Sets (string) or removes (null) single keys of an object's metadata by merge patch; other keys are not touched. */
export interface PatchMeta {
  readonly do: 'patchMeta';
  readonly target: ObjectRef;
  /** Set where the decision read more than the keys that it writes: a change in between is answered by a conflict. */
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/**
 * Writes annotations and conditions of a Node in one request (strategic merge patch of the status subresource, which
 * merges conditions by type and, for Nodes, takes metadata too). Other owners' conditions and keys are not touched.
 */
export interface PatchNodeStatus {
  readonly do: 'patchNodeStatus';
  readonly target: ObjectRef;
  readonly resourceVersion?: string;
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly conditions: readonly Condition[];
}

/** Sets or clears `spec.unschedulable` together with the annotation that says whose doing it was. */
export interface SetUnschedulable {
  readonly do: 'setUnschedulable';
  readonly target: ObjectRef;
  readonly resourceVersion: string;
  readonly unschedulable: boolean;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/** Records an Event on an object. Lossy and de-duplicated: nothing may depend on it. */
export interface RecordEvent {
  readonly do: 'recordEvent';
  readonly regarding: ObjectRef;
  readonly type: 'Normal' | 'Warning';
  /** `UpperCamelCase`, from the feature's closed set. */
  readonly reason: string;
  /** What was done or failed to be done, `UpperCamelCase` (events.k8s.io `action`). */
  readonly action: string;
  /** At most 1 024 characters; the recorder cuts the rest. */
  readonly note: string;
}

export type Action = PatchMeta | PatchNodeStatus | SetUnschedulable | RecordEvent;

/** One eviction that is wanted now. Handed to the `Evictor`, which sends it through the Eviction API with a UID precondition. */
export interface EvictPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Evictions of one lane are sent one after another; a lane is a budget, or the Pod itself where no budget selects it. */
  readonly lane: string;
  /** What the decision was based on (the budget's resourceVersion); kept with the attempt, to tell a change from a repetition. */
  readonly basis: string;
}

/** Refers to an object of a cache. */
export function refOf(resource: Resource<unknown>, object: KubeObject): ObjectRef {
  const { namespace, name, uid } = object.metadata;
  return namespace === undefined ? { resource, name, uid } : { resource, namespace, name, uid };
}
