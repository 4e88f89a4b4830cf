/** What an operator can choose for the Cluster API bridge: the `capi` section of the configuration. */
import { z } from 'zod';
import { limit } from '../core/duration-schema.ts';
import {
  APPROVE_DELETION_LABEL,
  APPROVE_MAINTENANCE_LABEL,
  MACHINE_DELETED_LABEL,
  MACHINE_MAINTENANCE_LABEL,
} from '../core/machine-keys.ts';
import { STALE_APPROVALS } from './names.ts';

export interface CapiSettings {
  /** Only Nodes that carry this label, with any value, take part; empty means all. */
  readonly requireNodeLabel: string;
  /** How long our hook may hold a deletion, counted from when the Node was labelled or could not be; 0 means forever. */
  readonly hookTimeoutMs: number;
  /** Which `proxy-url` of a workload cluster's kubeconfig may be used, as `host` or `host:port`. */
  readonly allowedProxies: readonly string[];
  /** Whether a workload cluster's kubeconfig may skip verification of the server's certificate (`insecure-skip-tls-verify`). */
  readonly allowInsecureTls: boolean;
  /** How an approval is treated that was on the Node before it was requested; with `ignore` it has to be given again. */
  readonly staleApprovals: (typeof STALE_APPROVALS)[number];
}

/** An IPv6 address is written in brackets, as in a URL. */
const PROXY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?)(:[0-9]{1,5})?$/;

const LABEL_KEY = /^(([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

export const capiSettingsSchema = z
  .strictObject({
    requireNodeLabel: z.string().max(317).regex(LABEL_KEY, 'the key of a label, or nothing').default(''),
    hookTimeout: limit.default(0),
    allowedProxies: z
      .array(z.string().max(261).regex(PROXY, 'a host, or host:port, without a scheme'))
      .max(100)
      .default([]),
    allowInsecureTLS: z.boolean().default(false),
    staleApprovals: z.enum(STALE_APPROVALS).default('accept'),
  })
  .transform(
    ({ hookTimeout, allowInsecureTLS: allowInsecureTls, ...rest }): CapiSettings => ({
      ...rest,
      hookTimeoutMs: hookTimeout,
      allowInsecureTls,
    }),
  );

/** The labels of workload Nodes that this feature reads. */
export function labelsRead({ requireNodeLabel }: Pick<CapiSettings, 'requireNodeLabel'>): ReadonlySet<string> {
  return new Set([
    MACHINE_DELETED_LABEL,
    MACHINE_MAINTENANCE_LABEL,
    APPROVE_DELETION_LABEL,
    APPROVE_MAINTENANCE_LABEL,
    ...(requireNodeLabel === '' ? [] : [requireNodeLabel]),
  ]);
}
