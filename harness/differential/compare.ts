/** Compares a recording of the real scheduler with our simulation. */

import type { Pod } from '../../src/core/objects.ts';
import { Cluster, type ClusterInput, type NodeState } from '../../src/core/scheduling/cluster.ts';
import { simulate } from '../../src/core/scheduling/fit.ts';
import { moversOf } from '../../src/core/scheduling/mover.ts';
import { finish } from '../../src/core/scheduling/steps.ts';
import { type Trim, trimMeta, trimNode, trimPod } from '../../src/kube/objects/trim.ts';
import {
  trimCsiNode,
  trimPersistentVolume,
  trimPersistentVolumeClaim,
  trimStorageClass,
} from '../../src/kube/objects/trim-storage.ts';
import { storageOf } from '../builders/storage.ts';
import type { Recording, Snapshot, Step } from './cluster-case.ts';

/**
 * - `Refused`: the scheduler chose a Node that we refuse. This is the worst case: we would report "does not fit" for Pods that fit.
 * - `Accepted`: the scheduler found no Node, but we would take one.
 * - `Reasons`: both found no Node, but for different reasons.
 * - `Together`: the scheduler placed all of them, but we report that they do not fit together.
 * - `Assignment`: we report that they fit together, but the scheduler refuses the assignment that we found.
 */
export interface Disagreement {
  readonly kind: 'Refused' | 'Accepted' | 'Reasons' | 'Together' | 'Assignment';
  readonly pod: string;
  readonly detail: string;
}

export interface Comparison {
  /** Answers of the scheduler, each for one Pod. */
  readonly decisions: number;
  readonly disagreements: readonly Disagreement[];
  /** Neither the scheduler nor we have placed all of them: another order might. */
  readonly isNo: boolean;
  /** Our placement of all Pods if the scheduler, which placed them one by one, failed: Nodes by Pods, in the order of placing. */
  readonly betterAssignment?: ReadonlyMap<string, string>;
}

export function compare(recording: Recording): Comparison {
  const [first] = recording;
  if (first === undefined) return { decisions: 0, disagreements: [], isNo: false };
  const disagreements = recording.flatMap(compareStep);
  const pods = recording.map(({ pod }) => trimmed(trimPod, pod));
  const { unplaced, placements } = simulate({ ...inputOf(first.before), pods });
  const placedAll = recording.every(({ answer }) => 'node' in answer);
  const [one] = unplaced;
  if (placedAll && one !== undefined) disagreements.push({ kind: 'Together', pod: one.pod, detail: one.why });
  const isBetter = !placedAll && one === undefined;
  const isNo = !placedAll && one !== undefined;
  return { decisions: recording.length, disagreements, isNo, ...(isBetter && { betterAssignment: placements }) };
}

function compareStep({ before, pod: raw, answer }: Step): readonly Disagreement[] {
  const pod = trimmed(trimPod, raw);
  const { nodes, kind } = askAbout(pod, before);
  const disagreement = (name: Disagreement['kind'], detail: string): readonly Disagreement[] => [
    { kind: name, pod: pod.metadata.name, detail },
  ];
  if ('node' in answer) {
    const chosen = nodes.filter(({ name }) => name === answer.node);
    const isAccepted =
      chosen.length === 1 && kind.candidates.some((node) => chosen.includes(node) && kind.accepts(node));
    return isAccepted ? [] : disagreement('Refused', `${answer.node}: ${kind.reasonsAgainst(chosen).join(', ')}`);
  }
  const accepted = kind.candidates.find((node) => kind.accepts(node));
  if (accepted !== undefined) return disagreement('Accepted', `${accepted.name}; scheduler: ${answer.message}`);
  const ours = new Set(kind.reasonsAgainst(nodes));
  // With affinity to Nodes by name the scheduler considers no others, and gives no reasons for these.
  const isSame = answer.message.includes("didn't satisfy plugin(s)") || isEqual(ours, reasonsIn(answer.message));
  return isSame ? [] : disagreement('Reasons', `${[...ours].join(', ')}; scheduler: ${answer.message}`);
}

function askAbout(pod: Pod, snapshot: Snapshot) {
  const cluster = finish(Cluster.prepare(inputOf(snapshot), [pod]));
  const [mover] = finish(moversOf(cluster));
  if (mover === undefined) throw new Error('One Pod makes one mover');
  return { nodes: cluster.nodes, kind: mover.kind };
}

function isEqual(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((each) => b.has(each));
}

/** `0/3 nodes are available: 2 Insufficient cpu, 1 Too many pods. preemption: …` */
export function reasonsIn(message: string): ReadonlySet<string> {
  const [, reasons = ''] = /^0\/\d+ nodes are available: (.*?)\.(?: |$)/s.exec(message) ?? [];
  return new Set(reasons.split(', '));
}

function inputOf(snapshot: Snapshot): ClusterInput {
  const pods = snapshot.pods.map((pod) => trimmed(trimPod, pod));
  const on = (name: string): readonly Pod[] => pods.filter(({ spec }) => spec.nodeName === name);
  return {
    nodes: snapshot.nodes.map((raw): NodeState => {
      const node = trimmed(trimNode, raw);
      return { node, pods: on(node.metadata.name) };
    }),
    storage: storageOf({
      claims: snapshot.claims.map((raw) => trimmed(trimPersistentVolumeClaim, raw)),
      volumes: snapshot.volumes.map((raw) => trimmed(trimPersistentVolume, raw)),
      classes: snapshot.classes.map((raw) => trimmed(trimStorageClass, raw)),
      csiNodes: snapshot.csiNodes.map((raw) => trimmed(trimCsiNode, raw)),
    }),
    namespaces: snapshot.namespaces.map((raw) => trimmed(trimMeta, raw)),
  };
}

function trimmed<T>(trim: Trim<T>, raw: unknown): T {
  const object = trim(raw);
  if (object === undefined) throw new Error('An object of the server has metadata');
  return object;
}
