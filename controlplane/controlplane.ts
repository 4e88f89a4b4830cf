/** A real control plane for tests: the interface, and the choice of the provider. */

import type { Rest } from '../harness/rest.ts';
import {
  ALL_FILES,
  type Availability,
  availability,
  BASE_FILES,
  type BinaryFile,
  ensureBinaries,
  KWOK_FILES,
} from './binaries.ts';

export interface ControlPlaneOptions {
  /** Runs kube-scheduler. */
  readonly scheduler?: boolean;
  /** Runs kube-controller-manager: workloads, budgets' status, garbage collection, default ServiceAccounts. */
  readonly controllerManager?: boolean;
  /** Runs kwok, which keeps simulated Nodes Ready and their Pods running. */
  readonly kwok?: boolean;
  /** With kwok: Pods of Jobs run until they are ended. @default false: they succeed at once */
  readonly jobsRun?: boolean;
  /** Names of simulated Nodes that exist from the start; see `addNodes()`. */
  readonly nodes?: readonly string[];
  /** Keeps a record of every request for `auditEvents()`. */
  readonly auditLog?: boolean;
  /**
   * The folder of this instance; must not exist yet and is removed at the end.
   *
   * @default a new folder in the system's folder for temporary files
   */
  readonly directory?: string;
}

/**
 * Capabilities that a provider may lack. For the first ones its methods then throw `NotSupported`; `rbac` (an account has only the rights
 * that it was given), `admission` (webhooks and policies are called) and `versions` (Cluster API in an older version too) describe the
 * behaviour of the server itself.
 */
export type Capability = 'restart' | 'simulatedNodes' | 'audit' | 'metrics' | 'rbac' | 'admission' | 'versions';

export class NotSupported extends Error {
  override readonly name = 'NotSupported';
}

export interface NodeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Quantities by resource, on top of cpu 32, memory 256Gi and pods 110; also the capacity. */
  readonly allocatable?: Readonly<Record<string, string>>;
}

export interface KubectlOptions {
  /** The input on stdin, for `-f -`. */
  readonly input?: string;
  /** Path of a kubeconfig. @default the admin's */
  readonly kubeconfig?: string;
}

export interface KubectlResult {
  /** -1 if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** What tests read of an entry of the audit log (audit.k8s.io/v1 `Event`), one per finished request. */
export interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    /** Absent for the core group. */
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  /** The body of a write. */
  readonly requestObject?: unknown;
  /** RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string;
}

export interface ControlPlane extends AsyncDisposable {
  readonly can: ReadonlySet<Capability>;
  /** Path of the kubeconfig of a user in `system:masters`. */
  readonly kubeconfig: string;
  /** Everything of this instance, removed by `stop()`. */
  readonly directory: string;
  /** `https://127.0.0.1:PORT`, without a slash at the end. */
  readonly serverUrl: string;
  /** Path of the PEM that the server's certificate is checked with. */
  readonly caFile: string;
  readonly adminToken: string;
  /** Requests as admin. */
  readonly api: Rest;
  /** Process ids by program; empty if the processes are not ours. */
  readonly processes: ReadonlyMap<string, number>;

  /**
   * Path of a kubeconfig for a ServiceAccount, which is created with its Namespace if missing. It has no rights until the test binds a role
   * to it. The token is valid for a day.
   */
  kubeconfigFor(account: ServiceAccountName): Promise<string>;
  /** Runs kubectl of the same version as the server. Never rejects because of kubectl's result: check the code. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<KubectlResult>;
  /** Creates simulated Nodes. They are Ready on return: by kwok if it runs, else because they are created so. */
  addNodes(names: readonly string[], options?: NodeOptions): Promise<void>;
  /** `GET /metrics` of the API server. */
  metrics(): Promise<string>;
  /** Every finished request so far, in the order in which they were answered. */
  auditEvents(): Promise<readonly AuditEvent[]>;

  /** Ends the API server as an operator would (SIGTERM) and returns when its port is free. */
  stopApiServer(): Promise<void>;
  /** Ends it like a crash: connections break, and clients are not notified. */
  killApiServer(): Promise<void>;
  /** Starts it again on the same port with the same data and returns when it is ready. */
  startApiServer(): Promise<void>;

  /** Ends all processes and removes the directory. May be called more than once. */
  stop(): Promise<void>;
}

/** The programs that the options require. */
export function filesFor({ scheduler, controllerManager, kwok }: ControlPlaneOptions): readonly BinaryFile[] {
  const wanted: readonly BinaryFile[] = [
    ...BASE_FILES,
    ...(controllerManager === true ? (['kube-controller-manager'] as const) : []),
    ...(scheduler === true ? (['kube-scheduler'] as const) : []),
    ...(kwok === true ? KWOK_FILES : []),
  ];
  return ALL_FILES.filter((file) => wanted.includes(file));
}

/** Whether and how a control plane with these options can be provided here, without building or starting anything. */
export function canStart(options: ControlPlaneOptions = {}): Availability {
  const { nodes = [], auditLog } = options;
  const found = availability(filesFor(options));
  if (found.is === 'available' && found.by === 'k3s' && (auditLog === true || nodes.length > 0)) {
    return { is: 'unavailable', why: 'k3s, the only one at hand, has neither simulated Nodes nor an audit log' };
  }
  return found;
}

/**
 * Starts an isolated control plane on 127.0.0.1 with fresh ports, data and credentials. On return the API server is ready, the Namespace
 * `default` exists and, with a controller manager, so does its ServiceAccount `default`.
 *
 * May build the programs first, which takes minutes once per machine and shows progress on stderr.
 *
 * @throws Error with the end of a program's log if it does not start; nothing is left running then.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const found = canStart(options);
  if (found.is === 'unavailable') throw new Error(`No control plane can be started: ${found.why}`);
  if (found.by === 'k3s') return (await import('./k3s.ts')).startK3s(options);
  // One build serves every later request, so it is always a complete one.
  const binaries = await ensureBinaries(found.by === 'go' ? ALL_FILES : filesFor(options));
  return (await import('./local.ts')).startLocal(binaries, options);
}
