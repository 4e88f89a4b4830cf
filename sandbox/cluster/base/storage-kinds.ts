/** The fields of claims, volumes and their classes that the simulated cluster reads and writes. */
import type { LabelSelector } from '../../../src/core/objects.ts';
import type { Stored } from '../../api.ts';

export interface PersistentVolumeClaim extends Stored {
  readonly spec: {
    readonly volumeName?: string;
    readonly storageClassName?: string;
    readonly accessModes?: readonly string[];
    readonly volumeMode?: string;
    readonly selector?: LabelSelector;
    readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
  };
  readonly status?: { readonly phase?: string };
}

export interface PersistentVolume extends Stored {
  readonly spec: {
    readonly storageClassName?: string;
    readonly claimRef?: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
    readonly persistentVolumeReclaimPolicy?: string;
    readonly capacity?: Readonly<Record<string, string>>;
    readonly accessModes?: readonly string[];
    readonly [field: string]: unknown;
  };
  readonly status?: { readonly phase?: string };
}

export interface StorageClass extends Stored {
  readonly provisioner: string;
  readonly volumeBindingMode?: string;
  readonly reclaimPolicy?: string;
}
