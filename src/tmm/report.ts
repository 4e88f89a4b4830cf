/**
 * The session's report on the Node: what a person reads with `kubectl get node -o yaml`, and what a new process continues
 * from. Whoever may write Node annotations may have written it, so it is checked and bounded on the way in.
 */
import { z } from 'zod';
import { CAUSES, FAILURE_REASONS, PHASES } from './names.ts';

/** An annotation larger than this is not ours and is not parsed. Ours stay below 16 KiB by the limits further down. */
const MAX_REPORT_BYTES = 65_536;
const MAX_BLOCKED = 10;
const MAX_WORKLOADS = 128;
const MAX_NOT_MODELLED = 5;
const MAX_TEXT = 300;

const text = z.string().max(2 * MAX_TEXT);
const time = z.iso.datetime({ offset: true });
const count = z.int().min(0);

const blockedSchema = z.object({
  /** `namespace/name` */
  pod: text,
  cause: z.enum(CAUSES),
  /** What exactly, with the numbers. */
  detail: text,
  /** What an operator can do about it. */
  remedy: text,
});

const workloadSchema = z.object({
  kind: text,
  namespace: text,
  name: text,
  /** UID of the controller. */
  uid: text,
  /** How many of its Pods have to be ready on this Node again; 0 where they may run anywhere. */
  here: count,
});

const reportSchema = z.object({
  session: text.min(1),
  phase: z.enum(PHASES),
  /** When the session began. */
  started: time,
  /** When the phase began. */
  since: time,
  /** When the phase ends at the latest; absent where it lasts until the taint goes. */
  deadline: time.optional(),
  reason: z.enum(FAILURE_REASONS).optional(),
  message: text,
  pods: z.object({ total: count, gone: count, staying: count }),
  blockedBy: z.array(blockedSchema).max(MAX_BLOCKED),
  /** What the judgement of room elsewhere left out in favour of the Pods. */
  notModelled: z.array(text).max(MAX_NOT_MODELLED).optional(),
  /** Controllers of the Pods that leave: they are to be ready again before the session ends. */
  workloads: z.array(workloadSchema).max(MAX_WORKLOADS).optional(),
  /** `namespace/name` of Pods without a controller that are created again: they are to be ready before the session ends. */
  recreated: z.array(text).max(MAX_WORKLOADS).optional(),
});

/** One Pod that is in the way. */
export type Blocked = Readonly<z.infer<typeof blockedSchema>>;
/** One controller whose Pods are to be ready again before the session ends. */
export type Workload = Readonly<z.infer<typeof workloadSchema>>;
export type Report = Readonly<
  Omit<
    z.infer<typeof reportSchema>,
    'blockedBy' | 'workloads' | 'notModelled' | 'recreated' | 'deadline' | 'reason'
  > & {
    readonly blockedBy: readonly Blocked[];
    readonly notModelled?: readonly string[];
    readonly workloads?: readonly Workload[];
    readonly recreated?: readonly string[];
    readonly deadline?: string;
    readonly reason?: (typeof FAILURE_REASONS)[number];
  }
>;

/** What the annotation said. `invalid` is not `none`: somebody wrote there, and it is told. */
export type ReportSeen =
  | { readonly is: 'none' }
  | { readonly is: 'valid'; readonly report: Report }
  | { readonly is: 'invalid'; readonly why: string };

/** Reads the annotation's value. Never throws. */
export function parseReport(annotation: string | undefined): ReportSeen {
  if (annotation === undefined) return { is: 'none' };
  if (annotation.length > MAX_REPORT_BYTES)
    return { is: 'invalid', why: `it is longer than ${MAX_REPORT_BYTES} characters` };
  let json: unknown;
  try {
    json = JSON.parse(annotation);
  } catch {
    return { is: 'invalid', why: 'it is not JSON' };
  }
  const parsed = reportSchema.safeParse(json);
  if (parsed.success) return { is: 'valid', report: parsed.data as Report };
  const [issue] = parsed.error.issues;
  return { is: 'invalid', why: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown fault'}` };
}

/**
 * Half a character (a webhook's words may hold any) would come back from the API server as another one, and the report would be
 * written again and again.
 */
function cut(value: string): string {
  const whole = value.toWellFormed();
  return whole.length <= MAX_TEXT ? whole : `${whole.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** The annotation's value: keys in a fixed order, lists and texts cut to their limits, so that equal reports are equal strings. */
export function formatReport(report: Report): string {
  return JSON.stringify({
    session: report.session,
    phase: report.phase,
    started: report.started,
    since: report.since,
    deadline: report.deadline,
    reason: report.reason,
    message: cut(report.message),
    pods: { total: report.pods.total, gone: report.pods.gone, staying: report.pods.staying },
    blockedBy: report.blockedBy.slice(0, MAX_BLOCKED).map(({ pod, cause, detail, remedy }) => ({
      pod: cut(pod),
      cause,
      detail: cut(detail),
      remedy: cut(remedy),
    })),
    notModelled: report.notModelled?.slice(0, MAX_NOT_MODELLED).map(cut),
    workloads: report.workloads?.slice(0, MAX_WORKLOADS),
    recreated: report.recreated?.slice(0, MAX_WORKLOADS),
  });
}

const markerSchema = z.object({
  node: z.string().max(253),
  session: text.min(1),
  /** Key under which the reason was written; it may differ from today's configuration. */
  annotation: z.string().min(1).max(317),
  reason: z.enum(FAILURE_REASONS),
});

/** The marker on a rejected Pod: which session wrote which reason under which key. */
export type Marker = Readonly<z.infer<typeof markerSchema>>;

/** @returns undefined where the marker is not one that we write. */
export function parseMarker(annotation: string): Marker | undefined {
  if (annotation.length > 2048) return undefined;
  try {
    return markerSchema.safeParse(JSON.parse(annotation)).data;
  } catch {
    return undefined;
  }
}

export function formatMarker({ node, session, annotation, reason }: Marker): string {
  return JSON.stringify({ node, session, annotation, reason });
}
