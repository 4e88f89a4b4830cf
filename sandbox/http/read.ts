/** GET: one object or a list, in the form that the client accepts. */
import type { Context } from '../context.ts';
import { notFound } from '../errors.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { filterOf } from '../read/filter.ts';
import { type Form, formOf, textOfItem, textOfObject } from '../read/forms.ts';
import { type Listed, list, tooNew, versionOf } from '../read/list.ts';
import { keyFor } from '../store/collection.ts';
import { columnDefinitions } from '../table/rows.ts';
import type { Answer } from './answer.ts';
import { json } from './answer.ts';
import type { ApiRequest } from './request.ts';
import type { Route } from './route.ts';

export function getObject(context: Context, { resource, namespace }: Route, name: string, request: ApiRequest): Answer {
  const form = formOf(request.headers.accept, request.query);
  const version = versionOf(request.query.get('resourceVersion') ?? '');
  if (version > context.store.version) throw tooNew(version, context.store.version);
  const stored = context.store.collection(resource.collection).get(keyFor(namespace, name));
  if (stored === undefined) throw notFound(resource, name);
  const body = textOfObject(form, resource, stored, context.clock.now());
  return json(
    form.is === 'table' ? tableText(resource, `"resourceVersion":"${stored.metadata.resourceVersion}"`, body) : body,
  );
}

export function listObjects(context: Context, { resource, namespace }: Route, request: ApiRequest): Answer {
  const form = formOf(request.headers.accept, request.query);
  const filter = filterOf(resource, request.query);
  const listed = list(context, resource, namespace, filter, request.query);
  const now = context.clock.now();
  const items = listed.items.map((stored) => textOfItem(form, resource, stored, now)).join(',');
  return json(textOfList(form, resource, listed, items));
}

/** A list of items that are serialised already. */
export function textOfList(form: Form, resource: Resource, listed: Listed, items: string): string {
  const { resourceVersion, continueToken, remaining } = listed;
  // Lists of custom resources show an empty token too.
  const showsEmpty = resource.custom !== undefined && form.is === 'whole';
  const meta = [
    `"resourceVersion":"${resourceVersion}"`,
    ...(continueToken === '' && !showsEmpty ? [] : [`"continue":"${continueToken}"`]),
    ...(remaining === undefined ? [] : [`"remainingItemCount":${remaining}`]),
  ].join(',');
  switch (form.is) {
    case 'table':
      return tableText(resource, meta, items);
    case 'metadata':
      return `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{${meta}},"items":[${items}]}`;
    case 'whole':
      return `{"kind":"${resource.listKind}","apiVersion":"${apiVersionOf(resource)}","metadata":{${meta}},"items":[${items}]}`;
  }
}

/** A Table of rows that are serialised already. */
export function tableText(resource: Resource, meta: string, rows: string, hasColumns = true): string {
  const columns = hasColumns ? JSON.stringify(columnDefinitions(resource)) : 'null';
  return `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{${meta}},"columnDefinitions":${columns},"rows":[${rows}]}`;
}
