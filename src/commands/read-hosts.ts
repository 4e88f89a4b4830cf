/** What `status` and `why` read of Metal3's hosts. */
import type { Explanation } from '../core/explanation.ts';
import {
  BARE_METAL_HOST,
  BARE_METAL_HOST_VERSIONS,
  type BareMetalHost,
  CLUSTER,
  CLUSTER_API_VERSIONS,
  MACHINE,
} from '../core/machine-objects.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Log } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import type { ApiClient } from '../kube/api.ts';
import { Informer } from '../kube/cache.ts';
import { discover } from '../kube/discovery.ts';
import { listRaw } from '../kube/list.ts';
import { trimOf } from '../kube/trim.ts';
import { explainHost } from '../metal3/explain.ts';
import { metal3SettingsSchema } from '../metal3/settings.ts';
import { declareIndexes } from '../metal3/wiring.ts';

/** A person waits for the answer. */
const TIMEOUT_MS = 10_000;
/** Commands do not know the configuration of the controllers: they explain by its defaults. */
const SETTINGS = metal3SettingsSchema.parse({});
const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => SILENT };

/** How a host stands. @returns undefined where there is none of that name, or no Metal3. */
export async function readHost(client: ApiClient, namespace: string, name: string): Promise<Explanation | undefined> {
  const all = await readHosts(client, [namespace]);
  return all.find((found) => found.name === `${namespace}/${name}`);
}

/** How all hosts stand; none means all namespaces. */
export async function readHosts(client: ApiClient, namespaces: readonly string[]): Promise<readonly Explanation[]> {
  const list = async <T extends KubeObject>(
    resource: Resource<T>,
    versions: readonly string[],
  ): Promise<readonly T[] | undefined> => {
    const found = await discover(client, resource, versions, AbortSignal.timeout(TIMEOUT_MS));
    if (found.is !== 'served') return undefined;
    const served = { ...resource, version: found.version };
    const over = namespaces.length === 0 ? [undefined] : namespaces;
    const raw = (await Promise.all(over.map((namespace) => listRaw(client, served, namespace)))).flat();
    const trim = trimOf(resource);
    return raw.flatMap((each) => trim(each) ?? []);
  };
  const hosts = await list(BARE_METAL_HOST, BARE_METAL_HOST_VERSIONS);
  if (hosts === undefined) return [];
  const [machines = [], clusters = []] = await Promise.all([
    list(MACHINE, CLUSTER_API_VERSIONS),
    list(CLUSTER, CLUSTER_API_VERSIONS),
  ]);
  const readers = {
    hosts: new Informer<BareMetalHost>({ log: SILENT }),
    machines: new Informer<(typeof machines)[number]>({ log: SILENT }),
    clusters: new Informer<(typeof clusters)[number]>({ log: SILENT }),
  };
  declareIndexes(readers);
  readers.hosts.replace(hosts);
  readers.machines.replace(machines);
  readers.clusters.replace(clusters);
  return hosts.map((host) => explainHost(host, readers, SETTINGS, Date.now()));
}
