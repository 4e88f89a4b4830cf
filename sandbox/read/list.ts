/**
 * Lists: consistent, in pages, at the requested version (kubernetes docs, "API concepts", resource versions).
 *
 * All pages of one list show the state at the version of the first; when that is forgotten, the next page answers 410.
 */
import { ApiError, type Stored } from '../api.ts';
import type { Context } from '../context.ts';
import { badRequest, expired, forbiddenField, invalid, notSupported } from '../errors.ts';
import type { Resource } from '../kinds/resource.ts';
import { keyFor } from '../store/collection.ts';
import type { Filter } from './filter.ts';

export interface Listed {
  /** As stored. */
  readonly items: readonly Stored[];
  readonly resourceVersion: string;
  /** Empty on the last page. */
  readonly continueToken: string;
  /** Known if nothing is filtered. */
  readonly remaining: number | undefined;
}

const LIST_OPTIONS = { group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' };
const PAGE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

interface Page {
  readonly rv: number;
  readonly start: string;
}

/** @throws ApiError 400, 410, 422 or 504 */
export function list(
  { store }: Context,
  resource: Resource,
  namespace: string | undefined,
  filter: Filter,
  query: URLSearchParams,
): Listed {
  checkListOptions(query);
  const limit = limitOf(resource, query);
  const page = pageOf(query.get('continue') ?? '');
  const collection = store.collection(resource.collection);
  const wanted = page === undefined ? versionFor(store.version, limit, query) : page.rv;
  const at = wanted <= 0 ? store.version : wanted;
  const all = collection.listAt(at, namespace, page?.start);
  if (all === undefined) {
    if (page === undefined) throw tooOld(at, collection.compactedAt);
    throw withDetails(expired(PAGE_EXPIRED), tokenOf({ rv: -1, start: page.start }));
  }
  const matching = filter === undefined ? all : all.filter(filter);
  const items = limit > 0 ? matching.slice(0, limit) : matching;
  const last = items.at(-1);
  // The objects after a full page may not match, but the real server has not examined them yet: the next page may be empty.
  const isCut = items.length === limit && last !== undefined && last !== all.at(-1) && !namesOne(query);
  return {
    items,
    resourceVersion: String(at),
    continueToken: isCut ? tokenOf({ rv: at, start: keyFor(last.metadata.namespace, last.metadata.name) }) : '',
    remaining: isCut && filter === undefined ? matching.length - items.length : undefined,
  };
}

export const tooOld = (version: number, oldest: number): ApiError =>
  expired(`too old resource version: ${version} (${oldest})`);

export function tooNew(version: number, current: number): ApiError {
  return new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** Whether a single object is looked up by its name, which needs no pages. */
const namesOne = (query: URLSearchParams): boolean =>
  /(^|,)metadata\.name==?[^=]/.test(query.get('fieldSelector') ?? '');

/** The version of the list; 0 for the current one. */
function versionFor(current: number, limit: number, query: URLSearchParams): number {
  const version = versionOf(query.get('resourceVersion') ?? '');
  if (version > current) throw tooNew(version, current);
  const match = query.get('resourceVersionMatch') ?? '';
  // "Any" and "not older than" are answered with the current state, which satisfies both.
  return match === 'Exact' || (match === '' && limit > 0) ? version : 0;
}

/** @throws ApiError 400 if it is not a number */
export function versionOf(text: string): number {
  if (text === '') return 0;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const quoted = JSON.stringify(text);
  throw badRequest(
    `invalid resource version: resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`,
  );
}

/** Zero for no limit. A list "at any version" comes from the server's cache, which has no pages; there is none for Events. */
function limitOf({ collection }: Resource, query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (text === '') return 0;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const isCached = query.get('resourceVersion') === '0' && collection !== 'events';
  return isCached ? 0 : Number(text);
}

function checkListOptions(query: URLSearchParams): void {
  const refuse = (...causes: Parameters<typeof invalid>[2]) => {
    throw invalid(LIST_OPTIONS, '', causes);
  };
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  if (query.get('sendInitialEvents') !== null) {
    refuse(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  const hasPage = (query.get('continue') ?? '') !== '';
  if (hasPage && match === '' && version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (match === '') return;
  const forbid = (why: string) => refuse(forbiddenField('resourceVersionMatch', why));
  if (version === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (hasPage) forbid('resourceVersionMatch is forbidden when continue is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    refuse(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
  }
  if (match === 'Exact' && version === '0') {
    forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}

function tokenOf({ rv, start }: Page): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start: `${start}\u0000` })).toString('base64url');
}

function pageOf(token: string): Page | undefined {
  if (token === '') return undefined;
  try {
    const { v, rv, start }: Record<string, unknown> = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (v === 'meta.k8s.io/v1' && typeof rv === 'number' && typeof start === 'string') {
      return { rv, start: start.replace(/\0$/, '') };
    }
  } catch {
    // Reported below, like any other invalid token.
  }
  throw badRequest('invalid continue token: continue key is not valid: not a token of this server');
}

/** The 410 of a page carries a token in `metadata.continue` with which the list continues inconsistently. */
export const continueTokens = new WeakMap<ApiError, string>();

function withDetails(error: ApiError, token: string): ApiError {
  continueTokens.set(error, token);
  return error;
}
