/** The command lines of the programs: the minimum for a control plane on one machine. */
import { join } from 'node:path';

/** Where the files of one instance are. */
export interface Layout {
  readonly directory: string;
  readonly logs: string;
  readonly certificates: string;
  readonly tokens: string;
  readonly serviceAccountKey: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  /** Written by the API server at its first start, and reused at later ones. */
  readonly ca: string;
  readonly adminKubeconfig: string;
  /** The folder of kubeconfigs for ServiceAccounts and programs. */
  readonly kubeconfigs: string;
}

export function layoutIn(directory: string): Layout {
  const certificates = join(directory, 'certificates');
  return {
    directory,
    certificates,
    logs: join(directory, 'logs'),
    tokens: join(directory, 'tokens.csv'),
    serviceAccountKey: join(directory, 'service-account.pem'),
    auditPolicy: join(directory, 'audit-policy.yaml'),
    auditLog: join(directory, 'audit.jsonl'),
    ca: join(certificates, 'apiserver.crt'),
    adminKubeconfig: join(directory, 'kubeconfig'),
    kubeconfigs: join(directory, 'kubeconfigs'),
  };
}

export interface Ports {
  readonly etcd: number;
  readonly apiServer: number;
}

export function etcdFlags({ directory }: Layout, ports: Ports): string[] {
  const url = `http://127.0.0.1:${ports.etcd}`;
  return [
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    // It has no peers, but requires an address to listen on.
    '--listen-peer-urls=http://127.0.0.1:0',
    '--unsafe-no-fsync',
    // 150 000 Pods with the versions of the last five minutes are close to the default of 2 GiB.
    '--quota-backend-bytes=8589934592',
  ];
}

export interface ApiServerFlags {
  readonly controllerManager: boolean;
  readonly auditLog: boolean;
}

export function apiServerFlags(
  layout: Layout,
  ports: Ports,
  { controllerManager, auditLog }: ApiServerFlags,
): string[] {
  // Simulated Nodes start without conditions: TaintNodesByCondition would taint them not-ready permanently. And without a controller manager
  // nothing creates the `default` ServiceAccount that the plugin ServiceAccount requires for each Pod.
  const disabled = ['TaintNodesByCondition', ...(controllerManager ? [] : ['ServiceAccount'])];
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    '--bind-address=127.0.0.1',
    // Otherwise it looks for the machine's default route, which a container without a network does not have.
    '--advertise-address=127.0.0.1',
    // That address is refused in the endpoints of the Service `kubernetes`, which is not needed here.
    '--endpoint-reconciler-type=none',
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${layout.certificates}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${layout.serviceAccountKey}`,
    `--service-account-signing-key-file=${layout.serviceAccountKey}`,
    `--token-auth-file=${layout.tokens}`,
    '--authorization-mode=Node,RBAC',
    // By default it keeps watches open while it shuts down, and waits a minute for them to end.
    '--shutdown-watch-termination-grace-period=1s',
    '--allow-privileged=true',
    `--disable-admission-plugins=${disabled.join(',')}`,
    ...(auditLog ? [`--audit-policy-file=${layout.auditPolicy}`, `--audit-log-path=${layout.auditLog}`] : []),
  ];
}

/** Tests create hundreds of Pods at once; the default limits would make them wait on the client, not on the server. */
const CLIENT_LIMITS = ['--kube-api-qps=200', '--kube-api-burst=400'];
/** One instance of each, without HTTPS health checks. */
const ALONE = ['--leader-elect=false', '--secure-port=0'];

export function controllerManagerFlags({ serviceAccountKey, ca }: Layout, kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    ...ALONE,
    ...CLIENT_LIMITS,
    // Simulated Nodes renew no Leases: the Node lifecycle controller would report them as lost.
    '--controllers=*,-node-lifecycle-controller',
    `--service-account-private-key-file=${serviceAccountKey}`,
    `--root-ca-file=${ca}`,
  ];
}

export function schedulerFlags(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, ...ALONE, ...CLIENT_LIMITS];
}

/** On a Node and its Pods: nobody reports their status or ends them, as where a kubelet is dead. */
export const DEAD_KUBELET = { 'example.com/kubelet': 'dead' } as const;

export function kwokFlags(kubeconfig: string, stages: string): string[] {
  const [[key, value]] = Object.entries(DEAD_KUBELET) as [[string, string]];
  return [
    `--kubeconfig=${kubeconfig}`,
    '--manage-all-nodes=true',
    `--disregard-status-with-annotation-selector=${key}=${value}`,
    `--config=${stages}`,
  ];
}
