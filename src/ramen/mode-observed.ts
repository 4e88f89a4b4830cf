/** What a MaintenanceMode is decided from, and which of them are ours. */
import { isDeleting } from '../core/meta.ts';
import { type Annotated, type ModeRecord, parseRecord, type Workload } from './mode-record.ts';
import { MODE_FINALIZER, MODE_RECORD } from './names.ts';
import type { MaintenanceMode } from './objects.ts';
import type { MaintenanceModeSettings, Provider } from './settings.ts';

/** What the cluster says of a workload that the mode is about, or was. */
export type SeenWorkload = { readonly at: Workload } & (
  | {
      readonly is: 'absent';
      /** Pods that it has left behind: nobody ends them at once when their controller goes. */
      readonly pods: number;
    }
  | { readonly is: 'unknown'; readonly detail: string }
  | {
      readonly is: 'present';
      readonly uid: string;
      /** That of its Pods, as a query has it; it is recorded, since it goes with the workload. */
      readonly selector?: string;
      readonly resourceVersion: string;
      readonly replicas: number;
      /** What the annotation says that it had; undefined without one. */
      readonly formerReplicas: number | undefined;
      /** Pods of it that are still there, whatever their phase. */
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
      /** Whether the marker that is waited for is there, or none is waited for. */
      readonly isMarked: boolean;
    }
);

export interface ObservedMode {
  readonly mode: MaintenanceMode;
  /** Those of the configuration and those of the record. */
  readonly workloads: readonly SeenWorkload[];
  readonly annotated: readonly SeenAnnotated[];
  /** Entries of the provider for which there is no workload, and never was one, for people. */
  readonly unmatched: readonly string[];
  /** Keys of workloads, and of annotations, that another active request needs too. */
  readonly heldByOthers: ReadonlySet<string>;
  /** Whether every change of the workloads and of their Pods will be told, from before they were looked at. */
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

/** Whether it asks for something that this provider should do, and not for its end. */
export function isActive(mode: MaintenanceMode, settings: MaintenanceModeSettings): boolean {
  return !isDeleting(mode) && mode.spec.modes.length > 0 && providerFor(mode, settings) !== undefined;
}

export function isHeld(mode: MaintenanceMode): boolean {
  return mode.metadata.finalizers?.includes(MODE_FINALIZER) ?? false;
}

export function recordOf(mode: MaintenanceMode): ModeRecord | undefined {
  return parseRecord(mode.metadata.annotations?.[MODE_RECORD]);
}
