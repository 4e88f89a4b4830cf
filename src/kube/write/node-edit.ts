/** Edits one Node for a user's command: read, change, write, without losing changes made in between. */
import { NODE, type Node } from '../../core/objects.ts';
import { type ApiClient, pathOf } from '../http/api.ts';
import { isKubeError, KubeError } from '../http/errors.ts';
import { fields, listOf, type Raw } from '../http/json.ts';
import { trimOf } from '../objects/trim.ts';

/** The change of a Node; absent parts stay as they are. */
export interface NodeChange {
  /** Entries of `spec.taints` as the server has them: a taint keeps unknown fields. */
  readonly taints?: readonly Raw[];
  /** Single keys; null removes one. */
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/** A Node as it was read, with its taints in the server's own form. */
export interface ReadNode {
  readonly node: Node;
  readonly rawTaints: readonly Raw[];
  readonly raw: Raw;
}

const TIMEOUT_MS = 10_000;
/** Kubelet and controllers write to a Node a few times a minute; this many conflicts in a row are no coincidence. */
const MAX_TRIES = 10;

/** @returns undefined if there is no such Node. @throws KubeError */
export async function readNode(client: ApiClient, name: string, signal?: AbortSignal): Promise<ReadNode | undefined> {
  try {
    const path = pathOf(NODE, { name });
    return readOf(await client.request({ method: 'GET', path, timeoutMs: TIMEOUT_MS, ...(signal && { signal }) }));
  } catch (error) {
    if (isKubeError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/**
 * Reads the Node, and writes the result of `change` by a merge patch with the UID and the resourceVersion that were read. After a conflict
 * the Node is read and `change` called again, so it must not rely on being called once.
 *
 * @param change returns undefined if there is nothing to write.
 * @returns the Node afterwards; undefined if there is none.
 * @throws KubeError, and any error of `change`
 */
export async function editNode(
  client: ApiClient,
  name: string,
  change: (read: ReadNode) => NodeChange | undefined,
  signal?: AbortSignal,
): Promise<ReadNode | undefined> {
  for (let tries = 1; ; tries += 1) {
    const read = await readNode(client, name, signal);
    const wanted = read && change(read);
    if (read === undefined || wanted === undefined) return read;
    try {
      return readOf(await patch(client, read, wanted, signal));
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return undefined;
      if (!isKubeError(error, 'Conflict') || tries >= MAX_TRIES || signal?.aborted) throw error;
    }
  }
}

function patch(client: ApiClient, { node }: ReadNode, { taints, annotations }: NodeChange, signal?: AbortSignal) {
  const { name, uid, resourceVersion } = node.metadata;
  return client.request({
    method: 'PATCH',
    path: pathOf(NODE, { name }),
    patchType: 'merge',
    timeoutMs: TIMEOUT_MS,
    body: {
      metadata: { uid, resourceVersion, annotations },
      ...(taints !== undefined && { spec: { taints: taints.length === 0 ? null : taints } }),
    },
    ...(signal && { signal }),
  });
}

function readOf(body: unknown): ReadNode {
  const raw = fields(body);
  const node = trimOf(NODE)(raw);
  if (raw === undefined || node === undefined) {
    throw new KubeError({ reason: 'Malformed', code: 200, message: 'The answer is no Node' });
  }
  return { node, raw, rawTaints: listOf(fields(raw.spec)?.taints, (entry) => entry) ?? [] };
}
