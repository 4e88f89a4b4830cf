/** Which Nodes a command applies to. */
import { NODE, type Node } from '../../core/objects.ts';
import { listRaw } from '../../kube/cache/list.ts';
import type { ApiClient } from '../../kube/http/api.ts';
import { trimOf } from '../../kube/objects/trim.ts';
import { readNode } from '../../kube/write/node-edit.ts';
import { forEachAtOnce } from './at-once.ts';

/** By name, or by a label selector in kubectl's syntax. */
export type NodeChoice = { readonly names: readonly string[] } | { readonly selector: string };

export interface ChosenNodes {
  /** Sorted by name if a selector chose them, else in the given order. */
  readonly found: readonly Node[];
  readonly missing: readonly string[];
}

/**
 * Reads the Nodes once: Nodes that get the labels later are not chosen.
 *
 * @throws KubeError
 */
export async function chooseNodes(client: ApiClient, choice: NodeChoice): Promise<ChosenNodes> {
  if ('selector' in choice) {
    const trim = trimOf(NODE);
    const raws = await listRaw(client, NODE, undefined, choice.selector);
    const found = raws.flatMap((raw) => trim(raw) ?? []);
    return { found: found.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)), missing: [] };
  }
  const names = [...new Set(choice.names)];
  const seen = new Map<string, Node>();
  await forEachAtOnce(names, async (name) => {
    const read = await readNode(client, name);
    if (read !== undefined) seen.set(name, read.node);
  });
  return {
    found: names.flatMap((name) => seen.get(name) ?? []),
    missing: names.filter((name) => !seen.has(name)),
  };
}
