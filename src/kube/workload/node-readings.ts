/** Asks workload clusters about single Nodes. */
import type { ClusterKey, NodeReadings } from '../../core/clusters.ts';
import { annotationOf, controllerOf, isFinished, keyOf } from '../../core/meta.ts';
import { NODE, POD, type Pod } from '../../core/objects.ts';
import type { Known } from '../../core/ports.ts';
import type { Resource } from '../../core/resources.ts';
import { readPage } from '../cache/watch-event.ts';
import { type ApiClient, type ApiRequest, pathOf } from '../http/api.ts';
import { isKubeError } from '../http/errors.ts';
import { fields, listOf, text } from '../http/json.ts';
import { trimOf } from '../objects/trim.ts';

const VOLUME_ATTACHMENT: Resource<unknown> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  namespaced: false,
};

const PAGE_SIZE = 500;
/** The owner of a workload cluster must not be able to keep us reading forever. */
const MAX_PAGES = 200;
const UNKNOWN = { is: 'unknown' } as const;

/** @param clientOf returns undefined while there is no connection. */
export function makeNodeReadings(clientOf: (cluster: ClusterKey) => ApiClient | undefined): NodeReadings {
  const ask = async <T>(cluster: ClusterKey, question: (client: ApiClient) => Promise<Known<T>>): Promise<Known<T>> => {
    const client = clientOf(cluster);
    if (client === undefined) return UNKNOWN;
    try {
      return await question(client);
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return UNKNOWN;
    }
  };
  return {
    isDrained: (cluster, nodeName) => ask(cluster, (client) => isDrained(client, nodeName)),
    stayingPods: (cluster, nodeName) => ask(cluster, (client) => stayingPods(client, nodeName)),
    hasVolumes: (cluster, nodeName) => ask(cluster, (client) => hasVolumes(client, nodeName)),
  };
}

async function isDrained(client: ApiClient, nodeName: string): Promise<Known<boolean>> {
  const query = { fieldSelector: `metadata.name=${nodeName}` };
  const page = readPage(await client.request({ method: 'GET', path: pathOf(NODE), query }));
  if ('reason' in page || page.items.length !== 1) return UNKNOWN;
  const conditions = listOf(fields(fields(page.items[0])?.status)?.conditions, (condition) => condition) ?? [];
  return { is: 'known', value: conditions.some(({ type, status }) => type === 'Drained' && status === 'True') };
}

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const trimPod = trimOf(POD);

async function stayingPods(client: ApiClient, nodeName: string): Promise<Known<readonly string[]>> {
  const query = { fieldSelector: `spec.nodeName=${nodeName}` };
  const items = await collect(client, { path: pathOf(POD), query }, () => true);
  if (items === undefined) return UNKNOWN;
  const pods = items.flatMap((item) => trimPod(item) ?? []);
  // A Pod that cannot be parsed may be one that stays.
  if (pods.length < items.length) return UNKNOWN;
  return { is: 'known', value: pods.filter(endsWithPower).map(keyOf) };
}

function endsWithPower(pod: Pod): boolean {
  const isMirror = annotationOf(pod, MIRROR_ANNOTATION) !== undefined;
  return !isMirror && !isFinished(pod) && controllerOf(pod)?.kind !== 'DaemonSet';
}

/** No field selector supports `spec.nodeName` of this kind, so all objects are read. */
async function hasVolumes(client: ApiClient, nodeName: string): Promise<Known<boolean>> {
  const isOnNode = (item: unknown): boolean => text(fields(fields(item)?.spec)?.nodeName) === nodeName;
  const items = await collect(client, { path: pathOf(VOLUME_ATTACHMENT) }, isOnNode, 1);
  return items === undefined ? UNKNOWN : { is: 'known', value: items.length > 0 };
}

/**
 * Reads matching entries page by page, until there are `enough`.
 *
 * @returns undefined if a page is not a list, or the pages never end.
 */
async function collect(
  client: ApiClient,
  request: Pick<ApiRequest, 'path' | 'query'>,
  isWanted: (item: unknown) => boolean,
  enough = Number.POSITIVE_INFINITY,
): Promise<readonly unknown[] | undefined> {
  const found: unknown[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = { ...request.query, limit: PAGE_SIZE, continue: token };
    const page = readPage(await client.request({ method: 'GET', path: request.path, query }));
    if ('reason' in page) return undefined;
    found.push(...page.items.filter(isWanted));
    if (page.continueToken === undefined || found.length >= enough) return found;
    token = page.continueToken;
  }
  return undefined;
}
