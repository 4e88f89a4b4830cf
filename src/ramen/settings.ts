/** What an operator can choose for Ramen: the `ramen` section of the configuration. Both parts are off by default. */
import { z } from 'zod';
import { duration } from '../core/duration-schema.ts';
import { isGroupName, isKindName, isNamespaceName, isObjectName, isVersionName } from './path-names.ts';

const name = z.string().refine(isObjectName, 'the name of an object');
const namespace = z.string().refine(isNamespaceName, 'the name of a namespace');
/** A value must be valid for a label, a key may have a prefix. */
const annotationKey = z
  .string()
  .max(317)
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/, 'the key of an annotation');
const annotationValue = z.string().max(4096);

const requirement = z.strictObject({
  key: z.string().min(1),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string()).optional(),
});
const labelSelector = z
  .strictObject({
    matchLabels: z.record(z.string(), z.string()).optional(),
    matchExpressions: z.array(requirement).optional(),
  })
  .refine(
    ({ matchLabels = {}, matchExpressions = [] }) => Object.keys(matchLabels).length + matchExpressions.length > 0,
    'a selector that selects by something: an empty one would take every workload of the namespace',
  );

/** Kinds that can be scaled to zero. */
export const SCALABLE_KINDS = ['Deployment', 'StatefulSet', 'ReplicaSet'] as const;
export type ScalableKind = (typeof SCALABLE_KINDS)[number];

const scaleEntry = z
  .strictObject({ kind: z.enum(SCALABLE_KINDS), namespace, name: name.optional(), selector: labelSelector.optional() })
  .refine(({ name, selector }) => (name === undefined) !== (selector === undefined), 'either name or selector');
export type ScaleEntry = z.infer<typeof scaleEntry>;

const apiVersion = z.string().refine((text) => {
  const [first = '', second, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  return second === undefined ? isVersionName(first) : first !== '' && isGroupName(first) && isVersionName(second);
}, 'an API version such as "v1" or "apps/v1"');

const annotateEntry = z.strictObject({
  apiVersion,
  kind: z.string().refine(isKindName, 'the name of a kind'),
  namespace: namespace.optional(),
  name,
  key: annotationKey,
  value: annotationValue,
  waitFor: z.strictObject({ key: annotationKey, value: annotationValue }).optional(),
});
export type AnnotateEntry = z.infer<typeof annotateEntry>;

const provider = z
  .strictObject({
    storageProvisioner: z.string().min(1).max(253),
    targetIDs: z.array(z.string().min(1).max(253)).min(1).optional(),
    scaleToZero: z.array(scaleEntry).max(32).default([]),
    annotate: z.array(annotateEntry).max(32).default([]),
    timeout: duration.default(600_000),
  })
  .refine(
    ({ scaleToZero, annotate }) => scaleToZero.length + annotate.length > 0,
    'at least one entry in scaleToZero or annotate: without any, every request would be Completed at once',
  )
  .transform(({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }));
export type Provider = z.infer<typeof provider>;

const secretKey = z.string().min(1).max(253);
const secretRef = z.strictObject({ namespace, name, key: secretKey.default('value') });
export type SecretRef = z.infer<typeof secretRef>;

const cluster = z
  .strictObject({
    name: z.string().refine(isNamespaceName, 'the name of a cluster, which is that of its namespace on the hub'),
    kubeconfigSecret: z
      .strictObject({
        namespace: namespace.exactOptional(),
        name: name.exactOptional(),
        key: secretKey.exactOptional(),
      })
      .optional(),
  })
  .transform(({ name, kubeconfigSecret = {} }) => ({
    name,
    // Absent parts have the defaults for a Cluster of Cluster API with that name.
    kubeconfigSecret: { namespace: name, name: `${name}-kubeconfig`, key: 'value', ...kubeconfigSecret },
  }));
export type ManagedClusterEntry = z.infer<typeof cluster>;

const secretPlace = z.strictObject({ namespace, name });
const secretCopy = z.strictObject({
  from: secretPlace,
  to: secretPlace,
  clusters: z.array(z.string()).min(1).optional(),
});
export type SecretCopy = z.infer<typeof secretCopy>;

export interface MaintenanceModeSettings {
  readonly providers: readonly Provider[];
}

export interface BridgeSettings {
  readonly clusters: readonly ManagedClusterEntry[];
  readonly managedClusters: boolean;
  readonly copySecrets: readonly SecretCopy[];
  readonly secretPolicies: boolean;
  readonly hub: { readonly kubeconfigSecret?: SecretRef | undefined };
}

export const maintenanceModeSchema = z
  .strictObject({ providers: z.array(provider).max(64).default([]) })
  .superRefine(({ providers }, context) => {
    for (const [index, one] of providers.entries()) {
      const clash = providers.slice(0, index).findIndex((other) => overlap(one, other));
      if (clash === -1) continue;
      const message = `a provisioner and target that providers[${clash}] does not match already`;
      context.addIssue({ code: 'custom', path: ['providers', index], message, input: one.storageProvisioner });
    }
  });

export const bridgeSchema = z
  .strictObject({
    clusters: z.array(cluster).max(500).default([]),
    managedClusters: z.boolean().default(true),
    copySecrets: z.array(secretCopy).max(500).default([]),
    secretPolicies: z.boolean().default(false),
    hub: z.strictObject({ kubeconfigSecret: secretRef.optional() }).default({}),
  })
  .superRefine(({ clusters, copySecrets, hub }, context) => {
    const names = clusters.map(({ name }) => name);
    for (const [index, one] of names.entries()) {
      if (names.indexOf(one) === index) continue;
      context.addIssue({
        code: 'custom',
        path: ['clusters', index, 'name'],
        message: 'a name that no other cluster has',
        input: one,
      });
    }
    if (hub.kubeconfigSecret !== undefined && clusters.length !== 1) {
      const message = 'exactly one cluster, this one, where hub.kubeconfigSecret is set';
      context.addIssue({ code: 'custom', path: ['clusters'], message, input: clusters.length });
    }
    for (const [index, copy] of copySecrets.entries()) {
      for (const [at, one] of (copy.clusters ?? []).entries()) {
        if (names.includes(one)) continue;
        context.addIssue({
          code: 'custom',
          path: ['copySecrets', index, 'clusters', at],
          message: `one of the clusters (${names.join(', ')})`,
          input: one,
        });
      }
    }
  });

function overlap(a: Provider, b: Provider): boolean {
  if (a.storageProvisioner !== b.storageProvisioner) return false;
  if (a.targetIDs === undefined || b.targetIDs === undefined) return true;
  const others = b.targetIDs;
  return a.targetIDs.some((id) => others.includes(id));
}
