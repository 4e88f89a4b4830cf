/**
 * What the Helm chart repeats of the code: RBAC rules, what admission policies let pass, which value stands for which flag, and
 * the form of `config`. Written by `npm run docs`, so that chart and program cannot disagree.
 */
import { z } from 'zod';
import { WORKLOAD_RULES } from '../src/capi/rbac.ts';
import { capiSettingsSchema } from '../src/capi/settings.ts';
import type { RbacRule } from '../src/core/rbac.ts';
import { GATE_RULES } from '../src/metal3/rbac.ts';
import { metal3SettingsSchema } from '../src/metal3/settings.ts';
import { OPTION_ROWS } from '../src/option-rows.ts';
import type { OptionKind, OptionRow } from '../src/options.ts';
import { type Rights, rightsFor } from '../src/rbac.ts';
import { PRESETS } from '../src/tmm/names.ts';
import { tmmSettingsSchema } from '../src/tmm/settings.ts';
import { policyData } from './chart-policies.ts';

export const CHART = 'charts/maintenance-bridge';

/** Values that stand for a key of the configuration file, where it is not `config.` and the key. */
const VALUES_BY_FLAG: Readonly<Record<string, string>> = {
  'leader-elect': 'leaderElection.enabled',
  'leader-election-id': 'leaderElection.id',
  'leader-elect-lease-duration': 'leaderElection.leaseDuration',
  'leader-elect-renew-deadline': 'leaderElection.renewDeadline',
  'leader-elect-retry-period': 'leaderElection.retryPeriod',
  'leader-election-namespace': 'namespaceOverride',
  'metrics-bind-address': 'containerPorts.metrics',
  'health-probe-bind-address': 'containerPorts.health',
  'log-level': 'logLevel',
  'log-format': 'logFormat',
  'enable-tmm': 'features.tmm.enabled',
  'enable-capi': 'features.clusterApi.enabled',
  'enable-metal3-maintenance': 'features.metal3.enabled',
  config: 'config',
};

/** Which cluster is worked on is the Pod's own matter; whoever wants another mounts a kubeconfig and names it. */
const FREE_FLAGS: readonly string[] = ['kubeconfig', 'context'];

/** The chart's value that sets an option; undefined for the options that only `extraArgs` and `extraEnv` set. */
export function chartValueOf({ flag, path }: Pick<OptionRow, 'flag' | 'path'>): string | undefined {
  if (FREE_FLAGS.includes(flag)) return undefined;
  return VALUES_BY_FLAG[flag] ?? `config.${path.join('.')}`;
}

/** Rules that are granted under one condition; the template decides which apply. */
interface RuleGroup {
  readonly name: string;
  readonly rules: readonly RbacRule[];
}

/** A name that only the template knows. With backquotes, since it stands in a quoted string. */
const LEASE_NAME = '{{ include `maintenance-bridge.leaseName` . }}';

interface Situation {
  readonly tmm?: object;
  readonly capi?: boolean;
  readonly metal3?: boolean;
  readonly leaderElection?: boolean;
}

function rightsIn({ tmm, capi = false, metal3 = false, leaderElection = false }: Situation): Rights {
  return rightsFor({
    tmm: { enabled: tmm !== undefined, settings: tmmSettingsSchema.parse(tmm ?? {}) },
    capi: { enabled: capi, settings: capiSettingsSchema.parse({}) },
    metal3: { enabled: metal3, settings: metal3SettingsSchema.parse({}) },
    namespaces: [],
    leaderElection: { enabled: leaderElection, id: LEASE_NAME },
  });
}

/** In the order in which `rightsFor` has them; that they add up so is held by a test on rendered charts. */
function ruleGroups(): readonly RuleGroup[] {
  const plain = rightsIn({ tmm: {} }).cluster;
  const beyondPlain = (tmm: object): readonly RbacRule[] => {
    const known = new Set(plain.map((rule) => JSON.stringify(rule)));
    return rightsIn({ tmm }).cluster.filter((rule) => !known.has(JSON.stringify(rule)));
  };
  return [
    { name: 'tmm', rules: plain },
    { name: 'tmm.namespaceSelectors', rules: beyondPlain({ pods: [{ namespaceSelector: {} }] }) },
    { name: 'tmm.recreate', rules: beyondPlain({ unmanagedPods: 'recreate' }) },
    { name: 'tmm.cordon', rules: beyondPlain({ cordon: true }) },
    { name: 'clusterApi', rules: rightsIn({ capi: true }).cluster },
    { name: 'metal3', rules: rightsIn({ metal3: true }).cluster },
    { name: 'leaderElection', rules: rightsIn({ leaderElection: true }).namespace },
    { name: 'storedPods', rules: rightsIn({ tmm: { unmanagedPods: 'recreate' } }).namespace },
  ];
}

const names = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;

function renderRules(rules: readonly RbacRule[]): string {
  return rules
    .map(({ because, ...rule }) => {
      const fields = (['apiGroups', 'resources', 'resourceNames', 'verbs'] as const).flatMap((field) => {
        const values = rule[field];
        return values === undefined ? [] : [`${field}: ${names(values)}`];
      });
      return `# ${because}\n- ${fields.join('\n  ')}\n`;
    })
    .join('');
}

/**
 * `{{ include "maintenance-bridge.rules.<name>" . }}` for each group; `….valueOfFlag`, `….taintOfPreset`, `….timeouts` and what
 * policies need as YAML.
 */
