/** Random small clusters in which every predicate is relevant, with so few values that they coincide. */
import fc, { type Arbitrary } from 'fast-check';
import { assemble, type BoundParts, HOSTNAME, type NodeParts, type VolumeParts, ZONE } from './assemble.ts';
import type { ClusterCase } from './cluster-case.ts';

const GPU = 'example.com/gpu';

/** `some` in this percentage of cases, else undefined. */
const maybe = <T>(percent: number, some: Arbitrary<T>): Arbitrary<T | undefined> =>
  fc.oneof({ weight: 100 - percent, arbitrary: fc.constant(undefined) }, { weight: percent, arbitrary: some });

/** A record without the keys whose value is undefined. */
type Compact<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const compact = <T extends object>(shape: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<Compact<T>> =>
  fc.record(shape).map((value) => {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return Object.fromEntries(entries) as Compact<T>;
  });

const app = fc.constantFrom('web', 'web', 'db');
const namespace = fc.constantFrom('default', 'default', 'default', 'blue', 'red');
const topologyKey = fc.constantFrom(HOSTNAME, ZONE, ZONE, 'rack');

const labelSelector = fc.oneof(
  { weight: 6, arbitrary: app.map((value) => ({ matchLabels: { app: value } })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
      { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] },
      { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['1'] }] },
      { matchExpressions: [{ key: 'app', operator: 'In', values: ['web', 'db'] }], matchLabels: { tier: '1' } },
    ),
  },
  { weight: 1, arbitrary: fc.constant({}) },
);

const podLabels = compact({ app: maybe(77, app), tier: maybe(33, fc.constantFrom('1', '2')) });

const nodeRequirement = fc.constantFrom(
  { key: ZONE, operator: 'In', values: ['a', 'b'] },
  { key: ZONE, operator: 'NotIn', values: ['a'] },
  { key: 'disk', operator: 'Exists' },
  { key: 'disk', operator: 'DoesNotExist' },
  { key: 'rank', operator: 'Gt', values: ['2'] },
  { key: 'rank', operator: 'Lt', values: ['3'] },
);

const nodeTerms = fc.array(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .array(nodeRequirement, { minLength: 1, maxLength: 2 })
        .map((matchExpressions) => ({ matchExpressions })),
    },
    {
      weight: 1,
      arbitrary: fc
        .nat({ max: 3 })
        .map((index) => ({ matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: [`node-${index}`] }] })),
    },
  ),
  { minLength: 1, maxLength: 2 },
);

const tolerations = fc.array(
  fc.constantFrom(
    { operator: 'Exists' },
    { key: 'dedicated', operator: 'Exists' },
    { key: 'dedicated', operator: 'Equal', value: 'x', effect: 'NoSchedule' },
    { key: 'dedicated', value: 'y' },
    { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  ),
  { minLength: 1, maxLength: 2 },
);

const podTerm = compact({
  topologyKey,
  labelSelector,
  namespaces: maybe(20, fc.constant(['blue', 'default'])),
  namespaceSelector: maybe(
    20,
    fc.constantFrom({}, { matchLabels: { team: 'blue' } }, { matchLabels: { team: 'none' } }),
  ),
});

const requiredTerms = fc
  .array(podTerm, { minLength: 1, maxLength: 2 })
  .map((terms) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms }));

const spread = fc.uniqueArray(
  compact({
    topologyKey,
    maxSkew: fc.integer({ min: 1, max: 2 }),
    whenUnsatisfiable: fc.constantFrom('DoNotSchedule', 'DoNotSchedule', 'DoNotSchedule', 'ScheduleAnyway'),
    labelSelector,
    minDomains: maybe(25, fc.integer({ min: 1, max: 4 })),
    nodeAffinityPolicy: maybe(50, fc.constantFrom('Honor', 'Ignore')),
    nodeTaintsPolicy: maybe(50, fc.constantFrom('Honor', 'Ignore')),
    matchLabelKeys: maybe(20, fc.constant(['tier'])),
  }).map(({ minDomains, matchLabelKeys, ...constraint }) => ({
    ...constraint,
    // The API accepts the former only if the constraint must hold, and the latter only if the selector does not name the key.
    ...(constraint.whenUnsatisfiable === 'DoNotSchedule' && minDomains !== undefined && { minDomains }),
    ...(!JSON.stringify(constraint.labelSelector).includes('tier') &&
      matchLabelKeys !== undefined && { matchLabelKeys }),
  })),
  {
    minLength: 1,
    maxLength: 2,
    selector: ({ topologyKey: key, whenUnsatisfiable }) => `${key} ${whenUnsatisfiable}`,
  },
);

