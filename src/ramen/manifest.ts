/**
 * Turns a manifest as written into the body that is applied.
 *
 * - Fields that only a server or a cluster sets (status, uid, owner references, …) are removed: manifests come from Go structs with empty
 *   fields, or from objects of another cluster.
 * - Our own keys are removed: Ramen copies the annotations of one cluster's Namespace into the manifest for the other.
 * - A manifest that cannot be applied is reported with the reason; the others are applied nevertheless.
 */

import { clip } from '../core/text.ts';
import { OWN_PREFIX } from './names.ts';
import type { ResourceMeta } from './objects.ts';
import { isNamespace } from './objects.ts';
import { isGroupName, isKindName, isNamespaceName, isObjectName, isVersionName } from './path-names.ts';

/** Identifies an object in every version of its kind. */
export interface ObjectIdentity {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Manifest extends ObjectIdentity {
  readonly is: 'sound';
  readonly ordinal: number;
  readonly version: string;
  /** The body to apply, without an ownership mark. */
  readonly body: ManifestBody;
}

export interface ManifestBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** A manifest that cannot be applied, whatever the state of the cluster. */
export interface BadManifest extends ObjectIdentity {
  readonly is: 'bad';
  readonly ordinal: number;
  readonly version: string;
  readonly message: string;
}

/** An object in etcd takes 1.5 MiB at most, including what the API server adds. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;

const SERVER_METADATA: ReadonlySet<string> = new Set([
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generateName',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
]);

type Fields = Readonly<Record<string, unknown>>;

/** Reads all manifests of a work, in their order; if two name the same object, the second is bad. */
export function readManifests(raw: readonly unknown[]): readonly (Manifest | BadManifest)[] {
  const seen = new Map<string, number>();
  return raw.map((each, ordinal) => {
    const manifest = readManifest(each, ordinal);
    if (manifest.is === 'bad') return manifest;
    const key = identityKey(manifest);
    const first = seen.get(key);
    if (first !== undefined)
      return bad(manifest, ordinal, `names the same object as the manifest at position ${first}`);
    seen.set(key, ordinal);
    return manifest;
  });
}

export function readManifest(raw: unknown, ordinal: number): Manifest | BadManifest {
  const found = fieldsOf(raw);
  const metadata = fieldsOf(found?.metadata);
  const { group, version } = splitApiVersion(textOf(found?.apiVersion));
  const kind = textOf(found?.kind);
  const name = textOf(metadata?.name);
  const namespace = textOf(metadata?.namespace);
  const named = {
    group: shown(group, isGroupName),
    version: shown(version, isVersionName),
    kind: shown(kind, isKindName),
    name: shown(name, isObjectName),
    namespace: shown(namespace, isNamespaceName),
  };
  if (found === undefined) return bad(named, ordinal, 'is not an object');
  if (kind === '' || !isKindName(kind)) return bad(named, ordinal, `has no usable kind: found ${quoted(found.kind)}`);
  if (version === '' || !isVersionName(version) || !isGroupName(group)) {
    return bad(named, ordinal, `has no usable apiVersion: found ${quoted(found.apiVersion)}`);
  }
  if (kind.endsWith('List') && Array.isArray(found.items)) {
    return bad(named, ordinal, `is a ${kind}: a work lists each object by itself`);
  }
  if (metadata === undefined) return bad(named, ordinal, 'has no metadata');
  if (name === '') {
    const why = textOf(metadata.generateName) === '' ? 'has no metadata.name' : 'has generateName instead of a name';
    return bad(named, ordinal, why);
  }
  if (!isObjectName(name)) return bad(named, ordinal, `has a name that no object may have: ${quoted(name)}`);
  if (namespace !== '' && !isNamespaceName(namespace)) {
    return bad(named, ordinal, `has a namespace that no namespace may be called: ${quoted(namespace)}`);
  }
  const body = bodyOf(found, metadata, { name, namespace });
  const bytes = byteLength(body);
  if (bytes > MAX_MANIFEST_BYTES) {
    return bad(named, ordinal, `is too large: ${bytes} bytes of at most ${MAX_MANIFEST_BYTES}`);
  }
  return { is: 'sound', ordinal, group, version, kind, name, namespace, body };
}

/** `group/kind/namespace/name`; none of the parts contains a slash. */
export function identityKey({ group, kind, namespace, name }: ObjectIdentity): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/** The form for people: `ConfigMap shop/settings`, `Namespace shop`. */
export function describe({ kind, namespace, name }: Pick<ResourceMeta, 'kind' | 'namespace' | 'name'>): string {
  return `${kind || 'an object'} ${namespace === '' ? '' : `${namespace}/`}${name}`.trim();
}

const APPLY_FIRST = ['Namespace', 'CustomResourceDefinition'];

/** Namespaces first, then CustomResourceDefinitions, then all others in their order. */
export function inApplyOrder<T extends ObjectIdentity & { readonly ordinal: number }>(
  manifests: readonly T[],
): readonly T[] {
  const rank = (each: T): number => {
    const isKnown = isNamespace(each) || each.group === 'apiextensions.k8s.io';
    const at = isKnown ? APPLY_FIRST.indexOf(each.kind) : -1;
    return at === -1 ? APPLY_FIRST.length : at;
  };
  return manifests.toSorted((a, b) => rank(a) - rank(b) || a.ordinal - b.ordinal);
}

function bodyOf(
  found: Fields,
  metadata: Fields,
  at: { readonly name: string; readonly namespace: string },
): ManifestBody {
  const { status: _status, metadata: _metadata, ...rest } = found;
  const kept = Object.entries(metadata).filter(([key, value]) => !SERVER_METADATA.has(key) && value !== null);
  const meta: Record<string, unknown> = Object.fromEntries(kept);
  for (const field of ['annotations', 'labels'] as const) {
    const map = fieldsOf(meta[field]);
    if (map === undefined) continue;
    const foreign = Object.entries(map).filter(([key]) => !key.startsWith(OWN_PREFIX));
    if (foreign.length === 0) delete meta[field];
    else meta[field] = Object.fromEntries(foreign);
  }
  if (at.namespace === '') delete meta.namespace;
  return { ...(rest as Omit<ManifestBody, 'metadata'>), metadata: { ...meta, name: at.name } } as ManifestBody;
}

function bad(named: ObjectIdentity & { readonly version: string }, ordinal: number, why: string): BadManifest {
  const { group, version, kind, namespace, name } = named;
  const message = clip(`${describe(named)}, the manifest at position ${ordinal}, ${why}`);
  return { is: 'bad', ordinal, group, version, kind, namespace, name, message };
}

function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const at = apiVersion.indexOf('/');
  return at === -1
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, at), version: apiVersion.slice(at + 1) };
}

/** An invalid name could contain anything: it is only shown in messages, cut and quoted. */
function shown(text: string, isSound: (text: string) => boolean): string {
  return isSound(text) ? text : '';
}

function quoted(value: unknown): string {
  return clip(JSON.stringify(value) ?? 'nothing', 200);
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function byteLength(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}
