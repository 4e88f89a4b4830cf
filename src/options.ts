/**
 * Every option of `run`, as a row of data. The rows feed the command line (`cli.ts`), the environment and the file
 * (`config.ts`) and docs/flags.md, so that the four cannot disagree.
 */
import { parseDuration } from './core/duration.ts';
import { PRESETS } from './tmm/names.ts';

export type OptionKind = 'boolean' | 'string' | 'address' | 'duration' | 'integer' | 'enum' | 'list';
export type Feature = 'core' | 'tmm';

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
    help: 'Namespace of the Lease',
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
    flag: 'tmm-cordon',
    path: ['tmm', 'cordon'],
    inFile: true,
    kind: 'boolean',
    default: false,
    help: 'Cordon the Node for the time of the maintenance',
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
    case 'integer':
      return 'a whole number';
    case 'enum':
      return oneOf(values ?? []);
    case 'list':
      return `a list of ${oneOf(values ?? [])}`;
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
    case 'duration':
      return parseDuration(text) === undefined ? undefined : text;
    case 'enum':
      return row.values?.includes(text) === true ? text : undefined;
    case 'list': {
      const entries = new Set(texts.flatMap((each) => each.split(',').map((entry) => entry.trim())));
      return [...entries].every((entry) => row.values?.includes(entry)) ? [...entries] : undefined;
    }
    case 'string':
    case 'address':
      return text === '' ? undefined : text;
  }
}
