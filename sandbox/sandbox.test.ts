import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Node } from './cluster/base/kinds.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts';

const CLUSTER = { namespace: 'fleet', name: 'prod' } as const;
const MACHINES = 'machines.cluster.x-k8s.io';
const started: Sandbox[] = [];

afterEach(async () => {
  for (const sandbox of started.splice(0)) await sandbox.stop();
});

async function start(options?: SandboxOptions): Promise<Sandbox> {
  const sandbox = await startSandbox(options);
  started.push(sandbox);
  return sandbox;
}

describe('startSandbox()', () => {
  it('gives Nodes that are Ready, with the room and labels that were asked for', async () => {
    const { api, addNodes } = await start({ nodes: ['a'] });
    await addNodes(['b'], { labels: { zone: 'east' }, allocatable: { cpu: '2' } });
    const [a, b] = api.list('nodes') as readonly Node[];
    expect(a?.status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(b?.metadata.labels).toMatchObject({ zone: 'east', 'kubernetes.io/hostname': 'b' });
    expect(b?.status?.allocatable).toMatchObject({ cpu: '2', memory: '256Gi', pods: '110' });
  });

  it('ends everything where its first Nodes are refused', async () => {
    await expect(startSandbox({ nodes: ['Not A Name'] })).rejects.toThrow('Invalid value');
  });

  it('runs Pods', async () => {
    const { api, until } = await start({ nodes: ['a'] });
    const containers = [{ name: 'main', image: 'example.com/web' }];
    api.create('pods', { metadata: { name: 'web' }, spec: { containers } }, 'default');
    const reference = { resource: 'pods', namespace: 'default', name: 'web' };
    await until(
      ['pods'],
      () => (JSON.stringify(api.get(reference)).includes('"Running"') ? true : undefined),
      'it to run',
    );
  });

  it('serves neither Machines nor hosts unless it is told to', async () => {
    const { api } = await start();
    for (const resource of [MACHINES, 'baremetalhosts.metal3.io']) expect(() => api.list(resource)).toThrow();
  });
});

describe('addMachines()', () => {
  it('puts Nodes and hosts below the Machines', async () => {
    const sandbox = await start({ clusterApi: true, metal3: true });
    sandbox.addCluster(CLUSTER);
    await sandbox.addMachines(['m1'], { cluster: CLUSTER, hasHost: true, labels: { a: '1' } });
    const { api } = sandbox;
    expect(api.get({ resource: MACHINES, namespace: 'fleet', name: 'm1' })).toMatchObject({
      metadata: { labels: { a: '1' } },
      status: { phase: 'Running', nodeRef: { name: 'm1' } },
    });
    expect(api.get({ resource: 'nodes', name: 'm1' })).toMatchObject({ spec: { providerID: 'metal3://fleet/m1/m1' } });
    const host = { resource: 'baremetalhosts.metal3.io', namespace: 'fleet', name: 'm1' };
    await sandbox.until([host.resource], () => api.get(host)?.status, 'the host to be looked at');
    expect(api.get(host)).toMatchObject({ status: { poweredOn: true, provisioning: { state: 'provisioned' } } });
  });

  it('has the Nodes in the workload cluster that the Secret leads to', async () => {
    const [management, workload] = [await start({ clusterApi: true }), await start()];
    management.addCluster(CLUSTER, workload);
    await management.addMachines(['m1'], { cluster: CLUSTER });
    expect(management.api.list('nodes')).toEqual([]);
    expect(workload.api.list('nodes')).toHaveLength(1);
    const secret = management.api.get({ resource: 'secrets', namespace: 'fleet', name: 'prod-kubeconfig' });
    const { value = '' } = (secret?.data ?? {}) as { readonly value?: string };
    expect(Buffer.from(value, 'base64').toString()).toBe(workload.kubeconfig);
    management.api.delete({ resource: MACHINES, namespace: 'fleet', name: 'm1' });
    await workload.until(['nodes'], () => workload.api.list('nodes').length === 0 || undefined, 'the Node to go');
  });

  it('refuses a Cluster that nobody has added', async () => {
    const { addMachines } = await start({ clusterApi: true });
    await expect(addMachines(['m1'], { cluster: CLUSTER })).rejects.toThrow('Cluster fleet/prod has not been added');
  });
});

describe('until()', () => {
  it('names what did not come about', async () => {
    const { until } = await start();
    await expect(until(['pods'], () => undefined, 'a Pod', 20)).rejects.toThrow('Waited 0.02 s for a Pod');
  });

  it('passes on what the probe throws', async () => {
    const { until } = await start();
    const probe = (): never => {
      throw new Error('no such thing');
    };
    await expect(until(['pods'], probe, 'a Pod')).rejects.toThrow('no such thing');
  });
});

it('`writeKubeconfig()` writes for the owner’s eyes only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  try {
    const { kubeconfig, writeKubeconfig } = await start();
    const path = join(folder, 'deep', 'kubeconfig');
    await writeKubeconfig(path);
    expect(await readFile(path, 'utf8')).toBe(kubeconfig);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
