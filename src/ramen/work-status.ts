/**
 * The status of a ManifestWork, computed from the results of its manifests. Ramen treats a work as applied if `Applied` and `Available` are
 * True and `Degraded` is not, whatever generation they were observed at: so `Applied` is False from the moment at which a new generation is
 * noticed until the managed cluster holds it.
 */

import { clip } from '../core/text.ts';
import { rfc3339 } from '../core/timestamps.ts';
import { APPLICATION_GONE } from './names.ts';
import type { ManifestStatus, ResourceMeta, WorkCondition, WorkStatus } from './objects.ts';

export type ManifestOutcome =
  /** The API server accepted it, and returned the object. */
  | { readonly is: 'applied' }
  /** This generation was not tried yet. */
  | { readonly is: 'pending' }
  /** It is on the cluster and cannot be applied while a condition lasts, or it has to go and is not gone. */
  | { readonly is: 'waiting'; readonly message: string }
  | { readonly is: 'failed'; readonly message: string };

export interface ManifestResult {
  readonly meta: ResourceMeta;
  readonly outcome: ManifestOutcome;
  /** Whether the manifest has left the work, and only its object's removal is awaited. */
  readonly isLeaving: boolean;
}

const MAX_NAMED = 5;

/** @param gone the application that the work has outlived. */
export function workStatus(
  results: readonly ManifestResult[],
  before: WorkStatus,
  {
    generation,
    nowMs,
    gone,
  }: { readonly generation: number; readonly nowMs: number; readonly gone?: string | undefined },
): WorkStatus {
  const now = rfc3339(nowMs);
  const conditionsBefore = new Map(before.manifests.map((each) => [metaKey(each.resourceMeta), each.conditions]));
  const manifests = results.map(({ meta, outcome, isLeaving }): ManifestStatus => {
    const old = conditionsBefore.get(metaKey(meta)) ?? [];
    const wanted = isLeaving ? leavingConditions(outcome) : manifestConditions(outcome, old);
    return {
      resourceMeta: meta,
      conditions: wanted.map((each) => dated({ ...each, observedGeneration: generation }, old, now)),
    };
  });
  const applicationGone: Wanted = {
    type: APPLICATION_GONE,
    status: 'True',
    reason: 'DRPlacementControlGone',
    message: clip(`DRPlacementControl ${gone} is gone and nobody deletes this work`),
  };
  const wanted = [...workConditions(results, before.conditions), ...(gone === undefined ? [] : [applicationGone])];
  const conditions = wanted.map((each) => dated({ ...each, observedGeneration: generation }, before.conditions, now));
  return { conditions, manifests };
}

/** The generation of the last status; 0 for a work without one. */
export function observedGeneration(status: WorkStatus): number {
  return status.conditions.find(({ type }) => type === 'Applied')?.observedGeneration ?? 0;
}

type Wanted = Required<Pick<WorkCondition, 'type' | 'status' | 'reason' | 'message'>>;

function workConditions(results: readonly ManifestResult[], before: readonly WorkCondition[]): readonly Wanted[] {
  const failed = results.filter(({ outcome }) => outcome.is === 'failed' || outcome.is === 'waiting');
  const pending = results.filter(({ outcome }) => outcome.is === 'pending');
  if (pending.length > 0) {
    const available = before.find(({ type }) => type === 'Available');
    return [
      { type: 'Applied', status: 'False', reason: 'NewGeneration', message: 'This generation is not applied yet' },
      {
        type: 'Available',
        status: available?.status ?? 'Unknown',
        reason: available?.reason ?? 'ResourcesStatusUnknown',
        message: available?.message ?? 'Nothing is known yet of the resources',
      },
      { type: 'Progressing', status: 'True', reason: 'Applying', message: 'The manifests are being applied' },
      { type: 'Degraded', status: 'False', reason: 'Applying', message: '' },
    ];
  }
  if (failed.length > 0) {
    const isDegraded = failed.some(({ outcome }) => outcome.is === 'failed');
    const message = summaryOf(failed, results.length);
    return [
      { type: 'Applied', status: 'False', reason: 'AppliedManifestWorkFailed', message },
      { type: 'Available', status: 'False', reason: 'ResourcesNotAvailable', message },
      { type: 'Progressing', status: 'True', reason: 'Retrying', message },
      {
        type: 'Degraded',
        status: isDegraded ? 'True' : 'False',
        reason: isDegraded ? 'ManifestsFailed' : 'Waiting',
        message,
      },
    ];
  }
  return [
    { type: 'Applied', status: 'True', reason: 'AppliedManifestWorkComplete', message: 'Apply manifest work complete' },
    { type: 'Available', status: 'True', reason: 'ResourcesAvailable', message: 'All resources are available' },
    { type: 'Progressing', status: 'False', reason: 'Completed', message: 'All manifests are applied' },
    { type: 'Degraded', status: 'False', reason: 'AsExpected', message: '' },
  ];
}

function manifestConditions(outcome: ManifestOutcome, old: readonly WorkCondition[]): readonly Wanted[] {
  switch (outcome.is) {
    case 'applied':
      return [
        { type: 'Applied', status: 'True', reason: 'AppliedManifestComplete', message: 'Apply manifest complete' },
        { type: 'Available', status: 'True', reason: 'ResourceAvailable', message: 'Resource is available' },
      ];
    case 'pending': {
      const available = old.find(({ type }) => type === 'Available');
      return [
        { type: 'Applied', status: 'False', reason: 'NewGeneration', message: 'This generation is not applied yet' },
        {
          type: 'Available',
          status: available?.status ?? 'Unknown',
          reason: available?.reason ?? 'ResourceStatusUnknown',
          message: available?.message ?? '',
        },
      ];
    }
    case 'waiting':
    case 'failed': {
      const message = clip(outcome.message);
      return [
        { type: 'Applied', status: 'False', reason: 'AppliedManifestFailed', message },
        { type: 'Available', status: 'False', reason: 'ResourceNotAvailable', message },
      ];
    }
  }
}

function leavingConditions(outcome: ManifestOutcome): readonly Wanted[] {
  const message = outcome.is === 'failed' || outcome.is === 'waiting' ? clip(outcome.message) : 'It is to be removed';
  return [{ type: 'Applied', status: 'False', reason: 'ManifestRemoved', message }];
}

function summaryOf(failed: readonly ManifestResult[], total: number): string {
  const named = failed
    .slice(0, MAX_NAMED)
    .map(({ outcome }) => ('message' in outcome ? clip(outcome.message, 300) : ''));
  const more = failed.length > MAX_NAMED ? `; and ${failed.length - MAX_NAMED} more` : '';
  return clip(`${failed.length} of ${total} resources are not applied: ${named.join('; ')}${more}`);
}

/** `lastTransitionTime` changes only with the status. */
function dated(
  wanted: Wanted & { readonly observedGeneration: number },
  before: readonly WorkCondition[],
  now: string,
): WorkCondition {
  const old = before.find(({ type }) => type === wanted.type);
  const isSame = old?.status === wanted.status && old.lastTransitionTime !== undefined;
  return { ...wanted, lastTransitionTime: isSame ? old.lastTransitionTime : now };
}

function metaKey({ group, kind, namespace, name }: ResourceMeta): string {
  return JSON.stringify([group, kind, namespace, name]);
}
