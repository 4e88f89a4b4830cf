/**
 * Members that are missing because of our own maintenance: the one notion of it, for the queue, budgets, quorum and the exit.
 *
 * At admission a session stores, of each workload whose Pods will leave, how many members are ready, and how many of these
 * leave. Compared is that number with today's, whichever Pods these are: a replacement that cannot be created is as missing as
 * one that is not ready. Nothing depends on when a Pod was created, by whichever clock.
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

/** A member that serves: one that is on its way out is missing already, though it may still be ready. */
export function isServing(pod: Pod): boolean {
  return isReady(pod) && !isDeleting(pod);
}

/** The members of a workload, as the caches see them at one moment. */
export interface Members {
  /** Those that serve, anywhere; where the controller has `minReadySeconds`, those that it calls available. */
  readonly ready: number;
  /** Those of them on the Node of the session. */
  readonly here: number;
  /** How many its owner asks for now; absent where that is not known. */
  readonly asked?: number;
  /** Whether it has any Pod, in whichever state. */
  readonly isThere: boolean;
  /** Of its Pods, as far as it says where they run. */
  readonly template?: PodTemplate;
}

/** By the workload's UID. */
export type MembersByWorkload = Readonly<Record<string, Members>>;

/**
 * The workloads whose ready Pods will leave, with what they have at this moment. Pinned Pods and those of a DaemonSet are to come
 * back to this Node, others may be ready anywhere. What was not ready before the maintenance need not be after it.
 *
 * @param known What an earlier drain of the Node displaced and is still missing: that stays awaited.
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
 * @param membersOf today's members; undefined where they are not known, and nothing is awaited.
 * @param isAway whether the Node is away: what only it can run is not expected yet.
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

/** Never more than the session took, nor more than the owner asks for: other members may have failed since for other reasons. */
function missingOf({ ready = 0, here, leaving = here }: Workload, now: Members, isAway: boolean): number {
  const pinned = Math.max(0, here - now.here);
  const elsewhere = Math.min(Math.max(0, leaving - here), Math.max(0, ready - now.ready - pinned));
  const asked = now.asked === undefined ? Number.POSITIVE_INFINITY : now.asked - now.ready;
  return Math.max(0, Math.min((isAway ? 0 : pinned) + elsewhere, asked));
}

const describe = ({ kind, namespace, name }: Controller): string => `${kind} ${namespace}/${name}`;

/** A short sentence part, such as `2 of StatefulSet shop/db, 1 of DaemonSet storage/csi`; at most three controllers by name. */
export function describeMissing(missing: readonly Missing[]): string {
  const named = missing.slice(0, 3).map(({ workload, pods }) => `${pods} of ${describe(workload)}`);
  return missing.length > 3 ? `${named.join(', ')} and ${missing.length - 3} more controllers` : named.join(', ');
}
