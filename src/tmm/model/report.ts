/**
 * The session's report on the Node: people read it with `kubectl get node -o yaml`, and a new process continues from it. Anyone who may
 * write Node annotations may have written it, so it is validated and bounded when it is read; it contains names and messages from others,
 * so it is bounded when it is written.
 */
import { z } from 'zod';
import { annotationOf } from '../../core/meta.ts';
import type { Node } from '../../core/objects.ts';
import { bytesOf, clip, MAX_TEXT_BYTES } from '../../core/text.ts';
import { CAUSES, FAILURE_REASONS, PHASES, REPORT_ANNOTATION } from '../names.ts';

/** An annotation larger than this is not ours and is not parsed; earlier versions wrote more than `MAX_REPORT_BYTES`. */
const MAX_ANNOTATION_LENGTH = 65_536;
/** The largest report that is written on a Node, in bytes of UTF-8. */
export const MAX_REPORT_BYTES = 16_384;
/**
 * Bytes that the list of controllers leaves to the list of blocking Pods: the Pods are for people, whereas the controllers decide when a
 * session ends.
 */
const BLOCKERS_BYTES = 4096;
const MAX_BLOCKED = 10;
const MAX_WORKLOADS = 128;
const MAX_NOT_MODELLED = 5;
const MAX_RETURNS = 16;
const MAX_RETURNED_UIDS = 16;
/** `namespace/name`, in characters. */
const MAX_KEY_LENGTH = 317;
/** A name of the API, in bytes. */
const MAX_NAME_BYTES = 253;
/** A UID of an API server has 36 characters. A longer one belongs to no controller, and a truncated one could match another controller. */
const MAX_UID_LENGTH = 128;

const text = z.string().max(MAX_TEXT_BYTES);
const time = z.iso.datetime({ offset: true }).max(40);
const count = z.int().min(0);

/** Reads a list in order and drops the entries that cannot be read: another version, or somebody else, wrote them. */
function listOf<T>(entry: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(z.unknown()).transform((entries) =>
    entries.flatMap((each): T[] => {
      const parsed = entry.safeParse(each);
      return parsed.success ? [parsed.data] : [];
    }),
  );
}

const blockedSchema = z.object({
  /** `namespace/name` */
  pod: text,
  cause: z.enum(CAUSES),
  /** The details, with the numbers. */
  detail: text,
  /** What an operator can do about it. */
  remedy: text,
});

const workloadSchema = z.object({
  kind: text,
  namespace: text,
  name: text,
  /** UID of the controller. */
  uid: z.string().min(1).max(MAX_UID_LENGTH),
  /** How many of its Pods have to be ready on this Node again; 0 if they may run anywhere. */
  here: count,
  /** How many members were ready at admission, on any Node; absent in reports of earlier versions. */
  ready: count.optional(),
  /** How many of these leave; absent in reports of earlier versions. */
  leaving: count.optional(),
});

const returnsSchema = z.object({
  /** UID of the controller; for Pods without one, their namespace. */
  owner: z.string().min(1).max(MAX_KEY_LENGTH),
  /** How many of its Pods have come back since the session began to evict. */
  count: z.int().min(1),
  /** When the last of them came back. */
  at: time,
  /** UIDs of its Pods at that time; only some of them if there are many. */
  uids: z.array(z.string().max(MAX_UID_LENGTH)).max(MAX_RETURNED_UIDS),
});

const taintSchema = z.object({
  key: z.string().min(1).max(317),
  value: z.string().max(63),
  effect: z.string().min(1).max(32),
});

