/** Copies Secrets of the hub to a cluster: those of the configuration, and those that Ramen's own Policies name. */
import type { RecordEvent } from '../core/action.ts';
import type { ManagedClusterAccess } from '../core/managed-clusters.ts';
import type { Answer, AnyObject, ObjectAccess, ObjectAddress } from '../core/object-access.ts';
import type { Log } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { canonicalJson } from './canonical.ts';
import { policyNotCarried } from './events.ts';
import { PLACEMENT_BINDING, PLACEMENT_RULE, POLICY, SECRETS } from './objects.ts';
import { clustersOf, readSecretPolicy, type SecretPlace, type SecretWish } from './secret-policy.ts';
import type { SecretCopy } from './settings.ts';

export interface CopyPorts {
  readonly hub: ObjectAccess;
  readonly record: (event: RecordEvent) => void;
}

/** Limit for Policies, bindings and rules each; if there are more, this is reported and the rest is ignored. */
const MAX_POLICIES = 500;
const FIELD_MANAGER = 'maintenance-bridge-copy';

/** Updates a copy. It is never deleted: missing credentials in a disaster are worse than old ones. */
export async function copySecret(
  hub: ObjectAccess,
  cluster: ManagedClusterAccess,
  { from, to }: SecretCopy,
  log: Log,
): Promise<boolean> {
  const source = await hub.get({ resource: SECRETS, ...from });
  if (source.is === 'refused')
    return failed(log, 'Reading a Secret that is to be copied failed', source, `${from.namespace}/${from.name}`);
  const { type, data } = source.value;
  return putSecret(cluster, to, { type, data: dataOf({ data }) }, log);
}

/** Carries out Ramen's Policies for this cluster in place of Open Cluster Management. */
export async function followPolicies(
  { hub, record }: CopyPorts,
  cluster: ManagedClusterAccess,
  log: Log,
): Promise<boolean> {
  const lists = await Promise.all(
    [POLICY, PLACEMENT_BINDING, PLACEMENT_RULE].map((resource) => all(hub, resource, log)),
  );
  const [policies, bindings, rules] = lists;
  if (policies === undefined || bindings === undefined || rules === undefined) return false;
  let isDone = true;
  for (const policy of policies) {
    const { namespace = '', name } = policy.metadata;
    if (!clustersOf({ namespace, name }, bindings, rules).has(cluster.name)) continue;
    const reading = readSecretPolicy(policy);
    if (reading.is === 'other') record(policyNotCarried(policy, reading.why));
    else isDone = (await fulfil(hub, cluster, reading.wish, log)) && isDone;
  }
  return isDone;
}

async function fulfil(hub: ObjectAccess, cluster: ManagedClusterAccess, wish: SecretWish, log: Log): Promise<boolean> {
  const { from, to } = wish;
  const where = wish.is === 'copy' ? hub : cluster.objects;
  const source = await where.get({ resource: SECRETS, ...from });
  if (source.is === 'refused')
    return failed(log, 'Reading a Secret that a Policy names failed', source, `${from.namespace}/${from.name}`);
  const found = dataOf(source.value);
  if (wish.is === 'copy') {
    const data = Object.fromEntries(wish.keys.flatMap((key) => (found[key] === undefined ? [] : [[key, found[key]]])));
    return putSecret(cluster, to, { type: wish.type, data }, log);
  }
  const text = (key: string): string => Buffer.from(found[key] ?? '', 'base64').toString();
  const file = `[default]\n  aws_access_key_id = ${text('AWS_ACCESS_KEY_ID')}\n  aws_secret_access_key = ${text('AWS_SECRET_ACCESS_KEY')}\n`;
  return putSecret(cluster, to, { type: 'Opaque', data: { [wish.key]: Buffer.from(file).toString('base64') } }, log);
}

/** Keys that others have added stay. */
async function putSecret(
  cluster: ManagedClusterAccess,
  to: SecretPlace,
  wanted: { readonly type: unknown; readonly data: Readonly<Record<string, string>> },
  log: Log,
): Promise<boolean> {
  const at: ObjectAddress = { resource: SECRETS, ...to };
  const key = `${to.namespace}/${to.name}`;
  const target = await cluster.objects.get(at);
  if (target.is === 'done') {
    const found = dataOf(target.value);
    const same = Object.fromEntries(Object.keys(wanted.data).map((each) => [each, found[each]]));
    if (canonicalJson(same) === canonicalJson(wanted.data)) return true;
  } else if (target.reason !== 'NotFound') return failed(log, 'Reading the copy of a Secret failed', target, key);
  if ((await cluster.confirm()) !== undefined) return false;
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { ...to }, ...wanted };
  const written = await cluster.objects.apply(at, body, { fieldManager: FIELD_MANAGER, force: true });
  if (written.is === 'refused') return failed(log, 'Copying a Secret failed', written, key);
  log.info('Secret copied', { cluster: cluster.name, key });
  return true;
}

/** All objects of a kind; none if the kind is not served. */
async function all(
  hub: ObjectAccess,
  resource: Resource<unknown>,
  log: Log,
): Promise<readonly AnyObject[] | undefined> {
  const answer = await hub.list(resource, { limit: MAX_POLICIES });
  if (answer.is === 'refused') {
    if (answer.reason === 'PathNotFound' || answer.reason === 'NotFound') return [];
    failed(log, `Listing ${resource.plural} failed`, answer);
    return undefined;
  }
  if (!answer.value.isWhole)
    log.warn('More Policies than are looked at', { detail: `${MAX_POLICIES} ${resource.plural}` });
  return answer.value.items;
}

function dataOf(object: object): Readonly<Record<string, string>> {
  const { data } = object as { readonly data?: unknown };
  return typeof data === 'object' && data !== null ? (data as Readonly<Record<string, string>>) : {};
}

/** Logs only the reason: a message about a Secret may repeat its content. */
export function failed(log: Log, message: string, answer: Answer<unknown>, key?: string): false {
  if (answer.is === 'refused' && answer.reason !== 'DryRun') {
    log.warn(message, { reason: answer.reason, ...(key !== undefined && { key }) });
  }
  return false;
}
