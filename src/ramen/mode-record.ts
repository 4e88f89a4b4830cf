/**
 * What a MaintenanceMode remembers in its annotation: when it was asked for, and everything that was, or may have been,
 * changed for it. Written before the first change, so that whoever comes after a crash knows what to restore, even where the
 * configuration is another by then.
 */
import { z } from 'zod';
import { SCALABLE_KINDS } from './settings.ts';

/** Characters of a selector in the form of a query; of a workload with a longer one nobody could say later whether a Pod is left. */
export const MAX_SELECTOR = 512;
/** What a record holds at most: it is an annotation, and all of an object's take 256 KiB at most. */
export const MAX_WORKLOADS = 100;
export const MAX_ANNOTATED = 32;

const workload = z.object({
  kind: z.enum(SCALABLE_KINDS),
  namespace: z.string().max(63),
  name: z.string().max(253),
});
/** Which workload it is. */
export type Workload = z.infer<typeof workload>;

const recordedWorkload = workload.extend({
  /** Of the workload that was there, and of its Pods: they may be there when it is not any more. */
  uid: z.string().max(128).optional(),
  selector: z.string().max(MAX_SELECTOR).optional(),
});
export type RecordedWorkload = z.infer<typeof recordedWorkload>;

const annotated = z.object({
  apiVersion: z.string().max(320),
  kind: z.string().max(63),
  namespace: z.string().max(63).optional(),
  name: z.string().max(253),
  key: z.string().max(317),
  value: z.string().max(4096),
});
export type Annotated = z.infer<typeof annotated>;

const record = z.object({
  /** Milliseconds since the epoch. */
  sinceMs: z.number().int().nonnegative(),
  /** The generation that was asked for then. */
  generation: z.number().int().nonnegative(),
  workloads: z.array(recordedWorkload).max(MAX_WORKLOADS),
  annotated: z.array(annotated).max(MAX_ANNOTATED),
});
export type ModeRecord = z.infer<typeof record>;

export function formatRecord(value: ModeRecord): string {
  return JSON.stringify(value);
}

/** undefined for what is absent or was not written by us. */
export function parseRecord(text: string | undefined): ModeRecord | undefined {
  if (text === undefined || text.length > 262_144) return undefined;
  try {
    return record.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function workloadKey({ kind, namespace, name }: Workload): string {
  return `${kind}/${namespace}/${name}`;
}

export function annotatedKey({ apiVersion, kind, namespace = '', name, key }: Annotated): string {
  return JSON.stringify([apiVersion, kind, namespace, name, key]);
}
