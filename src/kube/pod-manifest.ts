/**
 * The manifest by which a Pod is created again: what the API server gave, without what belongs to that one Pod alone.
 *
 * - `spec.nodeName` goes. A Pod that names its Node bypasses the scheduler, and a kubelet that has no room for it fails it
 *   for good. What ties the Pod to its Node (volumes, selectors, affinity) stays, and brings it back there.
 * - The token volume that the ServiceAccount admission injected goes, with its mounts; it is injected anew
 *   (kubernetes `plugin/pkg/admission/serviceaccount/admission.go`, whose names these are).
 * - Ephemeral containers go: a Pod cannot be created with them (kubernetes `pkg/apis/core/validation`).
 * - Tolerations that admission has added stay; adding them again changes nothing.
 */
import { fields, type Raw, text } from './raw.ts';

const TOKEN_VOLUME = /^kube-api-access-[a-z0-9]{5}$/;

const OF_ONE_POD = new Set([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
]);

/** @param pod as the API server sent it. */
export function manifestOf(pod: Raw): Raw {
  const { nodeName: _nodeName, ephemeralContainers: _ephemeral, ...spec } = fields(pod.spec) ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: without(fields(pod.metadata) ?? {}, OF_ONE_POD),
    spec: withoutToken(spec),
  };
}

function without(object: Raw, keys: ReadonlySet<string>): Raw {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

/** Where the Pod wants no token mounted, such a volume is its own. */
function withoutToken(spec: Raw): Raw {
  const injected = new Set(arrayOf(spec.volumes).flatMap((volume) => injectedName(volume) ?? []));
  if (injected.size === 0 || spec.automountServiceAccountToken === false) return spec;
  const isInjected = (entry: unknown): boolean => injected.has(text(fields(entry)?.name) ?? '');
  const withoutMounts = (containers: unknown): unknown =>
    Array.isArray(containers)
      ? containers.map((container: Raw) => ({ ...container, ...dropped(container, 'volumeMounts', isInjected) }))
      : containers;
  return {
    ...spec,
    ...dropped(spec, 'volumes', isInjected),
    containers: withoutMounts(spec.containers),
    ...(spec.initContainers !== undefined && { initContainers: withoutMounts(spec.initContainers) }),
  };
}

function injectedName(volume: unknown): string | undefined {
  const name = text(fields(volume)?.name);
  const sources = arrayOf(fields(fields(volume)?.projected)?.sources);
  const hasToken = sources.some((source) => fields(source)?.serviceAccountToken !== undefined);
  return name !== undefined && hasToken && TOKEN_VOLUME.test(name) ? name : undefined;
}

function dropped(object: Raw, key: string, isDropped: (entry: unknown) => boolean): Raw {
  const list = object[key];
  return Array.isArray(list) ? { [key]: list.filter((entry) => !isDropped(entry)) } : {};
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
