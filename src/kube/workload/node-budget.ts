/** Limits how much of a workload cluster's Nodes is kept: its owner must not be able to fill our memory with them. */
import type { KubeObject } from '../../core/objects.ts';

/** Twice what Kubernetes supports in one cluster. */
export const MAX_NODES = 10_000;
/** Names, UIDs, versions and labels: these take some hundred bytes per Node. */
export const MAX_BYTES = 4 * 1024 * 1024;

/** Roughly what an object costs besides its texts. */
const OBJECT_BYTES = 200;

/** The size of the part of a Node that is kept, not of the object that the server sent. */
function bytesOf({ metadata }: KubeObject): number {
  const { name, uid = '', resourceVersion = '', labels = {}, annotations = {} } = metadata;
  const texts = [name, uid, resourceVersion, ...Object.values(labels), ...Object.values(annotations)];
  return texts.reduce((sum, { length }) => sum + length, OBJECT_BYTES);
}

/** Keeps count of the Nodes of one cluster as they come and go. */
export class NodeBudget {
  #nodes = 0;
  #bytes = 0;

  added(node: KubeObject): void {
    this.#nodes += 1;
    this.#bytes += bytesOf(node);
  }

  removed(node: KubeObject): void {
    this.#nodes -= 1;
    this.#bytes -= bytesOf(node);
  }

  /** Describes the exceeded limit, with the figure; undefined within the limits. */
  excess(): string | undefined {
    if (this.#nodes > MAX_NODES) return `the cluster has more than ${MAX_NODES} Nodes`;
    if (this.#bytes > MAX_BYTES)
      return `the names and labels of its ${this.#nodes} Nodes need more than ${MAX_BYTES} bytes`;
    return undefined;
  }
}

/** Judges a list that is not complete yet; its Nodes are counted page by page. */
export function listJudge(
  pageSize: number,
): (listed: { readonly pages: number; readonly objects: readonly KubeObject[] }) => string | undefined {
  // Some pages more than full ones would be, since a server may send short ones.
  const maxPages = 2 * Math.ceil(MAX_NODES / pageSize);
  let budget = new NodeBudget();
  let counted = 0;
  return ({ pages, objects }) => {
    if (pages === 1) {
      budget = new NodeBudget();
      counted = 0;
    }
    for (; counted < objects.length; counted += 1) {
      const node = objects[counted];
      if (node !== undefined) budget.added(node);
    }
    return pages > maxPages ? `the list of its Nodes does not end after ${maxPages} pages` : budget.excess();
  };
}
