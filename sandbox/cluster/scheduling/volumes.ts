/**
 * Volumes (pkg/controller/volume/persistentvolume, and the provisioners of two classes).
 *
 * - A claim is bound to the volume that it names or that names it, else to the smallest suitable free one; else a volume is created by its
 *   class. A class with `WaitForFirstConsumer` leaves all that to the scheduler, which chooses a Node first.
 * - Class `standard` creates volumes that every Node can use, class `local` volumes that stay on the chosen Node. Claims for other
 *   provisioners wait, as in any cluster in which these do not run.
 * - A claim without a class gets the default one.
 * - When a claim is gone, its volume is deleted (`Delete`) or `Released` (`Retain`).
 */
import { keyOf } from '../../../src/core/meta.ts';
import { parseQuantity } from '../../../src/core/quantity.ts';
import { matchesLabelSelector } from '../../../src/core/selectors.ts';
import { isTerminating } from '../base/pods.ts';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../base/storage-kinds.ts';
import { isSame, type World } from '../base/world.ts';
import { SELECTED_NODE } from './claims.ts';

const VOLUMES = 'persistentvolumes';
const CLAIMS = 'persistentvolumeclaims';
const CLASSES = 'storageclasses.storage.k8s.io';
const NETWORK = 'sandbox.maintenance-bridge.io/network';
const LOCAL = 'sandbox.maintenance-bridge.io/local';
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const HOSTNAME = 'kubernetes.io/hostname';

export function startVolumes(world: World): void {
  const claims = world.controller('PersistentVolumeClaim', (key) => {
    const claim = world.fresh(CLAIMS, key);
    if (claim !== undefined && !isTerminating(claim)) lookAtClaim(world, claim);
  });
  const volumes = world.controller('PersistentVolume', (key) => {
    const volume = world.fresh(VOLUMES, key);
    if (volume !== undefined) lookAtVolume(world, volume);
  });
  world.mirror(CLAIMS).onChange(({ object, type }) => {
    claims.add(keyOf(object));
    const { volumeName } = object.spec;
    if (type === 'DELETED' && volumeName !== undefined) volumes.add(volumeName);
  });
  const unbound = world
    .mirror(CLAIMS)
    .index('unbound', ({ status }) => (status?.phase === 'Bound' ? undefined : 'yes'));
  world.mirror(VOLUMES).onChange(({ object }) => {
    volumes.add(keyOf(object));
    const { claimRef } = object.spec;
    if (claimRef !== undefined) claims.add(`${claimRef.namespace}/${claimRef.name}`);
    else for (const claim of unbound.get('yes')) claims.add(keyOf(claim));
  });
  world.mirror(CLASSES).onChange(() => {
    for (const claim of unbound.get('yes')) claims.add(keyOf(claim));
  });
}

