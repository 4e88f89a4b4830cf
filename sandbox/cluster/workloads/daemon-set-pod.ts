/** One Pod of a DaemonSet, and the Nodes that are eligible for it. */
import type { NodeSelector } from '../../../src/core/objects.ts';
import { matchesNodeSelector } from '../../../src/core/selectors.ts';
import type { DaemonSet, Node, Pod, PodSpec, TimedToleration } from '../base/kinds.ts';
import { podFrom } from '../base/template.ts';
import type { World } from '../base/world.ts';
import { REVISION_LABEL } from './revisions.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const NODE_NAME = 'metadata.name';

/** pkg/controller/daemon/util `AddOrUpdateDaemonPodTolerations`. */
const TOLERATED: readonly (readonly [string, string])[] = [
  ['not-ready', 'NoExecute'],
  ['unreachable', 'NoExecute'],
  ['disk-pressure', 'NoSchedule'],
  ['memory-pressure', 'NoSchedule'],
  ['pid-pressure', 'NoSchedule'],
  ['unschedulable', 'NoSchedule'],
];

export function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): readonly TimedToleration[] {
  const implied = hostNetwork === true ? [...TOLERATED, ['network-unavailable', 'NoSchedule'] as const] : TOLERATED;
  const added = implied.map(([key, effect]) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect }));
  return [...tolerations, ...added];
}

export function isMeantFor(spec: PodSpec, { metadata }: Node): boolean {
  const { nodeSelector = {}, nodeName } = spec as PodSpec & { nodeSelector?: Readonly<Record<string, string>> };
  if (nodeName !== undefined && nodeName !== metadata.name) return false;
  if (!Object.entries(nodeSelector).every(([key, value]) => metadata.labels?.[key] === value)) return false;
  const required = requiredOf(spec);
  return required === undefined || matchesNodeSelector(required, metadata);
}

/** The Node that the Pod is bound to, or created for. */
export function nodeOf({ spec }: Pod): string {
  if (spec.nodeName !== undefined) return spec.nodeName;
  const fields = requiredOf(spec)?.nodeSelectorTerms.flatMap(({ matchFields = [] }) => matchFields) ?? [];
  return fields.find(({ key }) => key === NODE_NAME)?.values?.[0] ?? '';
}

export function createDaemonPod(world: World, set: DaemonSet, node: string, hash: string): Pod {
  const { template } = set.spec;
  const draft = podFrom(set, template, {
    labels: { [REVISION_LABEL]: hash, 'pod-template-generation': String(set.metadata.generation ?? 1) },
    spec: { tolerations: tolerationsOf(template.spec), affinity: boundTo(node, template.spec) },
  });
  return world.create('pods', draft, set.metadata.namespace);
}

/** Terms about the Node's labels have been evaluated; the term about its name replaces them. */
function boundTo(node: string, { affinity = {} }: PodSpec): Readonly<Record<string, unknown>> {
  const term = { matchFields: [{ key: NODE_NAME, operator: 'In', values: [node] }] };
  const nodeAffinity = affinity.nodeAffinity as Readonly<Record<string, unknown>> | undefined;
  return { ...affinity, nodeAffinity: { ...nodeAffinity, [REQUIRED]: { nodeSelectorTerms: [term] } } };
}

function requiredOf({ affinity }: PodSpec): NodeSelector | undefined {
  const nodeAffinity = affinity?.nodeAffinity as Readonly<Record<string, NodeSelector | undefined>> | undefined;
  return nodeAffinity?.[REQUIRED];
}
