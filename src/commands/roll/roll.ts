/** `roll`: maintenance of many Nodes, a few at a time, which can be resumed after an interruption. */
import { withCluster } from '../cluster.ts';
import { failed, type Outcome } from '../outcome.ts';
import { configure } from '../settings.ts';
import { begun, resumed } from './choose-members.ts';
import { dryRun } from './dry-run.ts';
import type { RollCode, RollContext, RollFlags } from './flags.ts';
import { countOf } from './order.ts';
import { runRoll } from './run-roll.ts';
import { commandWork, confirmedWork, makeLogDirectory } from './work.ts';

/**
 * Exit codes: 0 all are done; 1 a failure, or stopped before the end; 2 wrong usage, configuration or no kubeconfig; 3 at least one Node
 * was, or with `--dry-run` would be, rejected; 4 out of time; 130 left at once on a second Ctrl-C.
 */
export async function roll(flags: RollFlags, context: RollContext): Promise<Outcome<RollCode | 2>> {
  const { env, terminal, input } = context;
  const configured = configure(flags.given, env);
  if (configured.is === 'faults') return failed(2, ...configured.faults);
  const isDryRun = flags.given.get('dry-run')?.at(-1) === 'true';
  if (flags.exec === undefined && !isDryRun && !(input.isTTY === true && terminal.isInteractive)) {
    return failed(2, 'error: --exec COMMAND is needed: without it the work is confirmed with Enter, on a terminal.');
  }
  if (flags.logDirectory !== undefined) {
    try {
      makeLogDirectory(flags.logDirectory);
    } catch (error) {
      return failed(2, `--output-dir: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return withCluster(configured.options, context, async (client, credentials): Promise<Outcome<RollCode>> => {
    const likely = [...new Set([credentials.namespace ?? 'default', 'maintenance-bridge'])];
    const chosen = await ('resume' in flags.what
      ? resumed(client, flags.what.resume, configured, context.randomWord())
      : begun(client, flags.what.choice, flags.order, configured, context));
    if ('faults' in chosen) return failed(1, ...chosen.faults);
    for (const note of chosen.notes) context.writeError(`${note}\n`);
    if (isDryRun) return dryRun(chosen.members, chosen.plan, flags.output);
    if (chosen.members.length === 0) return { ...failed(0), out: 'There is nothing left to do.\n' };
    const work =
      flags.exec === undefined
        ? (ask: (node: string | undefined) => void) => confirmedWork(input, ask)
        : (_: unknown, output: Parameters<typeof commandWork>[0]['output']) =>
            commandWork({ command: flags.exec ?? '', env, output, logDirectory: flags.logDirectory });
    return runRoll({
      client,
      configured,
      flags,
      context,
      likely,
      members: chosen.members,
      isResumed: 'resume' in flags.what,
      maxUnavailable: countOf(flags.maxUnavailable, chosen.members.length),
      work,
    });
  });
}
