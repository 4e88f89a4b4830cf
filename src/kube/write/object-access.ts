/** Access to objects of any kind over one client: the server's answer becomes a value that states what it proves. */
import type {
  Answer,
  AnyObject,
  JsonPatchOperation,
  KindName,
  ObjectAccess,
  ObjectAddress,
  Refusal,
  RefusalReason,
  Resolution,
} from '../../core/object-access.ts';
import { done } from '../../core/object-access.ts';
import { apiVersionOf, type Resource } from '../../core/resources.ts';
import { clip } from '../../core/text.ts';
import { type ApiClient, type ApiRequest, pathOf } from '../http/api.ts';
import { isKubeError, type KubeError } from '../http/errors.ts';
import { boolean, fields, listOf, text } from '../http/json.ts';

/** How long discovery of one group and version is cached; short, since a definition may come at any time. */
const DISCOVERY_TTL_MS = 30_000;
/** Webhooks may take ten seconds each, and a write that we gave up may have been carried out. */
const WRITE_TIMEOUT_MS = 30_000;

interface Served {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
}

type Listing = { readonly is: 'listed'; readonly kinds: readonly Served[]; readonly atMs: number } | Refusal;

export interface ObjectAccessOptions {
  /** The clock, in milliseconds, that the age of cached discovery is measured with. */
  readonly now: () => number;
  /** Writes are refused as `DryRun`. */
  readonly dryRun: boolean;
}

export function makeObjectAccess(client: ApiClient, options: ObjectAccessOptions): DiscoveringAccess {
  return new DiscoveringAccess(client, options);
}

/** Discovery is cached for half a minute; `forget` makes the next look-up ask again. */
export class DiscoveringAccess implements ObjectAccess {
  readonly #client: ApiClient;
  readonly #now: () => number;
  readonly #dryRun: boolean;
  readonly #listings = new Map<string, Promise<Listing>>();

  constructor(client: ApiClient, { now, dryRun }: ObjectAccessOptions) {
    this.#client = client;
    this.#now = now;
    this.#dryRun = dryRun;
  }

  /** Drops cached discovery: definitions have come, gone or changed, or the server is another one. */
  forget(): void {
    this.#listings.clear();
  }

  async resolve(name: KindName): Promise<Resolution> {
    if (name.version !== undefined) return this.#resolveIn(name.group, name.version, name);
    const preferred = await this.#preferredVersion(name.group);
    if (typeof preferred !== 'string') return preferred;
    return this.#resolveIn(name.group, preferred, name);
  }

  get(at: ObjectAddress): Promise<Answer<AnyObject>> {
    return this.#ask(at, { method: 'GET', path: pathOf(at.resource, at) });
  }

