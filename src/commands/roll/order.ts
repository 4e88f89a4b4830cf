/** The order in which a roll takes its Nodes, and how many at once. Pure. */
import type { Plan } from '../../tmm/explain/plan.ts';

export const ORDERS = ['plan', 'name'] as const;
export type Order = (typeof ORDERS)[number];

/** The Nodes of the plan's first set come first; Nodes that may not go at present come last, by name, since this may change. */
export function orderByPlan(names: readonly string[], { batches }: Pick<Plan, 'batches'>): readonly string[] {
  const known = new Set(names);
  const first = batches.flat().filter((name) => known.has(name));
  const planned = new Set(first);
  return [...first, ...names.filter((name) => !planned.has(name)).sort(byName)];
}

export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number, or a percentage of the Nodes of the roll. */
export type Share = { readonly count: number } | { readonly percent: number };

/** @returns undefined if the text is neither a number above 0 nor a percentage from 1% to 100%. */
export function parseShare(text: string): Share | undefined {
  const [, digits = '', sign = ''] = /^([1-9]\d{0,4})(%?)$/.exec(text) ?? [];
  if (digits === '') return undefined;
  const amount = Number(digits);
  if (sign === '') return { count: amount };
  return amount <= 100 ? { percent: amount } : undefined;
}

/** Rounded down, as Kubernetes rounds `maxUnavailable`, and at least one: a roll of none at a time would never end. */
export function countOf(share: Share, total: number): number {
  return 'count' in share ? share.count : Math.max(1, Math.floor((total * share.percent) / 100));
}
