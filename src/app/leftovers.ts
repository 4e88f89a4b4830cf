/**
 * What of ours is in the cluster although nobody looks after it any more: a feature was switched off, `namespaces` was shrunk,
 * or the program is about to be uninstalled. A hook holds its Machine's deletion for ever then, and a host stays off.
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

/** What was found of one trace. */
export interface Leftover {
  readonly what: string;
  readonly isGrave: boolean;
  readonly remedy: string;
  /** `kind/namespace/name`, sorted. */
  readonly objects: readonly string[];
}

export interface Leftovers {
  readonly found: readonly Leftover[];
  /** Kinds that our rights do not reach, and why: nothing of ours was written there with these rights. */
  readonly unseen: readonly string[];
  /** Kinds that could not be looked through although they should, and why: what is there is not known. */
  readonly faults: readonly string[];
}

/** Where to look, and at what. */
export interface Look {
  readonly traces: readonly Trace[];
  /** Where namespaced kinds are looked for; none means all. */
  readonly namespaces: readonly string[];
  /** Namespaces that somebody looks after; objects there are not left. */
  readonly exceptIn: readonly string[];
  /** Where stored Pods are. */
  readonly ownNamespace: string;
}

/** Everything, whoever looks after it: before the program is uninstalled. */
export function lookForAll(namespaces: readonly string[], ownNamespace: string): Look {
  const traces = FEATURES.flatMap((feature): readonly Trace[] => feature.traces ?? []);
  return { traces, namespaces, exceptIn: [], ownNamespace };
}

/** What these options do not look after. */
export function lookBesides(options: Sections & Pick<RunOptions, 'namespaces'>, ownNamespace: string): Look {
  const isLimited = options.namespaces.length > 0;
  const traces = FEATURES.flatMap(({ name, traces: all = [] }): readonly Trace[] =>
    options[name].enabled ? all.filter((trace) => isLimited && isInWatched(trace)) : all,
  );
  return { traces, namespaces: [], exceptIn: options.namespaces, ownNamespace };
}

/** Whether it is where the process may be limited to some namespaces. */
const isInWatched = ({ resource, isInOwnNamespace = false }: Trace): boolean =>
  resource.namespaced && !isInOwnNamespace;

/** Looks as far as the rights reach; what is not served has left nothing. Never rejects. */
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
/** More than anybody has; an API server whose pages never end shall not keep us. */
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

/** Asked beforehand, so that a missing right is not a refusal in anybody's audit log. */
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

/** The first few by name, and how many more. */
export function someOf(objects: readonly string[]): string {
  const more = objects.length - NAMED;
  const named = objects.slice(0, NAMED).join(', ');
  return more > 0 ? `${named} and ${more} more` : named;
}

/** One Warning for each trace that was found. */
export function reportLeftovers({ found, unseen, faults }: Leftovers, log: Log): void {
  for (const { what, objects, remedy } of found) {
    log.warn('Left behind, and nobody looks after it', {
      reason: `${objects.length} ${what}`,
      detail: `${someOf(objects)}; ${remedy}`,
    });
  }
  const missed = [...unseen, ...faults];
  if (missed.length > 0) log.info('Not looked for what may be left behind', { detail: missed.join('; ') });
}

/** Looks once, as the program starts, at what these options do not look after. */
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
      // It reads only; the reviews of our own rights are requests that a process without the Lease may make too.
      const leftovers = await findLeftovers(unfenced, look, stop);
      if (!stop.aborted) reportLeftovers(leftovers, log);
      await aborted(stop);
    },
  });
}
