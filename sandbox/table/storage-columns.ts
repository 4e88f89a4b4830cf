/** Volumes, claims and who provides them. */
import { at, type JsonObject, listOf, objectOf, textOf } from '../json.ts';
import { AGE, age, columns, flags, NAME, nameOf, type TableKind, wide } from './table-kind.ts';

const UNSET = '<unset>';
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

const phaseOf = (object: JsonObject): string =>
  objectOf(object.metadata).deletionTimestamp === undefined ? textOf(at(object, 'status', 'phase')) : 'Terminating';
const annotationOf = ({ metadata }: JsonObject, name: string): string =>
  textOf(objectOf(objectOf(metadata).annotations)[name]);
const classOf = (object: JsonObject): string =>
  annotationOf(object, BETA_CLASS) || textOf(at(object, 'spec', 'storageClassName'));
const volumeMode = (object: JsonObject): string => textOf(at(object, 'spec', 'volumeMode')) || UNSET;

export const STORAGE: Readonly<Record<string, TableKind>> = {
  persistentvolumeclaims: {
    columns: [
      NAME,
      ...columns('Status', 'Volume', 'Capacity', 'Access Modes', 'StorageClass', 'VolumeAttributesClass'),
      AGE,
      ...wide('VolumeMode'),
    ],
    cells: (claim, now) => {
      const volume = textOf(at(claim, 'spec', 'volumeName'));
      return [
        nameOf(claim),
        phaseOf(claim),
        volume,
        volume === '' ? '' : textOf(at(claim, 'status', 'capacity', 'storage')) || '0',
        volume === '' ? '' : modesText(at(claim, 'status', 'accessModes')),
        classOf(claim),
        textOf(at(claim, 'status', 'currentVolumeAttributesClassName')) || UNSET,
        age(claim, now),
        volumeMode(claim),
      ];
    },
  },
  persistentvolumes: {
    columns: [
      NAME,
      ...columns('Capacity', 'Access Modes', 'Reclaim Policy', 'Status', 'Claim'),
      ...columns('StorageClass', 'VolumeAttributesClass', 'Reason'),
      AGE,
      ...wide('VolumeMode'),
    ],
    cells: (volume, now) => {
      const { namespace, name } = objectOf(at(volume, 'spec', 'claimRef'));
      return [
        nameOf(volume),
        textOf(at(volume, 'spec', 'capacity', 'storage')) || '0',
        modesText(at(volume, 'spec', 'accessModes')),
        textOf(at(volume, 'spec', 'persistentVolumeReclaimPolicy')),
        phaseOf(volume),
        name === undefined ? '' : `${textOf(namespace)}/${textOf(name)}`,
        classOf(volume),
        textOf(at(volume, 'spec', 'volumeAttributesClassName')) || UNSET,
        textOf(at(volume, 'status', 'reason')),
        age(volume, now),
        volumeMode(volume),
      ];
    },
  },
  'storageclasses.storage.k8s.io': {
    columns: [NAME, ...columns('Provisioner', 'ReclaimPolicy', 'VolumeBindingMode', 'AllowVolumeExpansion'), AGE],
    cells: (object, now) => [
      annotationOf(object, DEFAULT_CLASS) === 'true' ? `${nameOf(object)} (default)` : nameOf(object),
      textOf(object.provisioner),
      textOf(object.reclaimPolicy),
      textOf(object.volumeBindingMode),
      String(object.allowVolumeExpansion ?? false),
      age(object, now),
    ],
  },
  'volumeattachments.storage.k8s.io': {
    columns: [NAME, { name: 'Attacher', format: 'name' }, ...columns('PV', 'Node'), ...flags('Attached'), AGE],
    cells: (object, now) => [
      nameOf(object),
      textOf(at(object, 'spec', 'attacher')),
      textOf(at(object, 'spec', 'source', 'persistentVolumeName')),
      textOf(at(object, 'spec', 'nodeName')),
      at(object, 'status', 'attached') === true,
      age(object, now),
    ],
  },
  'csinodes.storage.k8s.io': {
    columns: [NAME, { name: 'Drivers', type: 'integer' }, AGE],
    cells: (object, now) => [nameOf(object), listOf(at(object, 'spec', 'drivers')).length, age(object, now)],
  },
  'csidrivers.storage.k8s.io': {
    columns: [
      NAME,
      ...flags('AttachRequired', 'PodInfoOnMount', 'StorageCapacity'),
      ...columns('TokenRequests'),
      ...flags('RequiresRepublish'),
      ...columns('Modes'),
      AGE,
    ],
    cells: (object, now) => {
      const spec = objectOf(object.spec);
      const audiences = listOf(spec.tokenRequests).map((one) => textOf(objectOf(one).audience));
      return [
        nameOf(object),
        spec.attachRequired ?? true,
        spec.podInfoOnMount ?? false,
        spec.storageCapacity ?? false,
        audiences.length === 0 ? UNSET : audiences.join(','),
        spec.requiresRepublish ?? false,
        listOf(spec.volumeLifecycleModes).map(textOf).join(',') || '<none>',
        age(object, now),
      ];
    },
  },
};

/** In this order, whatever the object's is. */
const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function modesText(modes: unknown): string {
  const given = listOf(modes);
  return Object.entries(MODES)
    .filter(([mode]) => given.includes(mode))
    .map(([, text]) => text)
    .join(',');
}
