/** Storage in memory, for simulations. */
import { keyOf } from '../../src/core/meta.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { StorageLookup } from '../../src/core/scheduling/cluster.ts';
import type { CsiNode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../src/core/storage-objects.ts';

export interface StorageObjects {
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly volumes?: readonly PersistentVolume[];
  readonly classes?: readonly StorageClass[];
  readonly csiNodes?: readonly CsiNode[];
}

export function storageOf({ claims = [], volumes = [], classes = [], csiNodes = [] }: StorageObjects): StorageLookup {
  const [byKey, byName, classByName, csiByName] = [index(claims), index(volumes), index(classes), index(csiNodes)];
  return {
    claim: (key) => byKey.get(key),
    volume: (name) => byName.get(name),
    volumesOfClass: (className) => volumes.filter(({ spec }) => (spec.storageClassName ?? '') === className),
    storageClass: (name) => classByName.get(name),
    csiNode: (name) => csiByName.get(name),
  };
}

function index<T extends KubeObject>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}
