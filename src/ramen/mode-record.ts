/**
 * The record of a MaintenanceMode in its annotation: when it was requested, and everything that was, or may have been, changed for it. It
 * is written before the first change, so that after a crash the next process knows what to restore, even with another configuration.
 */
import { z } from 'zod';
import { SCALABLE_KINDS } from './settings.ts';

/** Characters of a selector in query syntax; with a longer one it could not be determined later whether a Pod is left. */
export const MAX_SELECTOR = 512;
/** Limit of a record: it is an annotation, and all annotations of an object may take 256 KiB. */
export const MAX_WORKLOADS = 100;
export const MAX_ANNOTATED = 32;

const workload = z.object({
  kind: z.enum(SCALABLE_KINDS),
  namespace: z.string().max(63),
  name: z.string().max(253),
});
/** Identifies a workload. */
export type Workload = z.infer<typeof workload>;

const recordedWorkload = workload.extend({
  /** Of the workload at the time, and of its Pods, which may outlive it. */
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
  /** The generation of the request at that time. */
  generation: z.number().int().nonnegative(),
  workloads: z.array(recordedWorkload).max(MAX_WORKLOADS),
  annotated: z.array(annotated).max(MAX_ANNOTATED),
});
export type ModeRecord = z.infer<typeof record>;

export function formatRecord(value: ModeRecord): string {
  return JSON.stringify(value);
}

/** undefined if it is absent or was not written by us. */
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
