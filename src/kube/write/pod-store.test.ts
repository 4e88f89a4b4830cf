import { describe, expect, it } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import type { RecordEvent, RestorePod, StorePod } from '../../core/action.ts';
import { NODE, POD } from '../../core/objects.ts';
import { SECRET, type StoredPod, storedMetadata } from '../../core/stored-pods.ts';
import type { ApiRequest } from '../http/api.ts';
import { KubeError, type KubeErrorReason } from '../http/errors.ts';
import { PodKeeper } from './pod-store.ts';

const POD_PATH = '/api/v1/namespaces/shop/pods/tool';
const SECRETS_PATH = '/api/v1/namespaces/own/secrets';
const SECRET_PATH = `${SECRETS_PATH}/tmm-pod-u1`;
const identity = { namespace: 'shop', name: 'tool', uid: 'u1' };
const as = { pod: identity, node: 'worker-1', session: 's1', wasReady: true, eviction: 'waiting' } as const;
const store: StorePod = { do: 'storePod', target: { resource: POD, ...identity }, as };

const pod = (metadata: object = {}) => ({
  metadata: { name: 'tool', namespace: 'shop', uid: 'u1', resourceVersion: '5', ...metadata },
  spec: { nodeName: 'worker-1', containers: [{ name: 'main', env: [{ name: 'KEY', value: 'hush-hush' }] }] },
});
const encoded = (manifest: unknown): string => Buffer.from(JSON.stringify(manifest)).toString('base64');
const manifest = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'tool', namespace: 'shop' },
  spec: { containers: [{ name: 'main', env: [{ name: 'KEY', value: 'hush-hush' }] }] },
};
const secret = (part: Partial<StoredPod> & { readonly data?: object; readonly uid?: string } = {}) => ({
  type: 'maintenance-bridge.io/pod',
  metadata: {
    ...storedMetadata({ ...as, session: part.session ?? 's1', eviction: part.eviction ?? 'waiting' }),
    namespace: 'own',
    uid: part.uid ?? 'secret-1',
    resourceVersion: '9',
  },
  data: part.data ?? { 'pod.json': encoded(manifest) },
});
const said = (note: string): RecordEvent => ({
  do: 'recordEvent',
  regarding: { resource: NODE, name: 'worker-1', uid: 'n1' },
  type: 'Normal',
  reason: 'PodRestored',
  action: 'RestorePod',
  note,
});
const restore: RestorePod = {
  do: 'restorePod',
  target: { resource: SECRET, namespace: 'own', name: 'tmm-pod-u1', uid: 'secret-1' },
  resourceVersion: '9',
  pod: identity,
  node: 'worker-1',
  tell: { Restored: said('restored'), NameTaken: said('taken'), NamespaceGone: said('gone') },
};

type Answer = object | KubeError;
const fails = (reason: KubeErrorReason, message: string = reason): KubeError =>
  new KubeError({ reason, code: 400, message });

/** Answers by method and path; any other request succeeds with an empty body. */
function setUp(answers: Readonly<Record<string, Answer>> = {}) {
  const client = new RecordingApi(({ method, path }) => {
    const answer = answers[`${method} ${path}`];
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  });
  const told: string[] = [];
  const failures: string[] = [];
  const log = recordingLog();
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const keeper = new PodKeeper({
    client,
    namespace: 'own',
    recorder: { record: ({ note }) => told.push(note) },
    clock,
    onFailure: (owner) => failures.push(owner),
  });
  const asked = () => client.requests.map(({ method, path }) => `${method} ${path}`);
  const sent = (method: ApiRequest['method']) => client.requests.find((request) => request.method === method);
  return { keeper, log, clock, told, failures, asked, sent, attempt: () => keeper.attempts('worker-1').get('u1') };
}

