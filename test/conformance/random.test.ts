/** The sandbox answers random sequences of requests like a real API server. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { compareServers, FIXED_SEED, prepare } from '../../harness/conformance/run.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { startSandboxApi } from '../../sandbox/start.ts';

const RUNS_EACH = 75;
/** Always the same, so that a failure is caused by a change; `npm run conformance` uses other seeds. */
const SEEDS = [FIXED_SEED, FIXED_SEED + 1];

describeOnControlPlane('the sandbox and a real API server', {}, (get) => {
  it.each(SEEDS)(`answer ${RUNS_EACH} random sequences of requests alike, from seed %i`, async (seed) => {
    const { serverUrl: url, caFile, adminToken: token } = get();
    await using sandbox = await startSandboxApi();
    const pair = { sandbox, real: { url, ca: await readFile(caFile, 'utf8'), token } };
    await prepare(pair);
    expect(await compareServers(pair, { seed, runs: RUNS_EACH, prefix: `r${seed}` })).toEqual([]);
  });
});
