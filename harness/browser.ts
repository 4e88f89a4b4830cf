/** A real Chromium for tests of the dashboard. */
import { type Browser, chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { findBrowser } from './find-browser.ts';

/** Only the page: no look-ups, no updates, no accounts. In a container Chromium cannot create its own sandbox. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** @throws Error if it does not start. */
export function startBrowser(): Promise<Browser> {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error('There is no Chromium here');
  return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * A `describe` whose tests need a browser. Without one they are skipped, with the reason in the name; under `CI=true` that is a failure.
 */
export function describeInBrowser(name: string, tests: () => void): void {
  if (findBrowser() !== undefined) describe(name, tests);
  else if (process.env.CI === 'true') describe(name, () => it('finds a Chromium', () => expect.fail('There is none')));
  else describe.skip(`${name} (no Chromium: install it, or name it in CHROMIUM)`, tests);
}