  async list(
    resource: Resource<unknown>,
    { namespace, labelSelector, limit }: Parameters<ObjectAccess['list']>[1],
  ): Promise<Answer<{ readonly items: readonly AnyObject[]; readonly isWhole: boolean }>> {
    try {
      const body = fields(
        await this.#client.request<unknown>({
          method: 'GET',
          path: pathOf(resource, { namespace }),
          query: { labelSelector, limit },
        }),
      );
      const meta = fields(body?.metadata);
      if (text(meta?.resourceVersion) === undefined) return refusal('Failed', 'the answer is no list');
      const items = listOf(body?.items, (item) => ({
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        ...item,
      })) as unknown as readonly AnyObject[] | undefined;
      return done({ items: items ?? [], isWhole: !text(meta?.continue) });
    } catch (error) {
      return refusalOf(error, { resource, namespace, name: '' });
    }
  }

  create(at: ObjectAddress, body: object, fieldManager: string): Promise<Answer<AnyObject>> {
    const { resource, namespace } = at;
    return this.#ask(at, { method: 'POST', path: pathOf(resource, { namespace }), query: { fieldManager }, body });
  }

  apply(
    at: ObjectAddress,
    body: object,
    { fieldManager, force }: { readonly fieldManager: string; readonly force: boolean },
  ): Promise<Answer<AnyObject>> {
    const path = pathOf(at.resource, at);
    return this.#ask(at, { method: 'PATCH', path, patchType: 'apply', query: { fieldManager, force }, body });
  }

  patch(
    at: ObjectAddress,
    body: readonly JsonPatchOperation[] | Readonly<Record<string, unknown>>,
    { subresource, fieldManager }: { readonly subresource?: 'status'; readonly fieldManager?: string } = {},
  ): Promise<Answer<AnyObject>> {
    const path = pathOf(at.resource, { ...at, ...(subresource !== undefined && { subresource }) });
    const patchType = Array.isArray(body) ? 'json' : 'merge';
    return this.#ask(at, { method: 'PATCH', path, patchType, query: { fieldManager }, body });
  }

  async remove(at: ObjectAddress, uid: string): Promise<Answer<undefined>> {
    if (this.#dryRun) return NOT_SENT;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid }, propagationPolicy: 'Background' };
    try {
      await this.#client.request({ method: 'DELETE', path: pathOf(at.resource, at), body });
      return done(undefined);
    } catch (error) {
      return refusalOf(error, at);
    }
  }

  async #ask(at: ObjectAddress, request: ApiRequest): Promise<Answer<AnyObject>> {
    if (this.#dryRun && request.method !== 'GET') return NOT_SENT;
    try {
      const sent = request.method === 'GET' ? request : { ...request, timeoutMs: WRITE_TIMEOUT_MS };
      const body = fields(await this.#client.request<unknown>(sent));
      const metadata = fields(body?.metadata);
      // A proxy may answer 200 with other JSON.
      if (body === undefined || text(body.kind) !== at.resource.kind || text(metadata?.name) !== at.name) {
        return refusal('Failed', `${request.method} ${request.path} was answered with something else than that object`);
      }
      return done(body as unknown as AnyObject);
    } catch (error) {
      const answer = refusalOf(error, at);
      if (answer.reason === 'PathNotFound') this.#listings.delete(apiVersionOf(at.resource));
      return answer;
    }
  }

  async #resolveIn(group: string, version: string, name: KindName): Promise<Resolution> {
    const groupVersion = group === '' ? version : `${group}/${version}`;
    const asked = this.#now();
    let listing = await this.#listing(groupVersion);
    let found = kindIn(listing, name);
    if (listing.is === 'listed' && listing.atMs < asked && found === undefined) {
      // A definition may have come since: the absence of a kind is never concluded from the cache.
      this.#listings.delete(groupVersion);
      listing = await this.#listing(groupVersion);
      found = kindIn(listing, name);
    }
    if (listing.is === 'refused') return listing.reason === 'NotFound' ? { is: 'notServed' } : listing;
    if (found === undefined) return { is: 'notServed' };
    const { kind, plural, namespaced } = found;
    return { is: 'served', resource: { group, version, kind, plural, namespaced } };
  }

  async #listing(groupVersion: string): Promise<Listing> {
    const known = this.#listings.get(groupVersion);
    const before = await known;
    if (before?.is === 'listed' && this.#now() - before.atMs < DISCOVERY_TTL_MS) return before;
    const current = this.#listings.get(groupVersion);
    if (current !== undefined && current !== known) return current;
    const asked = this.#discover(groupVersion);
    this.#listings.set(groupVersion, asked);
    const listing = await asked;
    if (listing.is === 'refused' && this.#listings.get(groupVersion) === asked) this.#listings.delete(groupVersion);
    return listing;
  }

  /** A kind that is not served is `NotFound` only if the server's own list of groups lacks it: a single 404 may come from a proxy. */
  async #discover(groupVersion: string): Promise<Listing> {
    const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    try {
      const body = fields(await this.#client.request<unknown>({ method: 'GET', path }));
      if (text(body?.kind) !== 'APIResourceList' || text(body?.groupVersion) !== groupVersion) {
        return refusal('Failed', `GET ${path} was answered with something else than a list of resources`);
      }
      const kinds = listOf(body?.resources, (raw): Served | undefined => {
        const [kind, plural] = [text(raw.kind), text(raw.name)];
        if (!kind || !plural || plural.includes('/')) return undefined;
        return { kind, plural, singular: text(raw.singularName) ?? '', namespaced: boolean(raw.namespaced) ?? false };
      });
      return { is: 'listed', kinds: kinds ?? [], atMs: this.#now() };
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) return refusalOf(error, undefined);
      return this.#confirmNotServed(groupVersion);
    }
  }

  async #confirmNotServed(groupVersion: string): Promise<Refusal> {
    const versions = await this.#versionsOf(groupVersion.includes('/') ? groupVersion.split('/')[0] : '');
    if ('is' in versions) return versions;
    const isServed = versions.all.includes(groupVersion);
    return isServed
      ? refusal('Failed', `${groupVersion} is served, and its resources are not told`)
      : refusal('NotFound', `${groupVersion} is not served`);
  }

  async #preferredVersion(group: string): Promise<string | Extract<Resolution, { is: 'notServed' | 'refused' }>> {
    const versions = await this.#versionsOf(group);
    if ('is' in versions) return versions;
    return versions.preferred ?? { is: 'notServed' };
  }

  async #versionsOf(
    group: string | undefined,
  ): Promise<{ readonly all: readonly string[]; readonly preferred: string | undefined } | Refusal> {
    if (group === '') return { all: ['v1'], preferred: 'v1' };
    try {
      const body = fields(await this.#client.request<unknown>({ method: 'GET', path: '/apis' }));
      if (text(body?.kind) !== 'APIGroupList' || !Array.isArray(body?.groups)) {
        return refusal('Failed', 'GET /apis was answered with something else than a list of groups');
      }
      const found = listOf(body?.groups, (raw) => (text(raw.name) === group ? raw : undefined))?.[0];
      const all = listOf(found?.versions, (raw) => text(raw.groupVersion)) ?? [];
      return { all, preferred: text(fields(found?.preferredVersion)?.version) };
    } catch (error) {
      return refusalOf(error, undefined);
    }
  }
}

