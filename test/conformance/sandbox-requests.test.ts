/** The sandbox is compared with a real API server: the same requests, the same responses. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiTypesOf, type OpenApiV2 } from '../../harness/conformance/api-types.ts';
import { comparable, exchange, type Server } from '../../harness/conformance/exchange.ts';
import { TABLE } from '../../harness/conformance/request-parts.ts';
import { REQUESTS } from '../../harness/conformance/requests.ts';
import { describeOnControlPlane } from '../../harness/suite.ts';
import { eventually } from '../../harness/wait.ts';
import { BUILT_IN, TYPES } from '../../sandbox/kinds.ts';
import { type Sandbox, startSandboxApi } from '../../sandbox/start.ts';

describeOnControlPlane('the sandbox', {}, (real) => {
  let sandbox: Sandbox;
  let server: { readonly url: string; readonly ca: string; readonly token: string };

  beforeAll(async () => {
    sandbox = await startSandboxApi();
    const { serverUrl, caFile, adminToken } = real();
    server = { url: serverUrl, ca: await readFile(caFile, 'utf8'), token: adminToken };
  });
  afterAll(() => sandbox.stop());

  it.each(Object.entries(REQUESTS))('answers as the real server: %s', async (_, steps) => {
    for (const step of steps) {
      const answered = await exchange(sandbox, step);
      const expected = await exchange(server, step);
      const what = `${step.method} ${step.path} ${JSON.stringify(step.body)?.slice(0, 200)}`;
      // The real server serves the kind a moment after it has stored the definition, the sandbox at once.
      if (step.path.endsWith('/customresourcedefinitions')) {
        await eventually(
          async () =>
            (await exchange(server, { method: 'GET', path: '/apis/example.com/v1/namespaces/default/widgets' }))
              .code === 200
              ? true
              : undefined,
          {
            what: 'the kind to be served',
          },
        );
        continue;
      }
      expect({ what, ...answered, body: comparable(answered.body) }).toEqual({
        what,
        ...expected,
        body: comparable(expected.body),
      });
    }
  });

  it('gives every kind that it lists the columns of the real server', async () => {
    for (const { group, version, plural, verbs } of BUILT_IN) {
      if (!verbs.includes('list')) continue;
      const path = group === '' ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`;
      const [ours, theirs] = await Promise.all([sandbox, server].map((one) => columnsOf(one, path)));
      expect({ path, columns: ours }).toEqual({ path, columns: theirs });
    }
  });

  it('knows the types of the real server: `types.json`', async () => {
    const document = await real().api.get<OpenApiV2>('/openapi/v2');
    const known = [...TYPES].map(([name, type]) => [name, withoutNumbers(type)]);
    expect(Object.fromEntries(known)).toEqual(apiTypesOf(document));
  });
});

/** Without their descriptions. */
async function columnsOf(server: Server, path: string): Promise<unknown> {
  const { body } = await exchange(server, { method: 'GET', path, accept: TABLE });
  const { columnDefinitions } = body as { readonly columnDefinitions: unknown };
  return comparable({ columnDefinitions });
}

/** The OpenAPI document does not contain the field numbers of protobuf. */
function withoutNumbers(type: string | Readonly<Record<string, string>>): unknown {
  if (typeof type === 'string') return type;
  return Object.fromEntries(Object.entries(type).map(([field, text]) => [field, text.replace(/ #[\d.]+\??$/, '')]));
}
