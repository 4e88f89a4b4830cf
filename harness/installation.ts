/** The chart as an operator installs it by Helm, on simulated Nodes: the processes that their kubelets would start are started here. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '../controlplane/controlplane.ts';
import { Bridge, command } from './program.ts';
import { runTool, type ToolResult } from './tools/run.ts';
import { eventually } from './wait.ts';

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface InstalledPod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly deletionTimestamp?: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly serviceAccountName: string;
    readonly containers: readonly [Container];
    readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
  };
  readonly status: { readonly phase?: string };
}

/** A release called `maintenance-bridge` in a namespace of the same name. */
export class Installation {
  readonly name = 'maintenance-bridge';
  readonly user = `system:serviceaccount:${this.name}:${this.name}`;
  readonly #controlPlane: ControlPlane;
  readonly #helm: string;

  /** @param helm path of the program. */
  constructor(controlPlane: ControlPlane, helm: string) {
    this.#controlPlane = controlPlane;
    this.#helm = helm;
  }

  /** Runs Helm on the release's namespace, whatever its result. */
  tryHelm(...args: readonly string[]): Promise<ToolResult> {
    const where = [`--kubeconfig=${this.#controlPlane.kubeconfig}`, `--namespace=${this.name}`];
    return runTool(this.#helm, [...args, ...where]);
  }

  /** @throws Error with Helm's message if it fails. */
  async helm(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryHelm(...args);
    if (code !== 0) throw new Error(`helm ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** The Deployment's Pods that are not terminating. */
  async pods(): Promise<readonly InstalledPod[]> {
    const pods = await this.#controlPlane.api.list<InstalledPod>(`/api/v1/namespaces/${this.name}/pods`, {
      labelSelector: 'app.kubernetes.io/component=controller',
    });
    return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /**
   * Starts the process of a Pod's container: with its arguments, variables and mounted files, and a token of its ServiceAccount. It opens
   * no ports.
   */
  async start(): Promise<Bridge> {
    const [pod] = await this.pods();
    if (pod === undefined) throw new Error('The Deployment has no Pod');
    const { metadata, spec } = pod;
    const [{ args, env = [] }] = spec.containers;
    const [first, ...others] = await this.#withMountedFiles(pod, args);
    if (first !== 'run') throw new Error(`The container would not run but ${first}`);
    const fields: Readonly<Record<string, string>> = {
      'metadata.name': metadata.name,
      'metadata.namespace': metadata.namespace,
    };
    const variables = env.map(({ name, value, valueFrom }) => [
      name,
      value ?? fields[valueFrom?.fieldRef.fieldPath ?? ''] ?? '',
    ]);
    const account = { namespace: metadata.namespace, name: spec.serviceAccountName };
    return new Bridge({
      kubeconfig: await this.#controlPlane.kubeconfigFor(account),
      flags: others,
      env: Object.fromEntries(variables),
    });
  }

  /** Waits for the Pod of `helm test`, runs its process, and reports how that ended. @returns its output. */
  async runTestPod(): Promise<string> {
    const path = `/api/v1/namespaces/${this.name}/pods/${this.name}-test`;
    const { api } = this.#controlPlane;
    const pod = await eventually(
      async () => {
        const found = await api.get<InstalledPod>(path);
        return found.status.phase === 'Running' ? found : undefined;
      },
      { what: 'the Pod of `helm test` to run', deadlineMs: 30_000 },
    );
    const { code, out, err } = await command(pod.spec.containers[0].args);
    await api.patch(`${path}/status`, { status: { phase: code === 0 ? 'Succeeded' : 'Failed' } }, 'merge');
    return out + err;
  }

  /** Writes the ConfigMaps that the container mounts to a folder, and gives the arguments that name files there. */
  async #withMountedFiles({ metadata, spec }: InstalledPod, args: readonly string[]): Promise<readonly string[]> {
    let adapted = args;
    for (const { name, mountPath } of spec.containers[0].volumeMounts ?? []) {
      const source = spec.volumes?.find((volume) => volume.name === name)?.configMap;
      if (source === undefined) continue;
      const folder = join(this.#controlPlane.directory, 'mounts', metadata.name, name);
      await mkdir(folder, { recursive: true });
      const { data } = await this.#controlPlane.api.get<{ readonly data: Readonly<Record<string, string>> }>(
        `/api/v1/namespaces/${metadata.namespace}/configmaps/${source.name}`,
      );
      for (const [file, content] of Object.entries(data)) await writeFile(join(folder, file), content);
      adapted = adapted.map((argument) => argument.replace(mountPath, folder));
    }
    return adapted;
  }
}
