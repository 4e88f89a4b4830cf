import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { KubectlResult } from '../controlplane/controlplane.ts';

export interface KubectlCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly kubeconfig: string;
  /** Keeps the discovery cache, which must not be shared between servers. */
  readonly home: string;
  readonly input?: string | undefined;
}

/** Runs kubectl, independently of the user's own configuration. A program that cannot be started is reported as code -1 too. */
export async function runKubectl({ program, args, kubeconfig, home, input }: KubectlCall): Promise<KubectlResult> {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig } });
  const ended = new Promise<{ code: number; fault: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: -1, fault: error.message }));
    child.once('close', (code) => resolve({ code: code ?? -1, fault: '' }));
  });
  // kubectl may end without reading its input; its exit code then shows why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, { code, fault }] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr: stderr + fault };
}