describe('`PodKeeper` stores', () => {
  it('the manifest of the living Pod in a Secret that is named after its UID', async () => {
    const { keeper, log, sent, attempt } = setUp({ [`GET ${POD_PATH}`]: pod() });
    await keeper.store(store, log);
    expect(sent('POST')).toMatchObject({
      path: SECRETS_PATH,
      body: {
        kind: 'Secret',
        type: 'maintenance-bridge.io/pod',
        metadata: {
          name: 'tmm-pod-u1',
          labels: { 'app.kubernetes.io/managed-by': 'maintenance-bridge', 'maintenance-bridge.io/stored-pod': 'u1' },
          annotations: { 'maintenance-bridge.io/node': 'worker-1', 'maintenance-bridge.io/session': 's1' },
        },
        data: { 'pod.json': encoded(manifest) },
      },
    });
    expect(attempt()).toBeUndefined();
  });

  it.each([
    { what: 'has gone', answer: fails('NotFound') },
    { what: 'has given its name to another', answer: pod({ uid: 'u2' }) },
  ])('nothing where the Pod $what', async ({ answer }) => {
    const { keeper, log, asked } = setUp({ [`GET ${POD_PATH}`]: answer });
    await keeper.store(store, log);
    expect(asked()).toEqual([`GET ${POD_PATH}`]);
  });

  it('once: a copy of the same session stays as it is', async () => {
    const exists = { [`POST ${SECRETS_PATH}`]: fails('AlreadyExists'), [`GET ${SECRET_PATH}`]: secret() };
    const { keeper, log, asked } = setUp({ [`GET ${POD_PATH}`]: pod(), ...exists });
    await keeper.store(store, log);
    expect(asked()).toEqual([`GET ${POD_PATH}`, `POST ${SECRETS_PATH}`, `GET ${SECRET_PATH}`]);
  });

  it.each<[string, string, StoredPod['eviction'], string, StoredPod['eviction'], string | undefined]>([
    ['an eviction is announced', 's1', 'waiting', 's1', 'sent', 's1 sent'],
    ['a cache did not know yet that one was', 's1', 'sent', 's1', 'waiting', undefined],
    ['one of an earlier session may be on its way', 's0', 'sent', 's1', 'waiting', 's1 sent'],
    ['none was sent', 's0', 'waiting', 's1', 'waiting', 's1 waiting'],
  ])('so that what was sent is never taken back: %s', async (_, before, was, session, eviction, written) => {
    const exists = {
      [`POST ${SECRETS_PATH}`]: fails('AlreadyExists'),
      [`GET ${SECRET_PATH}`]: secret({ session: before, eviction: was }),
    };
    const { keeper, log, sent } = setUp({ [`GET ${POD_PATH}`]: pod(), ...exists });
    await keeper.store({ ...store, as: { ...as, session, eviction } }, log);
    const body = sent('PUT')?.body as { metadata: { annotations: Record<string, string> } } | undefined;
    const { annotations = {} } = body?.metadata ?? {};
    const found = [annotations['maintenance-bridge.io/session'], annotations['maintenance-bridge.io/eviction']];
    expect(body && found.join(' ')).toBe(written);
  });

  it('anew over the copy of an earlier session, in one request under its resourceVersion', async () => {
    const exists = {
      [`POST ${SECRETS_PATH}`]: fails('AlreadyExists'),
      [`GET ${SECRET_PATH}`]: secret({ session: 's0' }),
    };
    const { keeper, log, sent } = setUp({ [`GET ${POD_PATH}`]: pod(), ...exists });
    await keeper.store(store, log);
    expect(sent('PUT')).toMatchObject({ path: SECRET_PATH, body: { metadata: { resourceVersion: '9' } } });
  });

  it('no manifest that is too large, and says so for as long as the session lasts', async () => {
    const large = pod({ annotations: { note: 'x'.repeat(900 * 1024) } });
    const { keeper, log, asked, attempt, failures } = setUp({ [`GET ${POD_PATH}`]: large });
    await keeper.store(store, log);
    expect(asked()).toEqual([`GET ${POD_PATH}`]);
    expect(attempt()).toMatchObject({ outcome: 'TooLarge', basis: 's1' });
    expect(attempt()).not.toHaveProperty('retryAtMs');
    expect(failures).toEqual(['worker-1']);
  });

  it('later what the server refuses now, with growing patience, until it is forgotten', async () => {
    const refused = { [`GET ${POD_PATH}`]: pod(), [`POST ${SECRETS_PATH}`]: fails('Forbidden', 'no quota') };
    const { keeper, log, attempt } = setUp(refused);
    await keeper.store(store, log);
    expect(attempt()).toMatchObject({ outcome: 'NotStored', detail: 'no quota', retryAtMs: 1000, count: 1 });
    await keeper.store(store, log);
    expect(attempt()).toMatchObject({ retryAtMs: 2000, count: 2 });
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    keeper.forget('worker-1');
    expect(attempt()).toBeUndefined();
  });
});

