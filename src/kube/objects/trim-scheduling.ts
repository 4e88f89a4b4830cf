/** The parts of a Pod that the scheduler reads, summed up when the object is stored. See `trim.ts`. */
import type {
  HostPort,
  PodAffinityTerm,
  PodScheduling,
  ResourceAmounts,
  SpreadConstraint,
} from '../../core/objects.ts';
import { amountsOf, type ContainerDemand, heldBy, type PodDemand, requestsOf } from '../../core/scheduling/requests.ts';
import { fields, integer, listOf, present, type Raw, strings, text, textMap } from '../http/json.ts';
import { Sharing } from './sharing.ts';
import { labelSelectorOf } from './trim-selectors.ts';

const DEFAULT_SCHEDULER = 'default-scheduler';
/** Disks that the scheduler does not let two Pods share (plugin VolumeRestrictions). */
const INLINE_DISKS = ['gcePersistentDisk', 'awsElasticBlockStore', 'iscsi', 'rbd'];
const known = new Sharing<PodScheduling>();

/** @returns undefined if the Pod asks for nothing; the same object for Pods that ask for the same. */
export function schedulingOf(spec: Raw, status: Raw): PodScheduling | undefined {
  const affinity = fields(spec.affinity);
  const scheduling = present({
    ...demandsOf(spec, status),
    hostPorts: filled(hostPortsOf(spec)),
    podAffinity: filled(termsOf(affinity?.podAffinity)),
    podAntiAffinity: filled(termsOf(affinity?.podAntiAffinity)),
    spread: filled(listOf(spec.topologySpreadConstraints, spreadOf)),
    requiredFeatures: filled(requiredFeaturesOf(spec)),
    priority: integer(spec.priority) || undefined,
    neverPreempts: spec.preemptionPolicy === 'Never' || undefined,
    schedulerName: spec.schedulerName === DEFAULT_SCHEDULER ? undefined : text(spec.schedulerName),
    notModelled: filled(notModelledIn(spec)),
  });
  const identity = JSON.stringify(scheduling);
  return identity === '{}' ? undefined : known.of(identity, () => scheduling);
}

/** `status.allocatable` of a Node. */
export function allocatableOf(raw: unknown): ResourceAmounts | undefined {
  const quantities = textMap(raw);
  return quantities && amountsOf(quantities);
}

function demandsOf(spec: Raw, status: Raw): Pick<PodScheduling, 'requests' | 'held'> {
  const demand: PodDemand = {
    containers: containersOf(spec.containers, status.containerStatuses),
    initContainers: containersOf(spec.initContainers, status.initContainerStatuses),
    podLevel: podLevelOf(spec, status),
    overhead: textMap(spec.overhead),
    isResizeInfeasible: isResizeInfeasible(status),
  };
  const [requests, held] = [requestsOf(demand), heldBy(demand)];
  return present({
    requests: Object.keys(requests).length === 0 ? undefined : requests,
    held: isSame(requests, held) ? undefined : held,
  });
}

function isResizeInfeasible({ conditions }: Raw): boolean {
  const pending = listOf(conditions, (each) => (each.type === 'PodResizePending' ? each : undefined));
  return pending?.[0]?.reason === 'Infeasible';
}

function containersOf(raw: unknown, statuses: unknown): readonly ContainerDemand[] {
  const reported = new Map(listOf(statuses, (each) => [text(each.name), each] as const));
  return (listOf(raw, (container) => container) ?? []).map((container) => {
    const status = reported.get(text(container.name));
    const isSidecar = container.restartPolicy === 'Always';
    return {
      requests: textMap(fields(container.resources)?.requests),
      isSidecar,
      status: status && { actuated: actuatedOf(status), allocated: textMap(status.allocatedResources) },
    };
  });
}

function podLevelOf(spec: Raw, status: Raw): ContainerDemand | undefined {
  const requests = textMap(fields(spec.resources)?.requests);
  return (
    requests && { requests, status: { actuated: actuatedOf(status), allocated: textMap(status.allocatedResources) } }
  );
}

/** Resources that are reported without requests are nevertheless in effect: they mean that there are none. */
function actuatedOf(status: Raw): Readonly<Record<string, string>> | undefined {
  const resources = fields(status.resources);
  return resources && (textMap(resources.requests) ?? {});
}

/** Init containers that end have released their ports before the others start. */
function hostPortsOf({ containers, initContainers }: Raw): readonly HostPort[] {
  const lasting = listOf(initContainers, (each) => (each.restartPolicy === 'Always' ? each : undefined)) ?? [];
  return [...lasting, ...(listOf(containers, (each) => each) ?? [])].flatMap(
    ({ ports }) => listOf(ports, portOf) ?? [],
  );
}

function portOf({ hostPort, protocol, hostIP }: Raw): HostPort | undefined {
  const port = integer(hostPort) ?? 0;
  if (port <= 0) return undefined;
  return present({ port, protocol: protocol === 'TCP' ? undefined : text(protocol), ip: text(hostIP) || undefined });
}

function termsOf(raw: unknown): readonly PodAffinityTerm[] | undefined {
  return listOf(fields(raw)?.requiredDuringSchedulingIgnoredDuringExecution, (term) => {
    const topologyKey = text(term.topologyKey);
    if (topologyKey === undefined) return undefined;
    return present({
      topologyKey,
      labelSelector: labelSelectorOf(term.labelSelector),
      namespaces: filled(strings(term.namespaces)),
      namespaceSelector: labelSelectorOf(term.namespaceSelector),
    });
  });
}

function spreadOf(raw: Raw): SpreadConstraint | undefined {
  const [topologyKey, maxSkew] = [text(raw.topologyKey), integer(raw.maxSkew)];
  if (raw.whenUnsatisfiable !== 'DoNotSchedule' || topologyKey === undefined || maxSkew === undefined) return undefined;
  return present({
    topologyKey,
    maxSkew,
    labelSelector: labelSelectorOf(raw.labelSelector),
    matchLabelKeys: filled(strings(raw.matchLabelKeys)),
    minDomains: integer(raw.minDomains),
    nodeAffinityPolicy: text(raw.nodeAffinityPolicy),
    nodeTaintsPolicy: text(raw.nodeTaintsPolicy),
  });
}

/** Inferred like component-helpers `nodedeclaredfeatures` does for scheduling (Kubernetes 1.36). */
function requiredFeaturesOf({ containers, initContainers, hostNetwork, hostUsers }: Raw): readonly string[] {
  const all = [containers, initContainers].flatMap((some) => listOf(some, (container) => container) ?? []);
  const restartsAll = all.some(({ restartPolicyRules }) =>
    listOf(restartPolicyRules, ({ action }) => action)?.includes('RestartAllContainers'),
  );
  return [
    ...(restartsAll ? ['RestartAllContainersOnContainerExits'] : []),
    ...(hostNetwork === true && hostUsers === false ? ['UserNamespacesHostNetworkSupport'] : []),
  ];
}

function notModelledIn({ resourceClaims, schedulingGroup, workloadRef, volumes }: Raw): readonly string[] {
  const found: string[] = [];
  if (Array.isArray(resourceClaims) && resourceClaims.length > 0) found.push('has resource claims');
  if (fields(schedulingGroup ?? workloadRef) !== undefined) found.push('belongs to a Pod group');
  const disk = listOf(volumes, (volume) => INLINE_DISKS.find((kind) => fields(volume[kind]) !== undefined))?.[0];
  if (disk !== undefined) found.push(`has a volume of type ${disk}`);
  return found;
}

function filled<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

function isSame(a: ResourceAmounts, b: ResourceAmounts): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}
