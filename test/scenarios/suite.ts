/** Scenarios: the same files run on the sandbox and on a real control plane. `SCENARIOS_ON` selects which. */
import { afterAll, beforeAll, beforeEach, describe, it, type TestContext } from 'vitest';
import {
  type Capability,
  type ControlPlane,
  type ControlPlaneOptions,
  NotSupported,
  startControlPlane,
} from '../../controlplane/controlplane.ts';
import { SANDBOX_CAN, startSandboxControlPlane } from '../../harness/sandbox-cluster.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';

export type Ground = 'sandbox' | 'controlplane';

/** Where the scenarios of this run are executed. */
export const GROUND: Ground = groundOf(process.env.SCENARIOS_ON);

function groundOf(name: string | undefined): Ground {
  if (name === 'sandbox' || name === 'controlplane') return name;
  throw new Error(`SCENARIOS_ON wants sandbox or controlplane, found ${name}: vitest's projects set it`);
}

/**
 * A `describe` whose tests share one control plane of this run's kind.
 *
 * On the sandbox, tests that need kubectl are skipped if it is not installed. On a real control plane, all tests are skipped
 * if none is available.
 *
 * @param tests declares the tests; the function that it gets may only be called inside them and their hooks.
 * @param lacking why these tests cannot run on a real control plane here although one could be had.
 */
export function describeScenario(
  name: string,
  options: ControlPlaneOptions,
  tests: (get: () => ControlPlane) => void,
  lacking?: string,
): void {
  if (GROUND === 'controlplane') {
    describeOnControlPlane(name, options, tests, lacking);
    return;
  }
  describe(name, () => {
    let controlPlane: ControlPlane | undefined;
    let current: TestContext | undefined;
    beforeAll(async () => {
      const started = await startSandboxControlPlane(options);
      controlPlane = { ...started, kubectl: (...call) => started.kubectl(...call).catch((error) => skip(error)) };
    });
    afterAll(() => controlPlane?.stop());
    beforeEach((context) => {
      current = context;
    });
    const skip = (error: unknown): never => {
      if (error instanceof NotSupported) current?.skip(error.message);
      throw error;
    };
    tests(() => {
      if (controlPlane === undefined) throw new Error('The control plane exists only while tests run');
      return controlPlane;
    });
  });
}

/** Another control plane of the same kind; the caller stops it. */
export const startAnother: (options: ControlPlaneOptions) => Promise<ControlPlane> =
  GROUND === 'sandbox' ? startSandboxControlPlane : startControlPlane;

/** An `it` that needs a `capability` that the sandbox does not have; it is skipped there. */
export function itWhereThereIs(
  capability: Capability,
  name: string,
  test: (context: TestContext) => void | Promise<void>,
): void {
  if (GROUND === 'controlplane' || SANDBOX_CAN.has(capability)) it(name, test);
  else it.skip(`${name} (the sandbox has no ${capability})`, test);
}
