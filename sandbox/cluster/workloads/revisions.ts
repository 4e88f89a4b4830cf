/** The former templates of a StatefulSet or DaemonSet, as ControllerRevisions (pkg/controller/history). */
import { controllerOf } from '../../../src/core/meta.ts';
import type { Stored } from '../../api.ts';
import type { ControllerRevision, PodTemplate } from '../base/kinds.ts';
import { controllerReference, isTerminating } from '../base/pods.ts';
import { hashOf } from '../base/template.ts';
import type { World } from '../base/world.ts';

const RESOURCE = 'controllerrevisions.apps';
/** The label on Pods and on the revisions of DaemonSets. */
export const REVISION_LABEL = 'controller-revision-hash';
/** The label on the revisions of StatefulSets. */
export const SET_HASH_LABEL = 'controller.kubernetes.io/hash';
const HISTORY_LIMIT = 10;

interface Templated extends Stored {
  readonly spec: { readonly template: PodTemplate; readonly revisionHistoryLimit?: number };
}

/** Oldest first. */
function revisionsOf(world: World, owner: Stored): readonly ControllerRevision[] {
  const owned = world.mirror(RESOURCE).index('controller', (each) => controllerOf(each)?.uid);
  return [...owned.get(owner.metadata.uid)].sort((a, b) => a.revision - b.revision);
}

/** Records a new template, or makes an existing revision the newest again. @returns the hash of the template. */
export function recordRevision(world: World, owner: Templated, hashLabel: string): string {
  const { name, namespace, labels } = owner.metadata;
  const { template } = owner.spec;
  const hash = hashOf(template);
  if (isTerminating(owner)) return hash;
  const known = revisionsOf(world, owner);
  const newest = known.at(-1);
  const present = known.find(({ metadata }) => metadata.name === `${name}-${hash}`);
  const revision = (newest?.revision ?? 0) + 1;
  if (present === undefined) {
    const metadata = {
      name: `${name}-${hash}`,
      labels: { ...labels, ...template.metadata?.labels, [hashLabel]: hash },
      ownerReferences: [controllerReference(owner)],
    };
    const data = { spec: { template: { ...template, $patch: 'replace' } } };
    world.createUnlessThere(RESOURCE, { metadata, revision, data }, namespace);
  } else if (present !== newest) world.patch(RESOURCE, present, { revision });
  return hash;
}

/** The template of the revision of this name; undefined if it is not kept any more. */
export function templateOf(world: World, owner: Stored, revisionName: string): PodTemplate | undefined {
  const found = revisionsOf(world, owner).find(({ metadata }) => metadata.name === revisionName);
  const spec = found?.data?.spec as { readonly template?: PodTemplate & { readonly $patch?: string } } | undefined;
  if (spec?.template === undefined) return undefined;
  const { $patch: _, ...template } = spec.template;
  return template;
}

/** Removes the oldest revisions beyond the history's limit, except for those in use. */
export function pruneRevisions(world: World, owner: Templated, inUse: ReadonlySet<string>): void {
  const unused = revisionsOf(world, owner).filter(({ metadata }) => !inUse.has(metadata.name));
  const surplus = unused.length - (owner.spec.revisionHistoryLimit ?? HISTORY_LIMIT);
  for (const each of unused.slice(0, Math.max(0, surplus))) world.delete(RESOURCE, each);
}
