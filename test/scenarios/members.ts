/** A StatefulSet of three members, `db`, of which no two share a Node. */
import type { Plot } from '../support/workloads.ts';

const APART = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } },
      ],
    },
  },
};

/** @returns the Nodes of the members, which are ready. */
export async function addMembers(plot: Plot): Promise<readonly string[]> {
  await plot.statefulSet('db', 3, APART);
  return (await plot.ready('db', 3)).map(({ spec }) => spec.nodeName ?? '').sort();
}

/** Follows how many of them are ready. `stop()` tells how many it were at the least. */
export function watchMembers(plot: Plot): { stop: () => Promise<number> } {
  let least = 3;
  let isWatching = true;
  const watching = (async () => {
    while (isWatching) {
      const ready = (await plot.pods('db')).filter(({ status }) =>
        status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      );
      least = Math.min(least, ready.length);
    }
  })();
  // A test that fails does not stop it, and the control plane goes away under it.
  watching.catch(() => undefined);
  return {
    stop: async () => {
      isWatching = false;
      await watching;
      return least;
    },
  };
}
