/** Secrets that Ramen's own Policies name, as recorded, carried by the bridge instead of Open Cluster Management. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../../controlplane/controlplane.ts';
import { RamenHub } from '../../harness/ramen.ts';
import { install, installCluster, installHub } from '../../harness/ramen-kinds.ts';
import { find } from '../../harness/rest.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';

const RECORDED = resolve(import.meta.dirname, '../recorded');
const PLURALS: Readonly<Record<string, string>> = {
  Policy: 'policies',
  PlacementBinding: 'placementbindings',
  PlacementRule: 'placementrules',
};

interface Governance {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}
interface Secret {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

const governance = (folder: string): readonly Governance[] =>
  readFileSync(join(RECORDED, folder, 'governance.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Governance);
const secrets = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;
const encoded = (text: string): string => Buffer.from(text).toString('base64');

describeOnControlPlane('Policies of Ramen for Secrets', {}, (get) => {
  let east: ControlPlane;
  let ramen: RamenHub;

  beforeAll(async () => {
    east = await startControlPlane();
    const policy = { group: 'policy.open-cluster-management.io', version: 'v1', scope: 'Namespaced' } as const;
    await Promise.all([
      installHub(get()),
      installCluster(east),
      install(get().api, [
        { ...policy, kind: 'Policy', plural: 'policies' },
        { ...policy, kind: 'PlacementBinding', plural: 'placementbindings' },
        { ...policy, group: 'apps.open-cluster-management.io', kind: 'PlacementRule', plural: 'placementrules' },
      ]),
    ]);
    for (const name of ['ramen-system', 'shop', 'velero']) {
      await get().api.create('/api/v1/namespaces', { metadata: { name } });
      await east.api.create('/api/v1/namespaces', { metadata: { name } });
    }
    const stringData = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', unnamed: 'stays here' };
    await get().api.create(secrets('ramen-system'), { metadata: { name: 's3' }, stringData });
    await get().api.create(secrets('shop'), {
      metadata: { name: 'files-vs-secret-hub' },
      stringData: { 'psk.txt': 'psk' },
    });
    ramen = new RamenHub(get(), { east });
    await ramen.register();
    ramen.start({ bridge: { secretPolicies: true } });
  });
  afterAll(async () => {
    await ramen?.bridge?.end();
    await east?.stop();
  });

  const create = ({ apiVersion, kind, metadata, ...rest }: Governance): Promise<unknown> =>
    get().api.create(`/apis/${apiVersion}/namespaces/${metadata.namespace}/${PLURALS[kind]}`, {
      apiVersion,
      kind,
      metadata,
      ...rest,
    });
  const copied = (path: string, data: Readonly<Record<string, string>>): Promise<Secret> =>
    eventually(
      async () => {
        const found = await find<Secret>(east.api, path);
        return JSON.stringify(found?.data) === JSON.stringify(data) ? found : undefined;
      },
      { what: `${path} to hold what its Policy names`, deadlineMs: 60_000 },
    );

  it('copies S3 credentials, Velero’s and the pre-shared key, and keeps them up to date', async () => {
    for (const object of [...governance('deployment-automation'), ...governance('volsync-psk')]) await create(object);
    const data = { AWS_ACCESS_KEY_ID: encoded('id'), AWS_SECRET_ACCESS_KEY: encoded('key') };
    await copied(`${secrets('ramen-system')}/s3`, data);
    const file = (id: string): string =>
      encoded(`[default]\n  aws_access_key_id = ${id}\n  aws_secret_access_key = key\n`);
    await copied(`${secrets('velero')}/vs3`, { ramengenerated: file('id') });
    const psk = await copied(`${secrets('shop')}/files-vs-secret`, { 'psk.txt': encoded('psk') });
    expect(psk.type).toBe('Opaque');
    await get().api.patch(`${secrets('ramen-system')}/s3`, { stringData: { AWS_ACCESS_KEY_ID: 'new' } }, 'merge');
    await copied(`${secrets('ramen-system')}/s3`, { ...data, AWS_ACCESS_KEY_ID: encoded('new') });
    await copied(`${secrets('velero')}/vs3`, { ramengenerated: file('new') });
  });

  it('does nothing for any other Policy, and says so', async () => {
    const [binding, policy, rule] = governance('deployment-automation');
    if (binding === undefined || policy === undefined || rule === undefined) expect.fail('nothing is recorded');
    // The same, with a computed value.
    const computed = JSON.parse(
      JSON.stringify(policy).replaceAll('{{hub fromSecret', '{{hub base64dec fromSecret'),
    ) as Governance;
    const named = JSON.parse(JSON.stringify(computed).replaceAll('"s3"', '"mine"')) as Governance;
    await create({ ...named, metadata: { ...policy.metadata, name: 'mine' } });
    await create(
      JSON.parse(
        JSON.stringify(binding).replaceAll('"s3"', '"mine"').replaceAll('plbinding-s3', 'plbinding-mine'),
      ) as Governance,
    );
    const told = await eventually(
      async () => {
        const events = await get().api.list<{ reason: string; note: string; regarding: { name: string } }>(
          '/apis/events.k8s.io/v1/namespaces/ramen-system/events',
        );
        return events.find(({ reason, regarding }) => reason === 'PolicyNotCarried' && regarding.name === 'mine');
      },
      { what: 'the Warning', deadlineMs: 60_000 },
    );
    expect(told.note).toContain('not those of one Secret of the hub under the same keys');
    expect(await find(east.api, `${secrets('ramen-system')}/mine`)).toBeUndefined();
  });
});
