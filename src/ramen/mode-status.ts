/** The status of a MaintenanceMode: what the hub believes, and what people are told. */
import { rfc3339 } from '../core/timestamps.ts';
import { bounded } from './names.ts';
import type { MaintenanceMode, WorkCondition } from './objects.ts';

export const MODE_STATES = [
  'NotOurs',
  'Announcing',
  'Holding',
  'UnknownMode',
  'ScalingDown',
  'WaitingForPods',
  'Completed',
  'Failed',
  'TimedOut',
  'Deactivating',
  'Restoring',
  'Releasing',
] as const;
export type ModeBecause = (typeof MODE_STATES)[number];

/** The only mode that Ramen knows. */
export const FAILOVER = 'Failover';

export interface ModeStatus {
  readonly state: 'Unknown' | 'Error' | 'Progressing' | 'Completed';
  readonly observedGeneration: number;
  readonly conditions: readonly WorkCondition[];
}

/** Whose status it is, and when it is written. */
export interface Subject {
  readonly mode: MaintenanceMode;
  readonly nowMs: number;
}

/** Whether the status speaks of this generation: whatever it says, it was said after the request changed. */
export function isAnnounced({ status }: MaintenanceMode, generation: number): boolean {
  return status.observedGeneration === generation && conditionOf(status.conditions)?.observedGeneration === generation;
}

export function saysTrue({ status }: MaintenanceMode): boolean {
  return status.conditions.some(({ type, status }) => type === `${FAILOVER}Activated` && status === 'True');
}

function conditionOf(conditions: readonly WorkCondition[]): WorkCondition | undefined {
  return conditions.find(({ type }) => type === `${FAILOVER}Activated`);
}

/** What is said of `Failover`; other modes are never activated. */
export interface Saying {
  readonly state: ModeStatus['state'];
  readonly activated: 'True' | 'False';
  /** As the API takes reasons: letters, digits, `_`, `,` and `:`. */
  readonly reason: string;
  readonly message: string;
}

/** The status to write; the time of a condition moves with its status alone. */
export function statusOf({ mode, nowMs }: Subject, { state, activated, reason, message }: Saying): ModeStatus {
  const generation = mode.metadata.generation ?? 0;
  const types = new Set([FAILOVER, ...mode.spec.modes.filter((each) => CONDITION_TYPE.test(each))]);
  const conditions = [...types].map((each): WorkCondition => {
    const type = `${each}Activated`;
    const status = each === FAILOVER ? activated : 'False';
    const old = mode.status.conditions.find((condition) => condition.type === type);
    const lastTransitionTime = (old?.status === status && old.lastTransitionTime) || rfc3339(nowMs);
    return { type, status, reason, message: bounded(message), lastTransitionTime, observedGeneration: generation };
  });
  return { state, observedGeneration: generation, conditions };
}

/** What may stand before `Activated`, at most 253 characters in all. */
const CONDITION_TYPE = /^[A-Za-z][A-Za-z0-9]{0,100}$/;

/** Whether the mode says that already, but for the times. */
export function saysAlready({ status }: MaintenanceMode, wanted: ModeStatus): boolean {
  return (
    status.state === wanted.state &&
    status.observedGeneration === wanted.observedGeneration &&
    status.conditions.length === wanted.conditions.length &&
    wanted.conditions.every((each) =>
      status.conditions.some(
        ({ type, status, reason, message, observedGeneration }) =>
          type === each.type &&
          status === each.status &&
          reason === each.reason &&
          message === each.message &&
          observedGeneration === each.observedGeneration,
      ),
    )
  );
}
