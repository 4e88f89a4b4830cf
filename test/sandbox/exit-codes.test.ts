/**
 * Every exit code that the help of a command documents, asserted at its process. No controller runs: the Nodes have prepared
 * reports, so that each row takes only as long as the program needs to start.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { command, Running } from '../../harness/program.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { MACHINE_TAINT } from '../../src/core/machine-keys.ts';
import { ROLL_ANNOTATION } from '../../src/core/roll-record.ts';
import { REPORT_ANNOTATION } from '../../src/tmm/names.ts';

const TAINT = { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' };
const NOW = '2026-11-21T02:00:00Z';
/** No Node reaches its goal by itself, so a short wait is sufficient. */
const SHORT = '--timeout=1s';
const LEASE = { namespace: 'maintenance-bridge', name: 'maintenance-bridge' };
const LEASE_SECONDS = 2;

type Row = readonly [code: number, line: string, said: RegExp];

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  enter: [
    [0, 'enter asked', /^node\/asked: was asked already to enter maintenance/m],
    [0, 'enter drained --wait', /^node\/drained: drained after \S+; the machine may be worked on$/m],
    [1, 'enter nobody', /^node\/nobody: there is no such Node$/m],
    [1, 'enter -l rack=none', /^No Node has the labels rack=none$/m],
    [1, 'enter asked --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [2, 'enter', /wanted names of Nodes/],
    [2, 'enter asked --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
    [3, 'enter rejected --wait', /^node\/rejected: rejected/m],
    [4, `enter asked --wait ${SHORT}`, /^node\/asked: not drained after/m],
    [1, `enter nobody rejected asked --wait ${SHORT}`, /^node\/asked: not drained after/m],
    [3, `enter rejected asked --wait ${SHORT}`, /^node\/asked: not drained after/m],
  ],
  exit: [
    [0, 'exit idle', /^node\/idle: carries no drain=planned-downtime:NoSchedule$/m],
    [0, 'exit fenced', /^node\/fenced: carries no .*; its Machine asks for its maintenance: .* why node\/fenced$/m],
    [0, 'exit idle --wait', /^node\/idle: the maintenance has ended/m],
    [1, 'exit nobody', /^node\/nobody: there is no such Node$/m],
    [1, 'exit overdue --wait', /^node\/overdue: the exit is late: A message/m],
    [1, 'exit idle --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [2, 'exit idle --timeout 1s', /--timeout limits the waiting: it needs --wait/],
    [2, 'exit idle --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
    [4, `exit exiting --wait ${SHORT}`, /^node\/exiting: not ended after/m],
    [4, `exit fenced --wait ${SHORT}`, /Waits for: the user, who ends the maintenance of its Machine$/m],
  ],
  wait: [
    [0, 'wait drained', /^node\/drained: drained/m],
    [0, 'wait fenced', /^node\/fenced: drained/m],
    [0, 'wait rejected --for rejected', /^node\/rejected: rejected/m],
    [0, 'wait idle --for ended', /^node\/idle: the maintenance has ended/m],
    [1, 'wait nobody', /^node\/nobody: there is no such Node$/m],
    [1, 'wait overdue --for ended', /^node\/overdue: the exit is late/m],
    [1, 'wait drained --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [2, 'wait drained --for ready', /Allowed choices are drained, ended, rejected/],
    [2, 'wait drained --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
    [3, 'wait rejected', /^node\/rejected: rejected/m],
    [4, `wait asked ${SHORT}`, /^node\/asked: not drained after/m],
    [4, `wait drained --for rejected ${SHORT}`, /^node\/drained: not rejected after/m],
    [4, `wait asked --for ended ${SHORT}`, /^node\/asked: not ended after/m],
  ],
  roll: [
    [0, 'roll --resume finished --exec true', /^There is nothing left to do\.$/m],
    [0, 'roll free --dry-run', /^free +Pending +Proceed/m],
    [1, 'roll nobody --exec true', /^There is no Node nobody$/m],
    [1, 'roll -l rack=none --exec true', /^No Node has the labels rack=none$/m],
    [1, 'roll --resume nosuch --exec true', /^No Node is part of a roll nosuch$/m],
    [1, 'roll free --exec true --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [1, 'roll asked --exec true', /^node\/asked: Skipped: somebody else has asked for its maintenance$/m],
    [1, 'roll fenced --exec true', /^node\/fenced: Skipped: somebody else has asked for its maintenance$/m],
    [1, 'roll halfway --exec true', /^Roll broken is not over: it has something to do on halfway$/m],
    [2, 'roll free', /--exec COMMAND is needed/],
    [2, 'roll free --exec true --output-dir /dev/null/logs', /^--output-dir: /m],
    [2, 'roll free --exec true --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
    [3, 'roll blocked --dry-run --config CONFIG', /^blocked +Pending +Reject/m],
    [4, `roll free --exec true ${SHORT}`, /^node\/free: TimedOut: it was not drained in time/m],
    [4, 'roll free --exec true --node-timeout=1s', /^node\/free: TimedOut: it was not drained in time/m],
  ],
  plan: [
    [0, 'plan free', /^Node free: may go/m],
    [1, 'plan nobody', /^Node nobody: /m],
    [1, 'plan free --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [1, 'plan machine/m -n default', /serves no Machines/],
    [2, 'plan', /wanted names of Nodes, machine\/NAME/],
    [2, 'plan free --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
    [3, 'plan blocked --config CONFIG', /^Node blocked: .*GenericFailure/m],
    [1, 'plan blocked nobody free --config CONFIG', /^Node blocked: .*GenericFailure/m],
  ],
  status: [
    [0, 'status', /^node\/rejected +Rejected/m],
    [1, 'status node/nobody', /nobody/],
    [1, 'status --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [2, 'status pod/a', /Pods are explained by why/],
    [2, 'status --config /nonexistent', /wanted a readable file, found no such file/],
    [2, 'status --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
  ],
  dashboard: [
    [1, 'dashboard --no-open --port PORT', /^The page cannot be served: .*EADDRINUSE/],
    [1, 'dashboard --no-open --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [2, 'dashboard --port 0', /Wanted a number from 1 to 65535/],
    [2, 'dashboard --no-open --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
  ],
  why: [
    [0, 'why node/rejected', /^Node rejected: Rejected$/m],
    [1, 'why node/nobody', /^There is no Node nobody$/m],
    [1, 'why pod/nobody -n default', /^There is no Pod default\/nobody$/m],
    [1, 'why machine/m -n default', /^This cluster serves no Machines\.$/m],
    [1, 'why node/idle --kubeconfig UNREACHABLE', /ECONNREFUSED/],
    [2, 'why job/x', /names no object/],
    [2, 'why node/idle --kubeconfig /nonexistent', /wanted a readable file, found no such file/],
  ],
};

/** Codes that a command ends with only when it is stopped: below. */
const BY_CTRL_C: Readonly<Record<string, readonly number[]>> = { roll: [130], dashboard: [0] };

describe('exit codes', () => {
  let sandbox: Sandbox;
  let folder: string;
  let kubeconfig: string;
  let unreachable: string;
  let config: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'exit-codes-'));
    kubeconfig = join(folder, 'kubeconfig');
    unreachable = join(folder, 'unreachable');
    const nodes = [
      'idle',
      'asked',
      'drained',
      'fenced',
      'rejected',
      'exiting',
      'overdue',
      'unnoticed',
      'finished',
      'halfway',
      'free',
      'spare',
      'blocked',
    ];
    sandbox = await startSandbox({ nodes });
    await sandbox.writeKubeconfig(kubeconfig);
    sandbox.api.create('namespaces', { metadata: { name: LEASE.namespace } });
    config = join(folder, 'config.yaml');
    // The Nodes that are under way do not affect this test.
    await writeFile(
      config,
      'apiVersion: maintenance-bridge.io/v1alpha1\nkind: BridgeConfiguration\ntmm: { maxConcurrentNodes: 9 }\n',
    );
    // Nothing listens on port 1, which is reserved.
    await writeFile(unreachable, sandbox.kubeconfig.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'));
    for (const name of ['asked', 'drained', 'rejected']) patch(name, { spec: { taints: [TAINT] } });
    patch('fenced', { spec: { taints: [MACHINE_TAINT] } });
    for (const name of ['drained', 'fenced']) report(name, 'InMaintenance');
    report('unnoticed', 'InMaintenance');
    report('rejected', 'Rejected', { reason: 'GenericFailure' });
    report('exiting', 'Exiting');
    report('overdue', 'Exiting', { overdue: true });
    for (const name of ['drained', 'fenced']) {
      const conditions = [...conditionsOf(name), { type: 'Drained', status: 'True', reason: 'Drained' }];
      sandbox.api.patch({ resource: 'nodes', name }, { status: { conditions } }, 'status');
    }
    const record = { id: 'finished', runner: 'r', place: 0, of: 1, state: 'Done', since: NOW };
    patch('finished', { metadata: { annotations: { [ROLL_ANNOTATION]: JSON.stringify(record) } } });
    // Its command has failed, and somebody may have the machine open.
    const broken = JSON.stringify({ ...record, id: 'broken', state: 'Failed' });
    patch('halfway', { metadata: { annotations: { [ROLL_ANNOTATION]: broken } }, spec: { taints: [TAINT] } });
    const spec = { nodeName: 'blocked', containers: [{ name: 'main', image: 'registry.invalid/main' }] };
    sandbox.api.create('pods', { metadata: { name: 'alone' }, spec }, 'default');
  });
  afterAll(async () => {
    await sandbox?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    sandbox.faults.clear();
    for (const name of ['free', 'asked']) {
      patch(name, { metadata: { annotations: { [ROLL_ANNOTATION]: null } } });
    }
    patch('free', { spec: { taints: [] } });
  });

  const patch = (name: string, change: object) => sandbox.api.patch({ resource: 'nodes', name }, { ...change });
  /** The report that a controller would have written on the Node. */
  const report = (name: string, phase: string, more: object = {}): void => {
    const pods = { total: 1, gone: 0, staying: 0 };
    const content = {
      session: 's1',
      phase,
      started: NOW,
      since: NOW,
      message: 'A message',
      pods,
      blockedBy: [],
      ...more,
    };
    patch(name, { metadata: { annotations: { [REPORT_ANNOTATION]: JSON.stringify(content) } } });
  };
  const conditionsOf = (name: string): readonly object[] => {
    const status = sandbox.api.get({ resource: 'nodes', name })?.status as { readonly conditions?: readonly object[] };
    return status.conditions ?? [];
  };
  const argsOf = (line: string): readonly string[] => {
    const args = line
      .split(' ')
      .map((word) =>
        word.replace('UNREACHABLE', unreachable).replace('CONFIG', config).replace('PORT', new URL(sandbox.url).port),
      );
    return args.includes('--kubeconfig') ? args : [...args, '--kubeconfig', kubeconfig];
  };

  it.each(Object.entries(ROWS))('`%s` has a row for each code that its help names, and no other', (name, rows) => {
    const help = parseCommandLine([name, '--help']);
    const [, codes = ''] = /Exit codes: ([\s\S]*)/.exec(help.is === 'exit' ? help.out : '') ?? [];
    const documented = [...codes.matchAll(/\d+/g)].map(([code]) => Number(code));
    const asserted = new Set([...rows.map(([code]) => code), ...(BY_CTRL_C[name] ?? [])]);
    expect([...asserted].sort((a, b) => a - b)).toEqual(documented);
  });

  it.each(Object.values(ROWS).flat())('%i: %s', async (code, line, said) => {
    const found = await command(argsOf(line));
    expect(found.out + found.err).toMatch(said);
    expect(found.code, found.out + found.err).toBe(code);
  });

  it('1: `status` cannot see everything, says what, and shows the rest', async () => {
    sandbox.faults.add({ resource: 'nodes', verb: 'list' }, { is: 'status', code: 403, message: 'nodes is forbidden' });
    const found = await command(argsOf('status'));
    expect(found).toMatchObject({ code: 1, err: expect.stringContaining('nodes is forbidden') });
  });

  it.each([
    ['wait asked', 1, /^node\/asked: not drained after/m],
    ['enter asked --wait', 1, /to end it: maintenance-bridge exit asked/],
    ['exit exiting --wait', 1, /^node\/exiting: not ended after/m],
    ['status --watch', 0, /node\/asked/],
    ['dashboard --no-open', 0, /^http:\/\/127\.0\.0\.1:\d+\//m],
  ] as const)('`%s` ends with %i on Ctrl-C', async (line, code, said) => {
    const running = new Running(argsOf(line));
    await running.line(/node\/(asked|exiting) |^http:/);
    expect(await running.end('SIGINT'), running.out + running.err).toBe(code);
    expect(running.out + running.err).toMatch(said);
  });

  it('130: `roll` leaves at once on the second Ctrl-C', async () => {
    const running = new Running(argsOf('roll free --exec true'));
    await running.line(/node\/free +Entering/);
    running.signal('SIGINT');
    await running.line(/Stopping .*Asked to stop: 1 under way is finished first; Ctrl-C again leaves at once$/);
    expect(await running.end('SIGINT'), running.out + running.err).toBe(130);
    expect(running.err).toMatch(/^Still tainted: free$/m);
  });

  describe.each([
    [
      'there is no Lease',
      undefined,
      /No controller seems to run: nothing happens to the (taint|removal of the taint) of node\/\w+, and there is no Lease of one in any namespace$/m,
    ],
    [
      'nobody holds the Lease',
      '',
      /No controller runs: nobody holds the Lease maintenance-bridge\/maintenance-bridge$/m,
    ],
    [
      'the Lease is not renewed',
      'somebody',
      /No controller seems to run: somebody has not renewed the Lease maintenance-bridge\/maintenance-bridge for \d+ seconds$/m,
    ],
  ])('where %s', (_, holderIdentity, said) => {
    beforeAll(() => {
      if (holderIdentity === undefined) return;
      const spec = { holderIdentity, leaseDurationSeconds: LEASE_SECONDS };
      sandbox.api.create('leases.coordination.k8s.io', { metadata: { name: LEASE.name }, spec }, LEASE.namespace);
    });
    afterAll(() => {
      if (holderIdentity !== undefined) sandbox.api.delete({ resource: 'leases.coordination.k8s.io', ...LEASE });
    });

    // The program's own clock determines both when it notices and when it gives up: on a slow machine both happen later.
    it.concurrent.each([
      'enter asked --wait --timeout=6s',
      'wait asked --timeout=6s',
      'exit unnoticed --wait --timeout=6s',
      'wait unnoticed --for ended --timeout=6s',
      'roll spare --exec true --node-timeout=6s',
    ])('4: `%s` says so, and is out of time', async (line) => {
      const found = await command(argsOf(line));
      expect(found.err).toMatch(said);
      expect(found.code, found.out + found.err).toBe(4);
    });
  });
});