describe('`PodKeeper` restores', () => {
  it('by creating the Pod, and only then deleting the Secret', async () => {
    const { keeper, log, asked, sent, told, attempt } = setUp({ [`GET ${SECRET_PATH}`]: secret() });
    await keeper.restore(restore, log);
    expect(asked()).toEqual([`GET ${SECRET_PATH}`, 'POST /api/v1/namespaces/shop/pods', `DELETE ${SECRET_PATH}`]);
    expect(sent('POST')?.body).toEqual(manifest);
    expect(sent('DELETE')?.body).toMatchObject({ preconditions: { uid: 'secret-1' } });
    expect(told).toEqual(['restored']);
    expect(attempt()).toBeUndefined();
  });

  const exists = { [`GET ${SECRET_PATH}`]: secret(), 'POST /api/v1/namespaces/shop/pods': fails('AlreadyExists') };

  it('once: a Pod that it has created already is recognised', async () => {
    const ours = pod({ uid: 'u2', managedFields: [{ manager: 'maintenance-bridge-restore' }] });
    const { keeper, log, told, sent } = setUp({ ...exists, [`GET ${POD_PATH}`]: ours });
    await keeper.restore(restore, log);
    expect(sent('DELETE')).toBeDefined();
    expect(told).toEqual(['restored']);
  });

  it('nothing over a Pod that somebody else has created; the Secret goes', async () => {
    const theirs = pod({ uid: 'u2', managedFields: [{ manager: 'kubectl-create' }] });
    const { keeper, log, told, sent } = setUp({ ...exists, [`GET ${POD_PATH}`]: theirs });
    await keeper.restore(restore, log);
    expect(sent('DELETE')).toBeDefined();
    expect(told).toEqual(['taken']);
  });

  it.each([
    { what: 'the old Pod is still there', there: pod() },
    {
      what: 'another of its name is being deleted',
      there: pod({ uid: 'u2', deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
  ])('later while $what', async ({ there }) => {
    const { keeper, log, sent, attempt } = setUp({ ...exists, [`GET ${POD_PATH}`]: there });
    await keeper.restore(restore, log);
    expect(sent('DELETE')).toBeUndefined();
    expect(attempt()).toMatchObject({ outcome: 'NotRestored', basis: '9', retryAtMs: 1000 });
  });

  it('later what the server refuses now; the Secret stays', async () => {
    const { keeper, log, sent, attempt, told } = setUp({
      [`GET ${SECRET_PATH}`]: secret(),
      'POST /api/v1/namespaces/shop/pods': fails('Forbidden', 'exceeded quota'),
    });
    await keeper.restore(restore, log);
    expect(sent('DELETE')).toBeUndefined();
    expect(attempt()).toMatchObject({ outcome: 'NotRestored', detail: 'exceeded quota' });
    expect(told).toEqual([]);
  });

  it('nothing into a namespace that has gone; the Secret goes', async () => {
    const { keeper, log, sent, told } = setUp({
      [`GET ${SECRET_PATH}`]: secret(),
      'POST /api/v1/namespaces/shop/pods': fails('NotFound', 'namespaces "shop" not found'),
    });
    await keeper.restore(restore, log);
    expect(sent('DELETE')).toBeDefined();
    expect(told).toEqual(['gone']);
  });

  it.each([
    { what: 'has gone', answer: fails('NotFound') },
    { what: 'is another by now', answer: secret({ uid: 'secret-2' }) },
  ])('nothing where the Secret $what', async ({ answer }) => {
    const { keeper, log, asked, attempt } = setUp({ [`GET ${SECRET_PATH}`]: answer });
    await keeper.restore(restore, log);
    expect(asked()).toEqual([`GET ${SECRET_PATH}`]);
    expect(attempt()).toBeUndefined();
  });

  it.each([
    { what: 'nothing', data: {} },
    { what: 'no JSON', data: { 'pod.json': Buffer.from('hush-hush').toString('base64') } },
    { what: 'another kind', data: { 'pod.json': encoded({ ...manifest, kind: 'Secret' }) } },
    {
      what: 'another Pod',
      data: { 'pod.json': encoded({ ...manifest, metadata: { name: 'tool', namespace: 'kube-system' } }) },
    },
  ])('nothing from a Secret that holds $what; the Secret stays', async ({ data }) => {
    const { keeper, log, asked, attempt } = setUp({ [`GET ${SECRET_PATH}`]: secret({ data }) });
    await keeper.restore(restore, log);
    expect(asked()).toEqual([`GET ${SECRET_PATH}`]);
    expect(attempt()).toMatchObject({ outcome: 'Unreadable', basis: '9' });
    expect(attempt()).not.toHaveProperty('retryAtMs');
  });

  it('without a word of a Secret in logs and details', async () => {
    const quoted = fails('Malformed', 'GET answered with a body that is no JSON: hush-hush');
    for (const answers of [{ [`GET ${SECRET_PATH}`]: quoted }, exists, { [`GET ${SECRET_PATH}`]: secret() }]) {
      const { keeper, log, attempt, told } = setUp(answers);
      await keeper.restore(restore, log);
      expect(JSON.stringify([log.lines, attempt() ?? null, told])).not.toContain('hush-hush');
    }
  });
});
