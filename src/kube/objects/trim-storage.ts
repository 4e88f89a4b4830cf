/** Trims claims, volumes, classes, and the attach limits of Nodes. See `trim.ts`. */

import { parseQuantity, unitsOf } from '../../core/quantity.ts';
import type {
  CsiNode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  TopologySelectorTerm,
} from '../../core/storage-objects.ts';
import { fields, integer, listOf, present, type Raw, strings, text } from '../http/json.ts';
import { shared, sharedText } from './sharing.ts';
import { metaOf, partsOf, type Trim } from './trim-meta.ts';
import { labelSelectorOf, nodeSelectorOf } from './trim-selectors.ts';

export const trimPersistentVolumeClaim: Trim<PersistentVolumeClaim> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  return {
    metadata,
    spec: present({
      volumeName: text(spec.volumeName),
      storageClassName: sharedText(spec.storageClassName),
      accessModes: shared(strings(spec.accessModes)),
      storage: bytesOf(fields(fields(spec.resources)?.requests)?.storage),
      selector: labelSelectorOf(spec.selector),
      volumeMode: text(spec.volumeMode),
      volumeAttributesClassName: text(spec.volumeAttributesClassName),
    }),
    ...phaseOf(status),
  };
};

export const trimPersistentVolume: Trim<PersistentVolume> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { spec, status } = partsOf(raw);
  const claimRef = fields(spec.claimRef);
  return {
    metadata,
    spec: present({
      requiredNodeAffinity: shared(nodeSelectorOf(fields(spec.nodeAffinity)?.required)),
      storageClassName: sharedText(spec.storageClassName),
      accessModes: shared(strings(spec.accessModes)),
      storage: bytesOf(fields(spec.capacity)?.storage),
      volumeMode: text(spec.volumeMode),
      volumeAttributesClassName: text(spec.volumeAttributesClassName),
      claimRef:
        claimRef &&
        present({ namespace: sharedText(claimRef.namespace), name: text(claimRef.name), uid: text(claimRef.uid) }),
      csi: csiOf(fields(spec.csi)),
    }),
    ...phaseOf(status),
  };
};

/** The fields of a class are at its top level. */
export const trimStorageClass: Trim<StorageClass> = (raw) => {
  const metadata = metaOf(raw);
  if (metadata === undefined) return undefined;
  const { provisioner, volumeBindingMode, allowedTopologies } = fields(raw) ?? {};
  return present({
    metadata,
    provisioner: text(provisioner),
    volumeBindingMode: text(volumeBindingMode),
    allowedTopologies: listOf(allowedTopologies, topologyTermOf),
  });
};

export const trimCsiNode: Trim<CsiNode> = (raw) => {
  const metadata = metaOf(raw);
  return metadata && { metadata, spec: present({ drivers: listOf(partsOf(raw).spec.drivers, driverOf) }) };
};

function driverOf({ name, allocatable }: Raw): { readonly name: string; readonly count?: number } | undefined {
  const driver = text(name);
  return driver === undefined ? undefined : present({ name: driver, count: integer(fields(allocatable)?.count) });
}

function topologyTermOf({ matchLabelExpressions }: Raw): TopologySelectorTerm {
  return present({
    matchLabelExpressions: listOf(matchLabelExpressions, (each) => {
      const key = text(each.key);
      return key === undefined ? undefined : present({ key, values: strings(each.values) });
    }),
  });
}

function csiOf(raw: Raw | undefined): PersistentVolume['spec']['csi'] {
  const [driver, volumeHandle] = [text(raw?.driver), text(raw?.volumeHandle)];
  return driver === undefined || volumeHandle === undefined ? undefined : { driver, volumeHandle };
}

function phaseOf(status: Raw): { readonly status?: { readonly phase: string } } {
  const phase = text(status.phase);
  return phase === undefined ? {} : { status: { phase } };
}

function bytesOf(raw: unknown): number | undefined {
  const quantity = parseQuantity(text(raw) ?? '');
  return quantity === undefined ? undefined : Number(unitsOf(quantity));
}
