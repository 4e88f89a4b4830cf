/** The commands of docs/operations.md that remove the remains of a bridge that was killed while all features were active. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cleanUpBlocks, OPERATIONS_PAGE, runInShell } from '../../harness/clean-up.ts';
import { installMetal3Crds, Rack, REBOOT } from '../../harness/metal3.ts';
import { Plot } from '../../harness/plot.ts';
import { Bridge } from '../../harness/program.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const OWN_NAMESPACE = 'maintenance-bridge';
const TAINT = 'drain=planned-downtime:NoSchedule';
const P = 'runtime-extension-maintenance-controller.cloud.sap';
const FLAGS = [
  '--enable-metal3-maintenance',
  '--tmm-unmanaged-pods=recreate',
  '--tmm-cordon=always',
  '--tmm-max-concurrent-nodes=2',
  `--leader-election-namespace=${OWN_NAMESPACE}`,
];

interface Listed {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: { readonly conditions?: readonly { readonly type: string }[] };
}

/** Everything that a maintenance may have written on an object, without the users' own labels and taints. */
function tracesOn({ kind, metadata: { name, annotations = {}, labels = {} }, status }: Listed): readonly string[] {
  const keys = [
    ...Object.keys(annotations),
    ...Object.keys(labels),
    ...(status?.conditions ?? []).map(({ type }) => type),
  ];
  const isTheirs = (key: string): boolean => [`${P}/enabled`, `${P}/maintenance`].includes(key);
  return keys
    .filter((key) => /maintenance|emm-failure|drain|skip-remediation/i.test(key) && !isTheirs(key))
    .map((key) => `${kind} ${name}: ${key}`)
    .sort();
}

describeOnControlPlane('uninstalling', { scheduler: true, controllerManager: true, kwok: true }, (get) => {
  let plot: Plot;
  let rack: Rack;

  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await get().kubectl(args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const list = async (kinds: string): Promise<readonly Listed[]> => {
    const { items } = JSON.parse(await kubectl('get', kinds, '-A', '-o', 'json')) as { items: Listed[] };
    return items;
  };
  const traces = async (): Promise<readonly string[]> =>
    (await list('nodes,pods,secrets,machines,baremetalhosts')).flatMap(tracesOn);

  beforeAll(async () => {
    await installMetal3Crds(get());
    for (const name of [OWN_NAMESPACE, 'metal']) await get().api.create('/api/v1/namespaces', { metadata: { name } });
    plot = await Plot.make(get(), 'left', 4);
    const [drained = '', rejected = '', foreign = '', told = ''] = plot.nodes;
    await plot.bare('stored', { nodeName: drained });
    await plot.bare('marked', { nodeName: rejected });
    await plot.bare('foreign', { nodeName: foreign });
    await kubectl('annotate', 'pod', '-n', 'left', 'marked', 'karpenter.sh/do-not-disrupt=true');
    await kubectl('annotate', 'pod', '-n', 'left', 'foreign', 'emm-failure=SomebodyElses');
    await kubectl('cordon', foreign);
    rack = new Rack(get(), 'metal');
    await rack.add('held');
    await rack.add('other');
    await kubectl('label', 'machine', '-n', 'metal', 'held', `${P}/enabled=true`);
    await kubectl('annotate', 'machine', '-n', 'metal', 'other', 'cluster.x-k8s.io/skip-remediation=mine');
    // As in a workload cluster, which this cluster also represents.
    await kubectl('label', 'node', told, `${P}/machine-deleted=true`, `${P}/machine-maintenance=true`);

    const bridge = await new Bridge({ kubeconfig: get().kubeconfig, flags: FLAGS }).leads();
    await rack.label('held', 'approved');
    await kubectl('taint', 'node', drained, rejected, TAINT);
    await plot.phase('InMaintenance', drained);
    await plot.phase('Rejected', rejected);
    await eventually(async () => ((await rack.annotations('host', 'held'))[REBOOT] === undefined ? undefined : true), {
      what: 'the host to be held off',
    });
    await eventually(
      async () => (Object.keys(await rack.annotations('machine', 'held')).length >= 3 ? true : undefined),
      { what: 'the hook and what holds remediation off' },
    );
    await bridge.end('SIGKILL');
  });
  afterAll(async () => {
    await plot?.remove();
  });

  it('has something to remove of each kind, and the page names it', async () => {
    const keys = [...new Set((await traces()).map((trace) => trace.replace(/^.*: /, '')))].sort();
    expect(keys).toEqual([
      'DrainInProgress',
      'Drained',
      'MaintenanceInProgress',
      'MaintenancePlanned',
      'cluster.x-k8s.io/skip-remediation',
      'emm-failure',
      'emm-failure-message',
      'maintenance-bridge.io/eviction',
      'maintenance-bridge.io/metal3-power',
      'maintenance-bridge.io/node',
      'maintenance-bridge.io/pod',
      'maintenance-bridge.io/session',
      'maintenance-bridge.io/skip-remediation',
      'maintenance-bridge.io/stored-pod',
      'maintenance-bridge.io/tmm',
      'maintenance-bridge.io/tmm-cordoned',
      'maintenance-bridge.io/tmm-rejection',
      'maintenance-bridge.io/was-ready',
      'pre-drain.delete.hook.machine.cluster.x-k8s.io/maintenance-controller',
      REBOOT,
      `${P}/machine-deleted`,
      `${P}/machine-maintenance`,
    ]);
    const page = await readFile(OPERATIONS_PAGE, 'utf8');
    // These are on Secrets, which are deleted as a whole.
    const onSecrets = /io\/(eviction|node|pod|session|was-ready)$/;
    expect(keys.filter((key) => !onSecrets.test(key) && !page.includes(key))).toEqual([]);
  });

  it("leaves nothing of ours, and all that is somebody else's, once the commands of the page were run", async () => {
    await runInShell(get(), (await cleanUpBlocks()).join('\n'));
    expect(await traces()).toEqual(['Pod foreign: emm-failure', 'Machine other: cluster.x-k8s.io/skip-remediation']);
    expect((await list('leases')).filter(({ metadata }) => metadata.name === 'maintenance-bridge')).toEqual([]);
    const closed = (await list('nodes')).filter(({ spec }) => spec?.unschedulable === true);
    expect(closed.map(({ metadata }) => metadata.name)).toEqual(['left-c']);
    expect((await plot.pods('stored')).map(({ metadata }) => metadata.name)).toEqual(['stored']);
  });
});