const reportSchema = z.object({
  session: text.min(1).max(MAX_UID_LENGTH),
  phase: z.enum(PHASES),
  /** When the session began. */
  started: time,
  /** When the phase began. */
  since: time,
  /** When the phase ends at the latest; absent if it lasts until the taint goes. */
  deadline: time.optional(),
  reason: z.enum(FAILURE_REASONS).optional(),
  message: text,
  /** The taint that asked for the session: the settings may name other taints by now. Absent in reports of earlier versions. */
  taint: taintSchema.optional().catch(undefined),
  /** Namespace of the Secrets in which it has stored Pods; absent if it has stored none. */
  storedIn: z.string().min(1).max(63).optional().catch(undefined),
  /** In `Exiting`: the deadline for members to be ready again has passed and the slot is released, though members are still missing. */
  overdue: z.literal(true).optional(),
  pods: z.object({ total: count, gone: count, staying: count }),
  blockedBy: listOf(blockedSchema),
  /** What the search for room elsewhere left out in favour of the Pods. */
  notModelled: listOf(text).optional(),
  /** Controllers of the Pods that leave: they are to be ready again before the session ends. */
  workloads: listOf(workloadSchema).optional(),
  /** Pods that have come back to the Node, by their owner. */
  returns: listOf(returnsSchema).optional(),
  /** `namespace/name` of Pods without a controller that are created again: they have to be ready before the session ends. */
  recreated: listOf(text).optional(),
});

/** One Pod that is in the way. */
export type Blocked = Readonly<z.infer<typeof blockedSchema>>;
/** One controller whose Pods are to be ready again before the session ends. */
export type Workload = Readonly<
  Omit<z.infer<typeof workloadSchema>, 'ready' | 'leaving'> & { readonly ready?: number; readonly leaving?: number }
>;
/** Pods of one owner that have come back to the Node. */
export type ReturnsReport = Readonly<Omit<z.infer<typeof returnsSchema>, 'uids'>> & {
  readonly uids: readonly string[];
};
/** A controller of Pods, wherever its members run. Kinds outside Kubernetes' own groups are `Kind.group`. */
export type Controller = Pick<Workload, 'kind' | 'namespace' | 'name' | 'uid'>;
export type Report = Readonly<
  Omit<
    z.infer<typeof reportSchema>,
    | 'blockedBy'
    | 'workloads'
    | 'returns'
    | 'notModelled'
    | 'recreated'
    | 'deadline'
    | 'reason'
    | 'overdue'
    | 'taint'
    | 'storedIn'
  > & {
    readonly blockedBy: readonly Blocked[];
    readonly notModelled?: readonly string[];
    readonly workloads?: readonly Workload[];
    readonly returns?: readonly ReturnsReport[];
    readonly taint?: Readonly<z.infer<typeof taintSchema>>;
    readonly storedIn?: string;
    readonly overdue?: true;
    readonly recreated?: readonly string[];
    readonly deadline?: string;
    readonly reason?: (typeof FAILURE_REASONS)[number];
  }
>;

/** The parsed annotation. `invalid` differs from `none`: somebody wrote a value there, and the user is notified. */
export type ReportSeen =
  | { readonly is: 'none' }
  | { readonly is: 'valid'; readonly report: Report }
  | { readonly is: 'invalid'; readonly why: string };

/** The report of the session that a request continues; an `Exiting` session is over, and a request begins a new one. */
export function sessionOf(seen: ReportSeen): Report | undefined {
  return seen.is === 'valid' && seen.report.phase !== 'Exiting' ? seen.report : undefined;
}

/** The command that makes the bridge stop waiting for the missing members of an overdue exit. */
export function forgetCommand(nodeName: string): string {
  return `kubectl annotate node ${nodeName} ${REPORT_ANNOTATION}-`;
}

const known = new WeakMap<Node, ReportSeen>();

/** The parsed report of a Node, cached per Node object: indexes, watches and the passes of other Nodes read it as well. */
export function reportOf(node: Node): ReportSeen {
  const found = known.get(node) ?? parseReport(annotationOf(node, REPORT_ANNOTATION));
  known.set(node, found);
  return found;
}

