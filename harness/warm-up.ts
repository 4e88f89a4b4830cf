/**
 * Before all tests of a run: compiles the program once. Killed processes do not save their compilation, so each of them would otherwise
 * compile it again.
 */
import { command } from './program.ts';

/** For `globalSetup`. Loads everything that `run` needs, and ends, since there is no such cluster. */
export async function setup(): Promise<void> {
  await command(['run', '--kubeconfig=/nonexistent/kubeconfig']);
}
