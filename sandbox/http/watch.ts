/**
 * Watches: each change as one line of JSON, serialised once for all watches of the same form.
 *
 * If the client allows them, bookmarks are sent every minute, shortly before the end, and at the end of initial events (WatchList).
 */
import type { ServerResponse } from 'node:http';
import { setInterval, setTimeout } from 'node:timers';
import { ApiError, type Stored } from '../api.ts';
import type { Context } from '../context.ts';
import { forbiddenField, invalid, notSupported, statusOf } from '../errors.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { type Filter, filterOf, seenThrough } from '../read/filter.ts';
import { type Form, formOf, keyOfForm, textOfObject } from '../read/forms.ts';
import { tooOld } from '../read/list.ts';
import type { Commit } from '../store/collection.ts';
import { tableText } from './read.ts';
import type { ApiRequest } from './request.ts';
import type { Route } from './route.ts';

const BOOKMARK_MS = 60_000;
/** The time between the last bookmark and the end of the watch. */
const LAST_BOOKMARK_MS = 2000;
const DEFAULT_TIMEOUT_MS = 30 * 60_000;
/** The unread data after which a watch is cut: a client that slow never catches up. */
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;

/** How a watch ends before its time. */
export type WatchEnd = 'close' | 'reset' | 'expire' | 'garbage';

export interface WatchStart {
  readonly resource: Resource;
  readonly form: Form;
  readonly filter: Filter;
  readonly namespace: string | undefined;
  readonly after: number;
  /** The initial objects, as ADDED. */
  readonly initial: readonly Stored[];
  /** Ends the initial objects with a bookmark. */
  readonly marksInitial: boolean;
  readonly allowsBookmarks: boolean;
  readonly timeoutMs: number;
}

/** Reads the parameters of a watch. @throws ApiError 400, 410, 422 or 500 before anything is sent */
export function startOf(context: Context, { resource, namespace }: Route, request: ApiRequest): WatchStart {
  const { query, headers } = request;
  const version = query.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(version)) {
    const quoted = JSON.stringify(version);
    const message = `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`;
    throw new ApiError(500, '', message);
  }
  const sends = query.get('sendInitialEvents');
  checkInitialEvents(query, sends);
  const filter = filterOf(resource, query);
  const collection = context.store.collection(resource.collection);
  const wanted = version === '' || version === '0' ? 0 : Number(version);
  const isFresh = sends === 'true' || (sends === null && wanted === 0);
  if (!isFresh && wanted < collection.compactedAt) throw tooOld(wanted, collection.compactedAt);
  const allowsBookmarks = ['true', '1'].includes(query.get('allowWatchBookmarks') ?? '');
  const seconds = Number(query.get('timeoutSeconds') ?? '');
  const initial = isFresh ? collection.list(namespace) : [];
  return {
    resource,
    namespace,
    form: formOf(headers.accept, query),
    filter,
    after: isFresh || wanted === 0 ? context.store.version : wanted,
    initial: filter === undefined ? initial : initial.filter(filter),
    // The older form, which asks for any version, gets the bookmark too.
    marksInitial: allowsBookmarks && isFresh,
    allowsBookmarks,
    timeoutMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : DEFAULT_TIMEOUT_MS,
  };
}

