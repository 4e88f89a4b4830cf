import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Availability } from '../controlplane/binaries.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  canStart,
  startControlPlane,
} from '../controlplane/controlplane.ts';

const START_TIMEOUT_MS = 5 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

/**
 * A `describe` whose tests share one control plane, started before the first and stopped after the last.
 *
 * Where none can be had the tests are skipped, with the reason in the name; under `CI=true` that is a failure.
 *
 * @param tests declares the tests; the function that it gets may only be called inside them and their hooks.
 * @param lacking why these tests cannot run here although a control plane could be had.
 */
export function describeOnControlPlane(
  name: string,
  options: ControlPlaneOptions,
  tests: (get: () => ControlPlane) => void,
  lacking?: string,
): void {
  let controlPlane: ControlPlane | undefined;
  const get = (): ControlPlane => {
    if (controlPlane === undefined) throw new Error('The control plane exists only while tests run');
    return controlPlane;
  };
  const found: Availability = lacking === undefined ? canStart(options) : { is: 'unavailable', why: lacking };
  if (found.is === 'available') {
    describe(name, () => {
      beforeAll(async () => {
        controlPlane = await startControlPlane(options);
      }, START_TIMEOUT_MS);
      afterAll(async () => {
        await controlPlane?.stop();
      }, STOP_TIMEOUT_MS);
      tests(get);
    });
  } else if (process.env.CI === 'true') {
    describe(name, () => {
      it('finds a control plane', () => expect.fail(found.why));
    });
  } else {
    describe.skip(`${name} (no control plane: ${found.why})`, () => tests(get));
  }
}
