/** Counts the members of workloads: those that serve, and those that their owners ask for. */
import { isDeleting } from '../../core/meta.ts';
import type { PodController } from '../../core/objects.ts';
import type { Controller } from '../model/report.ts';
import { isServing, type Members } from '../model/workloads.ts';
import type { ClusterView } from './cluster-view.ts';
import { demandsOf, isAdmittedBy } from './pinning.ts';

/** Counts the members of a workload, from the point of view of a Node's session. */
export type CountMembers = (workload: Controller, nodeName: string) => Members;

/** Counts each workload once per observation, for any number of callers. */
export function memberCounter(view: ClusterView): CountMembers {
  const known = new Map<string, Members>();
  return (workload, nodeName) => {
    const key = `${workload.uid} ${nodeName}`;
    const members = known.get(key) ?? membersOf(workload, nodeName, view);
    known.set(key, members);
    return members;
  };
}

function membersOf(workload: Controller, nodeName: string, view: ClusterView): Members {
  const own = view.controller(workload);
  const replicaSets = view.replicaSetsOf(workload.uid);
  const counts = [
    countOf(workload.uid, own, nodeName, view),
    ...replicaSets.map((replicaSet) => countOf(replicaSet.metadata.uid, replicaSet, nodeName, view)),
  ];
  const ready = counts.reduce((sum, count) => sum + count.available, 0);
  const here = counts.reduce((sum, count) => sum + count.here, 0);
  const asked = replicaSets.length > 0 ? sumAsked(replicaSets) : askedBy(workload, own, nodeName, view);
  // A rollout creates Pods from the last template.
  const template = [own, ...replicaSets.filter(({ spec }) => spec.replicas !== 0)].findLast(
    (each) => each !== undefined,
  )?.spec.template;
  const isThere = view.membersOf(workload.uid).length > 0;
  return { ready, here, isThere, ...(asked !== undefined && { asked }), ...(template !== undefined && { template }) };
}

/**
 * With `minReadySeconds` the controller decides which Pods are available: its status and the Pods arrive by different watches, and the
 * lower number counts. The status does not say which Pods are not available yet; those on this Node are assumed to be among them first.
 */
function countOf(uid: string, controller: PodController | undefined, nodeName: string, view: ClusterView) {
  const serving = view.podsOf(uid).filter(isServing);
  const here = serving.filter(({ spec }) => spec.nodeName === nodeName).length;
  const most =
    (controller?.spec.minReadySeconds ?? 0) > 0 ? (controller?.status.availableReplicas ?? 0) : serving.length;
  const available = Math.min(serving.length, most);
  return { available, here: Math.max(0, here - (serving.length - available)) };
}

/**
 * How many members are wanted now: none if the owner was deleted. A Deployment, like any other owner of ReplicaSets, asks through these; a
 * DaemonSet asks for its Pod if its template admits the Node.
 *
 * @returns undefined if it is not known: owners of other kinds are not watched.
 */
function askedBy(
  workload: Controller,
  own: PodController | undefined,
  nodeName: string,
  view: ClusterView,
): number | undefined {
  if (workload.kind === 'Deployment') return 0;
  if (!view.knowsKind(workload)) return undefined;
  if (own === undefined || isDeleting(own)) return 0;
  if (workload.kind === 'DaemonSet') return isWantedOn(nodeName, own, view) ? undefined : 0;
  return own.spec.replicas ?? 1;
}

function sumAsked(replicaSets: readonly PodController[]): number {
  return replicaSets
    .filter((replicaSet) => !isDeleting(replicaSet))
    .reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
}

function isWantedOn(nodeName: string, { spec: { template = {} } }: PodController, view: ClusterView): boolean {
  const node = view.node(nodeName);
  return node !== undefined && isAdmittedBy(node, demandsOf(template, []));
}
