/**
 * Before all tests of a run: has the program compiled once. Processes that are killed do not keep what they have compiled, so that
 * else each of them would compile it anew.
 */
import { command } from './program.ts';

/** For `globalSetup`. Loads everything that `run` needs, and ends, since there is no such cluster. */
export async function setup(): Promise<void> {
  await command(['run', '--kubeconfig=/nonexistent/kubeconfig']);
}
