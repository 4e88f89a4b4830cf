/** The writes of machine drain on a Node and on its Machine, one function for each. */
import { type Action, refOf } from '../../core/action.ts';
import { DRAIN_ANNOTATION, DRAIN_LABEL, MACHINE_TAINT } from '../../core/machine-keys.ts';
import { MACHINE, type Machine } from '../../core/machine-objects.ts';
import { annotationOf } from '../../core/meta.ts';
import { type KubeObject, NODE } from '../../core/objects.ts';
import { KEYS, type Question } from '../questions.ts';
import { APPROVED_ANNOTATION } from './names.ts';
import type { DrainObserved, NodeInDrain } from './observed.ts';
import { type DrainRecord, formatRecord, recordOf } from './record.ts';

export const isMarked = ({ isFenced, approved }: NodeInDrain): boolean => isFenced || approved.length > 0;

export const fence = (node: KubeObject): Action => ({
  do: 'setTaint',
  target: refOf(NODE, node),
  taint: MACHINE_TAINT,
  isSet: true,
  labels: { [DRAIN_LABEL]: 'true' },
});

/**
 * Sets our approvals, marked as ours; guarded by the version of the Node that carries the request.
 *
 * @param approved those that exist already.
 */
export function approval(node: KubeObject, approved: readonly Question[], wanted: readonly Question[]): Action {
  return {
    do: 'patchMeta',
    target: refOf(NODE, node),
    resourceVersion: node.metadata.resourceVersion,
    labels: Object.fromEntries(wanted.map((question) => [KEYS[question].approval, 'true'])),
    annotations: { [APPROVED_ANNOTATION]: [...new Set([...approved, ...wanted])].join(',') },
  };
}

/** Approvals are removed first: without the fence, the session ends that they were given for. */
export function withdraw(node: KubeObject, { isFenced, approved }: NodeInDrain): readonly Action[] {
  const target = refOf(NODE, node);
  const labels = Object.fromEntries(approved.map((question) => [KEYS[question].approval, null]));
  return [
    ...(approved.length === 0
      ? []
      : [{ do: 'patchMeta', target, labels, annotations: { [APPROVED_ANNOTATION]: null } } as const]),
    ...(isFenced ? [{ do: 'setTaint', target, taint: MACHINE_TAINT, isSet: false } as const] : []),
  ];
}

export const unlabel = (node: KubeObject): Action => ({
  do: 'patchMeta',
  target: refOf(NODE, node),
  labels: { [DRAIN_LABEL]: null },
});

/** @returns nothing if the Machine has this record already. */
export function record(
  machine: Machine,
  { nowMs }: Pick<DrainObserved, 'nowMs'>,
  next: Pick<DrainRecord, 'state' | 'reason' | 'message'>,
): readonly Action[] {
  const before = recordOf(machine);
  const isSame = before?.state === next.state && before.reason === next.reason;
  // A waiting Machine keeps its place, whatever it waits for.
  const keepsTime = isSame || (before?.state === 'Waiting' && next.state === 'Waiting');
  const since = keepsTime && next.state !== 'Rejected' ? before.since : new Date(nowMs).toISOString();
  const text = formatRecord({ ...next, since });
  if (isSame && next.state !== 'Rejected' && text === annotationOf(machine, DRAIN_ANNOTATION)) return [];
  return [annotate(machine, text)];
}

export function forget(machine: Machine): readonly Action[] {
  return annotationOf(machine, DRAIN_ANNOTATION) === undefined ? [] : [annotate(machine, null)];
}

/** Guarded by the version: a request that was taken back meanwhile must not be acted on. */
function annotate(machine: Machine, text: string | null): Action {
  const { resourceVersion } = machine.metadata;
  return {
    do: 'patchMeta',
    target: refOf(MACHINE, machine),
    resourceVersion,
    annotations: { [DRAIN_ANNOTATION]: text },
  };
}
