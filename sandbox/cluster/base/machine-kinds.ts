/** The fields of the kinds of Cluster API and Metal3 that the simulated cluster reads and writes. */
import type { Stored } from '../../api.ts';
import type { StatusCondition } from './conditions.ts';

/** A reference of Cluster API: by group and kind in v1beta2, by apiVersion in v1beta1. */
export interface MachineReference {
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
}

export interface Machine extends Stored {
  readonly spec: {
    readonly clusterName: string;
    readonly providerID?: string;
    readonly infrastructureRef?: MachineReference;
    readonly bootstrap?: { readonly configRef?: MachineReference; readonly dataSecretName?: string };
    readonly deletion?: {
      readonly nodeDrainTimeoutSeconds?: number;
      readonly nodeVolumeDetachTimeoutSeconds?: number;
      readonly nodeDeletionTimeoutSeconds?: number;
    };
  };
  readonly status?: {
    readonly phase?: string;
    readonly nodeRef?: { readonly name?: string };
    readonly conditions?: readonly StatusCondition[];
    readonly deletion?: {
      readonly nodeDrainStartTime?: string;
      readonly waitForNodeVolumeDetachStartTime?: string;
    };
    readonly [field: string]: unknown;
  };
}

export interface Cluster extends Stored {
  readonly spec?: { readonly paused?: boolean; readonly controlPlaneRef?: MachineReference };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly StatusCondition[] };
}

export interface BareMetalHost extends Stored {
  readonly spec?: { readonly online?: boolean; readonly disablePowerOff?: boolean; readonly image?: unknown };
  readonly status?: {
    readonly poweredOn?: boolean;
    readonly operationalStatus?: string;
    readonly provisioning?: { readonly state?: string };
    readonly [field: string]: unknown;
  };
}
