import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './harness/slowest-first.ts';

/** Scenarios that start the program many times over, which takes longer than all others together. */
const CRASHES = ['killed', 'machine-drain-killed', 'recreate', 'outages', 'faults'].map(
  (name) => `test/scenarios/${name}.test.ts`,
);

const TEMPORARY_FILES = 'harness/temporary-files.ts';
const PROPERTY_SEED = 'harness/property-seed.ts';
const WARM_UP = 'harness/warm-up.ts';
const BUILD_FIRST = 'harness/build-first.ts';
/** A build takes minutes, which no test waits for. */
const NO_BUILD = { MAINTENANCE_BRIDGE_BUILD: 'never' };

/** Against one that hangs: what a test waits for has a deadline of its own, and a busy machine takes several times as long. */
const HUNG_MS = 300_000;

const ON_THE_SANDBOX = {
  testTimeout: HUNG_MS,
  hookTimeout: HUNG_MS,
  // They wait more than they work.
  maxWorkers: 4,
  globalSetup: [TEMPORARY_FILES, WARM_UP],
  env: { SCENARIOS_ON: 'sandbox', ...NO_BUILD },
};

export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'sandbox/**/*.test.ts',
            'test/*.test.ts',
            'controlplane/**/*.test.ts',
            'harness/**/*.test.ts',
            'scripts/**/*.test.ts',
            'bench/**/*.test.ts',
            'test/differential/replay.test.ts',
          ],
          testTimeout: HUNG_MS,
          globalSetup: [TEMPORARY_FILES],
          setupFiles: [PROPERTY_SEED],
          // Pure for the most part, and several hundred files: starting a worker for each took twice as long as the tests.
          pool: 'threads',
          isolate: false,
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'sandbox',
          include: ['test/sandbox/**/*.test.ts', 'test/scenarios/**/*.test.ts'],
          exclude: CRASHES,
          ...ON_THE_SANDBOX,
        },
      },
      {
        test: { name: 'browser', include: ['test/dashboard/**/*.test.ts'], ...ON_THE_SANDBOX },
      },
      {
        test: { name: 'crashes', include: CRASHES, ...ON_THE_SANDBOX },
      },
      {
        test: {
          name: 'tools',
          include: ['test/chart/**/*.test.ts', 'test/monitoring/**/*.test.ts', 'test/image/**/*.test.ts'],
          testTimeout: HUNG_MS,
          hookTimeout: HUNG_MS,
          maxWorkers: '100%',
          globalSetup: [TEMPORARY_FILES, BUILD_FIRST],
          env: NO_BUILD,
        },
      },
      {
        test: {
          name: 'controlplane',
          include: [
            'test/e2e/**/*.test.ts',
            'test/scenarios/**/*.test.ts',
            'test/conformance/**/*.test.ts',
            'test/differential/differential.test.ts',
          ],
          // The faults are the sandbox's own; those of a real server are in test/e2e and outages.test.ts. The other file starts the
          // program dozens of times to check what machine-drain.test.ts checks on a real server at fewer points.
          exclude: ['test/scenarios/faults.test.ts', 'test/scenarios/machine-drain-killed.test.ts'],
          testTimeout: HUNG_MS,
          hookTimeout: HUNG_MS,
          // As on the sandbox, they wait more than they work; each file has a control plane of its own.
          maxWorkers: 4,
          globalSetup: [TEMPORARY_FILES, BUILD_FIRST, WARM_UP],
          setupFiles: [PROPERTY_SEED],
          env: { SCENARIOS_ON: 'controlplane', ...NO_BUILD },
        },
      },
    ],
  },
});
