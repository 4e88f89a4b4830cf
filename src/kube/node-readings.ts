/** Asks workload clusters about single Nodes. */
import type { ClusterKey, NodeReadings } from '../core/clusters.ts';
import { NODE } from '../core/objects.ts';
import type { Known } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { type ApiClient, pathOf } from './api.ts';
import { isKubeError } from './errors.ts';
import { fields, listOf, text } from './raw.ts';
import { readPage } from './wire.ts';

const VOLUME_ATTACHMENT: Resource<unknown> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  namespaced: false,
};

const PAGE_SIZE = 500;
/** Whoever owns a workload cluster must not be able to keep us reading for ever. */
const MAX_PAGES = 200;
const UNKNOWN = { is: 'unknown' } as const;

/** @param clientOf gives undefined while there is no connection. */
export function makeNodeReadings(clientOf: (cluster: ClusterKey) => ApiClient | undefined): NodeReadings {
  const ask = async (
    cluster: ClusterKey,
    question: (client: ApiClient) => Promise<Known<boolean>>,
  ): Promise<Known<boolean>> => {
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

/** No field selector knows `spec.nodeName` of this kind, so they are looked through. */
async function hasVolumes(client: ApiClient, nodeName: string): Promise<Known<boolean>> {
  let token: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = { limit: PAGE_SIZE, continue: token };
    const page = readPage(await client.request({ method: 'GET', path: pathOf(VOLUME_ATTACHMENT), query }));
    if ('reason' in page) return UNKNOWN;
    const isAttached = page.items.some((item) => text(fields(fields(item)?.spec)?.nodeName) === nodeName);
    if (isAttached) return { is: 'known', value: true };
    if (page.continueToken === undefined) return { is: 'known', value: false };
    token = page.continueToken;
  }
  return UNKNOWN;
}