function kindIn(listing: Listing, name: KindName): Served | undefined {
  if (listing.is === 'refused') return undefined;
  return listing.kinds.find(
    ({ kind, plural, singular }) =>
      (name.kind === undefined || kind === name.kind) &&
      (name.plural === undefined || plural === name.plural || singular === name.plural),
  );
}

function refusalOf(error: unknown, at: ObjectAddress | undefined): Refusal {
  if (!isKubeError(error)) throw error;
  const causes = error.causes.map(({ message = '', field = '' }) => (field === '' ? message : `${field}: ${message}`));
  return { is: 'refused', reason: reasonOf(error, at), message: statusMessageOf(error), causes };
}

/** Never quotes a server that sent no `Status`: a tenant who chose it could read the answer of some other server. */
function statusMessageOf({ code, statusReason, message }: KubeError): string {
  if (code !== 0 && statusReason === undefined)
    return `the server answered ${code} without the Status of an API server`;
  return clip(message);
}

function refusal(reason: RefusalReason, message: string): Refusal {
  return { is: 'refused', reason, message, causes: [] };
}

const NOT_SENT = refusal('DryRun', 'nothing is written in a dry run');

function reasonOf(error: KubeError, at: ObjectAddress | undefined): RefusalReason {
  switch (error.reason) {
    case 'NotFound':
      return at === undefined ? 'PathNotFound' : absenceOf(error, at);
    case 'Conflict':
      return error.causes.some(({ reason }) => reason === 'FieldManagerConflict') ? 'FieldConflict' : 'Conflict';
    case 'Forbidden':
      return error.causes.some(({ reason }) => reason === 'NamespaceTerminating')
        ? 'NamespaceTerminating'
        : 'Forbidden';
    case 'TooManyRequests':
      return 'Throttled';
    case 'AlreadyExists':
    case 'Invalid':
    case 'Unauthorized':
      return error.reason;
    case 'BadRequest':
      return 'Invalid';
    case 'Unreachable':
    case 'TimedOut':
    case 'Aborted':
      return 'Unreachable';
    case 'Gone':
    case 'ServerError':
    case 'Malformed':
    case 'TooLarge':
      return 'Failed';
  }
}

/** Only a `Status` whose details name the object is an answer of the API server about it. */
function absenceOf({ statusReason, subject }: KubeError, { resource, name, namespace }: ObjectAddress): RefusalReason {
  if (statusReason !== 'NotFound' || subject === undefined) return 'PathNotFound';
  const { kind, group = '' } = subject;
  if (subject.name === name && kind === resource.plural && group === resource.group) return 'NotFound';
  if (kind === 'namespaces' && group === '' && subject.name === namespace) return 'NamespaceNotFound';
  return 'PathNotFound';
}
