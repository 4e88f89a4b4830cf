/** Reviews: nothing is stored, and everything is allowed. */
import type { User } from '../accounts.ts';
import type { Context } from '../context.ts';
import { type JsonObject, objectOf, textOf } from '../json.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { type Answer, json } from './answer.ts';

const ALL_RULES = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};

/** @returns undefined for kinds that are not reviews. */
export function review(
  resource: Resource,
  body: JsonObject,
  context: Context,
  user: User | undefined,
): Answer | undefined {
  const status = statusOf(resource.kind, body, context, user);
  if (status === undefined) return undefined;
  return json(
    { ...body, kind: resource.kind, apiVersion: apiVersionOf(resource), metadata: objectOf(body.metadata), status },
    201,
  );
}

function statusOf(
  kind: string,
  body: JsonObject,
  { accounts, clock }: Context,
  user: User | undefined,
): object | undefined {
  switch (kind) {
    case 'SelfSubjectReview':
      return { userInfo: user };
    case 'TokenReview': {
      const meant = accounts.userOf(textOf(objectOf(body.spec).token), clock.now());
      return meant === undefined
        ? { user: {}, error: '[invalid bearer token, token lookup failed]' }
        : { authenticated: true, user: meant, audiences: ['https://kubernetes.default.svc'] };
    }
    case 'SelfSubjectAccessReview':
    case 'SubjectAccessReview':
      return { allowed: true };
    case 'SelfSubjectRulesReview':
      return ALL_RULES;
    default:
      return undefined;
  }
}
