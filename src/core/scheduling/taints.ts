/** Taints and tolerations (scheduler plugin TaintToleration). */
import { tolerates } from '../meta.ts';
import type { Pod, Taint, Toleration } from '../objects.ts';
import type { Rule } from './rule.ts';

const REFUSAL = ['node(s) had untolerated taint(s)'];
const INTEGER = /^(0|-?[1-9]\d{0,18})$/;

export function taintRule({ spec: { tolerations = [] } }: Pod): Rule {
  return { change: 'never', refuse: ({ taints }) => (toleratesAll(taints, tolerations) ? undefined : REFUSAL) };
}

/** `PreferNoSchedule` is the only effect that keeps no Pod away. */
export function toleratesAll(taints: readonly Taint[], tolerations: readonly Toleration[]): boolean {
  return taints.every((taint) => taint.effect === 'PreferNoSchedule' || isTolerated(taint, tolerations));
}

export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint) || toleratesNumber(toleration, taint));
}

/**
 * `Lt` and `Gt` (KEP-5471): the taint's value must be an integer less, or greater, than the toleration's. An API server accepts these
 * operators only if the scheduler supports them.
 */
function toleratesNumber({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (operator !== 'Lt' && operator !== 'Gt') return false;
  if (key !== taint.key || (effect !== undefined && effect !== '' && effect !== taint.effect)) return false;
  if (!INTEGER.test(value ?? '') || !INTEGER.test(taint.value ?? '')) return false;
  const [offered, limit] = [BigInt(taint.value ?? ''), BigInt(value ?? '')];
  return operator === 'Lt' ? offered < limit : offered > limit;
}