const requests = compact({
  cpu: maybe(77, fc.constantFrom('1', '500m', '0.25', '1500m', '2')),
  memory: maybe(50, fc.constantFrom('256Mi', '1Gi', '512M', '1e9', '1.5Gi')),
  'ephemeral-storage': maybe(20, fc.constantFrom('1Gi', '2Gi')),
});

/** Extended resources need a limit, which must equal the request. */
const resources = fc
  .tuple(requests, maybe(17, fc.constantFrom('1', '2')))
  .map(([asked, gpu]) =>
    gpu === undefined ? { requests: asked } : { requests: { ...asked, [GPU]: gpu }, limits: { [GPU]: gpu } },
  );

/** Amounts of which several just fill a Node, or just do not fit. */
const pieces = fc
  .record({ cpu: fc.constantFrom('700m', '900m', '1', '1100m', '1300m'), memory: fc.constantFrom('500Mi', '700Mi') })
  .map((asked) => ({ requests: asked }));

const ports = fc.array(
  compact({
    containerPort: fc.constant(80),
    hostPort: fc.constantFrom(8080, 8080, 9090),
    protocol: maybe(50, fc.constantFrom('TCP', 'UDP')),
    hostIP: maybe(50, fc.constantFrom('10.0.0.1', '10.0.0.2', '0.0.0.0')),
  }),
  { minLength: 1, maxLength: 1 },
);

const container = (name: string, more: { [key: string]: Arbitrary<unknown> } = {}): Arbitrary<object> =>
  compact({ name: fc.constant(name), image: fc.constant('example.com/none'), resources, ...more });

const initContainers = fc.oneof(
  fc.tuple(container('init')),
  fc.tuple(container('sidecar', { restartPolicy: fc.constant('Always'), ports: maybe(25, ports) }), container('init')),
);

/** Claims are taken by their place in the list; see `volumesOf()`. */
const claimIndex = fc.nat({ max: 5 });

/** Pod-level requests must not be less than those of its containers together. */
function withSmallContainers(spec: object): object {
  const small = (containers: readonly object[]) =>
    containers.map((each) => ({ ...each, resources: { requests: { cpu: '500m', memory: '512Mi' } } }));
  const { resources, containers, initContainers } = spec as Record<string, readonly object[]>;
  if (resources === undefined || containers === undefined) return spec;
  return {
    ...spec,
    containers: small(containers),
    ...(initContainers !== undefined && { initContainers: small(initContainers) }),
  };
}

/** How often, in percent, there is a rule of each kind. A kind that is rare everywhere would hardly ever decide anything. */
interface Theme {
  readonly taints: number;
  readonly selectors: number;
  readonly affinity: number;
  readonly spread: number;
  readonly ports: number;
  readonly claims: number;
  /** Features that kubelets declare, and Pods that need one. */
  readonly features: number;
  /** Nodes that the Pods nearly fill, so that each placement matters. */
  readonly isTight?: true;
}

const BALANCED: Theme = { taints: 30, selectors: 20, affinity: 25, spread: 25, ports: 10, claims: 25, features: 5 };
const QUIET: Theme = { taints: 5, selectors: 3, affinity: 3, spread: 3, ports: 3, claims: 3, features: 1 };
const THEMES: readonly Theme[] = [
  BALANCED,
  QUIET,
  { ...QUIET, affinity: 80 },
  { ...QUIET, spread: 80, taints: 20, selectors: 40 },
  { ...QUIET, claims: 80 },
  { ...QUIET, ports: 80 },
  { ...QUIET, features: 60 },
  { ...QUIET, isTight: true },
  { ...QUIET, isTight: true, affinity: 50, spread: 30 },
  { ...QUIET, isTight: true, claims: 60, selectors: 20 },
];

/** The kubelet of one Node declares this feature, that of the other does not. */
const FEATURE = 'RestartAllContainersOnContainerExits';
const restartRules = fc.constant([{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }]);

const podSpec = (theme: Theme): Arbitrary<object> => {
  const { selectors, affinity, spread: spreading, ports: listening, claims, features } = theme;
  return compact({
    containers: fc.tuple(
      container('main', {
        ports: maybe(listening, ports),
        ...(theme.isTight === true && { resources: pieces }),
        restartPolicyRules: maybe(features, restartRules),
      }).map(withOwnRestartPolicy),
    ),
    initContainers: maybe(20, initContainers),
    resources: maybe(6, fc.constantFrom({ requests: { cpu: '3' } }, { requests: { memory: '3Gi', cpu: '3' } })),
    nodeSelector: maybe(selectors, fc.constantFrom({ disk: 'ssd' }, { [ZONE]: 'a' }, { [ZONE]: 'b' })),
    tolerations: maybe(30, tolerations),
    affinity: maybe(
      Math.max(affinity, selectors),
      compact({
        nodeAffinity: maybe(
          selectors,
          nodeTerms.map((nodeSelectorTerms) => ({
            requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
          })),
        ),
        podAffinity: maybe(30, requiredTerms),
        podAntiAffinity: maybe(affinity, requiredTerms),
      }),
    ),
    topologySpreadConstraints: maybe(spreading, spread),
    claims: maybe(claims, claimIndex),
  }).map(withSmallContainers);
};

