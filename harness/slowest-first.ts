/**
 * The order of the test files: those that take longest come first, so that no worker is left alone with one of them at the end. Vitest itself
 * only knows the times of an earlier run, and a fresh clone has none.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Each takes more than a minute on a real control plane, most of it waiting. Longest first. */
const SLOW = [
  'e2e/hostile',
  'e2e/machine-health-checks',
  'scenarios/settled',
  'scenarios/machine-drain',
  'e2e/ramen-views',
  'differential/differential',
  'e2e/machine-deployments',
  'scenarios/capi',
  'e2e/rights',
  'scenarios/killed',
];

function rankOf({ moduleId }: TestSpecification): number {
  const found = SLOW.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return found === -1 ? SLOW.length : found;
}

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    // The order of equal ones stays.
    return others.sort((a, b) => rankOf(a) - rankOf(b));
  }
}
