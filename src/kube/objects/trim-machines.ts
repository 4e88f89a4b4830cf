/** Trims kinds of Cluster API, in the same way for all served versions. See `trim.ts`. */
import { parseKnownNodes } from '../../core/known-nodes.ts';
import { FORCIBLE_KEYS, isKeyOfMachine, KNOWN_NODES_ANNOTATION } from '../../core/machine-keys.ts';
import type { Cluster, Machine } from '../../core/machine-objects.ts';
import { boolean, fields, listOf, present, type Raw, text } from '../http/json.ts';
import { metaOf, partsOf, type Trim } from './trim-meta.ts';

/** Thousands of Machines carry labels and annotations of which only a handful are read. */
export const trimMachine: Trim<Machine> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  const { labels, annotations, ownerReferences: _owners, finalizers: _finalizers, ...identity } = metadata;
  return present({
    metadata: present({ ...identity, labels: ofMachine(labels), annotations: ofMachine(annotations) }),
    spec: present({
      clusterName: text(spec.clusterName) || undefined,
      providerID: text(spec.providerID) || undefined,
      infrastructureKind: text(fields(spec.infrastructureRef)?.kind) || undefined,
      infrastructureName: text(fields(spec.infrastructureRef)?.name) || undefined,
    }),
    // v1beta1 may express "no Node" by an empty name.
    status: present({ nodeName: text(fields(status.nodeRef)?.name) || undefined, nodeReady: nodeReadyOf(status) }),
    forcedKeys: forcedKeysOf(fields(fields(raw)?.metadata)?.managedFields),
  });
};

export const trimCluster: Trim<Cluster> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { labels: _labels, annotations, ...identity } = metadata;
  const known = annotations?.[KNOWN_NODES_ANNOTATION];
  return present({
    metadata: identity,
    spec: present({ paused: boolean(partsOf(raw).spec.paused) }),
    knownNodes: known === undefined ? undefined : parseKnownNodes(known),
  });
};

/** v1beta2 has a condition for it; v1beta1 has one that covers the Node's readiness among other things. */
function nodeReadyOf({ conditions }: Raw): boolean | undefined {
  const all = listOf(conditions, ({ type, status }) => ({ type: text(type), status: text(status) })) ?? [];
  const found = all.find(({ type }) => type === 'NodeReady') ?? all.find(({ type }) => type === 'NodeHealthy');
  return found && found.status === 'True';
}

function ofMachine(map: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  const kept = Object.entries(map ?? {}).filter(([key]) => isKeyOfMachine(key));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Field managers of Cluster API's controllers, which apply the fields of a template with force (`capi-machineset` and the like). */
const TEMPLATE_MANAGER = /^capi-/;

function forcedKeysOf(managedFields: unknown): readonly string[] | undefined {
  const owned = (listOf(managedFields, (entry) => entry) ?? []).filter(isOfTemplate).flatMap((entry) => {
    const metadata = ownedMetadataOf(entry);
    return [fields(metadata?.['f:labels']), fields(metadata?.['f:annotations'])];
  });
  const forced = FORCIBLE_KEYS.filter((key) => owned.some((set) => set?.[`f:${key}`] !== undefined));
  return forced.length === 0 ? undefined : forced;
}

/**
 * Whether the manager applies a template to the Machine. The controllers of MachinePools (`machinepool-controller`) and of other projects'
 * control planes have other names. They apply the Machine's owner as well, which a user's manifest does not contain.
 */
function isOfTemplate(entry: Raw): boolean {
  const appliesOwner = text(entry.operation) === 'Apply' && ownedMetadataOf(entry)?.['f:ownerReferences'] !== undefined;
  return appliesOwner || TEMPLATE_MANAGER.test(text(entry.manager) ?? '');
}

function ownedMetadataOf({ fieldsV1 }: Raw): Raw | undefined {
  return fields(fields(fieldsV1)?.['f:metadata']);
}
