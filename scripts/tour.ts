/**
 * `npm start`: the main job on a real Kubernetes control plane with simulated Nodes. A Node is drained within a budget and
 * comes back, and a request that would do harm is rejected. Exit code 0 only if each step ended as it should.
 */
import type { ControlPlane } from '../test/controlplane/controlplane.ts';
import { canStart, startControlPlane } from '../test/controlplane/controlplane.ts';
import { eventually } from '../test/controlplane/wait.ts';
import { Bridge } from '../test/support/bridge.ts';
import { Plot } from '../test/support/workloads.ts';

const OPTIONS = { scheduler: true, controllerManager: true, kwok: true } as const;
const IS_TERMINAL = process.stdout.isTTY === true;
const paint = (code: number, text: string): string => (IS_TERMINAL ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string): string => paint(1, text);
const dim = (text: string): string => paint(2, text);

const say = (text = ''): void => console.log(text);
const heading = (text: string): void => say(`\n${bold(text)}`);
const fact = (text: string): void => say(`   ${text}`);
const command = (text: string): void => say(`   ${paint(36, `$ kubectl ${text}`)}`);

/** Runs what is printed: the commands of the tour are the ones that a user types. */
async function kubectl(plot: Plot, ...args: readonly string[]): Promise<void> {
  command(args.join(' '));
  for (const line of (await plot.kubectl(...args)).trimEnd().split('\n')) fact(dim(line));
}

function bar(done: number, total: number): string {
  const width = 24;
  const filled = total === 0 ? width : Math.round((done / total) * width);
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}] ${done}/${total}`;
}

/** Shows the Node's own report as it changes, until the phase is reached. */
async function follow(plot: Plot, phase: 'InMaintenance' | 'Rejected' | 'none'): Promise<void> {
  let last = '';
  await eventually(
    async () => {
      const report = await plot.report();
      const now = report?.phase ?? 'none';
      const line =
        report === undefined
          ? ''
          : `${report.phase.padEnd(14)}${bar(report.pods.gone, report.pods.total)} ${report.message}`;
      if (line !== last && line !== '') fact(line);
      last = line;
      return now === phase ? true : undefined;
    },
    { what: `the Node to be in phase ${phase}`, deadlineMs: 60_000 },
  );
}

async function showEvents(plot: Plot, ...reasons: readonly string[]): Promise<void> {
  for (const reason of reasons) {
    const { type, note } = await plot.event(reason);
    fact(`Event ${paint(type === 'Warning' ? 33 : 32, reason)}: ${note}`);
  }
}

async function drainAndReturn(controlPlane: ControlPlane): Promise<void> {
  heading('1. A Node enters maintenance, and its Pods move within their budget');
  const plot = await Plot.make(controlPlane, 'shop', 3);
  await plot.runAtHome(() => plot.deployment('web', 8), 'web', 8);
  await plot.budget('web', { maxUnavailable: 2 });
  await plot.daemonSet('agent');
  await plot.ready('agent', 1, plot.home);
  fact(`8 Pods of Deployment web and one of a DaemonSet run on Node ${plot.home}; the budget allows 2 to be missing.`);
  await kubectl(plot, 'taint', 'node', plot.home, 'drain=planned-downtime:NoSchedule');
  await follow(plot, 'InMaintenance');
  await showEvents(plot, 'MaintenanceAdmitted', 'NodeDrained');
  await plot.ready('web', 8);
  fact('All 8 Pods are ready on other Nodes; the DaemonSet’s Pod stayed.');
  heading('2. The work is done: the taint goes, and so does everything that was set');
  await kubectl(plot, 'taint', 'node', plot.home, 'drain=planned-downtime:NoSchedule-');
  await follow(plot, 'none');
  await showEvents(plot, 'MaintenanceEnded');
}

async function reject(controlPlane: ControlPlane): Promise<void> {
  heading('3. A request that would break a quorum is rejected before anything is touched');
  const plot = await Plot.make(controlPlane, 'data', 2);
  await plot.runAtHome(() => plot.statefulSet('db', 3), 'db', 3);
  await plot.budget('db', { maxUnavailable: 0 });
  fact(`3 Pods of StatefulSet db run on Node ${plot.home}; the budget allows none to be missing.`);
  await kubectl(plot, 'taint', 'node', plot.home, 'drain=planned-downtime:NoSchedule');
  await follow(plot, 'Rejected');
  await showEvents(plot, 'MaintenanceRejected');
  const annotation = 'jsonpath={.metadata.annotations.emm-failure}: {.metadata.annotations.emm-failure-message}{"\\n"}';
  await eventually(async () => ((await plot.pods('db'))[0]?.metadata.annotations?.['emm-failure'] ? true : undefined), {
    what: 'the Pods to be told',
  });
  await kubectl(plot, '-n', 'data', 'get', 'pod', 'db-0', '-o', annotation);
  if ((await plot.on(plot.home, 'db')).length !== 3)
    throw new Error('A Pod was evicted although the request was rejected');
  // The proposal writes the value like this; kubectl ignores it on removal.
  await kubectl(plot, 'taint', 'node', plot.home, 'drain=planned-downtine:NoSchedule-');
  await follow(plot, 'none');
  fact('All 3 Pods run as before, and carry no annotation any more.');
}

async function misspell(controlPlane: ControlPlane): Promise<void> {
  heading('4. A taint that was probably meant is told, not guessed');
  const plot = await Plot.make(controlPlane, 'typo', 2);
  await kubectl(plot, 'taint', 'node', plot.home, 'drain=planned-downtine:NoSchedule');
  await showEvents(plot, 'UnrecognisedMaintenanceTaint');
}

async function main(): Promise<number> {
  const found = canStart(OPTIONS);
  if (found.is === 'unavailable') {
    say(`The tour needs a Kubernetes control plane, and none can be had here: ${found.why}`);
    return 1;
  }
  say(bold('maintenance-bridge: a tour on a real Kubernetes control plane with simulated Nodes'));
  const started = performance.now();
  await using controlPlane = await startControlPlane(OPTIONS);
  const bridge = new Bridge({ kubeconfig: controlPlane.kubeconfig, flags: ['--leader-elect=false'] });
  try {
    await bridge.leads();
    fact(dim(`kubeconfig while the tour runs: ${controlPlane.kubeconfig}`));
    await drainAndReturn(controlPlane);
    await reject(controlPlane);
    await misspell(controlPlane);
    heading(`Done: every step ended as it should, in ${Math.round((performance.now() - started) / 1000)} s.`);
    say('Next: npm run controlplane -- up gives you a cluster of your own to try it on; the README says how.');
    return 0;
  } finally {
    await bridge.end();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`\nThe tour failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