/** Reads the annotation's value. Never throws. */
export function parseReport(annotation: string | undefined): ReportSeen {
  if (annotation === undefined) return { is: 'none' };
  if (annotation.length > MAX_ANNOTATION_LENGTH)
    return { is: 'invalid', why: `it is longer than ${MAX_ANNOTATION_LENGTH} characters` };
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
 * Bounds the report to what is written on the Node: texts are cut to their limits, and each list keeps as many entries as fit into
 * `MAX_REPORT_BYTES` in total. Controllers come first, because they decide when the session ends; then the Pods in the way. Bounding twice
 * changes nothing, and `parseReport(formatReport(report))` returns the bounded report.
 */
export function boundReport(report: Report): Report {
  const { blockedBy, notModelled = [], workloads = [], returns = [], recreated = [], ...rest } = report;
  const fixed = { ...rest, message: clip(report.message) };
  const people = new Room(MAX_REPORT_BYTES - LIST_KEYS_BYTES - sizeOf(fixed));
  const state = new Room(people.left - BLOCKERS_BYTES);
  const kept = {
    recreated: state.take(recreated.map((key) => clip(key)).slice(0, MAX_WORKLOADS)),
    workloads: state.take(workloads.flatMap(boundWorkload).slice(0, MAX_WORKLOADS)),
    returns: state.take(returns.flatMap(boundReturns).slice(0, MAX_RETURNS)),
  };
  people.spend(state.spent);
  const shown = {
    blockedBy: people.take(blockedBy.slice(0, MAX_BLOCKED).map(boundBlocked)),
    notModelled: people.take(notModelled.slice(0, MAX_NOT_MODELLED).map((each) => clip(each))),
  };
  return {
    ...fixed,
    blockedBy: shown.blockedBy,
    ...(shown.notModelled.length > 0 && { notModelled: shown.notModelled }),
    ...(kept.workloads.length > 0 && { workloads: kept.workloads }),
    ...(kept.returns.length > 0 && { returns: kept.returns }),
    ...(kept.recreated.length > 0 && { recreated: kept.recreated }),
  };
}

function boundBlocked({ pod, cause, detail, remedy }: Blocked): Blocked {
  return { pod: clip(pod), cause, detail: clip(detail), remedy: clip(remedy) };
}

function boundWorkload(workload: Workload): readonly Workload[] {
  if (workload.uid === '' || workload.uid.length > MAX_UID_LENGTH || !workload.uid.isWellFormed()) return [];
  const name = (text: string): string => clip(text, MAX_NAME_BYTES);
  const { kind, namespace } = workload;
  return [{ ...workload, kind: name(kind), namespace: name(namespace), name: name(workload.name) }];
}

function boundReturns({ owner, count, at, uids }: ReturnsReport): readonly ReturnsReport[] {
  if (owner === '' || owner.length > MAX_KEY_LENGTH || !owner.isWellFormed()) return [];
  const known = uids.filter((uid) => uid.length <= MAX_UID_LENGTH && uid.isWellFormed());
  return [{ owner, count, at, uids: known.slice(0, MAX_RETURNED_UIDS) }];
}

/** Bytes that lists may still take. */
class Room {
  left: number;
  spent = 0;

  constructor(bytes: number) {
    this.left = bytes;
  }

  spend(bytes: number): void {
    this.left -= bytes;
    this.spent += bytes;
  }

  /** The entries that fit, in their order; a smaller one may fit behind a larger one that does not. */
  take<T>(entries: readonly T[]): readonly T[] {
    return entries.filter((entry) => {
      const bytes = sizeOf(entry) + 1;
      const fits = bytes <= this.left;
      if (fits) this.spend(bytes);
      return fits;
    });
  }
}

const sizeOf = (value: unknown): number => bytesOf(JSON.stringify(value));

const LIST_KEYS_BYTES = sizeOf({ blockedBy: [], notModelled: [], workloads: [], returns: [], recreated: [] });

/**
 * Formats the annotation's value: bounded, and with the keys in the schema's order, so that equal reports are equal strings.
 *
 * @throws ZodError for a report that could not be read again, which is a bug of the caller.
 */
export function formatReport(report: Report): string {
  return JSON.stringify(reportSchema.parse(boundReport(report)));
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

/** @returns undefined if the marker is not one that we write. */
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
