/**
 * The rejection annotations on Pods: reason, sentence and marker are written and removed together in one patch. A reason that, according to
 * the marker, we did not write is never overwritten and never removed.
 */
import { type PatchMeta, refOf } from '../../core/action.ts';
import { annotationOf } from '../../core/meta.ts';
import { POD, type Pod } from '../../core/objects.ts';
import { clip } from '../../core/text.ts';
import { formatMarker, type Marker, parseMarker } from '../model/report.ts';
import { type FailureReason, MESSAGE_SUFFIX, REJECTION_MARKER } from '../names.ts';

export interface Rejection {
  readonly node: string;
  readonly session: string;
  /** Key of the annotation. */
  readonly annotation: string;
  readonly reason: FailureReason;
  readonly message: string;
}

function markerOf(pod: Pod): Marker | undefined {
  const annotation = annotationOf(pod, REJECTION_MARKER);
  return annotation === undefined ? undefined : parseMarker(annotation);
}

/** Whether the Pod's reason under `key` is the one that the marker records as ours. */
function isOurs(pod: Pod, key: string, marker: Marker | undefined): boolean {
  return marker !== undefined && marker.annotation === key && annotationOf(pod, key) === marker.reason;
}

/** The change that removes what the marker records as ours; nothing if somebody has replaced it since. */
function withoutOurs(pod: Pod, marker: Marker): Readonly<Record<string, null>> {
  const { annotation } = marker;
  return isOurs(pod, annotation, marker) ? { [annotation]: null, [annotation + MESSAGE_SUFFIX]: null } : {};
}

/** @returns nothing if the Pod already carries this rejection, or somebody else's. */
export function mark(pod: Pod, rejection: Rejection): readonly PatchMeta[] {
  const { node, session, annotation, reason, message } = rejection;
  const marker = markerOf(pod);
  const isForeign = annotationOf(pod, annotation) !== undefined && !isOurs(pod, annotation, marker);
  const isDone = marker?.session === session && marker.reason === reason && isOurs(pod, annotation, marker);
  if (isForeign || isDone) return [];
  return [
    {
      do: 'patchMeta',
      target: refOf(POD, pod),
      resourceVersion: pod.metadata.resourceVersion,
      annotations: {
        ...(marker !== undefined && marker.annotation !== annotation && withoutOurs(pod, marker)),
        [annotation]: reason,
        [annotation + MESSAGE_SUFFIX]: clip(message),
        [REJECTION_MARKER]: formatMarker({ node, session, annotation, reason }),
      },
    },
  ];
}

/** Removes what we wrote. If somebody has replaced our reason since, only the marker is removed. */
export function unmark(pod: Pod): readonly PatchMeta[] {
  if (annotationOf(pod, REJECTION_MARKER) === undefined) return [];
  const marker = markerOf(pod);
  return [
    {
      do: 'patchMeta',
      target: refOf(POD, pod),
      resourceVersion: pod.metadata.resourceVersion,
      annotations: { ...(marker !== undefined && withoutOurs(pod, marker)), [REJECTION_MARKER]: null },
    },
  ];
}

/** Whether the marked Pod belongs to the session: written by it, and still on its Node. */
export function belongsTo(pod: Pod, node: string, session: string): boolean {
  return pod.spec.nodeName === node && markerOf(pod)?.session === session;
}
