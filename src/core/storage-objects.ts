/** The fields that we read of volumes, their claims and classes; the rules are those of `objects.ts`. */
import type { KubeObject, LabelSelector, NodeSelector } from './objects.ts';
import type { Resource } from './resources.ts';

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: {
    readonly volumeName?: string;
    readonly storageClassName?: string;
    readonly accessModes?: readonly string[];
    /** `spec.resources.requests.storage`, in bytes. */
    readonly storage?: number;
    readonly selector?: LabelSelector;
    /** `Filesystem` where absent. */
    readonly volumeMode?: string;
    readonly volumeAttributesClassName?: string;
  };
  readonly status?: { readonly phase?: string };
}

export interface PersistentVolume extends KubeObject {
  readonly spec: {
    /** `spec.nodeAffinity.required` */
    readonly requiredNodeAffinity?: NodeSelector;
    readonly storageClassName?: string;
    readonly accessModes?: readonly string[];
    /** `spec.capacity.storage`, in bytes. */
    readonly storage?: number;
    readonly volumeMode?: string;
    readonly volumeAttributesClassName?: string;
    readonly claimRef?: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
    readonly csi?: { readonly driver: string; readonly volumeHandle: string };
  };
  readonly status?: { readonly phase?: string };
}

export interface TopologySelectorTerm {
  readonly matchLabelExpressions?: readonly { readonly key: string; readonly values?: readonly string[] }[];
}

export interface StorageClass extends KubeObject {
  readonly provisioner?: string;
  readonly volumeBindingMode?: string;
  readonly allowedTopologies?: readonly TopologySelectorTerm[];
}

/** Has the name of its Node. */
export interface CsiNode extends KubeObject {
  readonly spec: {
    readonly drivers?: readonly {
      readonly name: string;
      /** `allocatable.count`: how many volumes the Node takes. No limit where absent. */
      readonly count?: number;
    }[];
  };
}

export const PERSISTENT_VOLUME_CLAIM: Resource<PersistentVolumeClaim> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
};
export const PERSISTENT_VOLUME: Resource<PersistentVolume> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
};
export const STORAGE_CLASS: Resource<StorageClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
};
export const CSI_NODE: Resource<CsiNode> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  namespaced: false,
};
