/**
 * Every option of `run`, as a row of data. The rows feed the command line (`cli.ts`), the environment and the file
 * (`config.ts`) and docs/flags.md, so that the four cannot disagree.
 */
import { parseDuration } from './core/duration.ts';
import { REBOOT_MODES } from './metal3/settings.ts';
import { PRESETS } from './tmm/names.ts';

/** `limit` is a duration that may be 0, for none. The entries of a `list` are of a closed set where the row has `values`. */
export type OptionKind =
  | 'boolean'
  | 'string'
  | 'address'
  | 'duration'
  | 'limit'
  | 'integer'
  | 'share'
  | 'enum'
  | 'list';
export type Feature = 'core' | 'tmm' | 'capi' | 'metal3';

/** A value as the configuration file would have it: durations and addresses stay text until the whole is checked. */
export type OptionValue = string | number | boolean | readonly string[];

export interface OptionRow {
  /** Without the leading dashes. */
  readonly flag: string;
  /** A second name, accepted on the command line only. */
  readonly alias?: string;
  /** Where the value stands in the resolved configuration. */
  readonly path: readonly string[];
  /** Whether the configuration file may set it. */
  readonly inFile: boolean;
  readonly kind: OptionKind;
  /** The closed set of an `enum` or of a `list`'s entries. */
  readonly values?: readonly string[];
  /** Absent where the default depends on the surroundings; `defaultText` then says how. */
  readonly default?: OptionValue;
  readonly defaultText?: string;
  readonly help: string;
  readonly feature: Feature;
}

