/** What an operator can choose for Temporary Maintenance Mode: the `tmm` section of the configuration. */
import { z } from 'zod';
import { duration, limit } from '../core/duration-schema.ts';
import type { LabelSelector } from '../core/objects.ts';
import { type Share, share } from '../core/share.ts';
import { DEFAULT_REJECTION_ANNOTATION, type MaintenanceTaint, PRESETS } from './names.ts';

/** Chooses Pods: every part that is given must match. */
export interface PodSelection {
  readonly namespaces?: readonly string[] | undefined;
  readonly namespaceSelector?: LabelSelector | undefined;
  readonly selector?: LabelSelector | undefined;
}

/** Workloads whose operator opens the budget or moves the Pod by itself once an eviction is attempted. */
export interface SelfMovingWorkload extends PodSelection {
  readonly name: string;
  /** Its operator reacts to `spec.unschedulable` of the Node, not to an eviction. */
  readonly needsCordon?: boolean | undefined;
}

export const CORDONS = ['auto', 'always', 'never'] as const;
export type Cordon = (typeof CORDONS)[number];

export interface TmmSettings {
  readonly taints: readonly MaintenanceTaint[];
  readonly rejectionAnnotation: string;
  /** Which Pods are related; empty means every Pod of the Node. */
  readonly pods: readonly PodSelection[];
  readonly daemonSetPods: 'stay' | 'delete';
  readonly toleratingPods: 'stay' | 'evict' | 'reject';
  readonly emptyDir: 'evict' | 'reject';
  /** For Pods that fit nowhere else: reject the request, or drain all the same, for clusters that grow when Pods are Pending. */
  readonly noRoom: 'reject' | 'proceed';
  /** For Pods whose eviction would fail their Job permanently: reject the request, wait for their end, or evict them. */
  readonly finalJobs: 'reject' | 'wait' | 'evict';
  readonly honourDoNotEvict: boolean;
  /** Whether Nodes that other tools hold count as away, and are not maintained until these release them (`core/other-tools.ts`). */
  readonly honourOtherTools: boolean;
  /** For Pods without a controller: reject the request, or store them and create them again when the maintenance is over. */
  readonly unmanagedPods: 'reject' | 'recreate';
  readonly selfMovingWorkloads: readonly SelfMovingWorkload[];
  /** Whether the Node is cordoned from its admission on: if a self-moving workload on it needs that, always, or never. */
  readonly cordon: Cordon;
  /** How many Nodes may be in maintenance at once: a number, or a part of all Nodes such as `10%` (rounded down, at least one). */
  readonly maxConcurrentNodes: Share;
  /** Whether StatefulSets of three or more replicas without a budget keep a ready majority. */
  readonly quorum: 'majority' | 'off';
  /** Node labels that name failure domains: failures in this Node's own domain are not held against its maintenance. */
  readonly failureDomainLabels: readonly string[];
  readonly admissionTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly exitTimeoutMs: number;
  /** Pods that have been terminating for longer are skipped; 0 skips none. */
  readonly skipWaitForDeleteTimeoutMs: number;
  readonly maxParallelEvictions: number;
}

/** Sources: the operators' own documentation of how they meet a drain (docs/decisions/0006-self-moving-workloads.md and 0021-cordon.md). */
const SELF_MOVING_DEFAULTS: readonly SelfMovingWorkload[] = [
  {
    name: 'rook-ceph',
    selector: { matchExpressions: [{ key: 'ceph_daemon_type', operator: 'In', values: ['osd', 'mon'] }] },
  },
  { name: 'kubevirt', selector: { matchLabels: { 'kubevirt.io': 'virt-launcher' } } },
  { name: 'strimzi', selector: { matchExpressions: [{ key: 'strimzi.io/cluster', operator: 'Exists' }] } },
  {
    name: 'longhorn',
    selector: { matchExpressions: [{ key: 'longhorn.io/component', operator: 'In', values: ['instance-manager'] }] },
    needsCordon: true,
  },
  {
    name: 'cloudnative-pg',
    selector: {
      matchLabels: { 'cnpg.io/instanceRole': 'primary' },
      matchExpressions: [{ key: 'cnpg.io/cluster', operator: 'Exists' }],
    },
    needsCordon: true,
  },
  {
    name: 'zalando-postgres',
    selector: {
      matchLabels: { application: 'spilo' },
      matchExpressions: [{ key: 'spilo-role', operator: 'In', values: ['master', 'primary'] }],
    },
    needsCordon: true,
  },
];

