/**
 * Faults by script: rules say which requests go wrong, and how.
 *
 * The first rule that matches a request decides. `skip` lets the first matching requests through, `times` ends the rule:
 *
 *     faults.add({ verb: 'watch', resource: 'pods', skip: 1, times: 2 }, { is: 'status', code: 410 });
 *     faults.add({ method: 'PATCH', path: /\/nodes\// }, { is: 'lost' });
 */

/** Which requests. All given conditions must hold; `{}` matches every request. */
export interface FaultMatch {
  readonly method?: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` */
  readonly verb?: string;
  /** Matches the path without its query: a part of it, or an expression. */
  readonly path?: string | RegExp;
  /** Plural: `pods`. */
  readonly resource?: string;
  readonly subresource?: string;
  /** A part of the user agent. */
  readonly userAgent?: string;
  /** Matching requests that are left alone first. @default 0 */
  readonly skip?: number;
  /** Matching requests that go wrong after that. @default Infinity */
  readonly times?: number;
}

/** The fault. */
export type Fault =
  /** Refused before execution; `reason` and `message` default to the server's for the code. */
  | {
      readonly is: 'status';
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Never answered, and not executed. */
  | { readonly is: 'hang' }
  /** The connection breaks before execution. */
  | { readonly is: 'reset' }
  /** Executed, but the connection breaks before the answer. */
  | { readonly is: 'lost' }
  /** Executed, answered later. */
  | { readonly is: 'late'; readonly ms: number }
  /** Executed; the answer is not JSON. */
  | { readonly is: 'garbage' }
  /** Executed; the answer ends in the middle, and the connection with it. */
  | { readonly is: 'truncated' }
  /** Executed; the answer comes in small pieces. */
  | { readonly is: 'slow'; readonly bytesPerSecond: number };

/** The properties of a request that rules match. */
export interface Faultable {
  readonly method: string;
  readonly verb: string;
  readonly path: string;
  readonly resource: string | undefined;
  readonly subresource: string | undefined;
  readonly userAgent: string;
}

interface Rule {
  readonly match: FaultMatch;
  readonly fault: Fault;
  seen: number;
}

/** Whether the request matches. `skip` and `times` are ignored here. */
export function isMatch(match: FaultMatch, request: Faultable): boolean {
  const { method, verb, path, resource, subresource, userAgent } = match;
  return (
    (method === undefined || method === request.method) &&
    (verb === undefined || verb === request.verb) &&
    (path === undefined || (typeof path === 'string' ? request.path.includes(path) : path.test(request.path))) &&
    (resource === undefined || resource === request.resource) &&
    (subresource === undefined || subresource === request.subresource) &&
    (userAgent === undefined || request.userAgent.includes(userAgent))
  );
}

export class FaultRules {
  #rules: Rule[] = [];

  /** @returns a function that removes the rule. */
  add(match: FaultMatch, fault: Fault): () => void {
    const rule: Rule = { match, fault, seen: 0 };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((one) => one !== rule);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault for the request, which counts for the rules that match it up to the one that decides. */
  next(request: Faultable): Fault | undefined {
    for (const rule of this.#rules) {
      if (!isMatch(rule.match, request)) continue;
      const { skip = 0, times = Number.POSITIVE_INFINITY } = rule.match;
      rule.seen += 1;
      if (rule.seen > skip && rule.seen <= skip + times) return rule.fault;
    }
    return undefined;
  }
}
