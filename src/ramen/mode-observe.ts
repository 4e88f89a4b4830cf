/** Reads the workloads and objects that a MaintenanceMode applies to. */
import type { AnyObject, ObjectAccess, ObjectAddress } from '../core/object-access.ts';
import type { LabelSelector, OwnerReference } from '../core/objects.ts';
import type { Resource } from '../core/resources.ts';
import { matchesLabelSelector } from '../core/selectors.ts';
import { type ObservedMode, providerFor, recordOf, type SeenAnnotated, type SeenWorkload } from './mode-observed.ts';
import {
  type Annotated,
  annotatedKey,
  MAX_SELECTOR,
  type ModeRecord,
  type RecordedWorkload,
  type Workload,
  workloadKey,
} from './mode-record.ts';
import { FORMER_REPLICAS } from './names.ts';
import { type MaintenanceMode, PODS, WORKLOADS } from './objects.ts';
import type { AnnotateEntry, MaintenanceModeSettings, Provider, ScalableKind, ScaleEntry } from './settings.ts';

/** Limit for one entry with a selector; a selector that matches more is probably a mistake. */
const MAX_WORKLOADS = 100;
const MAX_PODS = 500;

export function addressOf({ kind, namespace, name }: Workload): ObjectAddress {
  return { resource: WORKLOADS[kind], namespace, name };
}

/** The workloads and annotations that other requests need too. */
export interface Held {
  /** Keys of workloads and annotations. */
  readonly keys: ReadonlySet<string>;
  readonly selectors: readonly ScaleEntry[];
}

/** From their records, and from their providers, since a new request has no record yet. */
export function heldBy(others: readonly MaintenanceMode[], settings: MaintenanceModeSettings): Held {
  const keys = new Set<string>();
  const selectors: ScaleEntry[] = [];
  for (const other of others) {
    const record = recordOf(other);
    for (const each of record?.workloads ?? []) keys.add(workloadKey(each));
    for (const each of record?.annotated ?? []) keys.add(annotatedKey(each));
    const provider = providerFor(other, settings);
    for (const entry of provider?.scaleToZero ?? []) {
      const { kind, namespace, name } = entry;
      if (name === undefined) selectors.push(entry);
      else keys.add(workloadKey({ kind, namespace, name }));
    }
    for (const entry of provider?.annotate ?? []) keys.add(annotatedKey(entry));
  }
  return { keys, selectors };
}

interface About {
  readonly mode: MaintenanceMode;
  readonly provider: Provider | undefined;
  readonly record: ModeRecord | undefined;
  readonly heldByOthers: Held;
  readonly isTold: boolean;
  readonly nowMs: number;
}

/** The namespaces and kinds in which changes matter to these requests. */
export function surroundingsOf(
  modes: readonly MaintenanceMode[],
  settings: MaintenanceModeSettings,
): readonly { readonly resource: Resource<unknown>; readonly namespace: string }[] {
  const entries = modes.flatMap((mode) => [
    ...(providerFor(mode, settings)?.scaleToZero ?? []),
    ...(recordOf(mode)?.workloads ?? []),
  ]);
  return entries.flatMap(({ kind, namespace }) => [
    { resource: WORKLOADS[kind], namespace },
    { resource: PODS, namespace },
  ]);
}

