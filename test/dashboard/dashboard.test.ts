/** The dashboard in a real browser, with a cluster in memory. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeInBrowser, startBrowser } from '../../harness/browser.ts';
import { Dashboard } from '../../harness/dashboard.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';

const REPORT = 'maintenance-bridge.io/tmm';
const HOSTILE = '<img src=x onerror=document.title="owned"><script>document.title="owned"</script>';

describeInBrowser('`maintenance-bridge dashboard`', () => {
  let browser: Browser;
  let folder: string;
  let sandbox: Sandbox;
  let kubeconfig: string;
  let dashboard: Dashboard;
  let context: BrowserContext;
  let page: Page;
  /** Errors in the browser: script errors, and violations of the Content-Security-Policy. */
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await startBrowser();
    folder = await mkdtemp(join(tmpdir(), 'dashboard-'));
    kubeconfig = join(folder, 'kubeconfig');
    sandbox = await startSandbox({ nodes: ['worker-1', 'worker-2', 'worker-3'] });
    await sandbox.writeKubeconfig(kubeconfig);
  });
  afterAll(async () => {
    await browser?.close();
    await sandbox?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    dashboard = new Dashboard(kubeconfig);
    context = await browser.newContext();
    page = await context.newPage();
    faults.length = 0;
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(await dashboard.url());
  });
  afterEach(async () => {
    await context.close();
    await dashboard.end('SIGKILL');
    for (const name of ['worker-1', 'worker-2', 'worker-3']) report(name, undefined);
  });

  /** The report that the controller would have written on a Node; `undefined` for none. */
  function report(name: string, phase: string | undefined, more: object = {}): void {
    const now = new Date().toISOString();
    const content = {
      ...{ session: 's1', phase, started: now, since: now, message: 'A message' },
      ...{ pods: { total: 4, gone: 1, staying: 2 }, blockedBy: [], ...more },
    };
    const value = phase === undefined ? null : JSON.stringify(content);
    sandbox.api.patch({ resource: 'nodes', name }, { metadata: { annotations: { [REPORT]: value } } });
  }

  const rowOf = (name: string) => page.getByRole('row', { name: new RegExp(name) });

  it('shows a change at once, how far it is, and its end', async () => {
    await page.getByText('Nothing is under way.').waitFor();
    await page.getByRole('status').getByText('Live').waitFor();
    report('worker-1', 'Draining');
    await rowOf('node/worker-1').getByText('Draining').waitFor();
    expect(await rowOf('node/worker-1').getByRole('progressbar').getAttribute('value')).toBe('1');
    report('worker-1', 'InMaintenance', { pods: { total: 4, gone: 4, staying: 2 } });
    await rowOf('node/worker-1').getByText('4/4').waitFor();
    report('worker-1', undefined);
    await page.getByText('Nothing is under way.').waitFor();
    expect(faults).toEqual([]);
  });

  it('is used by keyboard and read by a screen reader: names, states and the remedy to copy', async () => {
    const remedy = 'Scale it up, then `kubectl taint node worker-2 drain-`';
    const blockedBy = [{ pod: 'shop/db-0', cause: 'BudgetExhausted', detail: 'allows none', remedy }];
    report('worker-2', 'Draining', { blockedBy });
    await rowOf('node/worker-2').waitFor();
    for (let steps = 0; steps < 20; steps++) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate(() => document.activeElement?.textContent)) === 'node/worker-2') break;
    }
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary', { name: 'node/worker-2' });
    await details.waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('node/worker-2');
    await details.getByText('shop/db-0', { exact: true }).waitFor();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await details.getByRole('button', { name: 'Copy: kubectl taint node worker-2 drain-' }).click();
    await details.getByRole('status').getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('kubectl taint node worker-2 drain-');
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'detached' });
    // Every control has a name.
    const controls = await page
      .getByRole('button')
      .or(page.getByRole('checkbox'))
      .or(page.getByRole('searchbox'))
      .all();
    for (const control of controls) expect(await control.evaluate(nameOf)).not.toBe('');
    expect(faults).toEqual([]);
  });

  it('shows the text of a hostile cluster as text', async () => {
    report('worker-3', 'Rejected', {
      message: HOSTILE,
      blockedBy: [{ pod: HOSTILE, cause: 'BudgetExhausted', detail: HOSTILE, remedy: HOSTILE }],
    });
    await page.getByRole('button', { name: 'node/worker-3' }).click();
    const details = page.getByRole('complementary');
    await details.getByText(HOSTILE).first().waitFor();
    expect(await page.locator('main img, aside img, aside script').count()).toBe(0);
    expect(await page.title()).toBe('maintenance-bridge');
    expect(faults).toEqual([]);
  });

  it.each(['dark', 'light'] as const)('can be read in %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    for (const [name, phase] of [
      ['worker-1', 'Draining'],
      ['worker-2', 'Rejected'],
      ['worker-3', 'InMaintenance'],
    ] as const) {
      report(name, phase);
      await rowOf(`node/${name}`).getByText(phase).waitFor();
    }
    const texts = page.locator('h1, h2, .badge, td, .name, .cluster, .link, thead th');
    // https://www.w3.org/TR/WCAG22/#contrast-minimum
    for (const contrast of await texts.evaluateAll(contrastsOf)) expect(contrast).toBeGreaterThanOrEqual(4.5);
    expect(faults).toEqual([]);
  });

  it('says that the API server does not answer, keeps what it shows, and goes on by itself', async () => {
    report('worker-1', 'Draining');
    await rowOf('node/worker-1').waitFor();
    await sandbox.faults.takeDown();
    await page.getByRole('alert').waitFor({ timeout: 60_000 });
    await rowOf('node/worker-1').waitFor();
    await sandbox.faults.bringUp();
    report('worker-2', 'Draining');
    await rowOf('node/worker-2').waitFor({ timeout: 60_000 });
    // A watch counts as open again after its first event.
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });

  it('says that its own program has ended', async () => {
    await page.getByRole('status').getByText('Live').waitFor();
    expect(await dashboard.end()).toBe(0);
    await page.getByText(/connection to maintenance-bridge is lost|has ended/).waitFor();
  });

  it('opens a second tab in the same browser, and nothing in another one', async () => {
    const second = await context.newPage();
    await second.goto(new URL('/', await dashboard.url()).href);
    await second.getByText('Nothing is under way.').waitFor();
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    expect((await other.goto(await dashboard.url()))?.status()).toBe(403);
    expect((await other.goto(new URL('/', await dashboard.url()).href))?.status()).toBe(403);
    await stranger.close();
  });

  it('gives nothing to another origin that the same browser shows', async () => {
    const { origin } = new URL(await dashboard.url());
    const other = createServer((_, response) =>
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Other</p>'),
    );
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const foreign = await context.newPage();
      await foreign.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
      for (const path of ['/timeline?of=node/worker-1', '/messages', '/']) {
        const read = foreign.evaluate(
          async (url) => (await fetch(url, { credentials: 'include' })).text(),
          `${origin}${path}`,
        );
        await expect(read).rejects.toThrow('Failed to fetch');
      }
      const framed = foreign.evaluate((url) => {
        const frame = document.createElement('iframe');
        frame.src = url;
        document.body.append(frame);
        return new Promise((resolve) =>
          frame.addEventListener('load', () => resolve(frame.contentDocument?.body.textContent)),
        );
      }, origin);
      // A frame that was refused contains another document, which the site cannot read.
      expect(await framed).toBeUndefined();
    } finally {
      other.close();
    }
  });

  it('shows where the Pods of a Node would go', async () => {
    report('worker-1', 'Draining');
    await page.getByRole('button', { name: 'node/worker-1' }).click();
    const [plan] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: /Where its Pods/ }).click(),
    ]);
    await plan.getByRole('heading', { name: 'Plan for Node worker-1' }).waitFor();
  });

  it('shows 5,000 Nodes without a stall', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `many-${String(index).padStart(4, '0')}`);
    for (const name of many) sandbox.api.create('nodes', { metadata: { name } });
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: /^Show 100 more of 5003/ }).waitFor({ timeout: 60_000 });
    expect(await page.getByRole('row').count()).toBe(101);
    // A long task delays the user's next key: https://developer.mozilla.org/docs/Web/API/PerformanceLongTaskTiming
    const longest = await page.evaluate(async () => {
      let most = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) most = Math.max(most, duration);
      }).observe({ entryTypes: ['longtask'] });
      await new Promise((resolve) => setTimeout(resolve, 2500));
      return most;
    });
    // Tasks of more than 50 ms are reported; the page is rendered twice in that time.
    expect(longest).toBeLessThan(1000);
    await page.getByRole('searchbox').fill('many-4999');
    await rowOf('node/many-4999').waitFor();
    for (const name of many) sandbox.api.delete({ resource: 'nodes', name });
  });
});

/** In the page: the accessible name of a control. */
function nameOf(control: Element): string {
  const label = control instanceof HTMLInputElement ? control.labels?.[0]?.textContent : control.textContent;
  return (control.getAttribute('aria-label') ?? label ?? '').trim();
}

/** In the page: the contrast of each text with its background, by WCAG's formula. */
function contrastsOf(elements: readonly Element[]): readonly number[] {
  const channels = (colour: string): readonly number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element: Element | null): string => {
    if (element === null) return 'rgb(255, 255, 255)';
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] === 0 ? behind(element.parentElement) : colour;
  };
  return elements.map((element) => {
    const [light = 0, dark = 0] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort(
      (a, b) => b - a,
    );
    return (light + 0.05) / (dark + 0.05);
  });
}