const QUALIFIED_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const qualifiedName = z.string().max(317).regex(QUALIFIED_NAME, 'a qualified name such as "example.com/key"');

const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
}) as z.ZodType<LabelSelector>;

const podSelection = {
  namespaces: z.array(z.string().min(1)).min(1).optional(),
  namespaceSelector: labelSelector.optional(),
  selector: labelSelector.optional(),
};

const taint = z.strictObject({
  key: qualifiedName,
  value: z.string().min(1).max(63),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  rejectionAnnotation: qualifiedName.optional(),
});

/**
 * Checks the `tmm` section and fills in the defaults. `presets` and `taints` add up; with neither, the proposal's taint
 * `drain=planned-downtime:NoSchedule` is the only one.
 */
export const tmmSettingsSchema = z
  .strictObject({
    presets: z.array(z.enum(Object.keys(PRESETS) as (keyof typeof PRESETS)[])).optional(),
    taints: z.array(taint).optional(),
    rejectionAnnotation: qualifiedName.default(DEFAULT_REJECTION_ANNOTATION),
    pods: z.array(z.strictObject(podSelection)).default([]),
    daemonSetPods: z.enum(['stay', 'delete']).default('stay'),
    toleratingPods: z.enum(['stay', 'evict', 'reject']).default('stay'),
    emptyDir: z.enum(['evict', 'reject']).default('evict'),
    noRoom: z.enum(['reject', 'proceed']).default('reject'),
    finalJobs: z.enum(['reject', 'wait', 'evict']).default('reject'),
    honourDoNotEvict: z.boolean().default(true),
    honourOtherTools: z.boolean().default(true),
    unmanagedPods: z.enum(['reject', 'recreate']).default('reject'),
    selfMovingWorkloads: z
      .array(z.strictObject({ name: z.string().min(1), ...podSelection, needsCordon: z.boolean().optional() }))
      .default([...SELF_MOVING_DEFAULTS] as never),
    // Earlier versions used `true` and `false` for `always` and `never`.
    cordon: z.union([z.enum(CORDONS), z.boolean()]).default('auto'),
    maxConcurrentNodes: share.default(1),
    quorum: z.enum(['majority', 'off']).default('majority'),
    failureDomainLabels: z.array(qualifiedName).default(['topology.kubernetes.io/zone']),
    admissionTimeout: duration.default(60_000),
    drainTimeout: duration.default(3_600_000),
    exitTimeout: duration.default(300_000),
    skipWaitForDeleteTimeout: limit.default(0),
    maxParallelEvictions: z.int().min(1).max(1000).default(20),
  })
  .transform(
    (
      { presets, taints, cordon, admissionTimeout, drainTimeout, exitTimeout, skipWaitForDeleteTimeout, ...rest },
      context,
    ): TmmSettings => {
      const chosen: readonly MaintenanceTaint[] = [
        ...(presets ?? (taints === undefined ? (['default'] as const) : [])).map(
          (name): MaintenanceTaint => PRESETS[name],
        ),
        ...((taints ?? []) as readonly MaintenanceTaint[]),
      ];
      const seen = new Set<string>();
      for (const { key, value, effect } of chosen) {
        const id = `${key}=${value}:${effect}`;
        if (seen.has(id))
          context.addIssue({ code: 'custom', path: ['taints'], message: `each taint once; ${id} stands there twice` });
        seen.add(id);
      }
      if (chosen.length === 0)
        context.addIssue({ code: 'custom', path: ['taints'], message: 'at least one taint or preset' });
      return {
        ...rest,
        taints: chosen,
        cordon: typeof cordon === 'string' ? cordon : cordon ? 'always' : 'never',
        admissionTimeoutMs: admissionTimeout,
        drainTimeoutMs: drainTimeout,
        exitTimeoutMs: exitTimeout,
        skipWaitForDeleteTimeoutMs: skipWaitForDeleteTimeout,
      };
    },
  );

/** Namespaces are watched only for namespace selectors. */
export function needsNamespaces({ pods, selfMovingWorkloads }: TmmSettings): boolean {
  return [...pods, ...selfMovingWorkloads].some(({ namespaceSelector }) => namespaceSelector !== undefined);
}

/** Whether a Node may have to be cordoned, which is the only reason to write one beyond its status. */
export function mayCordon({ cordon, selfMovingWorkloads }: TmmSettings): boolean {
  return cordon === 'always' || (cordon === 'auto' && selfMovingWorkloads.some(({ needsCordon }) => needsCordon));
}
