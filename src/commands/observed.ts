/**
 * `why node/NAME -o observed`, for developers: the input of the controller's decision on a Node, with the settings that apply to it. A test
 * replays such a recording (CONTRIBUTING.md). It may contain anything that the Pods' metadata contain.
 */
import type { RunOptions } from '../config/schema.ts';
import { askingTaint } from '../tmm/model/taints.ts';
import { observe } from '../tmm/observe/observe.ts';
import { type CommandContext, withCluster } from './cluster.ts';
import { structured } from './format.ts';
import { failed, type Outcome } from './outcome.ts';
import { snapshot } from './plan.ts';

/** Exit codes: 0, 1 no answer or no such Node, 2 no usable kubeconfig. */
export function printObserved(
  name: string,
  { tmm: { settings }, ...cluster }: RunOptions,
  context: CommandContext,
): Promise<Outcome<0 | 1 | 2>> {
  return withCluster(cluster, context, async (client): Promise<Outcome<0 | 1>> => {
    const sources = await snapshot(client, settings);
    const known = observe(sources, name, {
      attempts: new Map(),
      reservations: new Map(),
      settings,
      source: (node) => askingTaint(node, settings.taints),
      nowMs: context.nowMs,
    });
    if (known.is === 'unknown') throw new Error('The caches are not filled');
    if (known.value.node.is === 'absent') return failed(1, `There is no Node ${name}`);
    return { code: 0, out: structured({ settings, observed: known.value }, 'json'), err: '' };
  });
}
