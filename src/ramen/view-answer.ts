/**
 * What a view says. Ramen believes it: a message that ends in "not found" lets it drop an application from its world, so that
 * text is written on one kind of evidence alone, the API server's own NotFound for that very object.
 *
 * - Exactly one condition, `Processing`.
 * - What is not known is `GetResourceFailed` with the cause, and no result: never the last answer.
 * - A kind that is not served is `ResourceGVKInvalid`, which Ramen takes for "not ready", not for absence.
 */

import type { AnyObject, Refusal } from '../core/object-access.ts';
import type { Condition } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { rfc3339 } from '../core/timestamps.ts';
import { bounded, PROCESSING, type ViewReason } from './names.ts';
import type { ViewScope } from './objects.ts';
import { isGroupName, isKindName, isNamespaceName, isObjectName, isPluralName, isVersionName } from './path-names.ts';

/** What a pass over a view has learnt. */
export type Evidence =
  /** The scope asks for nothing that could be looked up. */
  | { readonly is: 'invalid'; readonly reason: ViewReason; readonly detail: string }
  /** The cluster cannot be asked at present. */
  | { readonly is: 'unavailable'; readonly detail: string }
  | { readonly is: 'notServed'; readonly detail: string }
  /** The cluster's API server said NotFound of this object, and it was the right cluster. */
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

/** An object in etcd has 1.5 MiB at most, and the view holds this one besides its own. */
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

/** The condition to write; its time moves with the status alone. */
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

/** Whether the view says it already; `digest` is that of the result, undefined for none. */
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

/** What a scope asks for, once it is known to be sound. */
export interface Target {
  readonly group: string;
  readonly version: string | undefined;
  readonly kind: string | undefined;
  readonly plural: string | undefined;
  readonly name: string;
  readonly namespace: string | undefined;
}

export type ReadScope = { readonly is: 'sound'; readonly target: Target } | Extract<Evidence, { is: 'invalid' }>;

/** Checks a scope before anything is asked. */
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

/** Ramen looks at how the message ends, after its last "err:". */
const ABSENCE = /(not found|the server could not find the requested resource)\W*$/i;

/** A text that can neither be taken for absence nor be longer than a condition may be. */
export function unmistakable(text: string): string {
  const line = bounded(text.replace(/\s+/g, ' ').trim(), 900);
  return ABSENCE.test(line) ? `${line} (this says nothing of the object itself)` : line;
}

function failed(cause: string): ViewAnswer {
  return { status: 'False', reason: 'GetResourceFailed', message: `failed to get resource with err: ${cause}` };
}

function withoutManagedFields(object: AnyObject): AnyObject {
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Go writes what was left out as an empty string. */
function present(scope: ViewScope): ViewScope {
  return Object.fromEntries(Object.entries(scope).filter(([, value]) => value !== '' && value !== null)) as ViewScope;
}

function quoted(text: string): string {
  return bounded(JSON.stringify(text), 200);
}
