/**
 * The manifest from which a Pod is created again: the API server's object, without the parts that belong to that one Pod alone.
 *
 * - `spec.nodeName` is removed. A Pod that names its Node bypasses the scheduler, and a kubelet without room for it fails it permanently.
 *   Volumes, selectors and affinity that tie the Pod to its Node stay, and bring it back there.
 * - The token volume that the ServiceAccount admission injected is removed, with its mounts; it is injected again (kubernetes
 *   `plugin/pkg/admission/serviceaccount/admission.go`, whose names these are).
 * - Ephemeral containers are removed: a Pod cannot be created with them (kubernetes `pkg/apis/core/validation`).
 * - Annotations in which a network plugin or another program records what it gave to that one Pod (addresses, sandbox, devices) are
 *   removed. A new Pod would carry them as if they were its own, and some plugins then set nothing up. Annotations by which a user asks for
 *   something stay.
 * - Tolerations that admission has added stay; adding them again changes nothing.
 */
import { fields, type Raw, text } from '../http/json.ts';

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

/** Annotations of Calico, Multus, OVN-Kubernetes, Kube-OVN, AWS VPC CNI, Spiderpool and Antrea, from their documentation. */
const STATUS_ANNOTATIONS: readonly RegExp[] = [
  /^cni\.projectcalico\.org\/(containerID|podIPs?)$/,
  /^k8s\.v1\.cni\.cncf\.io\/networks?-status$/,
  /^k8s\.ovn\.org\/(pod-networks|primary-udn-ipamclaim-status)$/,
  /^([^/]+\.)?kubernetes\.io\/(allocated|routed|cidr|gateway|pod_nic_type|vpc_cidrs)$/,
  /^vpc\.amazonaws\.com\/(pod-eni|pod-ips)$/,
  /^ipam\.spidernet\.io\/assigned-/,
  /^pod\.antrea\.io\/assigned-/,
];

/** @param pod as the API server sent it. */
export function manifestOf(pod: Raw): Raw {
  const { nodeName: _nodeName, ephemeralContainers: _ephemeral, ...spec } = fields(pod.spec) ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: withoutStatus(without(fields(pod.metadata) ?? {}, OF_ONE_POD)),
    spec: withoutToken(spec),
  };
}

function withoutStatus(metadata: Raw): Raw {
  const annotations = fields(metadata.annotations);
  if (annotations === undefined) return metadata;
  const isKept = (key: string): boolean => !STATUS_ANNOTATIONS.some((pattern) => pattern.test(key));
  return { ...metadata, annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => isKept(key))) };
}

function without(object: Raw, keys: ReadonlySet<string>): Raw {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.has(key)));
}

/** If the Pod wants no token mounted, such a volume is the user's own. */
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
