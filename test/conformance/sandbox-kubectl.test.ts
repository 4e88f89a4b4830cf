/** kubectl says the same of the sandbox as of a real API server: protobuf, server-side apply, tables and all. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Sandbox, startSandboxApi } from '../../src/sandbox/start.ts';
import { describeOnControlPlane } from '../controlplane/suite.ts';

const container = (name: string, image: string) => ({ name, image });
const deployment = (...containers: readonly object[]) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
    },
  });
const node = JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p1', labels: { app: 'single' } },
  spec: { nodeName: 'n1', serviceAccountName: 'default', containers: [container('a', 'a:1')] },
});
const RUNNING = '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}';
const EXHAUSTED =
  '{"status":{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}';

type Command = string | { readonly args: string; readonly input: string };
const apply = (input: string, more = ''): Command => ({ args: `apply -f - ${more}`.trim(), input });

/** By what they are about, in order. */
const COMMANDS: Readonly<Record<string, readonly Command[]>> = {
  'applies by both ways': [
    apply(deployment(container('a', 'a:1'), container('b', 'b:1'))),
    apply(deployment(container('a', 'a:2'))),
    'get deploy web -o jsonpath={.spec.template.spec.containers[*].image}',
    apply(deployment(container('a', 'a:2')), '--server-side'),
    'set image deploy/web a=a:3',
    apply(deployment(container('a', 'a:4')), '--server-side'),
    apply(deployment(container('a', 'a:4')), '--server-side --force-conflicts'),
    { args: 'apply -f -', input: JSON.stringify({ apiVersion: 'v1', kind: 'Foo', metadata: { name: 'x' } }) },
  ],
  'creates, scales, labels, patches and shows': [
    'create configmap c --from-literal=a=b',
    'create configmap c',
    'get configmap c -o jsonpath={.data}',
    'scale deploy web --replicas 3',
    'get deploy,cm c -o name',
    'get deploy web -o wide',
    'label deploy web x=y',
    'annotate deploy web x=y',
    'rollout restart deploy web',
    'rollout status deploy web --timeout 1s',
    'set env deploy/web Y=2',
    'patch deploy web --type json -p [{"op":"test","path":"/spec/replicas","value":9}]',
    'get pods --field-selector foo=bar',
    'get nosuch',
    'get pod nosuch',
    'auth can-i create pods',
    'auth whoami',
  ],
  'shows, describes, explains and waits': [
    apply(node),
    apply(pod),
    `patch pod p1 --subresource status --type merge -p ${RUNNING}`,
    'get nodes',
    'get nodes -o wide',
    'get pods -o wide',
    'get pods -A',
    'get pod p1 -o jsonpath={.spec.nodeName}',
    'get pod p1 -o custom-columns=NAME:.metadata.name,ON:.spec.nodeName',
    'get pods -l app=single --show-labels',
    'get deploy,pods',
    'events --for pod/p1',
    'describe pod p1',
    'describe node n1',
    'describe pdb',
    'describe pod nosuch',
    'explain pod.spec.nosuch',
    'wait --for=condition=Ready pod/p1 --timeout 5s',
    'wait --for=condition=Ready pod -l app=none --timeout 1s',
    'wait --for=delete pod/nosuch --timeout 1s',
    'label node n1 zone=a',
    'label node n1 zone=b',
    'label node n1 zone=b --overwrite',
    'label node n1 zone-',
    'annotate node n1 note=x',
    'annotate node n1 note-',
    'top nodes',
    'delete pod p1 --wait=false --grace-period 0 --force',
    'delete pods --all',
    'delete node n1',
  ],
  'taints, cordons and drains within budgets': [
    apply(node),
    'taint node n1 drain=planned-downtime:NoSchedule',
    'taint node n1 drain=planned-downtine:NoSchedule-',
    'taint node n1 drain=planned-downtime:NoSchedule-',
    'cordon n1',
    'uncordon n1',
    apply(pod),
    `patch pod p1 --subresource status --type merge -p ${RUNNING}`,
    'create pdb b --selector app=single --min-available 1',
    `patch pdb b --subresource status --type merge -p ${EXHAUSTED}`,
    'get pdb b -o jsonpath={.status.disruptionsAllowed}',
    'drain n1 --force --timeout 1s',
    'get node n1 -o jsonpath={.spec.unschedulable}',
    'delete pdb b',
    'delete pod p1 --grace-period 0 --force',
    'drain n1',
    'delete deploy web',
    'delete cm c',
    'delete node n1',
    'wait --for=delete node/n1 --timeout 2s',
  ],
};

describeOnControlPlane('kubectl on the sandbox', {}, (real) => {
  let sandbox: Sandbox;
  let kubeconfig: string;

  beforeAll(async () => {
    sandbox = await startSandboxApi();
    kubeconfig = join(real().directory, 'sandbox.kubeconfig');
    await writeFile(kubeconfig, sandbox.kubeconfig, { mode: 0o600 });
  });
  afterAll(() => sandbox.stop());

  it.each(Object.entries(COMMANDS))('%s', async (_, commands) => {
    for (const command of commands) {
      const { args, input } = typeof command === 'string' ? { args: command, input: '' } : command;
      const run = (more: { readonly kubeconfig?: string }) => real().kubectl(args.split(' '), { input, ...more });
      expect({ args, ...shown(await run({ kubeconfig })) }).toEqual({ args, ...shown(await run({})) });
    }
  });
});

/** Ages and times differ by the second. */
function shown(result: { readonly code: number; readonly stdout: string; readonly stderr: string }) {
  const same = (text: string): string =>
    text.replaceAll(/\b\d+s\b *(?=\s|$)/gm, '(age) ').replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000/g, '(time)');
  return { code: result.code, stdout: same(result.stdout), stderr: same(result.stderr) };
}
