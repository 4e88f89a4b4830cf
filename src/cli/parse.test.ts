import { describe, expect, it } from 'vitest';
import { OPTION_ROWS } from '../config/options.ts';
import { parseCommandLine, programName } from './parse.ts';

const flagsOf = (...args: string[]) => {
  const line = parseCommandLine(['run', ...args]);
  return line.is === 'run' ? Object.fromEntries(line.flags) : line;
};

describe('`parseCommandLine()`', () => {
  it('gives the texts of each flag in their order', () => {
    expect(flagsOf('--config', 'a.yaml', '--log-level=debug', '--log-level', 'warn')).toEqual({
      config: ['a.yaml'],
      'log-level': ['debug', 'warn'],
    });
  });

  it('takes the three Kubernetes forms of a boolean flag', () => {
    expect(flagsOf('--dry-run')).toEqual({ 'dry-run': ['true'] });
    expect(flagsOf('--dry-run=true')).toEqual({ 'dry-run': ['true'] });
    expect(flagsOf('--dry-run=false', '--leader-elect')).toEqual({ 'dry-run': ['false'], 'leader-elect': ['true'] });
  });

  it('never takes the word after a boolean flag for its value', () => {
    expect(flagsOf('--dry-run', 'false')).toMatchObject({ is: 'exit', code: 2 });
    expect(flagsOf('--dry-run', '--log-level=warn')).toEqual({ 'dry-run': ['true'], 'log-level': ['warn'] });
  });

  it('takes --kubecontext for --context, which wins where both are given', () => {
    expect(flagsOf('--kubecontext', 'lab')).toEqual({ context: ['lab'] });
    expect(flagsOf('--context', 'a', '--kubecontext', 'b')).toEqual({ context: ['b', 'a'] });
  });

  it('knows every row of `OPTION_ROWS`', () => {
    const args = OPTION_ROWS.map(({ flag }) => `--${flag}=x`);
    expect(Object.keys(flagsOf(...args))).toEqual(OPTION_ROWS.map(({ flag }) => flag));
  });

  it.each([
    [['run', '--enable-tmn'], /unknown option '--enable-tmn'\n\(Did you mean --enable-tmm\?\)/],
    [['run', '--tmm-quorom=off'], /unknown option '--tmm-quorom'\n\(Did you mean --tmm-quorum\?\)/],
    [['run', '--enable-metal4-maintenance'], /unknown option/],
    [['run', 'node-1'], /too many arguments/],
    [['run', '--config'], /argument missing/],
    [['rnu'], /unknown command 'rnu'\n\(Did you mean run\?\)/],
    [['rnu', '--help'], /unknown command 'rnu'\n\(Did you mean run\?\)/],
    [['help', 'rnu'], /unknown command 'rnu'\n\(Did you mean run\?\)/],
    [['why'], /missing required argument 'object'/],
    [['why', 'job/x'], /Wanted node\/NAME, machine\/NAME.* or pod\/NAME/],
    [['why', 'node'], /error: 'node' names no object. Wanted node\/NAME/],
    [['why', 'job', 'x'], /error: 'job\/x' names no object. Wanted node\/NAME/],
    [['why', 'node', 'a', 'b'], /too many arguments/],
    [['status', '--watch=perhaps'], /unknown option '--watch=perhaps'/],
    [['-n', 'fleet'], /unknown option '-n'/],
    [['why', 'machine/'], /Wanted node\/NAME/],
    [['why', 'machine/a/'], /Wanted node\/NAME/],
    [['why', 'machine/a/b/c'], /Wanted node\/NAME/],
    [['why', 'node/a/b'], /Wanted node\/NAME/],
    [['why', 'machine/a', '-o', 'observed'], /only of a Node/],
    [['why', 'node/a', '-o', 'seen'], /Allowed choices are text, wide, json, yaml\./],
    [['plan', 'pod/a'], /Wanted names of Nodes/],
    [['plan', 'machine/a', 'node/b'], /wanted Nodes or Machines, found both/],
    [['plan', '-l', 'x=y', 'machine/b'], /wanted names, or -l SELECTOR of Machines, found both/],
    [['plan', '-l', ' '], /-l: wanted a selector, found an empty one/],
    [['plan'], /wanted names of Nodes, machine\/NAME, or -l SELECTOR of Machines/],
    [['plan', 'worker-1', 'node/'], /'node\/' names no Node. Wanted NAME or node\/NAME/],
    [['status', '-o', 'xml'], /Allowed choices are text, wide, json, yaml/],
    [['status', 'node/a', 'deployment.apps/web'], /'deployment.apps\/web' names no object/],
    [['status', 'pod/a'], /'pod\/a': Pods are explained by why/],
    [['status', 'node/a', '-l', 'a=b'], /wanted objects or -l, found both/],
    [['enter'], /wanted names of Nodes, or -l SELECTOR/],
    [['exit', 'a', '-l', 'a=b'], /wanted names of Nodes or -l SELECTOR, found both/],
    [['wait', '-l', ''], /wanted a selector, found an empty one/],
    [['enter', 'machine/a'], /'machine\/a' is a Machine. Wanted names of Nodes/],
    [['enter', 'a', '--timeout', '5m'], /--timeout limits the waiting: it needs --wait/],
    [['wait', 'a', '--timeout', '0'], /--timeout: wanted a duration above 0 .*, found '0'/],
    [['wait', 'a', '--timeout', '5'], /--timeout: wanted a duration above 0 .*, found '5'/],
    [['roll', '--exec', 'true'], /wanted names of Nodes, or -l SELECTOR/],
    [['roll', 'a', '--exec', ' '], /--exec: wanted a command, found an empty one/],
    [['roll', 'a', '--max-unavailable', '0'], /--max-unavailable: wanted a number above 0 or 1% to 100%, found '0'/],
    [['roll', 'a', '--on-rejection', 'panic'], /Allowed choices are stop, skip, retry/],
    [['roll', 'a', '--order', 'zone'], /Allowed choices are plan, name/],
    [['roll', 'a', '--resume', 'x1'], /--resume goes on with the Nodes of that roll/],
    [['roll', '--resume', 'A B'], /--resume: wanted the id of a roll, found 'A B'/],
    [['roll', 'a', '--node-timeout', 'soon'], /--node-timeout: wanted a duration above 0/],
    [['wait', 'a', '--for', 'ready'], /Allowed choices are drained, ended, rejected/],
    [['completion'], /missing required argument 'shell'/],
    [['completion', 'csh'], /Allowed choices are bash, zsh, fish, powershell, kubectl/],
    [['version', '-o', 'xml'], /Allowed choices are text, json/],
    [[], /Usage: maintenance-bridge/],
  ])('ends with 2 and says why on %j', (args, message) => {
    const line = parseCommandLine(args);
    expect(line).toMatchObject({ is: 'exit', code: 2, out: '' });
    expect(line.is === 'exit' && line.err).toMatch(message);
  });

  it('takes `-o observed` of a Node, and does not show it', () => {
    expect(parseCommandLine(['why', 'node/a', '-o', 'observed'])).toMatchObject({ is: 'observed', node: 'a' });
    expect(parseCommandLine(['why', '--help'])).not.toMatchObject({ out: expect.stringContaining('observed') });
  });

  it('takes Nodes for `plan` by name, and as `kubectl get nodes -o name` writes them', () => {
    expect(parseCommandLine(['plan', 'worker-1', 'node/worker-2'])).toMatchObject({
      is: 'plan',
      planned: { of: 'nodes', names: ['worker-1', 'worker-2'] },
    });
  });

  it('takes Machines for `plan` by name and by their labels', () => {
    expect(parseCommandLine(['plan', 'machine/a', 'machines.cluster.x-k8s.io/metal/b', '-n', 'fleet'])).toMatchObject({
      is: 'plan',
      planned: { of: 'machines', machines: [{ name: 'a' }, { name: 'b', namespace: 'metal' }], namespace: 'fleet' },
    });
    expect(parseCommandLine(['plan', '-l', 'rack=7'])).toMatchObject({
      planned: { of: 'machines', selector: 'rack=7' },
    });
  });

  it.each([
    [['--help']],
    [['-h']],
    [['help']],
    [['help', 'run']],
    [['help', 'help']],
    [['run', '--help']],
    [['version', '--help']],
  ])('ends with 0 and prints help on %j', (args) => {
    const line = parseCommandLine(args);
    expect(line).toMatchObject({ is: 'exit', code: 0, err: '' });
    expect(line.is === 'exit' && line.out).toMatch(/^Usage: maintenance-bridge/);
  });

  it('shows each flag of `run` with its default in the help', () => {
    const line = parseCommandLine(['run', '--help']);
    for (const { flag } of OPTION_ROWS)
      expect(line.is === 'exit' && line.out).toMatch(new RegExp(`--${flag}\\b.*\\(default: `));
  });

  it('reads the commands that look', () => {
    expect(parseCommandLine(['why', 'ma/m'])).toMatchObject({ is: 'why', kind: 'Machine', name: 'm' });
    expect(parseCommandLine(['status'])).toEqual({
      is: 'status',
      flags: {
        given: new Map(),
        output: 'text',
        noColour: false,
        all: false,
        allNamespaces: false,
        selector: undefined,
        watch: false,
        leftBehind: false,
        objects: [],
      },
    });
    expect(
      parseCommandLine(['why', 'Machine/m', '-n', 'metal', '-o', 'json', '--kubecontext=lab', '--config', 'a.yaml']),
    ).toEqual({
      is: 'why',
      kind: 'Machine',
      name: 'm',
      flags: {
        given: new Map([
          ['context', ['lab']],
          ['config', ['a.yaml']],
          ['namespace', ['metal']],
        ]),
        output: 'json',
        noColour: false,
      },
    });
    expect(parseCommandLine(['why', 'no/worker-1'])).toMatchObject({ kind: 'Node', name: 'worker-1' });
    // As `status` prints it.
    expect(parseCommandLine(['why', 'machine/metal/m'])).toMatchObject({ name: 'm', namespace: 'metal' });
    expect(parseCommandLine(['why', 'po/shop/db-0'])).toMatchObject({ kind: 'Pod', name: 'db-0', namespace: 'shop' });
  });

  it('reads how `status` is to show things', () => {
    const args = ['status', '-awA', '-l', 'rack=1', '-n', 'a', '-n', 'b', '-o', 'wide', '--no-color'];
    expect(parseCommandLine(args)).toMatchObject({
      flags: {
        given: new Map([['namespace', ['a', 'b']]]),
        all: true,
        watch: true,
        leftBehind: false,
        allNamespaces: true,
        selector: 'rack=1',
        output: 'wide',
        noColour: true,
      },
    });
  });

  it.each([
    [['--watch=true'], { watch: true }],
    [['--watch=false'], { watch: false }],
    [['-w', '--all', '--watch=false'], { watch: false, all: true }],
    [['--watch=false', '-w'], { watch: true }],
    [['-w=true', '-A=false', '--no-color=true'], { watch: true, allNamespaces: false, noColour: true }],
    [['-o=json', '-l=a=b'], { output: 'json', selector: 'a=b' }],
    [['-ojson', '-l', 'a in (b)'], { output: 'json', selector: 'a in (b)' }],
  ])('takes the flags of `status` in the forms of kubectl: %j', (args, flags) => {
    expect(parseCommandLine(['status', ...args])).toMatchObject({ is: 'status', flags });
  });

  it.each([
    [['-n', 'fleet', 'why', 'ma/m'], { is: 'why', flags: { given: new Map([['namespace', ['fleet']]]) } }],
    [['--context=lab', '-A', 'status'], { is: 'status', flags: { allNamespaces: true } }],
    [['--dry-run', 'run'], { is: 'run', flags: new Map([['dry-run', ['true']]]) }],
    [['-n', 'why', 'why', 'node', 'x', '--', '-x'], { is: 'exit', err: expect.stringContaining('too many arguments') }],
  ])('takes flags before the command too: %j', (args, line) => {
    expect(parseCommandLine(args)).toMatchObject(line);
  });

  it.each([
    [['worker-1'], { kind: 'Node', name: 'worker-1' }],
    [['node', 'worker-1'], { kind: 'Node', name: 'worker-1' }],
    [['-n', 'shop', 'po', 'db-0'], { kind: 'Pod', name: 'db-0' }],
    [['machine', 'fleet/m'], { kind: 'Machine', name: 'm', namespace: 'fleet' }],
  ])('takes the object of `why` as kubectl does: %j', (args, object) => {
    expect(parseCommandLine(['why', ...args])).toMatchObject({ is: 'why', ...object });
  });

  it.each([
    [
      ['enter', 'node/a', 'no/b', 'a', '--wait', '--timeout', '1m30s'],
      { is: 'enter', wait: true, flags: { choice: { names: ['a', 'b'] }, timeoutMs: 90_000 } },
    ],
    [['exit', 'node', 'a', 'b'], { is: 'exit', wait: false, flags: { choice: { names: ['a', 'b'] } } }],
    [['-l', 'rack=7', 'wait'], { is: 'wait', goal: 'drained', flags: { choice: { selector: 'rack=7' } } }],
    [['wait', 'a', '--for=ended', '-o', 'json'], { is: 'wait', goal: 'ended', flags: { output: 'json' } }],
  ])('reads the commands that ask and wait: %j', (args, command) => {
    expect(parseCommandLine(args)).toMatchObject({ is: 'maintain', command });
  });

  it('reads a roll, and how it is to be gone on with', () => {
    const args = [
      '-l',
      'a=b',
      '--exec',
      `ssh $NODE_NAME 'reboot'`,
      '--max-unavailable',
      '10%',
      '--node-timeout=1h',
      '--dry-run',
    ];
    expect(parseCommandLine(['roll', ...args])).toMatchObject({
      is: 'roll',
      flags: {
        given: new Map([['dry-run', ['true']]]),
        what: { choice: { selector: 'a=b' } },
        maxUnavailable: { percent: 10 },
        order: 'plan',
        onRejection: 'stop',
        nodeTimeoutMs: 3_600_000,
        again: ['--exec', `'ssh $NODE_NAME '\\''reboot'\\'''`, '--max-unavailable', '10%', '--node-timeout', '1h'],
      },
    });
    expect(parseCommandLine(['roll', '--resume', 'x1', '--exec', 'true'])).toMatchObject({
      flags: { what: { resume: 'x1' }, maxUnavailable: { count: 1 }, given: new Map() },
    });
  });

  it.each([
    ['machine.cluster.x-k8s.io/m', { kind: 'Machine', name: 'm' }],
    ['machines.v1beta2.cluster.x-k8s.io/m', { kind: 'Machine', name: 'm' }],
  ])('takes what `kubectl get -o name` prints: %s', (text, object) => {
    expect(parseCommandLine(['why', text])).toMatchObject({ is: 'why', ...object });
    expect(parseCommandLine(['status', text])).toMatchObject({ is: 'status', flags: { objects: [object] } });
  });

  it('prints a script for a shell', () => {
    expect(parseCommandLine(['completion', 'bash'])).toMatchObject({
      is: 'exit',
      code: 0,
      out: expect.stringContaining('complete -F'),
      err: '',
    });
  });

  it('calls itself as the user does', () => {
    const help = parseCommandLine(['status', '--help'], programName('/home/me/.krew/bin/kubectl-node_maintenance'));
    expect(help.is === 'exit' && help.out).toMatch(/^Usage: kubectl node-maintenance status/);
    expect(programName('/app/maintenance-bridge.cjs')).toBe('maintenance-bridge');
    expect(programName('C:\\bin\\kubectl-node_maintenance.cjs')).toBe('kubectl node-maintenance');
  });

  it('reads the version command', () => {
    expect(parseCommandLine(['version'])).toEqual({ is: 'version', format: 'text' });
    expect(parseCommandLine(['--version'])).toEqual({ is: 'version', format: 'text' });
    expect(parseCommandLine(['version', '-o', 'json'])).toEqual({ is: 'version', format: 'json' });
  });
});