/** A container with separate rules overrides them. */
function withOwnRestartPolicy(container: object): object {
  return 'restartPolicyRules' in container ? { ...container, restartPolicy: 'Never' } : container;
}

const taints = fc.uniqueArray(
  fc.constantFrom(
    { key: 'dedicated', value: 'x', effect: 'NoSchedule' },
    { key: 'dedicated', value: 'y', effect: 'NoExecute' },
    { key: 'drain', value: 'planned-downtime', effect: 'NoSchedule' },
    { key: 'soft', effect: 'PreferNoSchedule' },
  ),
  { minLength: 1, maxLength: 2, selector: ({ key, effect }) => `${key} ${effect}` },
);

const nodeParts = (theme: Theme): Arbitrary<NodeParts> =>
  fc.record({
    labels: compact({
      [ZONE]: maybe(95, fc.constantFrom('a', 'b', 'c')),
      rack: maybe(85, fc.constantFrom('1', '2')),
      disk: maybe(50, fc.constantFrom('ssd', 'hdd')),
      rank: maybe(50, fc.constantFrom('1', '3', 'high')),
    }),
    spec: compact({ taints: maybe(theme.taints, taints), unschedulable: maybe(5, fc.constant(true)) }),
    allocatable: compact({
      cpu: theme.isTight === true ? fc.constantFrom('2', '2200m', '3') : fc.constantFrom('2', '4', '6', '3500m'),
      memory: theme.isTight === true ? fc.constantFrom('1200Mi', '2Gi') : fc.constantFrom('2Gi', '4Gi', '8Gi'),
      'ephemeral-storage': fc.constantFrom('2Gi', '4Gi'),
      pods: fc.constantFrom('3', '5', '10'),
      [GPU]: maybe(50, fc.constantFrom('0', '1', '2')),
    }),
    declaredFeatures: maybe(theme.features, fc.constantFrom([FEATURE], ['GuaranteedQoSPodCPUResize'])),
    volumeLimit: maybe(50, fc.integer({ min: 0, max: 2 })),
  });

const volumeParts: Arbitrary<VolumeParts> = fc.record({
  namespace,
  kind: fc.constantFrom('bound', 'bound', 'bound', 'bound', 'static', 'static', 'dynamic', 'immediate'),
  isSole: fc.boolean(),
  isCsi: fc.boolean(),
  zoneLabel: maybe(50, fc.constantFrom('a', 'b', 'a__c')),
  zones: maybe(70, fc.constantFrom(['a'], ['b'], ['a', 'b'])),
  size: fc.constantFrom('1Gi', '2Gi'),
  volumeSize: fc.constantFrom('1Gi', '2Gi'),
  volumeMode: fc.constantFrom('ReadWriteOnce', 'ReadWriteOnce', 'ReadWriteOnce', 'ReadOnlyMany'),
});

const boundParts = (theme: Theme): Arbitrary<BoundParts> =>
  fc.record({
    namespace,
    labels: podLabels,
    spec: podSpec(theme),
    node: fc.nat({ max: 7 }),
    fate: fc.constantFrom('runs', 'runs', 'runs', 'runs', 'runs', 'deleting', 'finished', 'resized'),
  });

const caseOf = (theme: Theme): Arbitrary<ClusterCase> =>
  fc
    .record({
      nodes: fc.array(nodeParts(theme), { minLength: 2, maxLength: theme.isTight === true ? 4 : 8 }),
      volumes: fc.array(volumeParts, { maxLength: 6 }),
      bound: fc.array(boundParts(theme), { maxLength: theme.isTight === true ? 2 : 10 }),
      pods: fc.array(fc.record({ namespace, labels: podLabels, spec: podSpec(theme) }), {
        minLength: theme.isTight === true ? 4 : 1,
        maxLength: theme.isTight === true ? 9 : 6,
      }),
    })
    .map(assemble);

export const clusterCase: Arbitrary<ClusterCase> = fc.oneof(...THEMES.map(caseOf));
