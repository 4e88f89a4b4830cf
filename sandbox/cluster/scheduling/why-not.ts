/** Why a Pod fits nowhere, in the scheduler's words (pkg/scheduler/framework/types.go `FitError`). */
import type { Mover } from '../../../src/core/scheduling/mover.ts';
import type { FitNode } from '../../../src/core/scheduling/node.ts';

const LACKING = 'Insufficient ';
/** Reasons that the scheduler expects to go away with Pods of lower priority. */
const LIFTABLE =
  /^(Too many pods|node\(s\) didn't (have free ports|match pod anti-affinity|satisfy existing|match pod topology spread constraints$))/;
const NOT_HELPFUL = 'Preemption is not helpful for scheduling';
const NO_VICTIMS = 'No preemption victims found for incoming pod';
const OTHER_NODE = "node(s) didn't satisfy plugin(s) [NodeAffinity]";
const NODE_NAME = 'metadata.name';

/** @param missing why no Node is considered at all. */
export function whyNot({ pod, kind }: Mover, nodes: readonly FitNode[], missing: string | undefined): string {
  if (nodes.length === 0) return 'no nodes available to schedule pods';
  const head = `0/${nodes.length} nodes are available`;
  const before = missing ?? kind.never;
  if (before !== undefined) return `${head}: ${before}. not found`;
  const named = namedNodes(pod);
  const refusals = nodes.map((node) =>
    named === undefined || named.has(node.name) ? (kind.refusal(node) ?? []) : [OTHER_NODE],
  );
  const hopes = refusals.map((refusal, index) =>
    refusal.every((reason) => isLiftable(reason, pod, nodes[index])) ? NO_VICTIMS : NOT_HELPFUL,
  );
  return `${head}: ${counted(refusals.flat())}. no new claims to deallocate, preemption: ${head}: ${counted(hopes)}.`;
}

/** The Nodes that the Pod names in its affinity, like those of DaemonSets; undefined if it names none. No other Node is considered then. */
function namedNodes({ spec }: Mover['pod']): ReadonlySet<string> | undefined {
  const terms = spec.requiredNodeAffinity?.nodeSelectorTerms ?? [];
  const names = terms.map(({ matchFields = [] }) =>
    matchFields.find(({ key, operator }) => key === NODE_NAME && operator === 'In'),
  );
  if (names.length === 0 || names.includes(undefined)) return undefined;
  return new Set(names.flatMap((field) => field?.values ?? []));
}

/** A request beyond the Node's whole capacity cannot be satisfied by removing Pods. */
function isLiftable(reason: string, { spec }: Mover['pod'], node: FitNode | undefined): boolean {
  if (!reason.startsWith(LACKING)) return LIFTABLE.test(reason);
  const resource = reason.slice(LACKING.length);
  return (spec.scheduling?.requests?.[resource] ?? 0) <= (node?.allocatable[resource] ?? 0);
}

function counted(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