export const OPTION_ROWS: readonly OptionRow[] = [
  {
    flag: 'kubeconfig',
    path: ['kubeconfig'],
    inFile: false,
    kind: 'string',
    defaultText: '`KUBECONFIG`, else in-cluster, else `~/.kube/config`',
    help: 'Kubeconfig file of the cluster to work on',
    feature: 'core',
  },
  {
    flag: 'context',
    alias: 'kubecontext',
    path: ['context'],
    inFile: true,
    kind: 'string',
    defaultText: 'the kubeconfig’s current context',
    help: 'Context of the kubeconfig to use',
    feature: 'core',
  },
  {
    flag: 'config',
    path: ['config'],
    inFile: false,
    kind: 'string',
    defaultText: 'no file',
    help: 'Configuration file (YAML, kind BridgeConfiguration)',
    feature: 'core',
  },
  {
    flag: 'namespace',
    path: ['namespaces'],
    inFile: true,
    kind: 'list',
    defaultText: 'all namespaces',
    help: 'Namespaces whose Machines are looked at',
    feature: 'core',
  },
  {
    flag: 'dry-run',
    path: ['dryRun'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Decide, log and report in metrics, but write nothing',
    feature: 'core',
  },
  {
    flag: 'leader-elect',
    path: ['leaderElection', 'enabled'],
    inFile: true,
    kind: 'boolean',
    default: true,
    help: 'Act only while holding the Lease, so that several replicas can run',
    feature: 'core',
  },
  {
    flag: 'leader-election-namespace',
    path: ['leaderElection', 'namespace'],
    inFile: true,
    kind: 'string',
    defaultText: '`POD_NAMESPACE`, else the Pod’s own namespace, else the context’s, else `default`',
    help: 'Namespace of the Lease, and of stored Pods',
    feature: 'core',
  },
  {
    flag: 'leader-election-id',
    path: ['leaderElection', 'id'],
    inFile: true,
    kind: 'string',
    default: 'maintenance-bridge',
    help: 'Name of the Lease',
    feature: 'core',
  },
  {
    flag: 'metrics-bind-address',
    path: ['metrics', 'bindAddress'],
    inFile: true,
    kind: 'address',
    default: ':8080',
    help: 'Where /metrics is served; 0 switches it off',
    feature: 'core',
  },
  {
    flag: 'health-probe-bind-address',
    path: ['health', 'bindAddress'],
    inFile: true,
    kind: 'address',
    default: ':8081',
    help: 'Where /healthz and /readyz are served; 0 switches them off',
    feature: 'core',
  },
  {
    flag: 'log-level',
    path: ['log', 'level'],
    inFile: true,
    kind: 'enum',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
    help: 'The least severe lines that are logged',
    feature: 'core',
  },
  {
    flag: 'log-format',
    path: ['log', 'format'],
    inFile: true,
    kind: 'enum',
    values: ['json', 'text'],
    default: 'json',
    help: 'JSON lines for machines, or short lines for people',
    feature: 'core',
  },
  {
    flag: 'enable-tmm',
    path: ['tmm', 'enabled'],
    inFile: true,
    kind: 'boolean',
    default: true,
    help: 'Run Temporary Maintenance Mode',
    feature: 'tmm',
  },
  {
    flag: 'tmm-preset',
    path: ['tmm', 'presets'],
    inFile: true,
    kind: 'list',
    values: Object.keys(PRESETS),
    defaultText: '`default`, unless `tmm.taints` lists taints',
    help: 'Well-known taint that asks for maintenance; adds to tmm.taints',
    feature: 'tmm',
  },
  {
    flag: 'tmm-tolerating-pods',
    path: ['tmm', 'toleratingPods'],
    inFile: true,
    kind: 'enum',
    values: ['stay', 'evict', 'reject'],
    default: 'stay',
    help: 'What becomes of Pods that tolerate the taint',
    feature: 'tmm',
  },
  {
    flag: 'tmm-daemon-set-pods',
    path: ['tmm', 'daemonSetPods'],
    inFile: true,
    kind: 'enum',
    values: ['stay', 'delete'],
    default: 'stay',
    help: 'What becomes of Pods of a DaemonSet',
    feature: 'tmm',
  },
  {
    flag: 'tmm-empty-dir',
    path: ['tmm', 'emptyDir'],
    inFile: true,
    kind: 'enum',
    values: ['evict', 'reject'],
    default: 'evict',
    help: 'What becomes of Pods with emptyDir volumes, whose content an eviction loses',
    feature: 'tmm',
  },
  {
    flag: 'tmm-honour-do-not-evict',
    path: ['tmm', 'honourDoNotEvict'],
    inFile: true,
    kind: 'boolean',
    default: true,
    help: 'Reject the maintenance where a Pod carries a mark that forbids its eviction',
    feature: 'tmm',
  },
  {
    flag: 'tmm-unmanaged-pods',
    path: ['tmm', 'unmanagedPods'],
    inFile: true,
    kind: 'enum',
    values: ['reject', 'recreate'],
    default: 'reject',
    help: 'What becomes of Pods without a controller: the maintenance is rejected, or they are stored and created again after it',
    feature: 'tmm',
  },
  {
    flag: 'tmm-cordon',
    path: ['tmm', 'cordon'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Cordon the Node for the time of the maintenance',
    feature: 'tmm',
  },
  {
    flag: 'tmm-max-concurrent-nodes',
    path: ['tmm', 'maxConcurrentNodes'],
    inFile: true,
    kind: 'share',
    default: 1,
    help: 'How many Nodes may be in maintenance at once, as a number or a percentage; others are queued',
    feature: 'tmm',
  },
  {
    flag: 'tmm-quorum',
    path: ['tmm', 'quorum'],
    inFile: true,
    kind: 'enum',
    values: ['majority', 'off'],
    default: 'majority',
    help: 'What StatefulSets of three or more replicas keep ready where they have no budget',
    feature: 'tmm',
  },
  {
    flag: 'tmm-admission-timeout',
    path: ['tmm', 'admissionTimeout'],
    inFile: true,
    kind: 'duration',
    default: '60s',
    help: 'How long a verdict that may still improve is waited for',
    feature: 'tmm',
  },
  {
    flag: 'tmm-drain-timeout',
    path: ['tmm', 'drainTimeout'],
    inFile: true,
    kind: 'duration',
    default: '1h',
    help: 'How long the evictions may take before the maintenance is rejected',
    feature: 'tmm',
  },
  {
    flag: 'tmm-exit-timeout',
    path: ['tmm', 'exitTimeout'],
    inFile: true,
    kind: 'duration',
    default: '5m',
    help: 'How long removed Pods are awaited after the taint has gone',
    feature: 'tmm',
  },
  {
    flag: 'tmm-max-parallel-evictions',
    path: ['tmm', 'maxParallelEvictions'],
    inFile: true,
    kind: 'integer',
    default: 20,
    help: 'Eviction requests in flight at once, over all Nodes',
    feature: 'tmm',
  },
  {
    flag: 'enable-capi',
    path: ['capi', 'enabled'],
    inFile: true,
    kind: 'boolean',
    default: true,
    help: 'Run the Cluster API bridge; it waits quietly while Cluster API is not installed',
    feature: 'capi',
  },
  {
    flag: 'capi-require-node-label',
    path: ['capi', 'requireNodeLabel'],
    inFile: true,
    kind: 'string',
    defaultText: 'all Nodes take part',
    help: 'Label key without which a Node does not take part',
    feature: 'capi',
  },
  {
    flag: 'capi-hook-timeout',
    path: ['capi', 'hookTimeout'],
    inFile: true,
    kind: 'limit',
    default: '0',
    help: 'How long the pre-drain hook may hold a deletion before it is let go without approval; 0 for ever',
    feature: 'capi',
  },
  {
    flag: 'enable-metal3-maintenance',
    path: ['metal3', 'enabled'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Switch off the BareMetalHosts of Machines whose maintenance is approved, until it ends',
    feature: 'metal3',
  },
  {
    flag: 'metal3-reboot-mode',
    path: ['metal3', 'rebootMode'],
    inFile: true,
    kind: 'enum',
    values: REBOOT_MODES,
    default: 'soft',
    help: 'How hosts are switched off: soft shuts the operating system down first',
    feature: 'metal3',
  },
  {
    flag: 'metal3-require-drained',
    path: ['metal3', 'requireDrained'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Switch a host off only when its Node has the condition Drained; needs the Cluster API bridge',
    feature: 'metal3',
  },
  {
    flag: 'metal3-wait-for-volume-detach',
    path: ['metal3', 'waitForVolumeDetach'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Switch a host off only when no volume is attached to its Node; needs the Cluster API bridge',
    feature: 'metal3',
  },
  {
    flag: 'metal3-start-timeout',
    path: ['metal3', 'startTimeout'],
    inFile: true,
    kind: 'limit',
    default: '20m',
    help: 'How long remediation is held off after the end while the Node is not ready; 0 for not at all',
    feature: 'metal3',
  },
];

export const ENVIRONMENT_PREFIX = 'MAINTENANCE_BRIDGE_';

/** `tmm-drain-timeout` → `MAINTENANCE_BRIDGE_TMM_DRAIN_TIMEOUT`. */
export function variableOf(row: OptionRow): string {
  return ENVIRONMENT_PREFIX + row.flag.replaceAll('-', '_').toUpperCase();
}

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false };

export const ADDRESS_FORM = 'an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080", or "0" for off';

/** What a row takes, in the words of a fault line and of the documentation. */
export function wantedOf({ kind, values }: OptionRow): string {
  switch (kind) {
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a text';
    case 'address':
      return ADDRESS_FORM;
    case 'duration':
      return 'a duration above zero such as "90s", "5m" or "1h30m"';
    case 'limit':
      return 'a duration such as "90s", "5m" or "1h30m", or "0" for none';
    case 'integer':
      return 'a whole number';
    case 'share':
      return 'a whole number above zero or a percentage such as "10%"';
    case 'enum':
      return oneOf(values ?? []);
    case 'list':
      return values === undefined ? 'a list of names' : `a list of ${oneOf(values)}`;
  }
}

/** `"a", "b" or "c"`. */
export function oneOf(values: readonly unknown[]): string {
  const words = values.map((value) => JSON.stringify(value));
  const last = words.pop() ?? 'nothing';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

/**
 * Reads what was written on the command line or in a variable. Of a repeated option the last text wins; a list takes
 * them all, each with commas inside, and keeps one of each entry.
 *
 * @returns undefined where a text is not what the row takes. Ranges and forms are the configuration schema's matter.
 */
export function readTexts(row: OptionRow, texts: readonly string[]): OptionValue | undefined {
  const text = texts.at(-1) ?? '';
  switch (row.kind) {
    case 'boolean':
      return Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined;
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'share':
      return /^\d{1,3}%$/.test(text) ? text : /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    case 'duration':
    case 'limit':
      return parseDuration(text) === undefined ? undefined : text;
    case 'enum':
      return row.values?.includes(text) === true ? text : undefined;
    case 'list': {
      const entries = new Set(texts.flatMap((each) => each.split(',').map((entry) => entry.trim())));
      const isKnown = (entry: string): boolean =>
        row.values === undefined ? entry !== '' : row.values.includes(entry);
      return [...entries].every(isKnown) ? [...entries] : undefined;
    }
    case 'string':
    case 'address':
      return text === '' ? undefined : text;
  }
}
