/** What a request to an API server can fail with. */

/**
 * Closed set of reasons. Those that the API server names in a `Status` keep its word; `Unreachable` (no connection, reset,
 * name not resolved), `TimedOut` (our own deadline), `Aborted` (our own signal), `Malformed` (a body that is no JSON)
 * and `TooLarge` (an answer beyond our limit) are ours.
 */
export type KubeErrorReason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'Conflict'
  | 'AlreadyExists'
  | 'Gone'
  | 'Invalid'
  | 'TooManyRequests'
  | 'ServerError'
  | 'Unreachable'
  | 'TimedOut'
  | 'Aborted'
  | 'Malformed'
  | 'TooLarge';

/** One entry of `Status.details.causes`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** `Status.details`, as far as it says which object a refusal is about. Only a `Status` has it, never a proxy's page. */
export interface StatusSubject {
  readonly name?: string;
  readonly group?: string;
  /** The plural, as a rule. */
  readonly kind?: string;
}

export interface KubeErrorInit {
  readonly reason: KubeErrorReason;
  /** HTTP status; 0 where no answer came. */
  readonly code: number;
  readonly message: string;
  /** From `Retry-After` or `Status.details.retryAfterSeconds`. */
  readonly retryAfterMs?: number;
  readonly causes?: readonly StatusCause[];
  /** `Status.reason`, where a `Status` came. */
  readonly statusReason?: string | undefined;
  readonly subject?: StatusSubject | undefined;
  readonly cause?: unknown;
}

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly reason: KubeErrorReason;
  readonly code: number;
  readonly retryAfterMs: number | undefined;
  readonly causes: readonly StatusCause[];
  /** `Status.reason` in the API server's own word; undefined where no `Status` came. */
  readonly statusReason: string | undefined;
  readonly subject: StatusSubject | undefined;

  constructor(init: KubeErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.reason = init.reason;
    this.code = init.code;
    this.retryAfterMs = init.retryAfterMs;
    this.causes = init.causes ?? [];
    this.statusReason = init.statusReason;
    this.subject = init.subject;
  }
}

/** Whether `error` is a `KubeError` of one of the given reasons. */
export function isKubeError(error: unknown, ...reasons: readonly KubeErrorReason[]): error is KubeError {
  return error instanceof KubeError && (reasons.length === 0 || reasons.includes(error.reason));
}

/** Takes some answers for what they mean, that there is nothing: for these reasons undefined, others are thrown. */
export async function orUndefined<T>(
  answer: Promise<T>,
  ...reasons: readonly KubeErrorReason[]
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (reasons.length > 0 && isKubeError(error, ...reasons)) return undefined;
    throw error;
  }
}

/** The wording of apiserver `pkg/admission/plugin/webhook/errors`. A webhook that could not be called reads otherwise. */
export function isWebhookDenial({ message }: KubeError): boolean {
  return /admission webhook ".*" denied the request/.test(message);
}

/** Whether somebody will not have this one write, which says nothing of others; not where it came at a bad time, or too late. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  return isKubeError(error, 'Forbidden', 'Invalid', 'BadRequest') || isWebhookDenial(error);
}
