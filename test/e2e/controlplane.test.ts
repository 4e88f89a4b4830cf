/** The control plane for tests has the properties that tests depend on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import type { ControlPlane } from '../../controlplane/controlplane.ts';
import { identityOf, isAlive } from '../../harness/identity.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const EVERYTHING = { scheduler: true, controllerManager: true, kwok: true, nodes: ['worker-1', 'worker-2'] };

interface Deployment {
  readonly status: { readonly readyReplicas?: number };
}
interface Pod {
  readonly spec: { readonly nodeName?: string };
}

function deployment(name: string, replicas: number): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'example.com/none' }] } },
    },
  };
}

/** Starts a control plane in a separate process, which prints its details and then waits forever. */
function startElsewhere(): ReturnType<typeof spawn> {
  const module = join(import.meta.dirname, '../../controlplane/controlplane.ts');
  const script = `
    const { startControlPlane } = await import(${JSON.stringify(module)});
    const { directory, processes } = await startControlPlane();
    console.log(JSON.stringify({ directory, pids: [...processes.values()] }));`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

describeOnControlPlane('a whole control plane', { ...EVERYTHING, auditLog: true }, (get) => {
  it('brings the Pods of a Deployment to Ready on simulated Nodes', async () => {
    const { api } = get();
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await api.create(path, deployment('web', 4));
    await eventually(
      async () => ((await api.get<Deployment>(`${path}/web`)).status.readyReplicas === 4 ? true : undefined),
      { what: 'four Ready replicas', deadlineMs: 60_000 },
    );
    const pods = await api.list<Pod>('/api/v1/namespaces/default/pods', { labelSelector: 'app=web' });
    expect(new Set(pods.map(({ spec }) => spec.nodeName))).toEqual(new Set(['worker-1', 'worker-2']));
  });

  it('`addNodes()` returns when the Nodes are Ready, with the labels and resources asked for', async () => {
    await get().addNodes(['big'], { labels: { zone: 'a' }, allocatable: { cpu: '64' } });
    const { status, metadata } = await get().api.get<{
      metadata: { labels: Record<string, string> };
      status: { allocatable: Record<string, string>; conditions: { type: string; status: string }[] };
    }>('/api/v1/nodes/big');
    expect(metadata.labels).toMatchObject({ zone: 'a', 'kubernetes.io/hostname': 'big' });
    expect(status.allocatable).toEqual({ cpu: '64', memory: '256Gi', pods: '110' });
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
  });

  it('`kubeconfigFor()` gives a ServiceAccount that may do nothing until a role is bound', async () => {
    const kubeconfig = await get().kubeconfigFor({ namespace: 'bridge', name: 'controller' });
    const whoami = await get().kubectl(['auth', 'whoami'], { kubeconfig });
    expect(whoami.stdout).toContain('system:serviceaccount:bridge:controller');
    expect(await get().kubectl(['get', 'nodes'], { kubeconfig })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Forbidden'),
    });
    await get().kubectl([
      'create',
      'clusterrolebinding',
      'x',
      '--clusterrole=view',
      '--serviceaccount=bridge:controller',
    ]);
    await eventually(
      async () => ((await get().kubectl(['get', 'pods'], { kubeconfig })).code === 0 ? true : undefined),
      { what: 'the role to take effect' },
    );
  });

  it('`kubectl()` reads its input and reports refusals by the code', async () => {
    const configMap = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'from-input' } });
    expect(await get().kubectl(['apply', '-f', '-'], { input: configMap })).toEqual({
      code: 0,
      stdout: 'configmap/from-input created\n',
      stderr: '',
    });
    expect((await get().kubectl(['get', 'configmap', 'absent'])).code).toBe(1);
  });

  it('`auditEvents()` shows each request with the body of writes', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    await get().api.create(path, { metadata: { name: 'audited' } });
    const events = await get().auditEvents();
    expect(events.filter(({ verb, objectRef }) => verb === 'create' && objectRef?.name === 'audited')).toMatchObject([
      {
        requestURI: path,
        user: { username: 'admin' },
        responseStatus: { code: 201 },
        requestObject: { kind: 'ConfigMap' },
      },
    ]);
  });

  it('`metrics()` gives the API server’s own', async () => {
    expect(await get().metrics()).toContain('apiserver_request_total');
  });

  it.each([
    ['stopped', (controlPlane: ControlPlane) => controlPlane.stopApiServer()],
    ['killed', (controlPlane: ControlPlane) => controlPlane.killApiServer()],
  ])('an API server that was %s comes back at the same address with the same objects', async (how, end) => {
    const path = '/api/v1/namespaces/default/configmaps';
    const { api, serverUrl } = get();
    await api.create(path, { metadata: { name: `kept-${how}` } });
    await end(get());
    expect(get().processes.has('kube-apiserver')).toBe(false);
    await expect(api.get(path)).rejects.toThrow();
    await get().startApiServer();
    expect(get().serverUrl).toBe(serverUrl);
    expect(await api.get(`${path}/kept-${how}`)).toMatchObject({ metadata: { name: `kept-${how}` } });
  });
});

describeOnControlPlane('a bare API server', { nodes: ['lonely'] }, (get) => {
  it('has Nodes that are Ready without kwok', async () => {
    const { stdout } = await get().kubectl(['get', 'nodes', '--no-headers']);
    expect(stdout).toMatch(/^lonely\s+Ready\b/);
  });

  it('leaves no process and no file behind when its user is killed', async () => {
    const user = startElsewhere();
    if (user.stdout === null) throw new Error('No pipe');
    const [line] = (await once(createInterface({ input: user.stdout }), 'line')) as [string];
    const { directory, pids } = JSON.parse(line) as { directory: string; pids: readonly number[] };
    const identities = pids.map((pid) => identityOf(pid) ?? 'gone');
    expect(identities.map(isAlive)).toEqual([true, true]);
    user.kill('SIGKILL');
    await eventually(() => (identities.some(isAlive) || existsSync(directory) ? undefined : true), {
      what: 'the processes and the folder to be gone',
    });
  });
});
