/** A hostile server on a separate thread, so that its work does not affect measurements. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Hostile, PLAYS, startHostile } from './hostile-server.ts';

type Message = { readonly kubeconfig: string } | { readonly connections: number };

const REPORT_EVERY_MS = 50;

/** @param play a name of `PLAYS`. */
export async function startHostileThread(play: string): Promise<Hostile> {
  const thread = new Worker(new URL(import.meta.url), { workerData: { play } });
  let connections = 0;
  const kubeconfig = await new Promise<string>((resolve, reject) => {
    thread.once('error', reject);
    thread.on('message', (message: Message) => {
      if ('kubeconfig' in message) resolve(message.kubeconfig);
      else connections = message.connections;
    });
  });
  return {
    kubeconfig,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      await thread.terminate();
    },
  };
}

const { play } = (workerData ?? {}) as { readonly play?: string };
if (parentPort !== null && play !== undefined) {
  const report = (message: Message): void => parentPort?.postMessage(message);
  const hostile = await startHostile(PLAYS[play] ?? (() => undefined));
  report({ kubeconfig: hostile.kubeconfig });
  setInterval(() => report({ connections: hostile.connections() }), REPORT_EVERY_MS);
}
