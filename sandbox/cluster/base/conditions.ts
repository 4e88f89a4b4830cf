/** Conditions in the status of objects. */
export interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  /** Condition types of Deployments. */
  readonly lastUpdateTime?: string;
  /** Condition types of Nodes. */
  readonly lastHeartbeatTime?: string;
  /** Condition types of Jobs. */
  readonly lastProbeTime?: string;
  readonly observedGeneration?: number;
}

/** The condition to report now; further fields, such as `observedGeneration`, are copied. */
export type Claim = Omit<StatusCondition, 'lastTransitionTime'>;

/**
 * Sets the given conditions. The time of the last transition changes only with the status, and the list stays the same object if nothing
 * changes.
 *
 * @param now RFC 3339.
 */
export function withConditions(
  present: readonly StatusCondition[] | undefined,
  claims: readonly Claim[],
  now: string,
): readonly StatusCondition[] {
  const conditions = [...(present ?? [])];
  for (const claim of claims) {
    const at = conditions.findIndex(({ type }) => type === claim.type);
    const before = conditions[at];
    const lastTransitionTime = before?.status === claim.status ? (before.lastTransitionTime ?? now) : now;
    const after: StatusCondition = { ...before, ...claim, type: claim.type, status: claim.status, lastTransitionTime };
    if (at === -1) conditions.push(after);
    else conditions[at] = after;
  }
  return conditions;
}

export function conditionIn(
  conditions: readonly StatusCondition[] | undefined,
  type: string,
): StatusCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isTrue(conditions: readonly StatusCondition[] | undefined, type: string): boolean {
  return conditionIn(conditions, type)?.status === 'True';
}