export async function observeMode(objects: ObjectAccess, about: About): Promise<ObservedMode> {
  const { mode, provider, record, isTold, nowMs } = about;
  const workloads = new Map<string, SeenWorkload>();
  const unmatched: string[] = [];
  const recorded = record?.workloads ?? [];
  const heldByOthers = new Set(about.heldByOthers.keys);
  const note = async (kind: ScalableKind, object: AnyObject): Promise<void> => {
    const seen = await seenOf(objects, kind, object);
    workloads.set(workloadKey(seen.at), seen);
    if (about.heldByOthers.selectors.some((entry) => selects(entry, kind, object)))
      heldByOthers.add(workloadKey(seen.at));
  };
  for (const entry of provider?.scaleToZero ?? []) {
    const found = await lookUp(objects, entry);
    if (found.is === 'unknown') {
      const at = { kind: entry.kind, namespace: entry.namespace, name: entry.name ?? '*' };
      workloads.set(workloadKey(at), { at, is: 'unknown', detail: found.detail });
      continue;
    }
    for (const object of found.objects) await note(entry.kind, object);
    const wasThere = recorded.some(
      ({ kind, namespace, name }) =>
        kind === entry.kind && namespace === entry.namespace && (entry.name === undefined || entry.name === name),
    );
    if (found.objects.length === 0 && !wasThere) unmatched.push(`there is no ${describe(entry)}`);
  }
  // Workloads that were scaled down and are no longer configured, no longer selected, or gone.
  for (const each of recorded) {
    const { kind, namespace, name } = each;
    const at: Workload = { kind, namespace, name };
    if (workloads.has(workloadKey(at))) continue;
    const answer = await objects.get(addressOf(at));
    if (answer.is === 'done') await note(kind, answer.value);
    else if (answer.reason === 'NotFound') workloads.set(workloadKey(at), await goneOf(objects, at, each));
    else
      workloads.set(workloadKey(at), { at, is: 'unknown', detail: `${kind} ${namespace}/${name}: ${answer.message}` });
  }
  const annotated = new Map<string, SeenAnnotated>();
  for (const entry of provider?.annotate ?? []) annotated.set(annotatedKey(entry), await seenAnnotated(objects, entry));
  for (const at of record?.annotated ?? []) {
    if (!annotated.has(annotatedKey(at))) annotated.set(annotatedKey(at), await seenAnnotated(objects, at));
  }
  return {
    mode,
    workloads: [...workloads.values()],
    annotated: [...annotated.values()],
    unmatched,
    heldByOthers,
    isTold,
    nowMs,
  };
}

/** Whether a workload matches an entry with a selector. */
function selects(entry: ScaleEntry, kind: ScalableKind, { metadata }: AnyObject): boolean {
  if (entry.kind !== kind || entry.namespace !== metadata.namespace) return false;
  return matchesLabelSelector(entry.selector as LabelSelector | undefined, metadata.labels);
}

type LookedUp =
  | { readonly is: 'known'; readonly objects: readonly AnyObject[] }
  | { readonly is: 'unknown'; readonly detail: string };

async function lookUp(objects: ObjectAccess, entry: ScaleEntry): Promise<LookedUp> {
  const { kind, namespace, name, selector } = entry;
  const resource = WORKLOADS[kind];
  const unknown = (message: string): LookedUp => ({ is: 'unknown', detail: `${describe(entry)}: ${message}` });
  if (name !== undefined) {
    const answer = await objects.get({ resource, namespace, name });
    if (answer.is === 'done') return { is: 'known', objects: [answer.value] };
    return answer.reason === 'NotFound' ? { is: 'known', objects: [] } : unknown(answer.message);
  }
  const answer = await objects.list(resource, {
    namespace,
    labelSelector: formatSelector(selector),
    limit: MAX_WORKLOADS,
  });
  if (answer.is === 'refused') return unknown(answer.message);
  if (!answer.value.isWhole) return unknown(`selects more than ${MAX_WORKLOADS} workloads`);
  return { is: 'known', objects: answer.value.items };
}

async function seenOf(objects: ObjectAccess, kind: ScalableKind, object: AnyObject): Promise<SeenWorkload> {
  const { namespace = '', name, uid, resourceVersion, annotations } = object.metadata;
  const at: Workload = { kind, namespace, name };
  const spec = fieldsOf(object.spec);
  const selector = formatSelector(spec?.selector);
  const pods = await countPods(objects, at, { uid, selector });
  if (typeof pods === 'string') return { at, is: 'unknown', detail: `Pods of ${kind} ${namespace}/${name}: ${pods}` };
  // An absent number means 1 (apps/v1).
  const replicas = typeof spec?.replicas === 'number' ? spec.replicas : 1;
  const former = Number.parseInt(annotations?.[FORMER_REPLICAS] ?? '', 10);
  const isKnown = Number.isSafeInteger(former) && former >= 0;
  const formerReplicas = isKnown ? former : undefined;
  return { at, is: 'present', uid, selector, resourceVersion, replicas, formerReplicas, pods };
}

/** A workload that has gone may have left Pods, which the garbage collector ends after it. */
async function goneOf(objects: ObjectAccess, at: Workload, { uid, selector }: RecordedWorkload): Promise<SeenWorkload> {
  if (uid === undefined || selector === undefined) return { at, is: 'absent', pods: 0 };
  const pods = await countPods(objects, at, { uid, selector });
  if (typeof pods === 'number') return { at, is: 'absent', pods };
  return { at, is: 'unknown', detail: `Pods of ${at.kind} ${at.namespace}/${at.name}: ${pods}` };
}

