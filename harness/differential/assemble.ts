/** Builds API objects from their few random properties. */
import { type BoundPod, type ClusterCase, DRIVER, type RawObject } from './cluster-case.ts';

export const ZONE = 'topology.kubernetes.io/zone';
export const HOSTNAME = 'kubernetes.io/hostname';

type Labels = Readonly<Record<string, string>>;

export interface NodeParts {
  readonly labels: Labels;
  readonly spec: object;
  readonly allocatable: object;
  /** The limit of the one CSI driver that there is. */
  readonly volumeLimit: number | undefined;
  readonly declaredFeatures: readonly string[] | undefined;
}

/** A claim, and for the kinds that want existing volumes one of those beside it, which another claim may take. */
export interface VolumeParts {
  readonly namespace: string;
  readonly kind: 'bound' | 'static' | 'dynamic' | 'immediate';
  readonly isSole: boolean;
  readonly isCsi: boolean;
  readonly zoneLabel: string | undefined;
  readonly zones: readonly string[] | undefined;
  readonly size: string;
  /** The size of the volume; it matters only to claims that are not bound. */
  readonly volumeSize: string;
  readonly volumeMode: string;
}

export interface PodParts {
  readonly namespace: string;
  readonly labels: Labels;
  /** With `claims`, the place of a claim among those that the Pod can use. */
  readonly spec: object;
}

export interface BoundParts extends PodParts {
  /** Place of its Node, which starts over after the last. */
  readonly node: number;
  readonly fate: 'runs' | 'deleting' | 'finished' | 'resized';
}

export interface CaseParts {
  readonly nodes: readonly NodeParts[];
  readonly volumes: readonly VolumeParts[];
  readonly bound: readonly BoundParts[];
  readonly pods: readonly PodParts[];
}

export function assemble(parts: CaseParts): ClusterCase {
  const { nodes, volumes } = parts;
  return {
    nodes: nodes.map(({ labels, spec, allocatable, declaredFeatures }, index) => ({
      metadata: { name: `node-${index}`, labels: { ...labels, [HOSTNAME]: `node-${index}` } },
      spec,
      status: {
        allocatable,
        capacity: allocatable,
        conditions: [{ type: 'Ready', status: 'True' }],
        ...(declaredFeatures !== undefined && { declaredFeatures }),
      },
    })),
    csiNodes: nodes.flatMap(({ volumeLimit }, index) => {
      if (volumeLimit === undefined) return [];
      const drivers = [{ name: DRIVER, nodeID: `node-${index}`, allocatable: { count: volumeLimit } }];
      return [{ metadata: { name: `node-${index}` }, spec: { drivers } }];
    }),
    volumes: volumes.flatMap(volumeOf),
    claims: volumes.map(claimOf),
    bound: parts.bound.map((each, index): BoundPod => {
      const nodeName = `node-${each.node % nodes.length}`;
      const pod = podOf(`bound-${index}`, each, volumes, nodeName);
      if (each.fate === 'deleting') return { pod, isDeleting: true };
      if (each.fate === 'finished') return { pod: withoutPorts(pod), status: { phase: 'Succeeded' } };
      return each.fate === 'resized' ? { pod, status: { phase: 'Running', containerStatuses: [RESIZED] } } : { pod };
    }),
    pods: parts.pods.map((each, index) => podOf(`pod-${index}`, each, volumes)),
  };
}

/**
 * The scheduler keeps used ports as a set: when one of two Pods with the same port finishes, it treats the port as free. It would never
 * have placed both on one Node, but the test does.
 */
function withoutPorts(pod: RawObject): RawObject {
  const strip = (containers: readonly object[] = []) => containers.map((each) => ({ ...each, ports: [] }));
  const { containers, initContainers } = (pod.spec ?? {}) as Record<string, readonly object[]>;
  return { ...pod, spec: { ...pod.spec, containers: strip(containers), initContainers: strip(initContainers) } };
}

const RESIZED = {
  name: 'main',
  image: '',
  imageID: '',
  ready: true,
  restartCount: 0,
  resources: { requests: { cpu: '1200m' } },
  allocatedResources: { cpu: '1', memory: '900Mi' },
};

function podOf(
  name: string,
  { namespace, labels, spec }: PodParts,
  volumes: readonly VolumeParts[],
  nodeName?: string,
): RawObject {
  const { claims, ...rest } = spec as { readonly claims?: number };
  // A Pod can only use claims of its own namespace; an open claim belongs to a Pod that is to be placed.
  const usable = volumes.flatMap((volume, index) => {
    const isUsable = volume.namespace === namespace && (nodeName === undefined || volume.kind === 'bound');
    return isUsable ? [`claim-${index}`] : [];
  });
  const claimName = claims === undefined ? undefined : usable[claims % Math.max(1, usable.length)];
  return {
    metadata: { name, namespace, labels },
    spec: {
      ...rest,
      terminationGracePeriodSeconds: 3600,
      ...(claimName !== undefined && { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] }),
      ...(nodeName !== undefined && { nodeName }),
    },
  };
}

function claimOf({ namespace, kind, isSole, size }: VolumeParts, index: number): RawObject {
  const isBound = kind === 'bound';
  return {
    metadata: {
      name: `claim-${index}`,
      namespace,
      ...(isBound && { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }),
    },
    spec: {
      accessModes: [isSole ? 'ReadWriteOncePod' : 'ReadWriteOnce'],
      resources: { requests: { storage: size } },
      storageClassName: isBound ? 'immediate' : kind,
      ...(isBound && { volumeName: `volume-${index}` }),
    },
  };
}

function volumeOf(volume: VolumeParts, index: number): RawObject[] {
  const { namespace, kind, isSole, isCsi, zoneLabel, zones, volumeSize, volumeMode } = volume;
  if (kind !== 'bound' && kind !== 'static') return [];
  const source = isCsi ? { csi: { driver: DRIVER, volumeHandle: `handle-${index}` } } : { hostPath: { path: '/x' } };
  const terms = [{ matchExpressions: [{ key: ZONE, operator: 'In', values: zones }] }];
  return [
    {
      metadata: { name: `volume-${index}`, labels: zoneLabel === undefined ? {} : { [ZONE]: zoneLabel } },
      spec: {
        capacity: { storage: volumeSize },
        accessModes: [isSole ? 'ReadWriteOncePod' : volumeMode],
        storageClassName: kind === 'bound' ? 'immediate' : kind,
        ...source,
        ...(zones !== undefined && { nodeAffinity: { required: { nodeSelectorTerms: terms } } }),
        ...(kind === 'bound' && { claimRef: { namespace, name: `claim-${index}` } }),
      },
      status: { phase: kind === 'bound' ? 'Bound' : 'Available' },
    },
  ];
}
