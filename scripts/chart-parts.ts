/**
 * The parts of the Helm chart that derive from the code: RBAC rules, the writes that admission policies permit, the value that stands for
 * each flag, and the schema of `config`. Written by `npm run docs`, so that chart and program cannot disagree.
 */
import { z } from 'zod';
import { FEATURES, sectionsWith } from '../src/app/features.ts';
import { rightsFor } from '../src/app/rbac.ts';
import { OPTION_ROWS } from '../src/config/options.ts';
import type { ChartFeature, WorkloadRights } from '../src/core/feature.ts';
import type { OptionKind, OptionRow } from '../src/core/option.ts';
import type { RbacRule } from '../src/core/rbac.ts';
import { chartFeatureParts, featuresData, furtherData, SCOPES, writesData } from './chart-features.ts';
import { ramenFiles } from './chart-ramen.ts';

export const CHART = 'charts/maintenance-bridge';

/** Values that stand for a key of the configuration file, unless they are `config.` and the key. */
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
  ...Object.fromEntries(
    FEATURES.flatMap(({ enable, chart }) => (chart ? [[enable.flag, `features.${chart.value}.enabled`]] : [])),
  ),
  config: 'config',
};

/**
 * The Pod itself determines which cluster it works on; to use another, mount a kubeconfig and name it. A feature without a value in the
 * chart needs rights that the chart does not render: the operator who enables it grants these.
 */
const FREE_FLAGS: readonly string[] = [
  'kubeconfig',
  'context',
  ...FEATURES.flatMap(({ enable, chart }) => (chart === undefined ? [enable.flag] : [])),
];

/** The chart's value that sets an option; undefined for options that only `extraArgs` and `extraEnv` set. */
export function chartValueOf({ flag, path }: Pick<OptionRow, 'flag' | 'path'>): string | undefined {
  if (FREE_FLAGS.includes(flag)) return undefined;
  return VALUES_BY_FLAG[flag] ?? `config.${path.join('.')}`;
}

/** A name that only the template knows. In backquotes, since it is inside a quoted string. */
const LEASE_NAME = '{{ include `maintenance-bridge.leaseName` . }}';

const leaseRules = rightsFor({
  ...sectionsWith({}),
  namespaces: [],
  leaderElection: { enabled: true, id: LEASE_NAME },
}).namespace;

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

/** The template inserts names of objects that only the values contain. */
function withNames(rules: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce(
    (text, [name, template]) => text.replaceAll(`["${name}"]`, `{{ include "maintenance-bridge.${template}" . }}`),
    rules,
  );
}

/**
 * `{{ include "maintenance-bridge.rules.<part>.<scope>" . }}` and `….writes.<part>` for each part; `….rules.leaderElection`, `….features`,
 * `….valueOfFlag`, and the features' further data, as YAML.
 */
function renderGeneratedTemplates(): string {
  const define = (name: string, body: string): string =>
    `\n{{- define "maintenance-bridge.${name}" -}}\n${body}{{ end }}\n`;
  const parts = chartFeatureParts();
  const rules = parts.flatMap(({ name, rights, names }) =>
    SCOPES.map((scope) => define(`rules.${name}.${scope}`, withNames(renderRules(rights[scope] ?? []), names))),
  );
  const flags = OPTION_ROWS.flatMap((row) => {
    const value = chartValueOf(row);
    return value === undefined
      ? []
      : [row.flag, ...(row.alias === undefined ? [] : [row.alias])].map((flag) => `${flag}: ${value}\n`);
  });
  return [
    '{{- /* Generated from the code by `npm run docs`. */ -}}\n',
    ...rules,
    define('rules.leaderElection', renderRules(leaseRules)),
    define('features', featuresData()),
    define('valueOfFlag', flags.join('')),
    ...parts.map(({ name, writes }) => define(`writes.${name}`, writesData(writes))),
    ...[...furtherData()].map(([name, body]) => define(name, body)),
  ].join('');
}

const REMOTE = 'maintenance-bridge-remote';

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
    name: ${REMOTE}
    namespace: kube-system