/** Creates the classes `standard`, which is the default, and `local`, unless they exist. */
export function createStorageClasses(world: World): void {
  world.createUnlessThere(CLASSES, {
    metadata: { name: 'standard', annotations: { [DEFAULT_CLASS]: 'true' } },
    provisioner: NETWORK,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
  world.createUnlessThere(CLASSES, {
    metadata: { name: 'local' },
    provisioner: LOCAL,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
}

function lookAtClaim(world: World, claim: PersistentVolumeClaim): void {
  const { volumeName, storageClassName } = claim.spec;
  if (volumeName !== undefined) {
    const volume = world.fresh(VOLUMES, volumeName);
    if (volume !== undefined && isOrCanBeOf(volume, claim)) bind(world, claim, volume);
    else if (volume === undefined && claim.status?.phase === 'Bound') {
      world.patchStatus(CLAIMS, claim, { phase: 'Lost' });
      note(
        world,
        claim,
        'Warning',
        'ClaimLost',
        'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
      );
    } else pend(world, claim);
    return;
  }
  if (storageClassName === undefined && assignDefaultClass(world, claim)) return;
  const storageClass = world.mirror(CLASSES).get(storageClassName ?? '');
  const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = waits ? reservedFor(world, claim) : (reservedFor(world, claim) ?? smallestFree(world, claim));
  if (volume !== undefined) bind(world, claim, volume);
  else if (storageClass !== undefined && (!waits || SELECTED_NODE in (claim.metadata.annotations ?? {}))) {
    provision(world, claim, storageClass);
  } else {
    pend(world, claim);
    const message = 'waiting for first consumer to be created before binding';
    if (waits) note(world, claim, 'Normal', 'WaitForFirstConsumer', message);
  }
}

function lookAtVolume(world: World, volume: PersistentVolume): void {
  const { claimRef, persistentVolumeReclaimPolicy } = volume.spec;
  if (claimRef?.uid === undefined) {
    world.patchStatus(VOLUMES, volume, { phase: 'Available' });
    return;
  }
  const claim = world.fresh(CLAIMS, `${claimRef.namespace}/${claimRef.name}`);
  if (claim?.metadata.uid === claimRef.uid) return;
  // A bound volume would be protected from being deleted.
  world.patchStatus(VOLUMES, volume, { phase: 'Released' });
  if (persistentVolumeReclaimPolicy === 'Delete') world.delete(VOLUMES, volume);
}

function bind(world: World, claim: PersistentVolumeClaim, volume: PersistentVolume): void {
  const { namespace, name, uid } = claim.metadata;
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
  if (!isSame({ ...volume.spec.claimRef, ...claimRef }, volume.spec.claimRef)) {
    world.patch(VOLUMES, volume, { spec: { claimRef } });
  }
  const bound = world.fresh(VOLUMES, volume.metadata.name);
  if (bound !== undefined) world.patchStatus(VOLUMES, bound, { phase: 'Bound' });
  if (claim.spec.volumeName === undefined) {
    const annotations = { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' };
    world.patch(CLAIMS, claim, { metadata: { annotations }, spec: { volumeName: volume.metadata.name } });
  }
  const { accessModes, capacity } = volume.spec;
  const present = world.fresh(CLAIMS, keyOf(claim));
  if (present !== undefined) world.patchStatus(CLAIMS, present, { phase: 'Bound', accessModes, capacity });
}

function provision(world: World, claim: PersistentVolumeClaim, storageClass: StorageClass): void {
  const { provisioner, reclaimPolicy = 'Delete' } = storageClass;
  const { accessModes, resources, volumeMode = 'Filesystem' } = claim.spec;
  if (provisioner !== NETWORK && provisioner !== LOCAL) {
    pend(world, claim);
    const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator.`;
    note(world, claim, 'Normal', 'ExternalProvisioning', message);
    return;
  }
  const { namespace, name, uid, annotations = {} } = claim.metadata;
  const node = annotations[SELECTED_NODE];
  const hostname = world.mirror('nodes').get(node ?? '')?.metadata.labels?.[HOSTNAME] ?? node;
  const pinned = { key: HOSTNAME, operator: 'In', values: [hostname] };
  world.createUnlessThere(VOLUMES, {
    metadata: { name: `pvc-${uid}`, annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
    spec: {
      accessModes,
      capacity: { storage: resources?.requests?.storage ?? '1Gi' },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      csi: { driver: provisioner, volumeHandle: `pvc-${uid}` },
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: storageClass.metadata.name,
      volumeMode,
      ...(provisioner === LOCAL && {
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [pinned] }] } },
      }),
    },
  });
  note(world, claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume pvc-${uid}`);
}

function assignDefaultClass(world: World, claim: PersistentVolumeClaim): boolean {
  const classes = [...world.mirror(CLASSES).all()].filter(
    ({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true',
  );
  const newest = classes.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1))[0];
  if (newest === undefined) return false;
  world.patch(CLAIMS, claim, { spec: { storageClassName: newest.metadata.name } });
  return true;
}

function isOrCanBeOf({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (claimRef === undefined) return true;
  const isNamed = claimRef.namespace === metadata.namespace && claimRef.name === metadata.name;
  return isNamed && (claimRef.uid === undefined || claimRef.uid === metadata.uid);
}

function reservedFor(world: World, claim: PersistentVolumeClaim): PersistentVolume | undefined {
  const reserved = world
    .mirror(VOLUMES)
    .index('claim', ({ spec }) => spec.claimRef && `${spec.claimRef.namespace}/${spec.claimRef.name}`);
  return reserved.get(keyOf(claim)).find((volume) => isOrCanBeOf(volume, claim) && !isTerminating(volume));
}

function smallestFree(world: World, { spec }: PersistentVolumeClaim): PersistentVolume | undefined {
  const wanted = parseQuantity(spec.resources?.requests?.storage ?? '0') ?? 0n;
  const sizeOf = (volume: PersistentVolume): bigint => parseQuantity(volume.spec.capacity?.storage ?? '0') ?? 0n;
  const serves = (volume: PersistentVolume): boolean =>
    volume.spec.claimRef === undefined &&
    !isTerminating(volume) &&
    (volume.spec.storageClassName ?? '') === (spec.storageClassName ?? '') &&
    sizeOf(volume) >= wanted &&
    (spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode)) &&
    (spec.selector === undefined || matchesLabelSelector(spec.selector, volume.metadata.labels));
  const free = [...world.mirror(VOLUMES).all()].filter(serves);
  return free.sort((a, b) => (sizeOf(a) < sizeOf(b) ? -1 : sizeOf(a) > sizeOf(b) ? 1 : 0))[0];
}

function pend(world: World, claim: PersistentVolumeClaim): void {
  world.patchStatus(CLAIMS, claim, { phase: 'Pending' });
}

function note(
  world: World,
  about: PersistentVolumeClaim,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): void {
  world.record({ about, type, source: 'persistentvolume-controller', reason, message });
}
