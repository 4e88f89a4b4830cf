/** `status --left-behind`: lists our marks in the cluster, for users who are about to uninstall the program. */
import { findLeftovers, type Leftovers, lookForAll, someOf } from '../app/leftovers.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { failed, type Outcome } from './outcome.ts';

/** For all lists, however many pages they have. */
const TIMEOUT_MS = 60_000;

/** Exit codes: 0 nothing stays blocked after an uninstallation, 1 something does, or it is not known. */
export async function tellLeftBehind(
  client: ApiClient,
  namespaces: readonly string[],
  ownNamespace: string,
): Promise<Outcome<0 | 1>> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const leftovers = await findLeftovers(client, lookForAll(namespaces, ownNamespace), signal);
  const out = renderLeftBehind(leftovers);
  const isGrave = leftovers.found.some((each) => each.isGrave);
  if (isGrave) return { ...failed<0 | 1>(1, 'Not safe to uninstall: see above.'), out };
  if (leftovers.faults.length === 0) return { code: 0, out, err: '' };
  return { ...failed<0 | 1>(1, 'Whether it is safe to uninstall is not known: see above.'), out };
}

function renderLeftBehind({ found, unseen, faults }: Leftovers): string {
  const lines = [
    ...found.map(
      ({ what, objects, remedy }) => `${what} (${objects.length}): ${someOf(objects)}\n  To end it: ${remedy}`,
    ),
    ...(found.length + faults.length === 0 ? ['Nothing of ours was found that would be left behind.'] : []),
    ...unseen.map((each) => `Not looked at: ${each}`),
    ...faults.map((each) => `Not known: ${each}`),
  ];
  return `${lines.join('\n')}\n`;
}
