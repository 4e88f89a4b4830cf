/** Annotations by which a user of the sandbox controls the behaviour of a Node or a Pod. */

import { parseDuration } from '../../../src/core/duration.ts';
import { annotationOf } from '../../../src/core/meta.ts';
import type { Node, Pod } from '../base/kinds.ts';

const PREFIX = 'sandbox.maintenance-bridge.io';
/** Node: `off` is a machine without power, whose kubelet reports nothing more. */
export const POWER = `${PREFIX}/power`;
/** Node or Pod: `false` prevents it from being ready. */
export const READY = `${PREFIX}/ready`;
/** Pod: comes to its end after this time (`5s`), whatever its restart policy. */
const RUNS_FOR = `${PREFIX}/runs-for`;
/** Pod: `false` prevents its containers from ending when it is deleted. */
const STOPS = `${PREFIX}/stops`;
/** Pod: the exit code of its containers. @default 0 */
const EXIT_CODE = `${PREFIX}/exit-code`;

/** - `unwell`: the kubelet runs and reports that the Node is not ready. */
export type NodeState = 'running' | 'unwell' | 'off';

export function stateOf(node: Node): NodeState {
  if (annotationOf(node, POWER) === 'off') return 'off';
  return annotationOf(node, READY) === 'false' ? 'unwell' : 'running';
}

export function mayBeReady(pod: Pod): boolean {
  return annotationOf(pod, READY) !== 'false';
}

export function mayStop(pod: Pod): boolean {
  return annotationOf(pod, STOPS) !== 'false';
}

/** How long the Pod runs before it ends by itself; undefined for one that does not. */
export function runTimeOf(pod: Pod, defaultMs: number): number | undefined {
  const said = annotationOf(pod, RUNS_FOR);
  const ms = said === undefined ? undefined : parseDuration(said);
  if (ms !== undefined) return ms;
  return pod.spec.restartPolicy === 'Never' || pod.spec.restartPolicy === 'OnFailure' ? defaultMs : undefined;
}

export function exitCodeOf(pod: Pod): number {
  return Number(annotationOf(pod, EXIT_CODE) ?? 0) || 0;
}
