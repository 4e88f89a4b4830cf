/** kubectl prints the same for the sandbox as for a real API server, including protobuf, server-side apply, tables and watches. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KubectlResult } from '../../controlplane/controlplane.ts';
import { CHANGES, COMMANDS, type Command, EXPLAINED, WATCHES } from '../../harness/conformance/kubectl-commands.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { type Sandbox, startSandboxApi } from '../../sandbox/start.ts';

/** Groups that the sandbox does not serve; see `docs/sandbox.md`. */
const NOT_SERVED = [
  'admissionregistration.k8s.io/v1',
  'apiregistration.k8s.io/v1',
  'autoscaling/v2',
  'certificates.k8s.io/v1',
  'discovery.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'networking.k8s.io/v1',
  'node.k8s.io/v1',
  'resource.k8s.io/v1',
  'storagemigration.k8s.io/v1',
];
/** Unserved kinds of groups that it serves otherwise. */
const NOT_SERVED_EITHER = [
  'ComponentStatus',
  'CSIStorageCapacity',
  'LocalSubjectAccessReview',
  'PodTemplate',
  'VolumeAttributesClass',
];
const WATCH_SECONDS = 12;

describeOnControlPlane('kubectl on the sandbox', {}, (real) => {
  let sandbox: Sandbox;
  let kubeconfig: string;

  beforeAll(async () => {
    sandbox = await startSandboxApi();
    kubeconfig = join(real().directory, 'sandbox.kubeconfig');
    await writeFile(kubeconfig, sandbox.kubeconfig, { mode: 0o600 });
  });
  afterAll(() => sandbox.stop());

  /** The response of the sandbox and that of the real server. */
  const both = (command: Command): Promise<readonly [KubectlResult, KubectlResult]> => {
    const { args, input } = typeof command === 'string' ? { args: command, input: '' } : command;
    const run = (more: { readonly kubeconfig?: string }) => real().kubectl(args.split(' '), { input, ...more });
    return Promise.all([run({ kubeconfig }), run({})]);
  };
  const compare = async (command: Command, shown: (result: KubectlResult) => object = textOf): Promise<void> => {
    const [ours, theirs] = await both(command);
    const args = typeof command === 'string' ? command : command.args;
    expect({ args, ...shown(ours) }).toEqual({ args, ...shown(theirs) });
  };

  it.each(Object.entries(COMMANDS))('%s', async (_, commands) => {
    for (const command of commands) await compare(command);
  });

  it('tells watches of what begins to match, changes and ceases to', async () => {
    const watches = WATCHES.map((watch) => compare(`${watch} --request-timeout ${WATCH_SECONDS}s`));
    await eventually(
      async () => {
        const open = sandbox
          .requests()
          .filter(({ verb, userAgent }) => verb === 'watch' && userAgent.includes('kubectl'));
        return open.length >= WATCHES.length ? true : undefined;
      },
      { what: 'the watches' },
    );
    for (const change of CHANGES) await compare(change);
    await Promise.all(watches);
  });

  it('serves its kinds under the names, with the verbs and categories of the real server', async () => {
    const [ours, theirs] = (await both('api-resources -o wide --no-headers')).map(({ stdout }) => kindsIn(stdout));
    const isServed = (line: string): boolean =>
      !NOT_SERVED.some((group) => line.includes(` ${group} `)) &&
      !NOT_SERVED_EITHER.some((kind) => line.includes(` ${kind} `));
    expect(ours).toEqual(theirs?.filter(isServed));
  });

  it.each(EXPLAINED)('explains the fields of %s', async (path) => {
    await compare(`explain ${path} --recursive`, fieldsOf);
  });
});

/** Ages, times and generated values differ. */
function textOf(result: KubectlResult): KubectlResult {
  const same = (text: string): string =>
    text
      .replaceAll(/\b\d+s\b *(?=\s|$)/gm, '(age) ')
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000/g, '(time)')
      .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:]{8}(\.\d+)?(Z| \+0000)/g, '(time)')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '(uid)')
      .replaceAll(/(resourceVersion"?: "|Resource Version: +)\d+/g, '$1(version)')
      .replaceAll(/(LIVE|MERGED)-\d+/g, '$1-(folder)')
      .replaceAll(/127\.0\.0\.1:\d+/g, '(address)');
  return { code: result.code, stdout: same(result.stdout), stderr: same(result.stderr) };
}

/** A line for each kind, without the alignment. */
function kindsIn(table: string): readonly string[] {
  const lines = table.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replaceAll(/ +/g, ' ')).toSorted();
}

/** Names and types: the sandbox has neither descriptions nor the values of enumerations. */
function fieldsOf({ code, stdout, stderr }: KubectlResult) {
  const [head = '', fields = ''] = stdout.split(/^DESCRIPTION:\n.*?^FIELDS:\n/ms);
  return { code, stderr, head, fields: fields.replaceAll(/^ *enum: .*\n/gm, '') };
}
