/** Trims Jobs; see `trim.ts`. */
import type { Job, PodFailureRule } from '../../core/objects.ts';
import { boolean, fields, integer, listOf, present, type Raw, strings, text } from '../http/json.ts';
import { templateOf } from './trim-controllers.ts';
import { metaOf, partsOf, type Trim } from './trim-meta.ts';

/** A Job that has one of these conditions starts no more Pods, and none of its Pods is counted any more. */
const FINISHED: readonly unknown[] = ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'];

/** Trims a Job. Clusters keep many finished Jobs for people to look at, so little is kept of these. */
export const trimJob: Trim<Job> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  const isFinished = listOf(status.conditions, hasFinished)?.length;
  if (isFinished) return { metadata, spec: { replicas: 0 }, status: { isFinished: true } };
  return {
    metadata,
    spec: present({
      replicas: runningOf(spec, status),
      template: templateOf(spec),
      suspend: boolean(spec.suspend),
      backoffLimit: integer(spec.backoffLimit),
      backoffLimitPerIndex: integer(spec.backoffLimitPerIndex),
      failureRules: listOf(fields(spec.podFailurePolicy)?.rules, failureRuleOf),
    }),
    status: present({
      failed: integer(status.failed),
      uncountedFailed: strings(fields(status.uncountedTerminatedPods)?.failed),
    }),
  };
};

/** The Pods that the Job wants now, limited by its parallelism and the completions left; 0 while suspended; undefined for 1. */
function runningOf(spec: Raw, status: Raw): number | undefined {
  const left = (integer(spec.completions) ?? Number.MAX_SAFE_INTEGER) - (integer(status.succeeded) ?? 0);
  const running = boolean(spec.suspend) === true ? 0 : Math.max(0, Math.min(integer(spec.parallelism) ?? 1, left));
  return running === 1 ? undefined : running;
}

function hasFinished({ type, status }: Raw): true | undefined {
  return status === 'True' && FINISHED.includes(type) ? true : undefined;
}

function failureRuleOf(raw: Raw): PodFailureRule | undefined {
  const action = text(raw.action);
  if (action === undefined) return undefined;
  const codes = fields(raw.onExitCodes);
  const values = Array.isArray(codes?.values) ? codes.values.flatMap((value) => integer(value) ?? []) : [];
  const onExitCodes = codes && { operator: text(codes.operator) ?? '', values };
  return present({ action, onExitCodes, onPodConditions: listOf(raw.onPodConditions, patternOf) });
}

function patternOf(raw: Raw): { readonly type: string; readonly status: string } | undefined {
  const type = text(raw.type);
  return type === undefined ? undefined : { type, status: text(raw.status) ?? 'True' };
}
