/**
 * Every option of `run`, as a row of data. The command line (`cli/option-flags.ts`), the environment and the file (`resolve.ts`) and
 * docs/flags.md all derive from the rows, so that the four cannot disagree.
 */

import { FEATURES } from '../app/features.ts';
import { optionRowsOf } from '../core/feature.ts';
import type { OptionRow } from '../core/option.ts';

const GENERAL_ROWS: readonly OptionRow[] = [
  {
    flag: 'kubeconfig',
    path: ['kubeconfig'],
    inFile: false,
    kind: 'string',
    defaultText: '`KUBECONFIG`, else in-cluster, else `~/.kube/config`',
    help: 'Kubeconfig file of the cluster to manage',
  },
  {
    flag: 'context',
    alias: 'kubecontext',
    path: ['context'],
    inFile: true,
    kind: 'string',
    defaultText: 'the kubeconfig’s current context',
    help: 'Context of the kubeconfig to use',
  },
  {
    flag: 'config',
    path: ['config'],
    inFile: false,
    kind: 'string',
    defaultText: 'no file',
    help: 'Configuration file (YAML, kind BridgeConfiguration)',
  },
  {
    flag: 'namespace',
    path: ['namespaces'],
    inFile: true,
    kind: 'list',
    defaultText: 'all namespaces',
    help: 'Namespaces whose Machines are managed',
  },
  {
    flag: 'dry-run',
    path: ['dryRun'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Decide, log and report in metrics, but write nothing',
  },
  {
    flag: 'leader-elect',
    path: ['leaderElection', 'enabled'],
    inFile: true,
    kind: 'boolean',
    default: true,
    help: 'Act only while holding the Lease, so that several replicas can run',
  },
  {
    flag: 'leader-election-namespace',
    path: ['leaderElection', 'namespace'],
    inFile: true,
    kind: 'string',
    defaultText: '`POD_NAMESPACE`, else the Pod’s own namespace, else the context’s, else `default`',
    help: 'Namespace of the Lease, and of stored Pods',
  },
  {
    flag: 'leader-election-id',
    path: ['leaderElection', 'id'],
    inFile: true,
    kind: 'string',
    default: 'maintenance-bridge',
    help: 'Name of the Lease',
  },
  {
    flag: 'leader-elect-lease-duration',
    path: ['leaderElection', 'leaseDuration'],
    inFile: true,
    kind: 'duration',
    default: '15s',
    help: 'How long other replicas wait before they take over the Lease of an unresponsive leader; whole seconds',
  },
  {
    flag: 'leader-elect-renew-deadline',
    path: ['leaderElection', 'renewDeadline'],
    inFile: true,
    kind: 'duration',
    default: '10s',
    help: 'How long a leader that cannot renew its Lease continues to act',
  },
  {
    flag: 'leader-elect-retry-period',
    path: ['leaderElection', 'retryPeriod'],
    inFile: true,
    kind: 'duration',
    default: '2s',
    help: 'Maximum time between two attempts to acquire or renew the Lease',
  },
  {
    flag: 'metrics-bind-address',
    path: ['metrics', 'bindAddress'],
    inFile: true,
    kind: 'address',
    default: ':8080',
    help: 'Address on which /metrics is served; 0 disables it',
  },
  {
    flag: 'health-probe-bind-address',
    path: ['health', 'bindAddress'],
    inFile: true,
    kind: 'address',
    default: ':8081',
    help: 'Address on which /healthz and /readyz are served; 0 disables them',
  },
  {
    flag: 'log-level',
    path: ['log', 'level'],
    inFile: true,
    kind: 'enum',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    help: 'Minimum severity of logged lines',
  },
  {
    flag: 'log-format',
    path: ['log', 'format'],
    inFile: true,
    kind: 'enum',
    values: ['json', 'text'],
    default: 'json',
    help: 'JSON lines for machines, or short lines for people',
  },
];

/** The options of one part of the program, as the help and the documentation show them. */
export interface OptionGroup {
  readonly title: string;
  readonly rows: readonly OptionRow[];
}

export const GENERAL_OPTIONS: OptionGroup = { title: 'General', rows: GENERAL_ROWS };

/** Features with the same title are one group. */
export const OPTION_GROUPS: readonly OptionGroup[] = [
  GENERAL_OPTIONS,
  ...[...Map.groupBy(FEATURES, ({ title }) => title)].map(([title, features]) => ({
    title,
    rows: features.flatMap(optionRowsOf),
  })),
];

export const OPTION_ROWS: readonly OptionRow[] = OPTION_GROUPS.flatMap(({ rows }) => rows);
