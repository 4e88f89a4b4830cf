/** `npm run sandbox` on a machine that has Node.js, and perhaps kubectl. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { locate } from '../../controlplane/binaries.ts';
import { runKubectl } from '../../harness/kubectl.ts';
import { command } from '../../harness/program.ts';
import { it } from './script.ts';

const KUBECTL = locate(['kubectl'], process.env)?.directory;

// They mostly wait.
describe.concurrent('npm run sandbox', () => {
  it.skipIf(KUBECTL === undefined)(
    'prints commands that do what it says, and leaves nothing behind',
    async ({ scripts }) => {
      const program = join(KUBECTL ?? '', 'kubectl');
      const sandbox = scripts.start('scripts/sandbox.ts', '--nodes=3');
      const kubeconfig = await sandbox.said(/KUBECONFIG=(\S+)/);
      const prefix = await sandbox.said(/P=(\S+)/);
      await sandbox.said(/Workload cluster connected/);
      const shown = [...sandbox.out.matchAll(/^ {2}kubectl (.+?) +#/gm)].map((match) => match[1] ?? '');
      expect(shown).toHaveLength(6);
      const run = async (line = ''): Promise<string> => {
        const args = line.replace('$P', prefix).split(' ');
        const { code, stdout, stderr } = await runKubectl({ program, args, kubeconfig, home: scripts.folder });
        expect(code, stderr).toBe(0);
        return stdout;
      };
      expect(await run(shown[0])).toMatch(/web-.*Running.*worker-1/);
      await run(shown[1]);
      const status = await command(['status', '--kubeconfig', kubeconfig]);
      expect(status).toMatchObject({ code: 0, out: expect.stringContaining('node/worker-1') });
      await run('wait node/worker-1 --for=condition=Drained --timeout=30s');
      await run(shown[2]);
      await run(shown[3]);
      await run('wait bmh/worker-3 -n fleet --for=jsonpath={.status.poweredOn}=false --timeout=60s');
      // Its Node was emptied first, and by nobody else approved.
      expect(await run('get pods -n shop -o wide')).not.toMatch(/(web|db)-.*Running.*worker-3/);
      expect(await run('get machine worker-3 -n fleet -o yaml')).toMatch(/"state":"Drained"/);
      await run(shown[4]);
      await run('wait bmh/worker-3 -n fleet --for=jsonpath={.status.poweredOn}=true --timeout=30s');
      await run(shown[5]);
      await run('wait machine/worker-3 -n fleet --for=delete --timeout=60s');
      expect(await sandbox.end('SIGINT'), sandbox.out).toBe(0);
      expect(sandbox.out).toMatch(/INFO +Stopped\n/);
      expect((await readdir(scripts.folder)).filter((name) => name !== '.kube')).toEqual([]);
    },
  );

  it('says how to run the controllers with `--no-bridge`', async ({ scripts }) => {
    const sandbox = scripts.start('scripts/sandbox.ts', '--no-bridge', '--nodes=1');
    const kubeconfig = await sandbox.said(/KUBECONFIG=(\S+)/);
    await sandbox.said(/yours to run: npm run -s cli -- run/);
    const plan = await command(['plan', 'worker-1', '--kubeconfig', kubeconfig]);
    expect(plan).toMatchObject({ code: 3, out: expect.stringContaining('NotEnoughResources') });
    expect(await sandbox.end('SIGTERM')).toBe(0);
    expect(await readdir(scripts.folder)).toEqual([]);
  });

  it('listens where it is told to, unless somebody else does', async ({ scripts }) => {
    const first = scripts.start('scripts/sandbox.ts', '--no-bridge', '--nodes=1');
    const kubeconfig = await readFile(await first.said(/KUBECONFIG=(\S+)/), 'utf8');
    const port = /https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfig)?.[1];
    const second = scripts.start('scripts/sandbox.ts', '--no-bridge', '--nodes=1', `--port=${port}`);
    expect(await second.end()).toBe(1);
    expect(second.out).toContain(`address already in use 127.0.0.1:${port}`);
    await first.end('SIGTERM');
    const third = scripts.start('scripts/sandbox.ts', '--no-bridge', '--nodes=1', `--port=${port}`);
    const again = await readFile(await third.said(/KUBECONFIG=(\S+)/), 'utf8');
    expect(again).toContain(`https://127.0.0.1:${port}"`);
    await third.end('SIGTERM');
    expect(await readdir(scripts.folder)).toEqual([]);
  });

  it('takes its controllers along where it is killed, and removes what was left with the next start', async ({
    scripts,
  }) => {
    const killed = scripts.start('scripts/sandbox.ts', '--nodes=1');
    await killed.said(/Workload cluster connected/);
    expect(killed.out).toContain('1 Node and its Machine of Cluster fleet/prod');
    // Its output closes when the last process that writes to it ends.
    expect(await killed.end('SIGKILL')).toBeNull();
    expect(killed.out).toMatch(/INFO +Stopped\n/);
    const [left] = await readdir(scripts.folder);
    const living = scripts.start('scripts/sandbox.ts', '--no-bridge', '--nodes=1');
    await living.said(/yours to run/);
    const another = scripts.start('scripts/sandbox.ts', '--no-bridge', '--nodes=1');
    await another.said(/yours to run/);
    const folders = await readdir(scripts.folder);
    expect(folders).toHaveLength(2);
    expect(folders).not.toContain(left);
    for (const script of [living, another]) await script.end('SIGTERM');
    expect(await readdir(scripts.folder)).toEqual([]);
  });

  it('refuses a number of Nodes that it cannot make', async ({ scripts }) => {
    const sandbox = scripts.start('scripts/sandbox.ts', '--nodes=0');
    expect(await sandbox.end()).toBe(1);
    expect(sandbox.out).toContain('wanted: a whole number from 1 to 5000');
  });
});
