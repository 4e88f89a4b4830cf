/** A kind as it is served: one row per group, version and plural. */
import type { Schema } from './schema.ts';

export interface Subresource {
  readonly name: string;
  readonly kind: string;
  /** Group and version of its kind if they differ from those of the resource. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** A column of `kubectl get`, from a CustomResourceDefinition's `additionalPrinterColumns`. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly isNamespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly schema: Schema;
  /** The warning in every answer about it. */
  readonly deprecation?: string;
  /** Name of the collection of its objects: its own, except for `events.events.k8s.io`, which are the core Events. */
  readonly collection: string;
  /** The version in which its objects are stored; other versions are converted. */
  readonly storedAs: string;
  /** Absent for built-in kinds. */
  readonly custom?: CustomPart;
}

/** The further content of a CustomResourceDefinition. */
export interface CustomPart {
  /** UID of the definition. */
  readonly definition: string;
  /** As written by the user: `openAPIV3Schema`. */
  readonly openApi: Readonly<Record<string, unknown>>;
  readonly columns: readonly Column[];
  readonly selectableFields: readonly string[];
  readonly scale:
    | { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string }
    | undefined;
}

/** `v1`, `apps/v1` */
export const apiVersionOf = ({ group, version }: Pick<Resource, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

/** `pods`, `deployments.apps` */
export const nameOfResource = ({ group, plural }: Pick<Resource, 'group' | 'plural'>): string =>
  group === '' ? plural : `${plural}.${group}`;

export const hasSubresource = ({ subresources }: Resource, name: string): boolean =>
  subresources.some((one) => one.name === name);
