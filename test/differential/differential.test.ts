import { randomInt } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { describeOnControlPlane } from '../controlplane/suite.ts';
import { describe as describeTally, emptyTally, FIXED_SEED, runDifferential } from './run.ts';
import { prepare } from './scheduler.ts';

const CLUSTERS_EACH = 30;
const TIMEOUT_MS = 15 * 60_000;
const newSeed = randomInt(2 ** 31);

describeOnControlPlane('the fit simulation against the real scheduler', { scheduler: true }, (get) => {
  beforeAll(() => prepare(get().api));

  it.each([FIXED_SEED, newSeed])(
    `agrees on ${CLUSTERS_EACH} random clusters from seed %i`,
    async (seed) => {
      const tally = emptyTally();
      await runDifferential(get().api, { seed, clusters: CLUSTERS_EACH, tally });
      process.stderr.write(`Seed ${seed}: ${describeTally(tally)}\n`);
      expect(tally).toMatchObject({ clusters: CLUSTERS_EACH, disagreeing: 0, saved: [] });
    },
    TIMEOUT_MS,
  );
});
