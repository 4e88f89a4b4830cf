/** Pods with anti-affinity: a StatefulSet of three members, `db`, of which no two share a Node. */
import type { Plot } from '../../harness/plot.ts';

/** Part of a Pod's spec: no two Pods of `app` share a Node. */
export const apart = (app: string): object => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } },
      ],
    },
  },
});

/** @returns the Nodes of the members, which are ready. */
export async function addMembers(plot: Plot): Promise<readonly string[]> {
  await plot.statefulSet('db', 3, apart('db'));
  return (await plot.ready('db', 3)).map(({ spec }) => spec.nodeName ?? '').sort();
}

/** Tracks how many of them are ready. `stop()` returns the minimum. */
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
  // A failing test does not stop it, and the control plane ends while it runs.
  watching.catch(() => undefined);
  return {
    stop: async () => {
      isWatching = false;
      await watching;
      return least;
    },
  };
}
