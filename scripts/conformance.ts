/**
 * Compares the sandbox's API server with a real one on many random sequences of requests: `npm run conformance`.
 *
 * Prints the shortest sequence for each difference and exits with 1 if there is one. Half of the sequences come from a fixed seed, half
 * from a new one, which is printed.
 */
import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { startControlPlane } from '../controlplane/controlplane.ts';
import { compareServers, type Divergence, FIXED_SEED, prepare } from '../harness/conformance/run.ts';
import { startSandboxApi } from '../sandbox/start.ts';

const DEFAULT_SEQUENCES = 2000;
const PROGRESS_EVERY = 100;

interface Options {
  readonly sequences: number;
  readonly seed?: number;
}

async function main({ sequences, seed }: Options): Promise<void> {
  await using controlPlane = await startControlPlane();
  await using sandbox = await startSandboxApi();
  const { serverUrl: url, caFile, adminToken: token } = controlPlane;
  const pair = { sandbox, real: { url, ca: await readFile(caFile, 'utf8'), token } };
  await prepare(pair);
  const half = Math.floor(sequences / 2);
  const shares =
    seed === undefined
      ? [[FIXED_SEED, half] as const, [randomInt(2 ** 31), sequences - half] as const]
      : [[seed, sequences] as const];
  const found: Divergence[] = [];
  for (const [each, runs] of shares) {
    console.log(`Seed ${each}: ${runs} sequences`);
    const onProgress = (done: number): void => {
      if (done % PROGRESS_EVERY === 0) console.log(`${done} of ${runs}`);
    };
    found.push(...(await compareServers(pair, { seed: each, runs, prefix: `r${each}`, onProgress })));
  }
  for (const divergence of found) console.log(`\n${show(divergence)}`);
  console.log(`\n${sequences} sequences, ${found.length} answered otherwise`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

function show({ steps, sandbox, real }: Divergence): string {
  const lines = steps.map(({ method, path, type = '', accept = '', body }) =>
    [method, path, type, accept, JSON.stringify(body)].filter(Boolean).join(' '),
  );
  return [...lines, `sandbox ${JSON.stringify(sandbox)}`, `real    ${JSON.stringify(real)}`].join('\n');
}

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('Wanted a whole number from 0 on.');
  return value;
};

const program = new Command('conformance')
  .description('Sends random sequences of requests to the sandbox and to a real API server, and compares the answers.')
  .option('--sequences <count>', 'how many', count, DEFAULT_SEQUENCES)
  .option('--seed <number>', 'all of them from this seed', count);
program.parse();
await main(program.opts<Options>());