/**
 * Counts Pods that match the workload's selector and are not known to belong to another controller, whatever their phase: a terminating one
 * may still write to its volume.
 *
 * @returns a text if they cannot be counted, with the reason.
 */
async function countPods(
  objects: ObjectAccess,
  { kind, namespace }: Workload,
  { uid, selector: labelSelector }: { readonly uid: string; readonly selector: string },
): Promise<number | string> {
  if (labelSelector === '') return 'its selector selects everything';
  if (labelSelector.length > MAX_SELECTOR) return `its selector has more than ${MAX_SELECTOR} characters`;
  const pods = await objects.list(PODS, { namespace, labelSelector, limit: MAX_PODS });
  if (pods.is === 'refused') return pods.message;
  if (pods.value.items.length === 0) return 0;
  let foreign: ReadonlySet<string> = new Set();
  if (kind === 'Deployment') {
    const sets = await objects.list(WORKLOADS.ReplicaSet, { namespace, labelSelector, limit: MAX_PODS });
    if (sets.is === 'refused') return sets.message;
    foreign = new Set(sets.value.items.filter((set) => controllerOf(set)?.uid !== uid).map((set) => set.metadata.uid));
  }
  return pods.value.items.filter((pod) => {
    const controller = controllerOf(pod);
    if (controller === undefined || controller.uid === uid) return true;
    // A ReplicaSet that does not exist any more may have been this Deployment's.
    return kind === 'Deployment' && controller.kind === 'ReplicaSet' && !foreign.has(controller.uid);
  }).length;
}

async function seenAnnotated(objects: ObjectAccess, entry: AnnotateEntry | Annotated): Promise<SeenAnnotated> {
  const { apiVersion, kind, namespace, name, key, value } = entry;
  const at: Annotated = { apiVersion, kind, name, key, value, ...(namespace !== undefined && { namespace }) };
  const unknown = (message: string): SeenAnnotated => ({ at, is: 'unknown', detail: `${kind} ${name}: ${message}` });
  const slash = apiVersion.indexOf('/');
  const group = slash === -1 ? '' : apiVersion.slice(0, slash);
  const resolution = await objects.resolve({ group, version: apiVersion.slice(slash + 1), kind });
  if (resolution.is === 'refused') return unknown(resolution.message);
  if (resolution.is === 'notServed') return unknown(`kind ${kind} of ${apiVersion} is not served`);
  const { resource } = resolution;
  const answer = await objects.get({ resource, name, ...(resource.namespaced && { namespace: namespace ?? '' }) });
  if (answer.is === 'refused') return answer.reason === 'NotFound' ? { at, is: 'absent' } : unknown(answer.message);
  const { annotations = {}, resourceVersion } = answer.value.metadata;
  const waitFor = 'waitFor' in entry ? entry.waitFor : undefined;
  const isMarked = waitFor === undefined || annotations[waitFor.key] === waitFor.value;
  return { at, is: 'present', resourceVersion, value: annotations[key], isMarked };
}

function controllerOf(object: AnyObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

function describe({ kind, namespace, name, selector }: ScaleEntry): string {
  return name === undefined
    ? `${kind} in ${namespace} with ${formatSelector(selector)}`
    : `${kind} ${namespace}/${name}`;
}

/** The syntax of a query (apimachinery `labels.Selector.String`). */
export function formatSelector(selector: unknown): string {
  const { matchLabels, matchExpressions } = fieldsOf(selector) ?? {};
  const equal = Object.entries(fieldsOf(matchLabels) ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  const sets = (Array.isArray(matchExpressions) ? matchExpressions : []).map((raw) => {
    const { key, operator, values } = fieldsOf(raw) ?? {};
    const list = Array.isArray(values) ? values.join(',') : '';
    switch (operator) {
      case 'In':
        return `${String(key)} in (${list})`;
      case 'NotIn':
        return `${String(key)} notin (${list})`;
      case 'DoesNotExist':
        return `!${String(key)}`;
      default:
        return String(key);
    }
  });
  return [...equal, ...sets].join(',');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
