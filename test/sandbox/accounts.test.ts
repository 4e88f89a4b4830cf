/** Tokens of ServiceAccounts identify the sender of a request. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchange } from '../../harness/conformance/exchange.ts';
import { type Sandbox, SteppedClock, startSandboxApi } from '../../sandbox/start.ts';

const ACCOUNT = '/api/v1/namespaces/default/serviceaccounts/robot';
const ROBOT = 'system:serviceaccount:default:robot';

let sandbox: Sandbox;
const clock = new SteppedClock();

beforeEach(async () => {
  sandbox = await startSandboxApi({ clock });
});
afterEach(() => sandbox.stop());

/** A server, and a token that is valid for an hour. */
async function asRobot() {
  sandbox.api.create('serviceaccounts', { metadata: { name: 'robot' } }, 'default');
  const body = { spec: { expirationSeconds: 3600 } };
  const answer = await exchange(sandbox, { method: 'POST', path: `${ACCOUNT}/token`, body });
  const { status } = answer.body as { readonly status: { readonly token: string } };
  return { ...sandbox, token: status.token };
}

it('requests with the token of a ServiceAccount are logged under its name, and say who they are', async () => {
  const robot = await asRobot();
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const { body } = await exchange(robot, { method: 'POST', path, body: {} });
  expect(body).toMatchObject({ status: { userInfo: { username: ROBOT } } });
  expect(sandbox.requests().map(({ user, code }) => `${user} ${code}`)).toEqual(['admin 201', `${ROBOT} 201`]);
});

it('a token that has expired is nobody’s', async () => {
  const robot = await asRobot();
  clock.step(3_600_000);
  expect(await exchange(robot, { method: 'GET', path: ACCOUNT })).toMatchObject({ code: 401 });
  expect(sandbox.requests().at(-1)).toMatchObject({ user: '', code: 401 });
});
