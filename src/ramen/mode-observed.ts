/** The input of the decision on a MaintenanceMode, and which modes are ours. */
import { isDeleting } from '../core/meta.ts';
import { type Annotated, type ModeRecord, parseRecord, type Workload } from './mode-record.ts';
import { MODE_FINALIZER, MODE_RECORD } from './names.ts';
import type { MaintenanceMode } from './objects.ts';
import type { MaintenanceModeSettings, Provider } from './settings.ts';

/** The state of a workload that the mode applies to, or did. */
export type SeenWorkload = { readonly at: Workload } & (
  | {
      readonly is: 'absent';
      /** Pods that it has left behind: they do not end at once when their controller goes. */
      readonly pods: number;
    }
  | { readonly is: 'unknown'; readonly detail: string }
  | {
      readonly is: 'present';
      readonly uid: string;
      /** The selector of its Pods, as a query; it is recorded, since it disappears with the workload. */
      readonly selector?: string;
      readonly resourceVersion: string;
      readonly replicas: number;
      /** The replicas recorded in the annotation; undefined without one. */
      readonly formerReplicas: number | undefined;
      /** Its Pods that still exist, whatever their phase. */
      readonly pods: number;
    }
);

export type SeenAnnotated = { readonly at: Annotated } & (
  | { readonly is: 'absent' }
  | { readonly is: 'unknown'; readonly detail: string }
  | {
      readonly is: 'present';
      readonly resourceVersion: string;
      /** The value under our key; undefined without one. */
      readonly value: string | undefined;
      /** Whether the awaited marker is present, or none is awaited. */
      readonly isMarked: boolean;
    }
);

export interface ObservedMode {
  readonly mode: MaintenanceMode;
  /** The configured and the recorded workloads. */
  readonly workloads: readonly SeenWorkload[];
  readonly annotated: readonly SeenAnnotated[];
  /** Entries of the provider that match no workload and never did, for people. */
  readonly unmatched: readonly string[];
  /** Keys of workloads, and of annotations, that another active request needs too. */
  readonly heldByOthers: ReadonlySet<string>;
  /** Whether every change of the workloads and of their Pods will be reported, from before they were read. */
  readonly isTold: boolean;
  readonly nowMs: number;
}

export function providerFor(mode: MaintenanceMode, settings: MaintenanceModeSettings): Provider | undefined {
  const { storageProvisioner, targetID } = mode.spec;
  return settings.providers.find(
    (one) =>
      one.storageProvisioner === storageProvisioner &&
      (one.targetIDs === undefined || one.targetIDs.includes(targetID)),
  );
}

/** Whether it requests something from this provider, and not its own end. */
export function isActive(mode: MaintenanceMode, settings: MaintenanceModeSettings): boolean {
  return !isDeleting(mode) && mode.spec.modes.length > 0 && providerFor(mode, settings) !== undefined;
}

export function isHeld(mode: MaintenanceMode): boolean {
  return mode.metadata.finalizers?.includes(MODE_FINALIZER) ?? false;
}

export function recordOf(mode: MaintenanceMode): ModeRecord | undefined {
  return parseRecord(mode.metadata.annotations?.[MODE_RECORD]);
}
