/**
 * The answer of a view. Ramen relies on it: a message that ends in "not found" makes it treat an application as gone, so that text is
 * written on one kind of evidence alone, the API server's own NotFound for that very object.
 *
 * - There is exactly one condition, `Processing`.
 * - If the state is not known, the condition is `GetResourceFailed` with the cause, and there is no result: never the last one.
 * - If the kind is not served, the reason is `ResourceGVKInvalid`, which Ramen treats as "not ready", not as absence.
 */

import type { AnyObject, Refusal } from '../core/object-access.ts';
import type { Condition } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { clip } from '../core/text.ts';
import { rfc3339 } from '../core/timestamps.ts';
import { PROCESSING, type ViewReason } from './names.ts';
import type { ViewScope } from './objects.ts';
import { isGroupName, isKindName, isNamespaceName, isObjectName, isPluralName, isVersionName } from './path-names.ts';

/** What a pass over a view has found. */
export type Evidence =
  /** The scope does not name anything that could be looked up. */
  | { readonly is: 'invalid'; readonly reason: ViewReason; readonly detail: string }
  /** The cluster cannot be asked at present. */
  | { readonly is: 'unavailable'; readonly detail: string }
  | { readonly is: 'notServed'; readonly detail: string }
  /** The cluster's API server answered NotFound for this object, and it was the right cluster. */
  | { readonly is: 'absent'; readonly resource: Resource<unknown>; readonly name: string }
  | { readonly is: 'refused'; readonly refusal: Refusal }
  | { readonly is: 'present'; readonly object: AnyObject };

export interface ViewAnswer {
  readonly status: 'True' | 'False';
  readonly reason: ViewReason;
  readonly message: string;
  /** The whole object, without `managedFields`. */
  readonly result?: AnyObject;
}

/** An object in etcd takes 1.5 MiB at most, and the view holds this one in addition to its own fields. */
export const MAX_RESULT_BYTES = 1024 * 1024;

export function viewAnswer(evidence: Evidence): ViewAnswer {
  switch (evidence.is) {
    case 'invalid':
      return { status: 'False', reason: evidence.reason, message: unmistakable(evidence.detail) };
    case 'notServed':
      return { status: 'False', reason: 'ResourceGVKInvalid', message: unmistakable(evidence.detail) };
    case 'unavailable':
      return failed(unmistakable(evidence.detail));
    case 'refused':
      return failed(unmistakable(`${evidence.refusal.reason}: ${evidence.refusal.message}`));
    case 'absent': {
      const { group, plural } = evidence.resource;
      return failed(`${group === '' ? plural : `${plural}.${group}`} "${evidence.name}" not found`);
    }
    case 'present': {
      const result = withoutManagedFields(evidence.object);
      const bytes = new TextEncoder().encode(JSON.stringify(result)).length;
      if (bytes > MAX_RESULT_BYTES) {
        return failed(`the object has ${bytes} bytes, and a view holds ${MAX_RESULT_BYTES} at most`);
      }
      return { status: 'True', reason: 'GetResourceProcessing', message: 'Watching resources successfully', result };
    }
  }
}

/** The condition to write; its time changes only with the status. */
export function viewCondition(answer: ViewAnswer, before: readonly Condition[], nowMs: number): Condition {
  const { status, reason, message } = answer;
  const old = before.find(({ type }) => type === PROCESSING);
  const isSame = old?.status === status && old.lastTransitionTime !== undefined;
  return {
    type: PROCESSING,
    status,
    reason,
    message,
    lastTransitionTime: isSame ? old.lastTransitionTime : rfc3339(nowMs),
  };
}

/** Whether the view has this answer already; `digest` is that of the result, undefined for none. */
export function saysAlready(
  answer: ViewAnswer,
  view: { readonly conditions: readonly Condition[]; readonly resultDigest: string | undefined },
  digest: string | undefined,
): boolean {
  const [only, ...others] = view.conditions;
  return (
    others.length === 0 &&
    only?.type === PROCESSING &&
    only.status === answer.status &&
    only.reason === answer.reason &&
    only.message === answer.message &&
    only.lastTransitionTime !== undefined &&
    view.resultDigest === digest
  );
}

/** The object that a valid scope asks for. */
export interface Target {
  readonly group: string;
  readonly version: string | undefined;
  readonly kind: string | undefined;
  readonly plural: string | undefined;
  readonly name: string;
  readonly namespace: string | undefined;
}

export type ReadScope = { readonly is: 'sound'; readonly target: Target } | Extract<Evidence, { is: 'invalid' }>;

/** Checks a scope before any request. */
export function readScope(scope: ViewScope): ReadScope {
  const { apiGroup: group = '', version, kind, resource: plural, name = '', namespace } = present(scope);
  const invalid = (reason: ViewReason, detail: string): ReadScope => ({ is: 'invalid', reason, detail });
  if (name === '') return invalid('ResourceNameInvalid', 'the scope has no name');
  if (!isObjectName(name)) return invalid('ResourceNameInvalid', `no object may have the name ${quoted(name)}`);
  if (namespace !== undefined && !isNamespaceName(namespace)) {
    return invalid('ResourceNameInvalid', `no namespace may be called ${quoted(namespace)}`);
  }
  if (plural === undefined && (kind === undefined || version === undefined)) {
    return invalid('ResourceTypeInvalid', 'the scope must name a resource, or a kind and its version');
  }
  if (plural !== undefined && !isPluralName(plural)) {
    return invalid(
      'ResourceTypeInvalid',
      `wanted the plural of a kind in lower case as resource, found ${quoted(plural)}`,
    );
  }
  if (kind !== undefined && !isKindName(kind))
    return invalid('ResourceTypeInvalid', `no kind is called ${quoted(kind)}`);
  if (version !== undefined && !isVersionName(version)) {
    return invalid('ResourceTypeInvalid', `no version is called ${quoted(version)}`);
  }
  if (!isGroupName(group)) return invalid('ResourceTypeInvalid', `no API group is called ${quoted(group)}`);
  if (group === '' && (kind === 'Secret' || plural === 'secrets' || plural === 'secret')) return secretsAreRefused();
  return { is: 'sound', target: { group, version, kind, plural, name, namespace } };
}

export function secretsAreRefused(): Extract<Evidence, { is: 'invalid' }> {
  return { is: 'invalid', reason: 'ResourceTypeInvalid', detail: 'Secrets are not shown' };
}

/** Ramen examines the end of the message, after its last "err:". */
const ABSENCE = /(not found|the server could not find the requested resource)\W*$/i;

/** A text that cannot be taken for absence and is not longer than a condition permits. */
export function unmistakable(text: string): string {
  const line = clip(text.replace(/\s+/g, ' ').trim(), 900);
  return ABSENCE.test(line) ? `${line} (this says nothing of the object itself)` : line;
}

function failed(cause: string): ViewAnswer {
  return { status: 'False', reason: 'GetResourceFailed', message: `failed to get resource with err: ${cause}` };
}

function withoutManagedFields(object: AnyObject): AnyObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Go writes omitted fields as empty strings. */
function present(scope: ViewScope): ViewScope {
  return Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== '' && value !== null)) as ViewScope;
}

function quoted(text: string): string {
  return clip(JSON.stringify(text), 200);
}
