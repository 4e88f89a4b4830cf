/**
 * Work and memory in figures that other programs on the machine do not affect: steps of a verdict, passes and writes
 * of many requests at once, heap bytes per object. `npm run bench -- --quick` prints them; `quick.test.ts` checks
 * their limits.
 */
import { spawnSync } from 'node:child_process';
import { finish, type Steps } from '../src/core/scheduling/steps.ts';
import { look } from '../src/tmm/observe/observe.ts';
import { tmmSettingsSchema } from '../src/tmm/settings.ts';
import type { TmmSources } from '../src/tmm/watches.ts';
import { heapInUse } from './heap.ts';
import { type MassWork, taintAtOnce } from './mass-requests.ts';
import { FIRST_NODE, type UglyOptions, uglyCluster } from './ugly-cluster.ts';

export interface QuickFigure {
  readonly what: string;
  readonly is: number;
  /** A higher value is a regression: the value measured when the limit was set, with a margin if the figure also depends on Node.js. */
  readonly atMost: number;
}

const NODES = 200;
const UGLY: UglyOptions = { nodes: NODES, movers: 110, rules: 'apart' };

export async function quickFigures(): Promise<readonly QuickFigure[]> {
  const apart = countWork(UGLY);
  const waiting = countWork({ ...UGLY, pending: 3000 });
  const { taints, podEvent, budgetEvent }: MassWork = await taintAtOnce(NODES, 100);
  return [
    { what: 'steps of a verdict, 110 Pods that keep apart', is: apart.steps, atMost: 260 },
    { what: 'reads of caches in that verdict', is: apart.reads, atMost: 6800 },
    { what: 'objects that these reads look through', is: apart.objects, atMost: 27_000 },
    { what: 'more of them with 3 000 Pods pending beside', is: waiting.objects - apart.objects, atMost: 0 },
    { what: 'passes, 100 Nodes tainted at once', is: taints.passes, atMost: 220 },
    { what: 'writes, the same', is: taints.writes, atMost: 100 },
    { what: 'passes for one Pod that changes meanwhile', is: podEvent.passes, atMost: 2 },
    { what: 'passes for one budget that changes meanwhile', is: budgetEvent.passes, atMost: 1 },
    { what: 'writes for both', is: podEvent.writes + budgetEvent.writes, atMost: 0 },
    { what: 'bytes kept for a Pod with its claim and volume', is: bytesPerPod(), atMost: 3600 },
  ];
}

interface VerdictWork {
  readonly steps: number;
  readonly reads: number;
  readonly objects: number;
}

/** One observation and one search, as in a pass. */
function countWork(options: UglyOptions): VerdictWork {
  const settings = tmmSettingsSchema.parse({});
  const [taint] = settings.taints;
  const counter = { reads: 0, objects: 0 };
  const readers = counting(uglyCluster(options), counter);
  const moment = { attempts: new Map(), reservations: new Map(), settings, source: () => taint, nowMs: 0 };
  const seen = look(readers, FIRST_NODE, moment);
  if (seen.is === 'unknown' || seen.value.search === undefined) throw new Error('There is room to be searched for');
  let steps = 0;
  const counted = function* <T>(work: Steps<T>): Steps<T> {
    for (;;) {
      steps += 1;
      const step = work.next();
      if (step.done === true) return step.value;
      yield;
    }
  };
  const found = finish(counted(seen.value.search.steps()));
  if (found === undefined || found.room.unplaced.length > 0) throw new Error('All Pods find room');
  return { steps, ...counter };
}

/** Caches that count the reads and the returned objects. */
function counting(sources: TmmSources, counter: { reads: number; objects: number }): TmmSources {
  const entries = Object.entries(sources).map(([kind, source]) => [
    kind,
    {
      get: (key: string) => {
        counter.reads += 1;
        counter.objects += 1;
        return source.get(key);
      },
      byIndex: (index: string, value: string) => {
        const found = source.byIndex(index, value);
        counter.reads += 1;
        counter.objects += found.is === 'known' ? found.value.length : 0;
        return found;
      },
    },
  ]);
  return Object.fromEntries(entries);
}

/** In a separate process, where nothing else takes memory. */
function bytesPerPod(): number {
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--expose-gc', import.meta.filename, 'bytes'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

function measureBytes(): number {
  // The memory of the code itself is allocated before.
  const small = uglyCluster({ ...UGLY, nodes: 2 });
  const before = heapInUse();
  const large = uglyCluster(UGLY);
  const bytes = heapInUse() - before;
  if (large === small) throw new Error('Both are kept until here');
  return Math.round(bytes / ((NODES - 1) * 30 + UGLY.movers));
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv[2] === 'bytes') console.log(measureBytes());
  else {
    const figures = await quickFigures();
    for (const { what, is, atMost } of figures) {
      console.log(`${what.padEnd(52)}${String(is).padStart(8)}  at most ${atMost}${is > atMost ? '  MORE' : ''}`);
    }
    if (figures.some(({ is, atMost }) => is > atMost)) process.exitCode = 1;
  }
}
