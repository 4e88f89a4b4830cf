/** The commands in docs/operations.md that remove what an uninstalled bridge has left. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ensureBinaries } from '../controlplane/binaries.ts';
import type { ControlPlane } from '../controlplane/controlplane.ts';

export const OPERATIONS_PAGE = resolve(import.meta.dirname, '../docs/operations.md');

/** The blocks for the shell, in order: the bridge's own cluster, Cluster API, Metal3, workload clusters. */
export async function cleanUpBlocks(): Promise<readonly string[]> {
  const [, after = ''] = (await readFile(OPERATIONS_PAGE, 'utf8')).split('\n### Remove what is left\n');
  const [section = ''] = after.split('\n## ');
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block);
}

/** @throws Error if a command fails. */
export async function runInShell({ kubeconfig, directory }: ControlPlane, script: string): Promise<void> {
  const binaries = await ensureBinaries(['kubectl']);
  await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    env: { PATH: [binaries, process.env.PATH].join(delimiter), KUBECONFIG: kubeconfig, HOME: join(directory, 'home') },
  });
}