function checkInitialEvents(query: URLSearchParams, sends: string | null): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const about = { group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' };
  const refuse = (...causes: Parameters<typeof invalid>[2]) => {
    throw invalid(about, '', causes);
  };
  const forbidden = (why: string) => forbiddenField('resourceVersionMatch', why);
  const unknown =
    match === '' || match === 'NotOlderThan' ? [] : [notSupported('resourceVersionMatch', match, ['NotOlderThan'])];
  if ((query.get('continue') ?? '') !== '') {
    refuse(forbidden('resourceVersionMatch is forbidden when continue is provided'));
  }
  if (sends !== null && match === '') {
    refuse(forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (sends !== null && unknown.length > 0) refuse(...unknown);
  if (sends === null && match !== '') {
    refuse(forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'), ...unknown);
  }
}

/** A watch that is being answered. */
export class WatchStream {
  readonly request: ApiRequest;
  readonly #context: Context;
  readonly #start: WatchStart;
  readonly #response: ServerResponse;
  readonly #reset: () => void;
  #stops: (() => void)[] = [];
  #hasColumns = false;

  constructor(
    context: Context,
    start: WatchStart,
    request: ApiRequest,
    { response, reset }: { readonly response: ServerResponse; readonly reset: () => void },
  ) {
    this.#context = context;
    this.#start = start;
    this.#response = response;
    this.#reset = reset;
    this.request = request;
  }

  /** Sends the current objects and continues until the client leaves, the time is over, or `end()`. */
  run(onEnd: () => void): void {
    const { resource, after, initial, marksInitial, allowsBookmarks, timeoutMs } = this.#start;
    const { store } = this.#context;
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.#response.flushHeaders();
    this.#response.once('close', () => {
      for (const stop of this.#stops) stop();
      this.#stops = [];
      onEnd();
    });
    for (const object of initial) this.#write(this.#lineFor('ADDED', object));
    if (marksInitial && allowsBookmarks) this.bookmark(true);
    this.#stops.push(store.follow(store.collection(resource.collection), after, (commits) => this.#tell(commits)));
    const ending = setTimeout(() => this.end('close'), timeoutMs);
    this.#stops.push(() => clearTimeout(ending));
    if (!allowsBookmarks) return;
    const bookmarks = setInterval(() => this.bookmark(), BOOKMARK_MS);
    this.#stops.push(() => clearInterval(bookmarks));
    if (timeoutMs <= LAST_BOOKMARK_MS) return;
    const last = setTimeout(() => this.bookmark(), timeoutMs - LAST_BOOKMARK_MS);
    this.#stops.push(() => clearTimeout(last));
  }

  /** Reports the current version to the client. */
  bookmark(endsInitial = false): void {
    const { resource, form } = this.#start;
    const annotations = endsInitial ? ',"annotations":{"k8s.io/initial-events-end":"true"}' : '';
    const isPartial = form.is === 'metadata';
    const kind = isPartial ? 'PartialObjectMetadata' : resource.kind;
    const apiVersion = isPartial ? 'meta.k8s.io/v1' : apiVersionOf(resource);
    const meta = `"resourceVersion":"${this.#context.store.version}"${annotations}`;
    const object = `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":{${meta}}}`;
    this.#write(`{"type":"BOOKMARK","object":${object}}\n`);
  }

  /** Ends the watch: normally, by cutting the connection, with an ERROR 410, or in the middle of a line. */
  end(how: WatchEnd): void {
    switch (how) {
      case 'close':
        this.#response.end();
        return;
      case 'reset':
        this.#reset();
        return;
      case 'expire': {
        const error = tooOld(this.#start.after, this.#context.store.version);
        this.#response.end(`${JSON.stringify({ type: 'ERROR', object: statusOf(error) })}\n`);
        return;
      }
      case 'garbage':
        this.#response.end('{"type":"MODIFIED","object":{"kind":\n');
    }
  }

  #tell(commits: readonly Commit[]): void {
    const { filter, namespace } = this.#start;
    let text = '';
    for (const commit of commits) {
      if (namespace !== undefined && commit.object.metadata.namespace !== namespace) continue;
      const seen = seenThrough(filter, commit);
      if (seen === undefined) continue;
      text += seen.isOwn ? this.#lineFor(seen.type, seen.object) : this.#sharedLine(commit, seen.type);
    }
    if (text !== '') this.#write(text);
  }

  #sharedLine(commit: Commit, type: Commit['type']): string {
    const { form, resource } = this.#start;
    // The first event of a table contains its columns, and its cells contain ages.
    if (form.is === 'table') return this.#lineFor(type, commit.object);
    const key = `${type} ${keyOfForm(form, resource)}`;
    const known = commit.lines.get(key);
    if (known !== undefined) return known;
    const line = this.#lineFor(type, commit.object);
    commit.lines.set(key, line);
    return line;
  }

  #lineFor(type: Commit['type'], object: Stored): string {
    const { form, resource } = this.#start;
    const text = textOfObject(form, resource, object, this.#context.clock.now());
    if (form.is !== 'table') return `{"type":"${type}","object":${text}}\n`;
    const meta = `"resourceVersion":"${object.metadata.resourceVersion}"`;
    const table = tableText(resource, meta, text, !this.#hasColumns);
    this.#hasColumns = true;
    return `{"type":"${type}","object":${table}}\n`;
  }

  #write(text: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > MAX_BACKLOG_BYTES) this.#response.destroy();
  }
}
