/** The tour's commands, compared with the real kubectl: the same output, and the same objects afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locate } from '../../controlplane/binaries.ts';
import { runKubectl } from '../../harness/kubectl.ts';
import { kubectl } from '../../harness/kubectl-requests.ts';
import { makeRest, type Rest } from '../../harness/rest.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';

const PROGRAM = locate(['kubectl'], process.env)?.directory;
const CLUSTER = { namespace: 'fleet', name: 'prod' } as const;
const TAINT = 'drain=planned-downtime:NoSchedule';

/** In this order, each on the result of the one before. */
const COMMANDS: readonly string[] = [
  `taint node worker-1 ${TAINT}`,
  `taint node worker-1 ${TAINT}`,
  'taint nodes worker-1 drain=other:NoSchedule --overwrite',
  'taint node worker-1 drain=other:NoExecute',
  'taint no worker-1 drain:NoExecute-',
  'taint node worker-1 drain-',
  'taint node worker-1 drain-',
  'taint node worker-1 drain:NoSchedule-',
  'taint node worker-9 drain-',
  'label node worker-1 a=1 b=2',
  'label node worker-1 a=1',
  'label node worker-1 a=2',
  'label node worker-1 a=2 --overwrite',
  'label node worker-1 a- b=3 --overwrite',
  'label node worker-1 b-',
  'label node worker-1 b-',
  'label machine worker-1 -n fleet a=1',
  'label machine worker-9 -n fleet a=1',
  'annotate bmh worker-1 -n fleet a=1',
  'annotate bmh worker-1 -n fleet a=x=y --overwrite',
  'annotate bmh worker-1 --namespace fleet a-',
  'annotate bmh worker-1 -n fleet a-',
  'delete machine worker-2 -n fleet --wait=false',
  'delete machine worker-9 -n fleet --wait=false',
  'delete node worker-1',
];

describe.skipIf(PROGRAM === undefined)('`kubectl()` of the tour, beside the real one', () => {
  const sandboxes: Sandbox[] = [];
  let folder: string;
  let rest: Rest;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tour-kubectl-'));
    for (const name of ['ours', 'real']) {
      const sandbox = await startSandbox({ clusterApi: true, metal3: true });
      sandboxes.push(sandbox);
      sandbox.addCluster(CLUSTER);
      await sandbox.addMachines(['worker-1', 'worker-2'], { cluster: CLUSTER, hasHost: true });
      await sandbox.writeKubeconfig(join(folder, name));
      if (name === 'ours') rest = makeRest({ server: sandbox.url, ca: sandbox.ca, token: sandbox.token });
    }
  });
  afterAll(async () => {
    rest.close();
    for (const sandbox of sandboxes) await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(COMMANDS.map((line, index) => [`${index + 1}. ${line}`, line]))('%s', async (_, line) => {
    const args = line.split(' ');
    const real = await runKubectl({
      program: join(PROGRAM ?? '', 'kubectl'),
      args,
      kubeconfig: join(folder, 'real'),
      home: folder,
    });
    expect(await kubectl(rest, args)).toEqual(real);
    // The cluster takes a while to process a deletion.
    await expect.poll(() => stateOf(sandboxes[0])).toEqual(stateOf(sandboxes[1]));
  });
});

function stateOf(sandbox: Sandbox | undefined) {
  return ['nodes', 'machines.cluster.x-k8s.io', 'baremetalhosts.metal3.io'].flatMap((resource) =>
    (sandbox?.api.list(resource) ?? []).map(({ metadata: { name, labels, annotations, deletionTimestamp }, spec }) => {
      const { taints } = (spec ?? {}) as { readonly taints?: readonly object[] };
      return { name, labels, annotations, isDeleted: deletionTimestamp !== undefined, taints };
    }),
  );
}

it('`kubectl()` says what it does not know', async () => {
  const rest = makeRest({ server: 'https://127.0.0.1:1', ca: '', token: '' });
  await expect(kubectl(rest, ['drain', 'node', 'worker-1'])).rejects.toThrow('found drain');
  await expect(kubectl(rest, ['label', 'node', 'worker-1', 'a=1', '--all'])).rejects.toThrow('--all is not known here');
  await expect(kubectl(rest, ['label', 'ship', 'worker-1', 'a=1'])).rejects.toThrow('found "ship worker-1"');
  rest.close();
});
