/** A new user's first roll, watched in the page: one Node is rejected, and the user does what the page says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, startBrowser } from '../../harness/browser.ts';
import { Dashboard } from '../../harness/dashboard.ts';
import { Bridge, command, Running } from '../../harness/program.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';

const NODES = ['worker-1', 'worker-2', 'worker-3', 'worker-4', 'worker-5'];
const WORK = ['--exec', 'echo updating $NODE_NAME'];

describeInBrowser('the page beside `roll`', () => {
  let browser: Browser;
  let folder: string;
  let kubeconfig: string;
  let sandbox: Sandbox;
  let bridge: Bridge;
  let dashboard: Dashboard;
  let page: Page;

  beforeAll(async () => {
    browser = await startBrowser();
    folder = await mkdtemp(join(tmpdir(), 'first-roll-'));
    kubeconfig = join(folder, 'kubeconfig');
    sandbox = await startSandbox({ nodes: NODES });
    await sandbox.writeKubeconfig(kubeconfig);
    const spec = { nodeName: 'worker-3', containers: [{ name: 'main', image: 'registry.invalid/main' }] };
    sandbox.api.create('pods', { metadata: { name: 'debug' }, spec }, 'default');
    bridge = await new Bridge({ kubeconfig, flags: ['--leader-election-namespace=default'] }).leads();
    dashboard = new Dashboard(kubeconfig);
    page = await (await browser.newContext()).newPage();
    await page.goto(await dashboard.url());
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.end('SIGKILL');
    await bridge?.end();
    await sandbox?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const rowOf = (name: string) => page.getByRole('row', { name: new RegExp(`node/${name}`) });

  it('shows the rejection with the Pod, the remedy and how to go on; and then that it goes on, to the end', async () => {
    await page.getByText('Nothing is under way.').waitFor();
    const started = new Running(['roll', ...NODES, '--order', 'name', ...WORK, '--kubeconfig', kubeconfig]);
    expect(await started.end(), started.out + started.err).toBe(3);

    // The roll has released the Node, whose report has gone with the taint.
    await rowOf('worker-3').getByText('Rejected', { exact: true }).waitFor();
    await rowOf('worker-3').getByText('the user, who removes the cause and resumes the roll').waitFor();
    await page.getByRole('button', { name: 'node/worker-3' }).click();
    const details = page.getByRole('complementary', { name: 'node/worker-3' });
    await details.getByText(/^Rejected Rejected in roll \w+, and released: GenericFailure: /).waitFor();
    const blocker = details.locator('.blockers li');
    await blocker.getByText('default/debug', { exact: true }).waitFor();
    await blocker.getByText('Delete the Pod yourself or give it a controller').waitFor();
    const why = await command(['why', 'node/worker-3', '--kubeconfig', kubeconfig]);
    expect(why.out).toMatch(/default\/debug: .*Delete the Pod yourself or give it a controller/);
    const resume = await details.getByRole('button', { name: /^Copy: maintenance-bridge roll --resume/ });
    const [, id = ''] = /--resume (\w+)$/.exec((await resume.getAttribute('aria-label')) ?? '') ?? [];
    expect(why.out).toContain(`maintenance-bridge roll --resume ${id}`);
    expect(started.err).toContain(`To go on: maintenance-bridge roll --resume ${id} --exec 'echo updating $NODE_NAME'`);

    sandbox.api.delete({ resource: 'pods', namespace: 'default', name: 'debug' });
    // The work lasts until it is told to end, so that its states last long enough to be seen.
    const held = join(folder, 'held');
    const work = `while [ ! -e ${held} ]; do sleep 0.1; done`;
    const resumed = new Running(['roll', '--resume', id, '--exec', work, '--kubeconfig', kubeconfig]);
    await rowOf('worker-3').getByText('InMaintenance').waitFor();
    await details.getByText(new RegExp(`^Part of roll ${id}: Working$`)).waitFor();
    const done = await command(['why', 'node/worker-4', '--kubeconfig', kubeconfig]);
    expect(done.out).toContain(`Roll ${id} will take it as Node 4 of 5`);

    await writeFile(held, '');
    expect(await resumed.end(), resumed.out + resumed.err).toBe(0);
    await page.getByText('Nothing is under way.').waitFor();
    await details.getByText('Idle', { exact: true }).waitFor();
    expect(resumed.out).toMatch(/Finished +5\/5/);
  });
});
