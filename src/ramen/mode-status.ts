/** The status of a MaintenanceMode, for the hub and for users. */

import { clip } from '../core/text.ts';
import { rfc3339 } from '../core/timestamps.ts';
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

/** The object of the status, and the time of writing. */
export interface Subject {
  readonly mode: MaintenanceMode;
  readonly nowMs: number;
}

/** Whether the status is about this generation, so that it was written after the request changed. */
export function isAnnounced({ status }: MaintenanceMode, generation: number): boolean {
  return status.observedGeneration === generation && conditionOf(status.conditions)?.observedGeneration === generation;
}

export function saysTrue({ status }: MaintenanceMode): boolean {
  return status.conditions.some(({ type, status }) => type === `${FAILOVER}Activated` && status === 'True');
}

function conditionOf(conditions: readonly WorkCondition[]): WorkCondition | undefined {
  return conditions.find(({ type }) => type === `${FAILOVER}Activated`);
}

/** The message about `Failover`; other modes are never activated. */
export interface Saying {
  readonly state: ModeStatus['state'];
  readonly activated: 'True' | 'False';
  /** In the form that the API accepts for reasons: letters, digits, `_`, `,` and `:`. */
  readonly reason: string;
  readonly message: string;
}

/** The status to write; the time of a condition changes only with its status. */
export function statusOf({ mode, nowMs }: Subject, { state, activated, reason, message }: Saying): ModeStatus {
  const generation = mode.metadata.generation ?? 0;
  const types = new Set([FAILOVER, ...mode.spec.modes.filter((each) => CONDITION_TYPE.test(each))]);
  const conditions = [...types].map((each): WorkCondition => {
    const type = `${each}Activated`;
    const status = each === FAILOVER ? activated : 'False';
    const old = mode.status.conditions.find((condition) => condition.type === type);
    const lastTransitionTime = (old?.status === status && old.lastTransitionTime) || rfc3339(nowMs);
    return { type, status, reason, message: clip(message), lastTransitionTime, observedGeneration: generation };
  });
  return { state, observedGeneration: generation, conditions };
}

/** The valid text before `Activated`, at most 253 characters in total. */
const CONDITION_TYPE = /^[A-Za-z][A-Za-z0-9]{0,100}$/;

/** Whether the mode has this status already, apart from the times. */
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
