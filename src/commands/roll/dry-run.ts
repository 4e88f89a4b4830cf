/** `roll --dry-run`: shows the order, and what the controller would answer for each Node. Writes nothing. */
import type { Plan } from '../../tmm/explain/plan.ts';
import { structured } from '../format.ts';
import type { Outcome } from '../outcome.ts';
import { table } from '../table.ts';
import type { RollMember } from './members.ts';
import type { RollFormat } from './presenters.ts';

/** @param plan absent if it was not made, or could not be. */
export function dryRun(members: readonly RollMember[], plan: Plan | undefined, output: RollFormat): Outcome<0 | 3> {
  const verdicts = new Map(plan?.nodes.map((node) => [node.node, node]));
  const items = members.map(({ name, record }) => {
    const { verdict, reason, message } = verdicts.get(name) ?? {};
    return {
      node: name,
      state: record.state,
      ...(verdict !== undefined && { verdict }),
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
    };
  });
  const code = items.some(({ verdict }) => verdict === 'Reject') ? 3 : 0;
  if (output === 'json') return { code, out: structured({ dryRun: true, code, items }, 'json'), err: '' };
  const rows = items.map(({ node, state, verdict = '-', message = '-' }) => [node, state, verdict, message]);
  return { code, out: table([['NODE', 'STATE', 'VERDICT', 'WHY'], ...rows]), err: '' };
}
