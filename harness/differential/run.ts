/** Many random clusters, one after another, on one control plane. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Rest } from '../rest.ts';
import { clusterCase } from './arbitrary.ts';
import type { ClusterCase, Recording } from './cluster-case.ts';
import { type Comparison, compare, type Disagreement, reasonsIn } from './compare.ts';
import { record, refusalOf } from './scheduler.ts';

/** For the gate: clusters that agreed once must continue to agree. New seeds belong to `npm run differential`. */
export const FIXED_SEED = 20_260_701;
export const REGRESSIONS = join(import.meta.dirname, 'regressions');

/** Shrinking runs the scheduler again and again; after this time the smallest case so far is good enough. */
const SHRINK_MS = 60_000;
/** The scheduler's caches follow the server with a delay; an answer about an old state is not repeated. */
const ATTEMPTS = 3;

export interface Tally {
  clusters: number;
  decisions: number;
  /** Clusters with a disagreement. */
  disagreeing: number;
  /** Clusters in which all Pods fit in our order, but not in the scheduler's. */
  orderDependent: number;
  readonly disagreements: Map<Disagreement['kind'], number>;
  /** For each reason of the scheduler, how many decisions it was part of: shows what the clusters covered. */
  readonly reasons: Map<string, number>;
  /** Paths of regression cases that were written. */
  readonly saved: string[];
}

export function emptyTally(): Tally {
  return {
    clusters: 0,
    decisions: 0,
    disagreeing: 0,
    orderDependent: 0,
    disagreements: new Map(),
    reasons: new Map(),
    saved: [],
  };
}

/**
 * Runs the scheduler and the simulation on `clusters` random clusters and adds the results to `tally`. A disagreement is shrunk, and the
 * smallest case saved with the scheduler's answers.
 */
export async function runDifferential(
  api: Rest,
  { seed, clusters, tally }: { readonly seed: number; readonly clusters: number; readonly tally: Tally },
  progress: (line: string) => void = () => {},
): Promise<void> {
  for (let index = 0; index < clusters; index += 1) {
    const seen: Outcome[] = [];
    // One run each, so that a disagreement is shrunk on its own and the others continue.
    const { errorInstance } = await fc.check(
      fc.asyncProperty(clusterCase, async (cluster) => {
        const outcome = await settled(api, cluster);
        const isFirst = seen.length === 0;
        if (isFirst || disagrees(outcome)) seen.push(outcome);
        return !disagrees(outcome);
      }),
      { seed: seed + index, numRuns: 1, unbiased: true, interruptAfterTimeLimit: SHRINK_MS },
    );
    const [first, smallest] = [seen[0], seen.at(-1)];
    if (first === undefined || smallest === undefined)
      throw new Error(`Asking about the cluster of seed ${seed + index}`, { cause: errorInstance });
    count(tally, first);
    if (disagrees(first)) {
      progress(`Seed ${seed + index}: ${JSON.stringify(first.comparison.disagreements)}`);
      tally.saved.push(await save(smallest.recording));
    }
    if (tally.clusters % 50 === 0) progress(describe(tally));
  }
}

export function describe({ clusters, decisions, disagreeing, orderDependent, disagreements }: Tally): string {
  const agreement = clusters === 0 ? 100 : (100 * (clusters - disagreeing)) / clusters;
  const kinds = [...disagreements].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return (
    `${clusters} clusters, ${decisions} decisions: ${agreement.toFixed(1)} % agreement` +
    `${kinds === '' ? '' : ` (${kinds})`}; ${orderDependent} clusters depend on the order of placing`
  );
}

interface Outcome {
  readonly recording: Recording;
  readonly comparison: Comparison;
}

const disagrees = ({ comparison }: Outcome): boolean => comparison.disagreements.length > 0;

async function settled(api: Rest, cluster: ClusterCase): Promise<Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await ask(api, cluster);
    if (!disagrees(outcome) || attempt === ATTEMPTS) return outcome;
  }
}

async function ask(api: Rest, cluster: ClusterCase): Promise<Outcome> {
  const recording = await record(api, cluster);
  const comparison = compare(recording);
  const { betterAssignment, disagreements, isNo } = comparison;
  // A case that we call impossible must be so in every order; two more orders are tried.
  for (const pods of isNo ? otherOrders(cluster.pods) : []) {
    const again = await record(api, { ...cluster, pods });
    const other = compare(again);
    if (other.disagreements.length > 0) return { recording: again, comparison: other };
  }
  const refusal = betterAssignment && (await refusalOf(api, cluster, betterAssignment));
  if (refusal === undefined) return { recording, comparison };
  const refused: Disagreement = { kind: 'Assignment', pod: '', detail: refusal };
  return { recording, comparison: { ...comparison, disagreements: [...disagreements, refused] } };
}

function otherOrders<T>(pods: readonly T[]): readonly (readonly T[])[] {
  if (pods.length < 2) return [];
  const half = Math.floor(pods.length / 2);
  return [pods.toReversed(), [...pods.slice(half), ...pods.slice(0, half)]];
}

function count(tally: Tally, { recording, comparison }: Outcome): void {
  tally.clusters += 1;
  tally.decisions += comparison.decisions;
  if (comparison.disagreements.length > 0) tally.disagreeing += 1;
  if (comparison.betterAssignment !== undefined) tally.orderDependent += 1;
  for (const { kind } of comparison.disagreements) add(tally.disagreements, kind);
  for (const { answer } of recording) {
    const reasons = 'node' in answer ? ['placed'] : reasonsIn(answer.message);
    for (const reason of new Set([...reasons].map(withoutNumbers))) add(tally.reasons, reason);
  }
}

const withoutNumbers = (reason: string): string => reason.replace(/^\d+ /, '').replace(/"[^"]*"/g, '…');

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function save(recording: Recording): Promise<string> {
  const text = `${JSON.stringify(recording, null, 1)}\n`;
  const path = join(REGRESSIONS, `${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`);
  await mkdir(REGRESSIONS, { recursive: true });
  await writeFile(path, text);
  return path;
}