`;
  const roles = FEATURES.flatMap(({ workloadRights }): readonly (WorkloadRights & { name: string })[] =>
    workloadRights === undefined ? [] : [{ ...workloadRights, name: `${REMOTE}${workloadRights.suffix}` }],
  );
  const limits = roles.flatMap(({ name, onlyFor }) =>
    onlyFor === undefined ? [] : [`# ${name} is only needed for ${onlyFor}.\n`],
  );
  return `# Generated from the code by \`npm run docs\`.
#
# For a workload cluster whose Secret NAME-kubeconfig should not contain Cluster API's administrator kubeconfig: all rights that the
# Cluster API bridge needs there. Apply it in the workload cluster, and put a kubeconfig of this ServiceAccount into the Secret.
${limits.join('')}apiVersion: v1
kind: ServiceAccount
${metadata(REMOTE)}  namespace: kube-system
${roles.map(({ name, rules }) => role(name, rules) + binding(name)).join('')}`;
}

type JsonSchema = Readonly<Record<string, unknown>>;

// RE2, which Helm uses, has no look-ahead; a duration above zero has a part with a digit above zero.
const PART = '[0-9]+([.][0-9]+)?(ms|h|m|s)';
const PART_ABOVE_ZERO = '([0-9]*[1-9][0-9]*([.][0-9]+)?|[0-9]+[.][0-9]*[1-9][0-9]*)(ms|h|m|s)';
const PATTERNS: Partial<Readonly<Record<OptionKind, string>>> = {
  duration: `^(${PART})*${PART_ABOVE_ZERO}(${PART})*$`,
  limit: `^(0|(${PART})+)$`,
};

/** Adds what zod's JSON Schema of a section lacks, from the rows of the options: help, defaults and the form of durations. */
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

function sectionSchemas(): JsonSchema {
  const schemas: Record<string, JsonSchema> = {};
  for (const { section, settings, chart } of FEATURES) {
    const [first, second] = section;
    if (chart === undefined) continue;
    const schema = sectionSchema(section.join('.'), settings);
    if (second === undefined) schemas[first] = schema;
    else {
      const properties = { ...(schemas[first]?.properties as object | undefined), [second]: schema };
      schemas[first] = { type: 'object', additionalProperties: false, properties };
    }
  }
  return schemas;
}

/** The schema of the value `features`: a switch for each feature that the chart can run. */
function featuresSchema(): JsonSchema {
  const values = FEATURES.flatMap(({ chart }): readonly ChartFeature[] => (chart === undefined ? [] : [chart]));
  const featureOf = ({ switches = {} }: ChartFeature): JsonSchema => {
    const properties = Object.fromEntries(
      ['enabled', ...Object.keys(switches)].map((key) => [key, { type: 'boolean' }]),
    );
    return { type: 'object', additionalProperties: false, required: Object.keys(properties), properties };
  };
  return {
    $comment: 'Generated from the code by npm run docs.',
    type: 'object',
    additionalProperties: false,
    required: values.map(({ value }) => value),
    properties: Object.fromEntries(values.map((chart) => [chart.value, featureOf(chart)])),
  };
}

/** The schema of the value `config`: everything in the configuration file that has no separate value. */
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
      ...sectionSchemas(),
    },
  };
}

/**
 * Paths from the root of the checkout, with the content that the files should have.
 *
 * @param valuesSchema the current schema of the values, whose parts `config` and `features` are replaced.
 */
export function chartParts(valuesSchema: string): ReadonlyMap<string, string> {
  const schema = JSON.parse(valuesSchema) as { readonly properties: JsonSchema };
  const parts = { config: configSchema(), features: featuresSchema() };
  const whole = { ...schema, properties: { ...schema.properties, ...parts } };
  // The formatter may change this file; differences in line breaks do not count.
  const isStale = JSON.stringify(whole) !== JSON.stringify(schema);
  return new Map([
    [`${CHART}/templates/_generated.tpl`, renderGeneratedTemplates()],
    [`${CHART}/files/workload-cluster.yaml`, renderWorkloadCluster()],
    ...[...ramenFiles(renderRules)].map(([path, text]) => [`${CHART}/${path}`, text] as const),
    [`${CHART}/values.schema.json`, isStale ? `${JSON.stringify(whole, undefined, 2)}\n` : valuesSchema],
  ]);
}
