/** A Pod's row: its status is the first fault of the Pod (kubernetes `printPod`). */
import { at, isObject, type JsonObject, listOf, numberOf, objectOf, textOf } from '../json.ts';
import { ageOf } from './words.ts';

interface Summary {
  readonly reason: string;
  readonly ready: number;
  readonly restarts: number;
}

export function podCells(pod: JsonObject, now: number): readonly unknown[] {
  const meta = objectOf(pod.metadata);
  const { reason, ready, restarts } = summaryOf(pod);
  const total = listOf(at(pod, 'spec', 'containers')).length;
  return [
    textOf(meta.name),
    `${ready}/${total}`,
    deletionReason(pod) ?? reason,
    String(restarts),
    ageOf(meta.creationTimestamp, now),
    textOf(at(pod, 'status', 'podIP')) || '<none>',
    textOf(at(pod, 'spec', 'nodeName')) || '<none>',
    textOf(at(pod, 'status', 'nominatedNodeName')) || '<none>',
    readinessGates(pod),
  ];
}

function summaryOf(pod: JsonObject): Summary {
  const status = objectOf(pod.status);
  let reason = textOf(status.reason) || textOf(status.phase);
  const scheduled = conditionOf(status, 'PodScheduled');
  if (scheduled?.reason === 'SchedulingGated') reason = 'SchedulingGated';
  let ready = 0;
  let restarts = 0;
  let hasRunning = false;
  for (const container of listOf(status.containerStatuses).map(objectOf).toReversed()) {
    restarts += numberOf(container.restartCount) ?? 0;
    const { waiting, terminated, running } = objectOf(container.state);
    if (isObject(waiting) && textOf(waiting.reason) !== '') reason = textOf(waiting.reason);
    else if (isObject(terminated)) {
      const exit = numberOf(terminated.signal) ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
      reason = textOf(terminated.reason) || exit;
    } else if (container.ready === true && isObject(running)) {
      hasRunning = true;
      ready += 1;
    }
  }
  if (reason === 'Completed' && hasRunning) {
    reason = conditionOf(status, 'Ready')?.status === 'True' ? 'Running' : 'NotReady';
  }
  return { reason, ready, restarts };
}

function conditionOf(status: JsonObject, type: string): JsonObject | undefined {
  return listOf(status.conditions)
    .map(objectOf)
    .find((one) => one.type === type);
}

/** The status of a Pod that is being deleted. */
function deletionReason({ metadata, status }: JsonObject): string | undefined {
  if (objectOf(metadata).deletionTimestamp === undefined) return undefined;
  const { reason, phase } = objectOf(status);
  if (reason === 'NodeLost') return 'Unknown';
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
}

function readinessGates(pod: JsonObject): string {
  const gates = listOf(at(pod, 'spec', 'readinessGates'));
  if (gates.length === 0) return '<none>';
  const status = objectOf(pod.status);
  const open = gates.filter((gate) => conditionOf(status, textOf(objectOf(gate).conditionType))?.status === 'True');
  return `${open.length}/${gates.length}`;
}
