/**
 * Conflicts of server-side apply about empty fields. A built-in kind omits empty fields (`data: {}` of a ConfigMap), but the manager that
 * applied one owns it, and conflicts with every other manager that names the field or sets something in it, even with an identical
 * manifest.
 */
import type { AnyObject } from '../core/object-access.ts';
import type { ManifestBody } from './manifest.ts';

export type Peace =
  /** Another manager really wants a different value. */
  | { readonly is: 'contested' }
  /** Applied in this form, it takes no field from anybody; with force if the other owner's claim is the empty one. */
  | { readonly is: 'possible'; readonly body: ManifestBody; readonly force: boolean };

/**
 * @param live the object that the conflicts are about.
 * @param conflicts as the API server lists them: `.spec.selector: conflict with "manager"`
 */
export function settleEmptyClaims(body: ManifestBody, live: AnyObject, conflicts: readonly string[]): Peace {
  let rest: Fields = body;
  let force = false;
  for (const each of conflicts) {
    const path = /^((?:\.\w+)+): /.exec(each)?.[1]?.split('.').slice(1);
    if (path === undefined || valueAt(live, path) !== undefined) return { is: 'contested' };
    if (isEmpty(valueAt(rest, path))) rest = without(rest, path);
    else force = true;
  }
  return { is: 'possible', body: rest as ManifestBody, force };
}

type Fields = Readonly<Record<string, unknown>>;

function valueAt(from: Fields, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, field) => fieldsOf(value)?.[field], from);
}

function without(from: Fields, [field = '', ...path]: readonly string[]): Fields {
  const { [field]: value, ...rest } = from;
  const inner = fieldsOf(value);
  return path.length === 0 || inner === undefined ? rest : { ...from, [field]: without(inner, path) };
}

/** Whether Go's `omitempty` would omit the value. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  const inner = fieldsOf(value);
  return inner === undefined ? !value : Object.keys(inner).length === 0;
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
