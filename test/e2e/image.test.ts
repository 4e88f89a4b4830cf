/**
 * Only the image's files: its entry point runs in a root file system made of the files that the Dockerfile copies, read-only,
 * as the image's user, with the credentials of a Pod.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ControlPlane } from '../../controlplane/controlplane.ts';
import { grantedKubeconfig } from '../../harness/rights.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { commandIn, makeRootfs, type RunOptions, whyNotRunnable } from '../../scripts/image-rootfs.ts';

const BUILD = resolve(import.meta.dirname, '../../scripts/build.ts');
const NAMESPACE = 'maintenance-bridge';

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

/** The folder that Kubernetes would mount, and the variables that it would set. */
function accountOf(kubeconfig: string, folder: string): { account: string; env: Record<string, string> } {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const server = new URL(clusters[0].cluster.server);
  const account = join(folder, 'account');
  mkdirSync(account);
  writeFileSync(join(account, 'token'), users[0].user.token);
  writeFileSync(join(account, 'ca.crt'), Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64'));
  writeFileSync(join(account, 'namespace'), NAMESPACE);
  return { account, env: { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port } };
}

function tests(controlPlane: () => ControlPlane): void {
  let folder: string;
  let rootfs: string;
  let running: ChildProcess | undefined;
  const PATH = process.env.PATH ?? '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'maintenance-bridge-rootfs-'));
    rootfs = join(folder, 'rootfs');
    // The image's user has to read the files that are mounted from here.
    chmodSync(folder, 0o755);
    execFileSync(process.execPath, [BUILD]);
    makeRootfs(rootfs);
  });
  afterAll(() => {
    running?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const runToEnd = (options: RunOptions) => {
    const { file, args, env } = commandIn(rootfs, options);
    return spawnSync(file, args, { env: { PATH, ...env }, encoding: 'utf8' });
  };

  it('prints the version', () => {
    const { status, stdout, stderr } = runToEnd({ args: ['version'] });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^maintenance-bridge \d+\.\d+\.\d+ \(.*node v24\./);
  });

  it('ends with 2 on wrong usage, and where there is no cluster', () => {
    expect(runToEnd({ args: ['run', '--nonsense'] })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("'--nonsense'"),
    });
    expect(runToEnd({})).toMatchObject({ status: 2, stderr: expect.stringContaining('No cluster is configured') });
  });

  it('leads with the credentials of a Pod and no more rights than it has, and stops on SIGTERM', async () => {
    const { account, env } = accountOf(await grantedKubeconfig(controlPlane()), folder);
    const flags = ['run', '--metrics-bind-address=0', '--health-probe-bind-address=0'];
    const command = commandIn(rootfs, { account, args: flags });
    const child = spawn(command.file, command.args, { env: { PATH, ...command.env, ...env } });
    running = child;
    let out = '';
    const collect = (chunk: Buffer): void => {
      out += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const exited = once(child, 'exit');
    await eventually(
      () => {
        if (child.exitCode !== null) throw new Error(`It has ended with ${child.exitCode}`);
        return out.includes('"msg":"Leading"') ? true : undefined;
      },
      { what: 'the image to lead', deadlineMs: 30_000 },
    ).catch((cause: unknown) => expect.fail(`${cause}\n${out}`));

    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
    expect(status).toMatch(/^Gid:\t65532\t65532\t65532\t65532$/m);
    expect(status).toMatch(/^Groups:\t\s*$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    // The fifth field is the mount point as the process sees it, the sixth its options.
    const mounts = readFileSync(`/proc/${child.pid}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    expect(mounts.filter(([, , , , point]) => point === '/').map((fields) => fields[5])).toEqual([
      expect.stringMatching(/^ro\b/),
    ]);

    const askedAtMs = performance.now();
    child.kill('SIGTERM');
    expect(await exited, out).toEqual([0, null]);
    expect(performance.now() - askedAtMs).toBeLessThan(10_000);
    const lease = await controlPlane().api.get<{ spec: { holderIdentity?: string } }>(
      `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/maintenance-bridge`,
    );
    expect(lease.spec.holderIdentity ?? '').toBe('');
  });
}

const NAME = 'the root file system of the image';
const lacking = whyNotRunnable();

if (lacking === undefined) describeOnControlPlane(NAME, {}, tests);
else describe.skip(`${NAME} (${lacking})`, () => tests(() => expect.fail(lacking)));
