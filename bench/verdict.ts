/**
 * `npm run bench -- verdict`: duration of the verdict on one Node, from the caches to the decision, in worst-case
 * clusters, and how long it blocks the event loop. Reports and asserts nothing. docs/performance.md has the figures of
 * a run.
 *
 * Each cluster has a separate process, whose heap is collected once before the first verdict: the garbage from building the cluster
 * would otherwise be collected during one of them.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { PerformanceObserver } from 'node:perf_hooks';
import { nextTurn } from '../src/runtime/sleep.ts';
import { inSteps } from '../src/runtime/steps.ts';
import { decide } from '../src/tmm/decide/decide.ts';
import { look } from '../src/tmm/observe/observe.ts';
import { tmmSettingsSchema } from '../src/tmm/settings.ts';
import type { TmmSources } from '../src/tmm/watches.ts';
import { collectGarbage } from './heap.ts';
import { FIRST_NODE, type UglyOptions, uglyCluster } from './ugly-cluster.ts';

const RUNS = 25;

interface Run {
  readonly totalMs: number;
  /** For all threads of the process, including the garbage collector. */
  readonly cpuMs: number;
  /** The longest time between two turns of the event loop. */
  readonly sliceMs: number;
}

const settings = tmmSettingsSchema.parse({});
const [taint] = settings.taints;

async function judge(sources: TmmSources): Promise<Run> {
  let sliceMs = 0;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  let turnedMs = startedMs;
  const turn = async (): Promise<void> => {
    sliceMs = Math.max(sliceMs, performance.now() - turnedMs);
    await nextTurn();
    turnedMs = performance.now();
  };
  const moment = {
    attempts: new Map(),
    reservations: new Map(),
    settings,
    source: () => taint,
    nowMs: Date.now(),
  };
  const first = look(sources, FIRST_NODE, moment);
  if (first.is === 'unknown' || first.value.search === undefined) throw new Error('There is room to be searched for');
  // Like the reconciler: the search begins in the same turn as the observation.
  const found = await inSteps(first.value.search.steps(), turn);
  if (found === undefined) throw new Error('The caches are filled');
  const seen = look(sources, FIRST_NODE, { ...moment, found });
  if (seen.is === 'unknown') throw new Error('The caches are filled');
  const { because } = decide(seen.value.observed, { settings, memory: {} });
  if (because !== 'Admitted') throw new Error(`The decision is ${because}`);
  sliceMs = Math.max(sliceMs, performance.now() - turnedMs);
  const { user, system } = process.cpuUsage(cpu);
  return { totalMs: performance.now() - startedMs, cpuMs: (user + system) / 1000, sliceMs };
}

const CASES: readonly (UglyOptions & { readonly name: string })[] = [
  ...[100, 1000, 5000].map((nodes) => ({ nodes, movers: 110, rules: 'apart' as const, name: 'apart, zone volumes' })),
  ...[100, 1000, 5000].map((nodes) => ({ nodes, movers: 250, rules: 'near' as const, name: 'near, all namespaces' })),
  { nodes: 5000, movers: 110, rules: 'apart', pending: 10_000, name: '10 000 Pods pending' },
];

/** Collections of the whole heap, which smaller steps of ours cannot avoid. */
function countMajorCollections(): () => number {
  const MAJOR = 4;
  let count = 0;
  const note = (entries: readonly unknown[]): void => {
    for (const entry of entries) if ((entry as { detail?: { kind?: number } }).detail?.kind === MAJOR) count += 1;
  };
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    note(observer.takeRecords());
    return count;
  };
}

async function measure(options: UglyOptions & { readonly name: string }): Promise<void> {
  const sources = uglyCluster(options);
  collectGarbage();
  await nextTurn();
  const majors = countMajorCollections();
  const runs: Run[] = [];
  for (let run = 0; run < RUNS; run += 1) runs.push(await judge(sources));
  const ms = (value = 0): string => `${value.toFixed(0)} ms`.padStart(9);
  const median = (values: readonly number[]): string => ms([...values].sort((a, b) => a - b)[RUNS >> 1]);
  const worst = (values: readonly number[]): string => ms(Math.max(...values));
  const [cold] = runs;
  const times = runs.map(({ totalMs }) => totalMs);
  const slices = runs.slice(1).map(({ sliceMs }) => sliceMs);
  const size = `${String(options.nodes).padEnd(8)}${String(options.movers).padEnd(8)}${options.name.padEnd(21)}`;
  const cpu = median(runs.map(({ cpuMs }) => cpuMs));
  console.log(
    `${size}${median(times)}${worst(times)}${cpu}${worst(slices)}${ms(cold?.sliceMs)}${String(majors()).padStart(8)}`,
  );
}

const [only] = process.argv.slice(2);
const chosen = only === undefined ? undefined : CASES[Number(only)];
if (chosen !== undefined) {
  await measure(chosen);
} else {
  console.log(`${cpus().length} cores, Node.js ${process.version}, ${RUNS} verdicts each\n`);
  console.log('Nodes   movers  Pods                    median    worst      CPU    slice    first  majors');
  for (const index of CASES.keys()) {
    const { status } = spawnSync(process.execPath, ['--expose-gc', import.meta.filename, String(index)], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exitCode = 1;
  }
  console.log(
    '\nCPU: median of all threads. slice: the longest time between two turns of the event loop, of all but the',
  );
  console.log('first verdict, which stands beside it. majors: collections of the whole heap during all of them.');
}
