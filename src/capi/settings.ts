/** What an operator can choose for the Cluster API bridge: the `capi` section of the configuration. */
import { z } from 'zod';
import { durationMs, parseDuration } from '../core/duration.ts';

export interface CapiSettings {
  /** Only Nodes that carry this label, with any value, take part; empty means all. */
  readonly requireNodeLabel: string;
  /** How long our hook may hold a deletion, from its beginning; 0 means for ever. */
  readonly hookTimeoutMs: number;
}

const LABEL_KEY = /^(([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

export const capiSettingsSchema = z
  .strictObject({
    requireNodeLabel: z.string().max(317).regex(LABEL_KEY, 'the key of a label, or nothing').default(''),
    hookTimeout: z
      .string()
      .refine((text) => parseDuration(text) !== undefined, 'a duration such as "12h", or "0" for no limit')
      .transform(durationMs)
      .default(0),
  })
  .transform(({ hookTimeout, ...rest }): CapiSettings => ({ ...rest, hookTimeoutMs: hookTimeout }));
