/** The errors of a request to an API server. */

/**
 * Closed set of reasons. Those that the API server names in a `Status` keep its name; `Unreachable` (no connection, reset, name not
 * resolved), `TimedOut` (our own deadline), `Aborted` (our own signal), `Malformed` (a body that is not JSON) and `TooLarge` (an answer
 * beyond our limit) are ours.
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

/** The part of `Status.details` that names the object of a refusal. Only a `Status` has it, never a proxy's page. */
export interface StatusSubject {
  readonly name?: string;
  readonly group?: string;
  /** Usually the plural. */
  readonly kind?: string;
}

export interface KubeErrorInit {
  readonly reason: KubeErrorReason;
  /** HTTP status; 0 if no answer came. */
  readonly code: number;
  readonly message: string;
  /** From `Retry-After` or `Status.details.retryAfterSeconds`. */
  readonly retryAfterMs?: number;
  readonly causes?: readonly StatusCause[];
  /** `Status.reason`, if a `Status` came. */
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
  /** `Status.reason` as the API server spelled it; undefined if no `Status` came. */
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

/** Returns undefined for errors with these reasons, which mean that there is no such object; all others are thrown. */
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

/** The wording of apiserver `pkg/admission/plugin/webhook/errors`. A webhook that could not be called has another one. */
export function isWebhookDenial({ message }: KubeError): boolean {
  return /admission webhook ".*" denied the request/.test(message);
}

/** Whether a webhook that has to agree could not be called: what it is asked about is refused until it answers. */
export function isWebhookFailure(error: unknown): boolean {
  return error instanceof KubeError && error.message.includes('failed calling webhook');
}

/** Whether the server refuses this one write, which does not affect others; false for conflicts, throttling and timeouts. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  return isKubeError(error, 'Forbidden', 'Invalid', 'BadRequest') || isWebhookDenial(error);
}

/** Whether this one write is not accepted until somebody changes a policy, a right or a webhook, or brings the webhook back. */
export function isNotAdmitted(error: unknown): boolean {
  return isRefusal(error) || isWebhookFailure(error);
}
