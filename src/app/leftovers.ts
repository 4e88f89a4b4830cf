/**
 * Finds our marks that no running feature handles any more: a feature was switched off, `namespaces` was reduced, or the program is about to be
 * uninstalled. A left hook holds its Machine's deletion forever, and a host stays off.
 */
import type { RunOptions } from '../config/schema.ts';
import { messageOf } from '../core/error-message.ts';
import { keyOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Log } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import type { Trace } from '../core/trace.ts';
import { discover } from '../kube/cache/discovery.ts';
import { readPage } from '../kube/cache/watch-event.ts';
import { type ApiClient, pathOf } from '../kube/http/api.ts';
import { isKubeError, KubeError } from '../kube/http/errors.ts';
import { fields } from '../kube/http/json.ts';
import { trimMeta } from '../kube/objects/trim.ts';
import { aborted } from '../runtime/sleep.ts';
import { FEATURES, type Sections } from './features.ts';
import type { Parts } from './parts.ts';

/** The findings for one kind of mark. */
export interface Leftover {
  readonly what: string;
  readonly isGrave: boolean;
  readonly remedy: string;
  /** `kind/namespace/name`, sorted. */
  readonly objects: readonly string[];
}

export interface Leftovers {
  readonly found: readonly Leftover[];
  /** Kinds that our rights do not cover, and why: with these rights we have written nothing there. */
  readonly unseen: readonly string[];
  /** Kinds that should have been searched but could not be, and why: their leftovers are unknown. */
  readonly faults: readonly string[];
}

/** Which objects to look for, and where. */
export interface Look {
  readonly traces: readonly Trace[];
  /** The namespaces in which namespaced kinds are searched; empty means all. */
  readonly namespaces: readonly string[];
  /** Namespaces that a running bridge looks after; their objects are not leftovers. */
  readonly exceptIn: readonly string[];
  /** The namespace of stored Pods. */
  readonly ownNamespace: string;
}

/** Finds all marks, handled or not: before the program is uninstalled. */
export function lookForAll(namespaces: readonly string[], ownNamespace: string): Look {
  const traces = FEATURES.flatMap((feature): readonly Trace[] => feature.traces ?? []);
  return { traces, namespaces, exceptIn: [], ownNamespace };
}

/** Looks for the marks that these options do not look after. */
function lookBesides(options: Sections & Pick<RunOptions, 'namespaces'>, ownNamespace: string): Look {
  const isLimited = options.namespaces.length > 0;
  const traces = FEATURES.flatMap(({ name, traces: all = [] }): readonly Trace[] =>
    options[name].enabled ? all.filter((trace) => isLimited && isInWatched(trace)) : all,
  );
  return { traces, namespaces: [], exceptIn: options.namespaces, ownNamespace };
}

/** Whether the objects are in namespaces to which the process may be limited. */
const isInWatched = ({ resource, isInOwnNamespace = false }: Trace): boolean =>
  resource.namespaced && !isInOwnNamespace;

/** Searches as far as the rights permit; a kind that is not served has no leftovers. Never rejects. */
export async function findLeftovers(client: ApiClient, look: Look, signal: AbortSignal): Promise<Leftovers> {
  const found: Leftover[] = [];
  const unseen: string[] = [];
  const faults: string[] = [];
  for (const trace of look.traces) {
    const { what, isGrave, remedy, resource } = trace;
    try {
      const objects = await findTrace(client, trace, look, signal);
      if (objects === 'noRight') unseen.push(`${resource.plural}: no right to list them`);
      else if (objects.length > 0) found.push({ what, isGrave, remedy, objects });
    } catch (error) {
      if (!isKubeError(error)) throw error;
      faults.push(`${resource.plural}: ${messageOf(error).slice(0, MAX_WORDS)}`);
    }
  }
  return { found, unseen: [...new Set(unseen)], faults: [...new Set(faults)] };
}

