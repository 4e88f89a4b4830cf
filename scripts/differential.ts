/**
 * Compares the fit simulation with the real kube-scheduler on many random clusters: `npm run differential`.
 *
 * Half of them come from a fixed seed, half from a new one, which is printed. Exits with 1 after a disagreement, whose smallest case is
 * written to `harness/differential/regressions/`.
 */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { startControlPlane } from '../controlplane/controlplane.ts';
import { describe, emptyTally, FIXED_SEED, runDifferential } from '../harness/differential/run.ts';
import { prepare } from '../harness/differential/scheduler.ts';

const DEFAULT_CLUSTERS = 1000;

interface Options {
  readonly clusters: number;
  readonly seed?: number;
}

async function main({ clusters, seed }: Options): Promise<void> {
  const half = Math.floor(clusters / 2);
  const seeds = seed === undefined ? [FIXED_SEED, randomInt(2 ** 31)] : [seed];
  const tally = emptyTally();
  await using controlPlane = await startControlPlane({ scheduler: true });
  await prepare(controlPlane.api);
  for (const [index, each] of seeds.entries()) {
    const share = seeds.length === 1 ? clusters : index === 0 ? half : clusters - half;
    console.log(`Seed ${each}: ${share} clusters`);
    await runDifferential(controlPlane.api, { seed: each, clusters: share, tally }, console.log);
  }
  console.log('What the scheduler said, and how often:');
  for (const [reason, count] of [...tally.reasons].sort(([, a], [, b]) => b - a)) console.log(`${count}\t${reason}`);
  console.log(describe(tally));
  for (const path of tally.saved) console.log(`Saved ${path}`);
  process.exitCode = tally.disagreeing === 0 ? 0 : 1;
}

function wholeNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('wanted: a whole number.');
}

await new Command('differential')
  .description('the fit simulation against the real scheduler')
  .option('--clusters <number>', 'how many', wholeNumber, DEFAULT_CLUSTERS)
  .option('--seed <number>', 'all from this seed', wholeNumber)
  .action(main)
  .parseAsync();
