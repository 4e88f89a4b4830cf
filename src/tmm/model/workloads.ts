/**
 * Members that are missing because of our own maintenance: the single definition of it, for the queue, budgets, quorum and the exit.
 *
 * At admission a session stores, for each workload whose Pods will leave, how many members are ready, and how many of these leave. Later
 * this number is compared with the current one, whichever Pods these are: a replacement that cannot be created is as missing as one that is
 * not ready. Nothing depends on when a Pod was created, by whichever clock.
 */
import { controllerOf, isDeleting, isReady } from '../../core/meta.ts';
import type { KubeObject, Pod, PodTemplate } from '../../core/objects.ts';
import type { RelatedPod } from './related-pods.ts';
import type { Controller, Workload } from './report.ts';

const OWN_GROUPS: readonly string[] = ['', 'apps', 'batch'];

/** The controller that an object names. */
export function controllerNamed(object: KubeObject): Controller | undefined {
  const owner = controllerOf(object);
  if (owner === undefined) return undefined;
  const { apiVersion, kind, name, uid } = owner;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const qualified = OWN_GROUPS.includes(group) ? kind : `${kind}.${group}`;
  return { kind: qualified, namespace: object.metadata.namespace ?? '', name, uid };
}

/** Whether a member serves: a terminating one counts as missing already, though it may still be ready. */
export function isServing(pod: Pod): boolean {
  return isReady(pod) && !isDeleting(pod);
}

/** The members of a workload, as the caches see them at one moment. */
export interface Members {
  /** Members that serve, on any Node; if the controller has `minReadySeconds`, those that it reports as available. */
  readonly ready: number;
  /** The part of `ready` on the Node of the session. */
  readonly here: number;
  /** How many its owner asks for now; absent if that is not known. */
  readonly asked?: number;
  /** Whether it has any Pod, in whichever state. */
  readonly isThere: boolean;
  /** The template of its Pods, if it determines where they run. */
  readonly template?: PodTemplate;
}

/** By the workload's UID. */
export type MembersByWorkload = Readonly<Record<string, Members>>;

/**
 * The workloads whose ready Pods will leave, with their current numbers of members. Pinned Pods and those of a DaemonSet have to come back
 * to this Node, others may be ready anywhere. Members that were not ready before the maintenance need not be ready after it.
 *
 * @param known what an earlier drain of the Node displaced and is still missing: the session keeps waiting for it.
 */
export function displacedWorkloads(
  related: readonly RelatedPod[],
  members: MembersByWorkload = {},
  known: readonly Workload[] = [],
): readonly Workload[] {
  const found = new Map(known.map((workload) => [workload.uid, workload]));
  for (const { pod, workload = controllerNamed(pod), isPinned, fate } of related) {
    if (workload === undefined || !isServing(pod)) continue;
    const { uid } = workload;
    const before = found.get(uid);
    found.set(uid, {
      ...workload,
      here: (before?.here ?? 0) + (isPinned || fate.ofDaemonSet ? 1 : 0),
      ready: Math.max(before?.ready ?? 0, members[uid]?.ready ?? 0),
      leaving: (before?.leaving ?? 0) + 1,
    });
  }
  return [...found.values()].sort((a, b) => (describe(a) < describe(b) ? -1 : 1));
}

/** A workload that is not ready again, and how many of its members are missing. */
export interface Missing {
  readonly workload: Workload;
  readonly pods: number;
}

/**
 * @param membersOf the current members; undefined if they are not known, and then the session does not wait for the workload.
 * @param isAway whether the Node is away: Pods that only it can run are not expected yet.
 */
export function missingFrom(
  workloads: readonly Workload[],
  membersOf: (workload: Workload) => Members | undefined,
  isAway = false,
): readonly Missing[] {
  return workloads.flatMap((workload): Missing[] => {
    const now = membersOf(workload);
    const pods = now === undefined ? 0 : missingOf(workload, now, isAway);
    return pods > 0 ? [{ workload, pods }] : [];
  });
}

/** At most as many as the session displaced, and as the owner asks for: other members may have failed since for other reasons. */
function missingOf({ ready = 0, here, leaving = here }: Workload, now: Members, isAway: boolean): number {
  const pinned = Math.max(0, here - now.here);
  const elsewhere = Math.min(Math.max(0, leaving - here), Math.max(0, ready - now.ready - pinned));
  const asked = now.asked === undefined ? Number.POSITIVE_INFINITY : now.asked - now.ready;
  return Math.max(0, Math.min((isAway ? 0 : pinned) + elsewhere, asked));
}

const describe = ({ kind, namespace, name }: Controller): string => `${kind} ${namespace}/${name}`;

/**
 * Describes what is missing as part of a sentence, such as `2 of StatefulSet shop/db, 1 of DaemonSet storage/csi`; names at most three
 * controllers.
 */
export function describeMissing(missing: readonly Missing[]): string {
  const named = missing.slice(0, 3).map(({ workload, pods }) => `${pods} of ${describe(workload)}`);
  return missing.length > 3 ? `${named.join(', ')} and ${missing.length - 3} more controllers` : named.join(', ');
}
