/**
 * Explains the state of a Pod in the maintenance of its Node, from the annotations of both.
 *
 * States, first match wins:
 *
 * - `Unscheduled`: it runs on no Node, so no maintenance concerns it.
 * - `NodeUnknown`: its Node cannot be found, or the caller may not read it.
 * - `Rejected`: the maintenance was rejected, and the Pod carries our annotation about it.
 * - `ForeignRejection`: it has a rejection of another client, which is never overwritten.
 * - `Blocking`: the report names it among those that are in the way.
 * - `Leaving`: its deletion has begun.
 * - `Pending`: its Node's maintenance is judged, queued, or draining, and this Pod does not block it.
 * - `Staying`: its Node is in maintenance or leaves it, and the Pod runs there; or the maintenance was rejected for other Pods.
 * - `Idle`: no maintenance of its Node is requested.
 */
import type { Explanation } from '../../core/explanation.ts';
import { annotationOf, isDeleting, keyOf } from '../../core/meta.ts';
import type { Node, Pod } from '../../core/objects.ts';
import type { Seen } from '../../core/ports.ts';
import { parseMarker, parseReport, type Report } from '../model/report.ts';
import { MESSAGE_SUFFIX, REJECTION_MARKER, REPORT_ANNOTATION } from '../names.ts';
import type { TmmSettings } from '../settings.ts';
import { formatBlockers } from './blockers.ts';
import { releaseOf } from './node.ts';

type Judged = Pick<Explanation, 'state' | 'outlook' | 'isUnderWay' | 'summary' | 'waitsFor' | 'reason'>;

/** @param node the one that the Pod names; `absent` also if it names none, `unknown` if the caller may not read it. */
export function explainPod(
  pod: Pod,
  node: Seen<Node>,
  settings: Pick<TmmSettings, 'taints' | 'rejectionAnnotation'>,
): Explanation {
  const found = node.is === 'present' ? node.object : undefined;
  const seen = parseReport(found && annotationOf(found, REPORT_ANNOTATION));
  const report = seen.is === 'valid' ? seen.report : undefined;
  const release = found && releaseOf(found, settings.taints);
  const judged = judge(pod, found, report, settings, node.is === 'unknown');
  const inTheWay = report?.blockedBy.filter((each) => judged.state === 'Rejected' || each.pod === keyOf(pod)) ?? [];
  return {
    kind: 'Pod',
    name: keyOf(pod),
    ...judged,
    ...(judged.isUnderWay && report !== undefined && { since: report.since }),
    ...(judged.isUnderWay && report?.deadline !== undefined && { deadline: report.deadline }),
    ...(judged.isUnderWay && release !== undefined && { release }),
    ...(inTheWay.length > 0 && { blockedBy: inTheWay }),
    details: [
      nodeLine(pod, report, judged.summary),
      ...(seen.is === 'invalid' ? [`The Node's report cannot be read: ${seen.why}`] : []),
      ...(judged.state === 'Blocking'
        ? inTheWay.map(({ remedy }) => `What to do: ${remedy}`)
        : formatBlockers(inTheWay)),
    ],
  };
}

/** @param said the text that the reader has already read. */
function nodeLine({ spec }: Pod, report: Report | undefined, said: string): string {
  const parts = [spec.nodeName ?? 'none', ...(report === undefined ? [] : [report.phase])];
  const message = report === undefined || report.message === said ? '' : `: ${report.message}`;
  return `Node: ${parts.join(', ')}${message}`;
}

function judge(
  pod: Pod,
  node: Node | undefined,
  report: Report | undefined,
  settings: Pick<TmmSettings, 'taints' | 'rejectionAnnotation'>,
  isUnknown: boolean,
): Judged {
  const rejection = rejectionOf(pod, settings);
  if (rejection !== undefined) return rejection;
  const { nodeName } = pod.spec;
  if (nodeName === undefined) return idle('Unscheduled', 'It runs on no Node yet');
  if (node === undefined) return idle('NodeUnknown', `Its Node ${nodeName} cannot be ${isUnknown ? 'seen' : 'found'}`);
  const blocker = report?.blockedBy.find((each) => each.pod === keyOf(pod));
  if (blocker !== undefined) {
    const summary = `${blocker.detail} (${blocker.cause})`;
    return { state: 'Blocking', outlook: 'Waiting', isUnderWay: true, summary };
  }
  if (isDeleting(pod)) {
    const waitsFor = 'its containers, which stop within the grace period';
    return { state: 'Leaving', outlook: 'Moving', isUnderWay: true, summary: 'Its deletion has begun', waitsFor };
  }
  if (report === undefined) return idle('Idle', 'Nobody asks its Node for maintenance');
  if (report.phase === 'InMaintenance' || report.phase === 'Exiting') {
    return { state: 'Staying', outlook: 'Moving', isUnderWay: true, summary: 'It runs on during the maintenance' };
  }
  if (report.phase === 'Rejected') {
    const rejected = 'It runs on: the maintenance of its Node was rejected';
    return { state: 'Staying', outlook: 'Idle', isUnderWay: false, summary: rejected };
  }
  const summary = 'Nothing is said against its leaving, or it may stay';
  return { state: 'Pending', outlook: 'Moving', isUnderWay: true, summary, waitsFor: `the maintenance of ${nodeName}` };
}

const idle = (state: string, summary: string): Judged => ({ state, outlook: 'Idle', isUnderWay: false, summary });

/** Our rejection is found by the marker, whatever key was configured when it was written; another one only under a key configured today. */
function rejectionOf(
  pod: Pod,
  { taints, rejectionAnnotation }: Pick<TmmSettings, 'taints' | 'rejectionAnnotation'>,
): Judged | undefined {
  const marker = parseMarker(annotationOf(pod, REJECTION_MARKER) ?? '');
  const isRejected = { outlook: 'Stuck', isUnderWay: true } as const;
  if (marker !== undefined && annotationOf(pod, marker.annotation) === marker.reason) {
    const { annotation, node, reason } = marker;
    const message = annotationOf(pod, annotation + MESSAGE_SUFFIX);
    const summary = message ?? `The maintenance of Node ${node} was rejected`;
    const waitsFor = `the user, who ends the request on Node ${node} or removes what is in the way and asks again`;
    return { state: 'Rejected', ...isRejected, reason, summary, waitsFor };
  }
  const keys = new Set([rejectionAnnotation, ...taints.flatMap(({ rejectionAnnotation: own }) => own ?? [])]);
  const key = [...keys].find((each) => annotationOf(pod, each) !== undefined);
  if (key === undefined) return undefined;
  return {
    state: 'ForeignRejection',
    ...isRejected,
    reason: annotationOf(pod, key) ?? '',
    summary: `Its annotation ${key} was not written by this bridge, which leaves it as it is`,
    waitsFor: 'whoever wrote it',
  };
}
