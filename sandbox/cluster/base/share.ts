/** Shares that are given as a number or a percentage (apimachinery `intstr.GetScaledValueFromIntOrPercent`). */
import type { IntOrPercent } from './kinds.ts';

/** @throws RangeError for text that is not a percentage. */
export function shareOf(share: IntOrPercent, total: number, round: 'up' | 'down'): number {
  if (typeof share === 'number') return share;
  const percent = /^(\d+)%$/.exec(share)?.[1];
  if (percent === undefined)
    throw new RangeError(`invalid value for IntOrString: invalid type: string is not a percentage`);
  const exact = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** How many Pods a rollout may have above the wanted number, and how many may be missing. They are never both 0. */
export function rolloutLimits(
  { maxSurge = '25%', maxUnavailable = '25%' }: { maxSurge?: IntOrPercent; maxUnavailable?: IntOrPercent },
  replicas: number,
): { readonly surge: number; readonly unavailable: number } {
  const surge = shareOf(maxSurge, replicas, 'up');
  const unavailable = shareOf(maxUnavailable, replicas, 'down');
  return surge === 0 && unavailable === 0
    ? { surge, unavailable: 1 }
    : { surge, unavailable: Math.min(unavailable, replicas) };
}
