import { describe, expect, it } from 'vitest';
import { RecordingApi } from '../../../harness/doubles/recording-api.ts';
import { KubeError, type KubeErrorReason } from '../http/errors.ts';
import { kubeconfigOf, readKubeconfigSecret } from './kubeconfig-secret.ts';

const kubeconfig = (token: string) =>
  JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster: { server: 'https://api.test' } }],
    users: [{ name: 'u', user: { token } }],
  });
const secretOf = (value: string) => ({ data: { value: Buffer.from(value).toString('base64') } });
const read = (answer: () => unknown, api = new RecordingApi(answer)) =>
  readKubeconfigSecret(api, kubeconfigOf('tenant/prod'), { timeoutMs: 1000, signal: new AbortController().signal });
const fingerprintOf = async (content: string) => {
  const found = await read(() => secretOf(content));
  return found.is === 'read' ? found.kubeconfig.fingerprint : undefined;
};

describe('readKubeconfigSecret', () => {
  it('`readKubeconfigSecret` asks for one Secret by its name, in the Cluster’s namespace', async () => {
    const api = new RecordingApi(() => secretOf(kubeconfig('t')));
    expect(await read(() => undefined, api)).toMatchObject({
      is: 'read',
      kubeconfig: { access: { server: new URL('https://api.test'), description: 'Secret tenant/prod-kubeconfig' } },
    });
    expect(api.requests).toEqual([
      expect.objectContaining({ method: 'GET', path: '/api/v1/namespaces/tenant/secrets/prod-kubeconfig' }),
    ]);
  });

  it('`readKubeconfigSecret` tells two contents apart without giving them away', async () => {
    const [one, again, other] = await Promise.all(['a', 'a', 'b'].map((token) => fingerprintOf(kubeconfig(token))));
    expect(one).toBe(again);
    expect(one).not.toBe(other);
    expect(one).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['a missing key', {}, 'Secret tenant/prod-kubeconfig has no key "value"'],
    ['an empty value', { data: { value: '' } }, 'Secret tenant/prod-kubeconfig has no key "value"'],
    ['a value of a wrong type', { data: { value: 7 } }, 'Secret tenant/prod-kubeconfig has no key "value"'],
    [
      'a broken kubeconfig',
      secretOf('{"token": "s3cr3t'),
      'Secret tenant/prod-kubeconfig: kubeconfig is not plain YAML or JSON (line 1)',
    ],
  ])('`readKubeconfigSecret` refuses %s', async (_, secret, detail) => {
    expect(await read(() => secret)).toEqual({ is: 'refused', detail });
  });

  it.each<[KubeErrorReason, object]>([
    ['NotFound', { is: 'missing', detail: 'Secret tenant/prod-kubeconfig does not exist' }],
    ['Forbidden', { is: 'unread', detail: 'reading Secret tenant/prod-kubeconfig: Forbidden' }],
    ['Malformed', { is: 'unread', detail: 'reading Secret tenant/prod-kubeconfig: Malformed' }],
  ])('`readKubeconfigSecret` answers %s without the server’s words', async (reason, expected) => {
    const fails = () => {
      throw new KubeError({ reason, code: 0, message: 'apiVersion: v1, data: s3cr3t' });
    };
    expect(await read(fails)).toEqual(expected);
  });
});
