/**
 * A Node is not reported as drained while a Pod may be on its way back: its controller is known to recreate it here, or has done so before.
 */
import type { Report } from '../model/report.ts';
import { foreseenReturn, heldUntilMs } from '../model/returns.ts';
import type { Draft, Request } from './transition.ts';

/** A controller creates a replacement within moments after its Pod ends. */
const RETURN_WITHIN_MS = 3000;

/** @returns what a Node without related Pods waits with; undefined if no Pod is expected any more. */
export function waitForReturn(
  request: Request,
  before: Report,
): Required<Pick<Draft, 'memory' | 'requeueAfterMs'>> | undefined {
  const { observed, memory } = request;
  const { nowMs } = observed;
  // After the clock was set back, the wait starts again.
  const emptySinceMs = Math.min(memory.emptySinceMs ?? nowMs, nowMs);
  const untilMs = mayReturnUntilMs(request, before, emptySinceMs);
  return nowMs >= untilMs ? undefined : { memory: { ...memory, emptySinceMs }, requeueAfterMs: untilMs - nowMs };
}

/** @returns until when a Pod may be on its way back to the Node; not later than `emptySinceMs` if none is expected. */
function mayReturnUntilMs({ observed, taint, memory }: Request, before: Report, emptySinceMs: number): number {
  const { members, nodeName } = observed;
  const isForeseen = (before.workloads ?? []).some(({ uid, kind, here }) => {
    const { asked = 1, template = {} } = members?.[uid] ?? { asked: 0 };
    const isBound = here > 0 || kind === 'DaemonSet';
    return asked > 0 && foreseenReturn(template, isBound, nodeName, taint) !== undefined;
  });
  const owners = Object.values(memory.returns?.owners ?? {});
  const isExpected = isForeseen || owners.some(({ count }) => count > 0);
  const held = owners.flatMap((returns) => heldUntilMs(returns) ?? []);
  return Math.max(emptySinceMs + (isExpected ? RETURN_WITHIN_MS : 0), ...held);
}
