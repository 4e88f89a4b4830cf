/**
 * Everything that a decision may request, as plain data. A settled cluster yields no actions; a dry run makes the same decision with an
 * `Apply` that prints.
 */
import { type Condition, type KubeObject, POD, type Taint } from './objects.ts';
import type { Resource } from './resources.ts';
import type { PodIdentity, StoredPod } from './stored-pods.ts';

/** Names one object, with the UID that guards against another object of the same name. */
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
  /** Set if the decision read more than the keys that it writes: a change in between then leads to a conflict. */
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/**
 * Writes annotations and conditions of a Node in one request (strategic merge patch of the status subresource, which merges conditions by
 * type and, for Nodes, accepts metadata too). Other owners' conditions and keys are not touched.
 */
export interface PatchNodeStatus {
  readonly do: 'patchNodeStatus';
  readonly target: ObjectRef;
  readonly resourceVersion?: string;
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly conditions: readonly Condition[];
}

/** Sets or clears `spec.unschedulable` together with the annotation that records who set it. */
export interface SetUnschedulable {
  readonly do: 'setUnschedulable';
  readonly target: ObjectRef;
  readonly resourceVersion: string;
  readonly unschedulable: boolean;
  readonly annotations: Readonly<Record<string, string | null>>;
}

/**
 * Adds or removes one taint of a Node, together with labels and annotations, in one JSON patch that tests the list of taints as it was
 * read, so that nobody else's taint is lost. Unchanged parts are not written.
 */
export interface SetTaint {
  readonly do: 'setTaint';
  readonly target: ObjectRef;
  readonly taint: Taint;
  readonly isSet: boolean;
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
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
  /** Not shown. The same text is recorded again in another scope, such as another session. */
  readonly scope?: string;
  /**
   * Makes it a single Event, however many processes record it. Unique to the object and the subject; lower case letters, digits and dashes.
   */
  readonly onceAs?: string;
}

/**
 * Stores a Pod's manifest, read from the API server, in a Secret of our own namespace. Does nothing if the Pod has gone. A copy from
 * another session is replaced; the record that an eviction may have been sent is never removed. A failure is not thrown but recorded as an
 * attempt of the `PodStore`.
 */
export interface StorePod {
  readonly do: 'storePod';
  /** The Pod. */
  readonly target: ObjectRef;
  readonly as: StoredPod;
}

/**
 * Creates a stored Pod again, then deletes its Secret. If somebody has created a Pod of that name meanwhile, or the namespace has gone,
 * only the Secret is deleted. A failure is not thrown but recorded as an attempt of the `PodStore`.
 */
export interface RestorePod {
  readonly do: 'restorePod';
  /** The Secret. */
  readonly target: ObjectRef;
  /** Kept with the attempt: unreadable content is read again when the Secret has changed. */
  readonly resourceVersion: string;
  readonly pod: PodIdentity;
  readonly node: string;
  /** The Event to record afterwards; absent if there is no Node to record it on. */
  readonly tell?: Readonly<Record<RestoreOutcome, RecordEvent>>;
}
export type RestoreOutcome = 'Restored' | 'NameTaken' | 'NamespaceGone';

/** Deletes the Secret of a Pod that never left, or that left without our eviction. */
export interface DiscardStored {
  readonly do: 'discardStored';
  /** The Secret. */
  readonly target: ObjectRef;
  /** Nothing is deleted if the Secret has changed since: an eviction may have been announced. */
  readonly resourceVersion: string;
}

export type Action =
  | PatchMeta
  | PatchNodeStatus
  | SetUnschedulable
  | SetTaint
  | RecordEvent
  | StorePod
  | RestorePod
  | DiscardStored;

/** One wanted eviction. It is handed to the `Evictor`, which sends it through the Eviction API with a UID precondition. */
export interface EvictPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Evictions of one lane are sent one after another; a lane is a budget, or the Pod itself if no budget selects it. */
  readonly lane: string;
  /** The basis of the decision (the budget's resourceVersion); kept with the attempt, to distinguish a change from a repetition. */
  readonly basis: string;
}

/** Whether the action writes annotations on a Pod: a rejection, or its removal. */
export function isPodMark(action: Action): action is PatchMeta {
  return action.do === 'patchMeta' && action.target.resource === POD;
}

/** Refers to an object of a cache. */
export function refOf(resource: Resource<unknown>, object: KubeObject): ObjectRef {
  const { namespace, name, uid } = object.metadata;
  return namespace === undefined ? { resource, name, uid } : { resource, namespace, name, uid };
}
