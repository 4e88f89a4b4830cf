/** Our marks on Nodes of workload clusters, and which of them a Node should carry. */
import { type PatchMeta, refOf } from '../core/action.ts';
import {
  DRAIN_LABEL,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
  SCALE_DOWN_DISABLED,
  SCALE_DOWN_OWNER,
} from '../core/machine-keys.ts';
import { annotationOf, labelOf } from '../core/meta.ts';
import { type KubeObject, NODE } from '../core/objects.ts';

export interface Marks {
  readonly deleted: boolean;
  readonly maintenance: boolean;
  /** Whether the cluster autoscaler is kept away. A mark that another client has set for this purpose is left alone. */
  readonly guard: boolean;
}

export const NO_MARKS: Marks = { deleted: false, maintenance: false, guard: false };

/** Whether the Node carries any of our marks; machine drain removes its own marks itself. */
export function carriesMarks(node: KubeObject): boolean {
  const labels = [MACHINE_DELETED_LABEL, MACHINE_MAINTENANCE_LABEL, DRAIN_LABEL].some(
    (key) => labelOf(node, key) !== undefined,
  );
  return labels || annotationOf(node, SCALE_DOWN_OWNER) !== undefined;
}

/**
 * Writes only what differs, in one patch.
 *
 * @param isConditional whether the decision has read another label of the Node, which must still be there. Nodes change all the time:
 * otherwise only the autoscaler's annotation, which may be somebody else's, needs the resourceVersion.
 */
export function patchOfMarks(node: KubeObject, wanted: Marks, isConditional: boolean): readonly PatchMeta[] {
  const labels = {
    ...labelChange(node, MACHINE_DELETED_LABEL, wanted.deleted),
    ...labelChange(node, MACHINE_MAINTENANCE_LABEL, wanted.maintenance),
  };
  const annotations = guardChange(node, wanted.guard);
  const hasLabels = Object.keys(labels).length > 0;
  const hasGuard = Object.keys(annotations).length > 0;
  if (!hasLabels && !hasGuard) return [];
  const { resourceVersion } = node.metadata;
  return [
    {
      do: 'patchMeta',
      target: refOf(NODE, node),
      ...((isConditional || hasGuard) && { resourceVersion }),
      ...(hasLabels && { labels }),
      ...(hasGuard && { annotations }),
    },
  ];
}

type Changes = Readonly<Record<string, string | null>>;

function labelChange(node: KubeObject, key: string, isWanted: boolean): Changes {
  const value = labelOf(node, key);
  if (isWanted) return value === 'true' ? {} : { [key]: 'true' };
  return value === undefined ? {} : { [key]: null };
}

function guardChange(node: KubeObject, isWanted: boolean): Changes {
  const isOurs = annotationOf(node, SCALE_DOWN_OWNER) !== undefined;
  const isThere = annotationOf(node, SCALE_DOWN_DISABLED) !== undefined;
  if (isWanted) return isThere ? {} : { [SCALE_DOWN_DISABLED]: 'true', [SCALE_DOWN_OWNER]: '' };
  return isOurs ? { [SCALE_DOWN_DISABLED]: null, [SCALE_DOWN_OWNER]: null } : {};
}