const PAGE_SIZE = 500;
/** More pages than any cluster has; a server whose pages never end must not keep us reading. */
const MAX_PAGES = 400;
const MAX_WORDS = 256;
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

async function findTrace(
  client: ApiClient,
  trace: Trace,
  { namespaces, exceptIn, ownNamespace }: Look,
  signal: AbortSignal,
): Promise<readonly string[] | 'noRight'> {
  const { resource, versions, labelSelector, isLeft } = trace;
  const discovered = versions === undefined ? undefined : await discover(client, resource, versions, signal);
  if (discovered?.is === 'notServed') return [];
  const served = discovered === undefined ? resource : { ...resource, version: discovered.version };
  const isLimited = isInWatched(trace) && namespaces.length > 0;
  const within = trace.isInOwnNamespace ? [ownNamespace] : isLimited ? namespaces : [undefined];
  const names: string[] = [];
  for (const namespace of within) {
    if (!(await mayList(client, served, namespace, signal))) return 'noRight';
    for (const object of await listMetadata(client, pathOf(served, { namespace }), labelSelector, signal)) {
      const isElsewhere = !exceptIn.includes(object.metadata.namespace ?? '');
      if (isElsewhere && isLeft(object)) names.push(`${resource.kind.toLowerCase()}/${keyOf(object)}`);
    }
  }
  return names.sort();
}

async function listMetadata(
  client: ApiClient,
  path: string,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const all: KubeObject[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = { limit: PAGE_SIZE, continue: token, labelSelector };
    const page = readPage(await client.request({ method: 'GET', path, query, metadataOnly: true, signal }));
    if ('reason' in page) throw new KubeError({ reason: 'Malformed', code: 200, message: page.message });
    all.push(...page.items.flatMap((item) => trimMeta(item) ?? []));
    token = page.continueToken;
    if (token === undefined) return all;
  }
  throw new KubeError({ reason: 'TooLarge', code: 200, message: 'the pages never end' });
}

/** Checked beforehand, so that a missing right does not appear as a refusal in an audit log. */
async function mayList(
  client: ApiClient,
  { group, plural }: Resource<unknown>,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceAttributes = { group, resource: plural, verb: 'list', ...(namespace !== undefined && { namespace }) };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
  const review = fields(await client.request({ method: 'POST', path: REVIEWS, body, signal }));
  return fields(review?.status)?.allowed === true;
}

const NAMED = 5;

/** Lists the first few by name, and the number of the others. */
export function someOf(objects: readonly string[]): string {
  const more = objects.length - NAMED;
  const named = objects.slice(0, NAMED).join(', ');
  return more > 0 ? `${named} and ${more} more` : named;
}

/** Logs one warning for each kind of mark that was found. */
function reportLeftovers({ found, unseen, faults }: Leftovers, log: Log): void {
  for (const { what, objects, remedy } of found) {
    log.warn('Left behind, and nobody looks after it', {
      reason: `${what} (${objects.length})`,
      detail: `${someOf(objects)}; ${remedy}`,
    });
  }
  const missed = [...unseen, ...faults];
  if (missed.length > 0) log.info('Not looked for what may be left behind', { detail: missed.join('; ') });
}

/** Looks once, at the start of the program, for the marks that these options do not look after. */
export function addLeftovers(
  { manager, unfenced, log, namespace }: Pick<Parts, 'manager' | 'unfenced' | 'log' | 'namespace'>,
  options: Parameters<typeof lookBesides>[0],
): void {
  const look = lookBesides(options, namespace);
  if (look.traces.length === 0) return;
  manager.add({
    name: 'leftovers',
    phase: 'services',
    needsLeadership: false,
    start: async (stop) => {
      // This only reads; the reviews of our own rights are requests that a process without the Lease may make too.
      const leftovers = await findLeftovers(unfenced, look, stop);
      if (!stop.aborted) reportLeftovers(leftovers, log);
      await aborted(stop);
    },
  });
}
