/** One Pod of a StatefulSet, with its claims. */
import type { ClaimTemplate, Pod, PodVolume, StatefulSet } from '../base/kinds.ts';
import { isTerminating } from '../base/pods.ts';
import { podFrom } from '../base/template.ts';
import type { World } from '../base/world.ts';
import { REVISION_LABEL, templateOf } from './revisions.ts';

const SOURCE = 'statefulset-controller';

/** @returns -1 for a Pod whose name does not belong to the set. */
export function ordinalOf({ metadata }: Pod, set: StatefulSet): number {
  const prefix = `${set.metadata.name}-`;
  const rest = metadata.name.startsWith(prefix) ? metadata.name.slice(prefix.length) : '';
  return /^\d+$/.test(rest) ? Number(rest) : -1;
}

/** Creates the missing claims, then the Pod; waits while one of its claims is being deleted. */
export function createMember(world: World, set: StatefulSet, ordinal: number, revision: string): void {
  const { namespace } = set.metadata;
  const name = `${set.metadata.name}-${ordinal}`;
  const claims = set.spec.volumeClaimTemplates ?? [];
  if (!ensureClaims(world, set, name)) return;
  const template = templateOf(world, set, revision) ?? set.spec.template;
  const draft = podFrom(set, template, {
    name,
    labels: {
      'statefulset.kubernetes.io/pod-name': name,
      'apps.kubernetes.io/pod-index': String(ordinal),
      [REVISION_LABEL]: revision,
    },
    spec: {
      hostname: name,
      ...(set.spec.serviceName !== undefined && { subdomain: set.spec.serviceName }),
      ...(claims.length > 0 && { volumes: volumesOf(template.spec.volumes ?? [], claims, name) }),
    },
  });
  world.create('pods', draft, namespace);
  const message = `Create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
  world.record({ about: set, type: 'Normal', source: SOURCE, reason: 'SuccessfulCreate', message });
}

/** Creates the missing claims of the Pod. @returns whether none of them is being deleted. */
export function ensureClaims(world: World, set: StatefulSet, podName: string): boolean {
  const templates = set.spec.volumeClaimTemplates ?? [];
  const found = templates.map((template) => {
    const key = `${set.metadata.namespace}/${claimName(template, podName)}`;
    const claim = world.fresh('persistentvolumeclaims', key);
    if (claim === undefined) createClaim(world, set, template, podName);
    return claim;
  });
  return !found.some((claim) => claim !== undefined && isTerminating(claim));
}

/** Whether a claim of this name belongs to the set. */
export function hasClaim(set: StatefulSet, claim: string): boolean {
  return (set.spec.volumeClaimTemplates ?? []).some((template) => {
    const prefix = claimName(template, `${set.metadata.name}-`);
    return claim.startsWith(prefix) && /^\d+$/.test(claim.slice(prefix.length));
  });
}

function createClaim(world: World, set: StatefulSet, template: ClaimTemplate, podName: string): void {
  const { namespace } = set.metadata;
  const name = claimName(template, podName);
  const { labels, annotations } = template.metadata ?? {};
  const { apiVersion, kind, metadata } = set;
  const goesWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  const draft = {
    metadata: {
      name,
      labels: { ...labels, ...set.spec.selector.matchLabels },
      ...(annotations !== undefined && { annotations }),
      ...(goesWithSet && { ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }] }),
    },
    spec: template.spec,
  };
  world.create('persistentvolumeclaims', draft, namespace);
  const message = `Create Claim ${name} Pod ${podName} in StatefulSet ${metadata.name} success`;
  world.record({ about: set, type: 'Normal', source: SOURCE, reason: 'SuccessfulCreate', message });
}

/** The claim replaces a volume of the same name in the template. */
function volumesOf(
  volumes: readonly PodVolume[],
  claims: readonly ClaimTemplate[],
  podName: string,
): readonly PodVolume[] {
  const claimed = claims.map((template) => ({
    name: template.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(template, podName) },
  }));
  return [...claimed, ...volumes.filter(({ name }) => !claimed.some((each) => each.name === name))];
}

function claimName({ metadata }: ClaimTemplate, podName: string): string {
  return `${metadata?.name}-${podName}`;
}
