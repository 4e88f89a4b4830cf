/** Requests the maintenance of a Node, and ends it: sets and removes the taint as kubectl does, and changes nothing else. */
import { formatTaint, isSameTaint } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import type { Raw } from '../../kube/http/json.ts';
import { editNode, type NodeChange, type ReadNode } from '../../kube/write/node-edit.ts';
import type { MaintenanceTaint } from '../../tmm/names.ts';
import { conflictingTaint } from './node-facts.ts';

/** The result of a request; `node` is the current Node. */
export type Requested =
  | { readonly is: 'Done' | 'AlreadySo'; readonly node: Node }
  | { readonly is: 'NotFound' }
  | { readonly is: 'Refused'; readonly why: string };

/**
 * Adds the taint. A taint of the same key and effect with another value is not replaced: it belongs to somebody else.
 *
 * @throws KubeError
 */
export async function askFor(client: ApiClient, name: string, taint: MaintenanceTaint): Promise<Requested> {
  let refusal: string | undefined;
  return request(
    client,
    name,
    ({ node, rawTaints }) => {
      const other = conflictingTaint(node, taint);
      refusal = other && refusalOf(name, formatTaint(other), taint);
      return other !== undefined || hasTaint(node, taint) ? undefined : { taints: [...rawTaints, rawTaint(taint)] };
    },
    () => refusal,
  );
}

/**
 * Removes the taint.
 *
 * @throws KubeError
 */
export async function release(client: ApiClient, name: string, taint: MaintenanceTaint): Promise<Requested> {
  return request(client, name, ({ node, rawTaints }) =>
    hasTaint(node, taint) ? { taints: withoutTaint(rawTaints, taint) } : undefined,
  );
}

export const hasTaint = ({ spec }: Node, taint: MaintenanceTaint): boolean =>
  spec.taints?.some((found) => isSameTaint(found, taint)) === true;

export const rawTaint = ({ key, value, effect }: MaintenanceTaint): Raw => ({ key, value, effect });

export const withoutTaint = (taints: readonly Raw[], { key, value, effect }: MaintenanceTaint): readonly Raw[] =>
  taints.filter((found) => found.key !== key || (found.value ?? '') !== value || found.effect !== effect);

function refusalOf(name: string, found: string, taint: MaintenanceTaint): string {
  return `it carries ${found}, which asks for nothing; to replace it: kubectl taint node ${name} ${formatTaint(taint)} --overwrite`;
}

async function request(
  client: ApiClient,
  name: string,
  change: (read: ReadNode) => NodeChange | undefined,
  refused: () => string | undefined = () => undefined,
): Promise<Requested> {
  let isChanged = false;
  const read = await editNode(client, name, (each) => {
    const wanted = change(each);
    isChanged = wanted !== undefined;
    return wanted;
  });
  if (read === undefined) return { is: 'NotFound' };
  const why = refused();
  if (why !== undefined) return { is: 'Refused', why };
  return { is: isChanged ? 'Done' : 'AlreadySo', node: read.node };
}
