/**
 * Approves the requests on the Nodes, like an operator in the workload cluster: maintenance and deletion.
 *
 * - A Node labelled `machine-maintenance: "true"` is labelled `approve-maintenance: "true"` after the delay, and one labelled
 *   `machine-deleted: "true"` is labelled `approve-deletion: "true"`; if so configured, only once it is drained.
 * - An approval ends with its request: its label is removed when the other one is.
 */

import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
} from '../../src/core/machine-keys.ts';
import { controllerOf } from '../../src/core/meta.ts';
import type { Node } from './base/kinds.ts';
import { isFinished, podsByNode } from './base/pods.ts';
import type { World } from './base/world.ts';
import type { ApproverOptions } from './options.ts';

const APPROVE = 'sandbox.maintenance-bridge.io/approve';
const MIRROR = 'kubernetes.io/config.mirror';
const DEFAULT_DELAY_MS = 500;
const PAIRS = [
  [MACHINE_MAINTENANCE_LABEL, APPROVE_MAINTENANCE_LABEL],
  [MACHINE_DELETED_LABEL, APPROVE_DELETION_LABEL],
] as const;

export function startApprover(world: World, options: ApproverOptions): void {
  const { delayMs = DEFAULT_DELAY_MS } = options;
  /** The earliest time at which a Node could be approved, by its UID and the label. */
  const since = new Map<string, number>();
  const work = world.controller('Approver', (name) => {
    const node = world.fresh('nodes', name);
    if (node === undefined) return;
    const changes: Record<string, string | null> = {};
    for (const [asked, approval] of PAIRS) {
      const id = `${node.metadata.uid} ${approval}`;
      const isApproved = node.metadata.labels?.[approval] === 'true';
      if (node.metadata.labels?.[asked] !== 'true') {
        since.delete(id);
        if (isApproved) changes[approval] = null;
      } else if (!isApproved && mayBeApproved(world, node, options)) {
        const dueMs = (since.get(id) ?? world.nowMs()) + delayMs;
        since.set(id, dueMs - delayMs);
        if (dueMs > world.nowMs()) work.addAfter(name, dueMs - world.nowMs());
        else changes[approval] = 'true';
      }
    }
    if (Object.keys(changes).length > 0) world.patch('nodes', node, { metadata: { labels: changes } });
  });
  world.mirror('nodes').onChange(({ object }) => work.add(object.metadata.name));
  if (options.waitsForDrain !== true) return;
  world.mirror('pods').onChange(({ type, object }) => {
    const { nodeName } = object.spec;
    if (nodeName !== undefined && (type === 'DELETED' || isFinished(object))) work.add(nodeName);
  });
}

function mayBeApproved(world: World, node: Node, { holds = false, waitsForDrain = false }: ApproverOptions): boolean {
  const said = node.metadata.annotations?.[APPROVE] ?? String(!holds);
  return said === 'true' && (!waitsForDrain || isDrained(world, node));
}

function isDrained(world: World, node: Node): boolean {
  return podsByNode(world)
    .get(node.metadata.name)
    .every(
      (pod) => isFinished(pod) || controllerOf(pod)?.kind === 'DaemonSet' || MIRROR in (pod.metadata.annotations ?? {}),
    );
}
