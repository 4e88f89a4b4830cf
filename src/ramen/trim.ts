/**
 * Turns an object as the hub sent it into the one that is kept. Trims never throw: a field of the wrong type counts as absent.
 *
 * Of a view's result only its digest is kept: a thousand views of 20 KiB would fill the memory of a small Pod.
 */
import type { Condition, ObjectMeta } from '../core/objects.ts';
import type { MaintenanceMode, ManagedClusterView, ManifestStatus, ManifestWork, WorkCondition } from './objects.ts';
import { deletePolicyOf } from './work-decide.ts';

type Fields = Readonly<Record<string, unknown>>;
/** Returns an object's metadata, or undefined if it cannot be kept. */
export type MetaOf = (raw: unknown) => ObjectMeta | undefined;

export function trimWork(raw: unknown, metaOf: MetaOf): ManifestWork | undefined {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const object = fieldsOf(raw);
  const spec = fieldsOf(object?.spec);
  const status = fieldsOf(object?.status);
  const manifests = fieldsOf(spec?.workload)?.manifests;
  return {
    metadata,
    manifests: Array.isArray(manifests) ? manifests : [],
    deletePolicy: deletePolicyOf(spec?.deleteOption),
    status: {
      conditions: conditionsOf(status?.conditions),
      manifests: listOf(fieldsOf(status?.resourceStatus)?.manifests).map(manifestStatusOf),
    },
  };
}

export function trimView(
  raw: unknown,
  metaOf: MetaOf,
  digest: (result: unknown) => string,
): ManagedClusterView | undefined {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const object = fieldsOf(raw);
  const scope = fieldsOf(fieldsOf(object?.spec)?.scope);
  const status = fieldsOf(object?.status);
  const interval = scope?.updateIntervalSeconds;
  return {
    metadata,
    scope: {
      apiGroup: textOf(scope?.apiGroup),
      version: textOf(scope?.version),
      kind: textOf(scope?.kind),
      resource: textOf(scope?.resource),
      name: textOf(scope?.name),
      namespace: textOf(scope?.namespace),
      updateIntervalSeconds: typeof interval === 'number' && interval > 0 ? interval : undefined,
    },
    conditions: conditionsOf(status?.conditions),
    resultDigest: status?.result === undefined || status.result === null ? undefined : digest(status.result),
  };
}

export function trimMode(raw: unknown, metaOf: MetaOf): MaintenanceMode | undefined {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const object = fieldsOf(raw);
  const spec = fieldsOf(object?.spec);
  const status = fieldsOf(object?.status);
  const modes = Array.isArray(spec?.modes) ? spec.modes : [];
  const state = textOf(status?.state);
  const observedGeneration = status?.observedGeneration;
  return {
    metadata,
    spec: {
      storageProvisioner: textOf(spec?.storageProvisioner) ?? '',
      targetID: textOf(spec?.targetID) ?? '',
      modes: modes.filter((mode) => typeof mode === 'string').slice(0, 16),
    },
    status: {
      ...(state !== undefined && { state }),
      ...(typeof observedGeneration === 'number' && { observedGeneration }),
      conditions: conditionsOf(status?.conditions),
    },
  };
}

/** The objects by which a work is found, without parsing its manifests entirely. */
export function identitiesOf({ manifests }: Pick<ManifestWork, 'manifests'>): readonly {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}[] {
  return manifests.flatMap((raw) => {
    const object = fieldsOf(raw);
    const metadata = fieldsOf(object?.metadata);
    const [apiVersion, kind, name] = [textOf(object?.apiVersion), textOf(object?.kind), textOf(metadata?.name)];
    if (apiVersion === undefined || kind === undefined || name === undefined) return [];
    const at = apiVersion.indexOf('/');
    const group = at === -1 ? '' : apiVersion.slice(0, at);
    return [{ group, kind, namespace: textOf(metadata?.namespace) ?? '', name }];
  });
}

/** Every field of a work that a pass depends on, besides its version. */
export function relevantFields({ metadata, manifests, deletePolicy, status }: ManifestWork): string {
  const { uid, generation, annotations, finalizers, deletionTimestamp } = metadata;
  return JSON.stringify([
    uid,
    generation,
    annotations,
    finalizers,
    deletionTimestamp,
    manifests.length,
    deletePolicy,
    status,
  ]);
}

function manifestStatusOf(raw: Fields): ManifestStatus {
  const meta = fieldsOf(raw.resourceMeta);
  const ordinal = meta?.ordinal;
  return {
    resourceMeta: {
      ordinal: typeof ordinal === 'number' ? ordinal : 0,
      group: textOf(meta?.group) ?? '',
      version: textOf(meta?.version) ?? '',
      kind: textOf(meta?.kind) ?? '',
      resource: textOf(meta?.resource) ?? '',
      name: textOf(meta?.name) ?? '',
      namespace: textOf(meta?.namespace) ?? '',
    },
    conditions: conditionsOf(raw.conditions),
  };
}

function conditionsOf(value: unknown): readonly (Condition & WorkCondition)[] {
  return listOf(value).map((raw) => {
    const { type, status, reason, message, lastTransitionTime, observedGeneration } = raw;
    return {
      type: textOf(type) ?? '',
      status: textOf(status) ?? '',
      ...(typeof reason === 'string' && { reason }),
      ...(typeof message === 'string' && { message }),
      ...(typeof lastTransitionTime === 'string' && { lastTransitionTime }),
      ...(typeof observedGeneration === 'number' && { observedGeneration }),
    };
  });
}

function listOf(value: unknown): readonly Fields[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  return entries.map(fieldsOf).filter((each) => each !== undefined);
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** Go writes omitted fields as empty strings. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
