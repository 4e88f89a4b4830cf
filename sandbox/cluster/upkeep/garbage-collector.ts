/**
 * Deletion of dependents (pkg/controller/garbagecollector).
 *
 * - An object is deleted in the background once none of its owners exists; owners are identified by UID. References to owners that are gone
 *   are removed if another one stays.
 * - Foreground: a waiting owner (`foregroundDeletion`) is deleted after the dependents that block it; these are deleted first.
 * - Orphan: the references of the dependents to the owner are removed, then the owner is deleted.
 */
import { keyOf } from '../../../src/core/meta.ts';
import type { OwnerReference, Stored } from '../../api.ts';
import type { Index } from '../base/mirror.ts';
import { isTerminating } from '../base/pods.ts';
import type { World } from '../base/world.ts';
import { type KnownResource, onResource } from './resources.ts';

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';

export function startGarbageCollector(world: World): void {
  new GarbageCollector(world).start();
}

interface Dependents {
  readonly resource: string;
  readonly index: Index<Stored>;
}

class GarbageCollector {
  readonly #world: World;
  /** By group and kind. */
  readonly #kinds = new Map<string, KnownResource>();
  readonly #dependents: Dependents[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    const world = this.#world;
    const work = world.controller('GarbageCollector', (id) => {
      const [resource = '', key = ''] = id.split(' ');
      const object = world.mirrorOf(resource).get(key);
      if (object !== undefined) this.#look(resource, object);
    });
    onResource(world, (known) => {
      const { resource } = known;
      if (this.#kinds.has(kindKey(known.group, known.kind))) return;
      this.#kinds.set(kindKey(known.group, known.kind), known);
      const mirror = world.mirrorOf(resource);
      this.#dependents.push({ resource, index: mirror.index('owners', ownerUids) });
      mirror.onChange(({ type, object, before }) => {
        if (type === 'DELETED') {
          for (const each of this.#dependentsOf(object)) work.add(`${each.resource} ${keyOf(each.object)}`);
          this.#wakeOwners(object, work.add);
        } else if (before === undefined || changesOwnership(before, object)) {
          work.add(`${resource} ${keyOf(object)}`);
          if (isTerminating(object)) this.#wakeOwners(object, work.add);
        }
      });
    });
  }

  #look(resource: string, object: Stored): void {
    const { finalizers = [], ownerReferences = [] } = object.metadata;
    if (isTerminating(object)) {
      if (finalizers.includes(ORPHAN)) this.#orphan(resource, object);
      else if (finalizers.includes(FOREGROUND)) this.#goLast(resource, object);
      return;
    }
    if (ownerReferences.length === 0) return;
    const owners = ownerReferences.map((reference) => ({ reference, owner: this.#ownerOf(object, reference) }));
    // Nothing is concluded about an owner of an unknown kind.
    if (owners.some(({ owner }) => owner === 'unknown')) return;
    const waiting = owners.filter(({ owner }) => typeof owner === 'object' && isWaiting(owner));
    const solid = owners.filter(({ owner }) => typeof owner === 'object' && !isWaiting(owner));
    if (solid.length > 0) {
      if (solid.length === owners.length) return;
      const kept = solid.map(({ reference }) => reference);
      this.#world.patch(resource, object, { metadata: { ownerReferences: kept } });
      return;
    }
    const hasDependents = this.#dependentsOf(object).length > 0;
    const isForeground = waiting.length > 0 && hasDependents;
    this.#world.delete(resource, object, { propagationPolicy: isForeground ? 'Foreground' : 'Background' });
  }

  /** The owner has `foregroundDeletion`: its dependents are deleted, and it is deleted when none of them blocks it. */
  #goLast(resource: string, owner: Stored): void {
    const dependents = this.#dependentsOf(owner);
    const isBlocking = ({ object }: { readonly object: Stored }): boolean =>
      object.metadata.ownerReferences?.some(
        (each) => each.uid === owner.metadata.uid && each.blockOwnerDeletion === true,
      ) === true;
    for (const each of dependents) {
      if (!isTerminating(each.object)) this.#look(each.resource, each.object);
    }
    if (!this.#dependentsOf(owner).some(isBlocking)) this.#drop(resource, owner, FOREGROUND);
  }

  #orphan(resource: string, owner: Stored): void {
    for (const each of this.#dependentsOf(owner)) {
      const ownerReferences = (each.object.metadata.ownerReferences ?? []).filter(
        ({ uid }) => uid !== owner.metadata.uid,
      );
      this.#world.patch(each.resource, each.object, { metadata: { ownerReferences } });
    }
    this.#drop(resource, owner, ORPHAN);
  }

  #drop(resource: string, { metadata }: Stored, finalizer: string): void {
    const present = this.#world.mirrorOf(resource).get(keyOf({ metadata }));
    if (present === undefined) return;
    const finalizers = (present.metadata.finalizers ?? []).filter((each) => each !== finalizer);
    this.#world.patch(resource, present, { metadata: { finalizers } });
  }

  #dependentsOf({ metadata }: Stored): readonly { readonly resource: string; readonly object: Stored }[] {
    return this.#dependents.flatMap(({ resource, index }) =>
      index.get(metadata.uid).map((object) => ({ resource, object })),
    );
  }

  #ownerOf({ metadata }: Stored, { apiVersion, kind, name, uid }: OwnerReference): Stored | 'gone' | 'unknown' {
    const known = this.#kinds.get(kindKey(groupOf(apiVersion), kind));
    if (known === undefined) return 'unknown';
    const key = known.namespaced && metadata.namespace !== undefined ? `${metadata.namespace}/${name}` : name;
    const owner = this.#world.mirrorOf(known.resource).get(key);
    return owner?.metadata.uid === uid ? owner : 'gone';
  }

  #wakeOwners(object: Stored, add: (id: string) => void): void {
    for (const reference of object.metadata.ownerReferences ?? []) {
      const known = this.#kinds.get(kindKey(groupOf(reference.apiVersion), reference.kind));
      const owner = this.#ownerOf(object, reference);
      if (known !== undefined && typeof owner === 'object' && isWaiting(owner))
        add(`${known.resource} ${keyOf(owner)}`);
    }
  }
}

function isWaiting(owner: Stored): boolean {
  return isTerminating(owner) && owner.metadata.finalizers?.includes(FOREGROUND) === true;
}

function ownerUids({ metadata }: Stored): readonly string[] | undefined {
  return metadata.ownerReferences?.map(({ uid }) => uid);
}

function changesOwnership(before: Stored, after: Stored): boolean {
  return (
    isTerminating(before) !== isTerminating(after) ||
    JSON.stringify(before.metadata.ownerReferences) !== JSON.stringify(after.metadata.ownerReferences) ||
    JSON.stringify(before.metadata.finalizers) !== JSON.stringify(after.metadata.finalizers)
  );
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}

function kindKey(group: string, kind: string): string {
  return `${kind}.${group}`;
}
