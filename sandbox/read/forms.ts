/** The forms of answers: whole objects, their metadata alone, or rows of a table; each serialised once. */
import { ApiError, type Stored } from '../api.ts';
import { inVersionOf } from '../kinds/convert.ts';
import { apiVersionOf, type Resource } from '../kinds/resource.ts';
import { type IncludeObject, rowOf } from '../table/rows.ts';
import { metadataOnly } from './partial.ts';

export type Form =
  | { readonly is: 'whole' }
  | { readonly is: 'metadata' }
  | { readonly is: 'table'; readonly include: IncludeObject };

/** @throws ApiError 406 if the client accepts none of the forms. Protobuf is not supported. */
export function formOf(accept: string | undefined, query: URLSearchParams): Form {
  for (const range of (accept ?? '*/*').split(',')) {
    const [type = '', ...parameters] = range
      .trim()
      .split(';')
      .map((part) => part.trim());
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*' && type !== '') continue;
    const as = parameters.find((one) => one.startsWith('as='))?.slice(3);
    if (as === undefined) return { is: 'whole' };
    if (!parameters.includes('g=meta.k8s.io') || !parameters.includes('v=v1')) continue;
    if (as === 'Table') return { is: 'table', include: includeOf(query.get('includeObject')) };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { is: 'metadata' };
  }
  throw new ApiError(
    406,
    'NotAcceptable',
    '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    {},
  );
}

function includeOf(text: string | null): IncludeObject {
  return text === 'None' || text === 'Object' ? text : 'Metadata';
}

/** A key for forms whose texts differ. */
export const keyOfForm = (form: Form, { group, version }: Resource): string =>
  `${form.is}${form.is === 'table' ? form.include : ''} ${group}/${version}`;

const texts = new WeakMap<Stored, Map<string, string>>();

/** A stored object as JSON. Rows of tables are not cached: they contain ages. */
export function textOfObject(form: Form, resource: Resource, stored: Stored, now: number): string {
  if (form.is === 'table') return JSON.stringify(rowOf(resource, inVersionOf(resource, stored), form.include, now));
  const known = texts.get(stored) ?? new Map<string, string>();
  const key = keyOfForm(form, resource);
  const found = known.get(key);
  if (found !== undefined) return found;
  const object = inVersionOf(resource, stored);
  const text = JSON.stringify(form.is === 'whole' ? object : metadataOnly(object));
  texts.set(stored, known.set(key, text));
  return text;
}

/** As an item of a list: there, built-in kinds do not repeat their kind. */
export function textOfItem(form: Form, resource: Resource, stored: Stored, now: number): string {
  const text = textOfObject(form, resource, stored, now);
  if (form.is !== 'whole' || resource.custom !== undefined) return text;
  const kind = `{"kind":"${resource.kind}","apiVersion":"${apiVersionOf(resource)}",`;
  return text.startsWith(kind) ? `{${text.slice(kind.length)}` : text;
}