function renderGeneratedTemplates(): string {
  const define = (name: string, body: string): string =>
    `\n{{- define "maintenance-bridge.${name}" -}}\n${body}{{ end }}\n`;
  const groups = ruleGroups().map(({ name, rules }) => define(`rules.${name}`, renderRules(rules)));
  const flags = OPTION_ROWS.flatMap((row) => {
    const value = chartValueOf(row);
    return value === undefined
      ? []
      : [row.flag, ...(row.alias === undefined ? [] : [row.alias])].map((flag) => `${flag}: ${value}\n`);
  });
  const presets = Object.entries(PRESETS).map(
    ([name, taint]) => `${name}: ${taint.key}=${taint.value}:${taint.effect}\n`,
  );
  // Thresholds of alerts are derived from these.
  const timeouts = OPTION_ROWS.filter(({ kind, path }) => kind === 'duration' && path[0] === 'tmm').map(
    (row) => `${row.path[1]}: ${row.default}\n`,
  );
  return [
    '{{- /* Generated from the code by `npm run docs`. */ -}}\n',
    ...groups,
    define('valueOfFlag', flags.join('')),
    define('taintOfPreset', presets.join('')),
    define('timeouts', timeouts.join('')),
    ...[...policyData()].map(([name, body]) => define(name, body)),
  ].join('');
}

function renderWorkloadCluster(): string {
  const indented = (rules: readonly RbacRule[]): string => renderRules(rules).replace(/^(?=.)/gm, '  ');
  const metadata = (name: string): string => `metadata:\n  name: ${name}\n`;
  const role = (name: string, rules: readonly RbacRule[]): string =>
    `---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n${metadata(name)}rules:\n${indented(rules)}`;
  const binding = (name: string): string =>
    `---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n${metadata(name)}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: ${name}
subjects:
  - kind: ServiceAccount
    name: maintenance-bridge-remote
    namespace: kube-system
`;
  const remote = 'maintenance-bridge-remote';
  const gates = 'maintenance-bridge-remote-gates';
  return `# Generated from the code by \`npm run docs\`.
#
# For a workload cluster whose Secret NAME-kubeconfig should not hold Cluster API's administrator kubeconfig: all that the
# Cluster API bridge needs there. Apply it in the workload cluster, and put a kubeconfig of this ServiceAccount into the Secret.
# ${gates} is only needed for metal3.requireDrained and metal3.waitForVolumeDetach.
apiVersion: v1
kind: ServiceAccount
${metadata(remote)}  namespace: kube-system
${role(remote, WORKLOAD_RULES)}${binding(remote)}${role(gates, GATE_RULES)}${binding(gates)}`;
}

type JsonSchema = Readonly<Record<string, unknown>>;

// RE2, which Helm uses, knows no look-ahead; a duration above zero has a part with a digit above zero.
const PART = '[0-9]+([.][0-9]+)?(ms|h|m|s)';
const PART_ABOVE_ZERO = '([0-9]*[1-9][0-9]*([.][0-9]+)?|[0-9]+[.][0-9]*[1-9][0-9]*)(ms|h|m|s)';
const PATTERNS: Partial<Readonly<Record<OptionKind, string>>> = {
  duration: `^(${PART})*${PART_ABOVE_ZERO}(${PART})*$`,
  limit: `^(0|(${PART})+)$`,
};

/** What zod cannot say of a section in JSON Schema, the rows of the options know: help, defaults and the form of durations. */
function sectionSchema(section: string, schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  const properties = Object.entries(rest.properties ?? {}).map(([key, property]) => {
    const row = OPTION_ROWS.find(({ path }) => path.join('.') === `${section}.${key}`);
    const pattern = row && PATTERNS[row.kind];
    const known = row && { description: row.help, ...(row.default !== undefined && { default: row.default }) };
    return [key, { ...known, ...(property as object), ...(pattern !== undefined && { pattern }) }];
  });
  return { ...rest, properties: Object.fromEntries(properties) };
}

/** The form of the value `config`: all of the configuration file that has no value of its own. */
export function configSchema(): JsonSchema {
  const helpOf = (flag: string): string | undefined => OPTION_ROWS.find((row) => row.flag === flag)?.help;
  return {
    $comment: 'Generated from the code by npm run docs.',
    description: 'The rest of the BridgeConfiguration; docs/flags.md has the keys',
    type: 'object',
    additionalProperties: false,
    properties: {
      namespaces: {
        description: helpOf('namespace'),
        type: 'array',
        items: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' },
        uniqueItems: true,
      },
      dryRun: { description: helpOf('dry-run'), type: 'boolean', default: false },
      tmm: sectionSchema('tmm', tmmSettingsSchema),
      capi: sectionSchema('capi', capiSettingsSchema),
      metal3: sectionSchema('metal3', metal3SettingsSchema),
    },
  };
}

/**
 * Paths from the root of the checkout, with what the files should hold.
 *
 * @param valuesSchema the values' schema as it is, of which the part `properties.config` is replaced.
 */
export function chartParts(valuesSchema: string): ReadonlyMap<string, string> {
  const schema = JSON.parse(valuesSchema) as { readonly properties: JsonSchema };
  const whole = { ...schema, properties: { ...schema.properties, config: configSchema() } };
  // The formatter has a say in this one; its line ends are no difference.
  const isStale = JSON.stringify(whole) !== JSON.stringify(schema);
  return new Map([
    [`${CHART}/templates/_generated.tpl`, renderGeneratedTemplates()],
    [`${CHART}/files/workload-cluster.yaml`, renderWorkloadCluster()],
    [`${CHART}/values.schema.json`, isStale ? `${JSON.stringify(whole, undefined, 2)}\n` : valuesSchema],
  ]);
}
