/**
 * `npm run pictures`: takes the pictures of README and docs from the current program: the tour and a roll as animated SVGs, the dashboard
 * and the picture of `plan` by a Chromium; with `-- roll` only the roll. They are written to docs/pictures; exit code 1 if one cannot be
 * taken.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from '../../harness/browser.ts';
import { Bridge, command } from '../../harness/program.ts';
import { eventually } from '../../harness/wait.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';
import { furnishMachines, furnishWorkloads, nodeNames } from '../../tour/cluster.ts';
import { makeFolder } from '../../tour/folder.ts';
import { animate, type TimedLine } from './animate.ts';
import { recordRoll } from './roll.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PICTURES = join(ROOT, 'docs/pictures');
const SIZE = { width: 1200, height: 760 };
/** Slow enough that a Node is still draining when the picture is taken. */
const TIMING = { podStartMs: 300, podStopMs: 5000 };
const NODE_COUNT = 24;

await mkdir(PICTURES, { recursive: true });
await writeFile(
  join(PICTURES, 'roll.svg'),
  animate(await recordRoll(), 'roll: five Nodes, one rejected, its budget widened as the output says, then all done'),
);
if (!process.argv.includes('roll')) {
  await writeFile(
    join(PICTURES, 'tour.svg'),
    animate(await recordTour(), 'npm start: a Node is drained within a budget'),
  );
  const browser = await startBrowser();
  try {
    await takePictures(browser);
  } finally {
    await browser.close();
  }
}

/** The tour as it is printed in a pipe, without the blank line that it begins with. */
async function recordTour(): Promise<readonly TimedLine[]> {
  const child = spawn(process.execPath, [join(ROOT, 'tour/main.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: TimedLine[] = [];
  let rest = '';
  let startedMs: number | undefined;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    startedMs ??= performance.now();
    const atMs = Math.round(performance.now() - startedMs);
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((text) => ({ atMs, text })));
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The tour ended with code ${code}`);
  return lines.slice(lines.findIndex(({ text }) => text !== ''));
}

async function takePictures(chromium: Browser): Promise<void> {
  const kubeconfig = join(makeFolder('maintenance-bridge-pictures-'), 'kubeconfig');
  await using sandbox = await startSandbox({ clusterApi: true, metal3: true, timing: TIMING });
  await sandbox.writeKubeconfig(kubeconfig);
  const names = nodeNames(NODE_COUNT);
  await furnishMachines(sandbox, names);
  await furnishWorkloads(sandbox, names);
  const [draining = '', rejected = '', empty = ''] = names;
  await takePlan(chromium, kubeconfig, [draining, rejected]);
  const bridge = await new Bridge({ kubeconfig, flags: ['--tmm-max-concurrent-nodes=3'] }).leads();
  try {
    await takeDashboard(chromium, kubeconfig, async (page) => {
      for (const name of [empty, rejected]) taint(sandbox, name);
      await reported(sandbox, empty, '"phase":"InMaintenance"');
      await page.getByRole('button', { name: `node/${rejected}`, exact: true }).click();
      await page.getByText('Raise the replicas').first().waitFor();
      taint(sandbox, draining);
      // At any progress of the drain.
      await page.getByText(/[1-5]\/6/).waitFor();
    });
  } finally {
    await bridge.end();
  }
}

async function takePlan(chromium: Browser, kubeconfig: string, nodes: readonly string[]): Promise<void> {
  const { out } = await command(['plan', ...nodes, '-o', 'html', '--kubeconfig', kubeconfig]);
  const page = await chromium.newPage({ viewport: SIZE });
  await page.setContent(out);
  await page.screenshot({ path: join(PICTURES, 'plan.png') });
  await page.close();
}

/** @param act brings the cluster, and the page, to the state of the picture. */
async function takeDashboard(chromium: Browser, kubeconfig: string, act: (page: Page) => Promise<void>): Promise<void> {
  const main = join(ROOT, 'src/main.ts');
  const child = spawn(process.execPath, [main, 'dashboard', '--no-open', '--kubeconfig', kubeconfig]);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  try {
    const url = await eventually(() => /http:\S+/.exec(out)?.[0], { what: 'the address', deadlineMs: 60_000 });
    const page = await chromium.newPage({ viewport: SIZE, colorScheme: 'dark' });
    await page.goto(url);
    await act(page);
    await page.screenshot({ path: join(PICTURES, 'dashboard.png') });
    await page.close();
  } finally {
    child.kill('SIGINT');
    await once(child, 'close');
  }
}

function taint({ api }: Sandbox, name: string): void {
  const taints = [{ key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' }];
  api.patch({ resource: 'nodes', name }, { spec: { taints } });
}

async function reported({ api }: Sandbox, name: string, part: string): Promise<void> {
  const report = (): string => api.get({ resource: 'nodes', name })?.metadata.annotations?.[REPORT_ANNOTATION] ?? '';
  const what = `${part} in the report of ${name}`;
  await eventually(() => (report().includes(part) ? true : undefined), { what, deadlineMs: 60_000 });
}
