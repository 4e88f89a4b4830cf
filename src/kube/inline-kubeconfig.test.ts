import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { inlineAccess } from './inline-kubeconfig.ts';

const CA = Buffer.from('the CA').toString('base64');
const cluster = { server: 'https://api.test:6443', 'certificate-authority-data': CA };
const user = { token: 's3cr3t' };
const config = (parts: { readonly cluster?: object; readonly user?: object; readonly more?: object } = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'c',
  contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'ns' } }],
  clusters: [{ name: 'k', cluster: { ...cluster, ...parts.cluster } }],
  users: [{ name: 'u', user: { ...user, ...parts.user } }],
  ...parts.more,
});
const read = (content: unknown) =>
  inlineAccess(typeof content === 'string' ? content : stringify(content), 'Secret tenant/c-kubeconfig');
const refusalOf = (content: unknown): string => {
  const result = read(content);
  return result.is === 'refused' ? result.why : 'usable';
};

describe('inlineAccess', () => {
  it('`inlineAccess` reads the current context, as YAML and as JSON', () => {
    const written = config({
      cluster: { 'proxy-url': 'http://proxy.test:3128', 'tls-server-name': 'kubernetes' },
      user: { 'client-certificate-data': CA, 'client-key-data': CA, as: 'bridge' },
    });
    const expected = {
      is: 'usable',
      access: {
        description: 'Secret tenant/c-kubeconfig',
        server: new URL('https://api.test:6443'),
        namespace: 'ns',
        proxyUrl: 'http://proxy.test:3128',
        tlsServerName: 'kubernetes',
        skipsTlsVerification: false,
        ca: { is: 'data', data: Buffer.from('the CA') },
        cert: { is: 'data', data: Buffer.from('the CA') },
        key: { is: 'data', data: Buffer.from('the CA') },
        token: { is: 'data', data: Buffer.from('s3cr3t') },
        basic: undefined,
        impersonatedUser: 'bridge',
        plugin: undefined,
      },
    };
    expect(read(written)).toEqual(expected);
    expect(read(JSON.stringify(written))).toEqual(expected);
  });

  it('`inlineAccess` takes nulls and empty texts for absent, and base64 with line breaks', () => {
    const split = `${CA.slice(0, 4)}\n${CA.slice(4)}\n`;
    const result = read(
      config({
        cluster: {
          'certificate-authority': '',
          'certificate-authority-data': split,
          'insecure-skip-tls-verify': false,
        },
        user: { exec: null, 'auth-provider': null, tokenFile: '' },
      }),
    );
    expect(result).toMatchObject({ is: 'usable', access: { ca: { data: Buffer.from('the CA') } } });
  });

  it('`inlineAccess` looks only at what the current context uses', () => {
    const neighbours = {
      users: [
        { name: 'u', user },
        { name: 'other', user: { exec: { command: 'sh' } } },
      ],
    };
    expect(read(config({ more: neighbours })).is).toBe('usable');
  });

  it.each([
    ['exec', { user: { exec: { command: 'steal' } } }, 'user.exec'],
    ['an empty exec', { user: { exec: {} } }, 'user.exec'],
    ['auth-provider', { user: { 'auth-provider': { name: 'oidc' } } }, 'user.auth-provider'],
    ['tokenFile', { user: { tokenFile: '/etc/shadow' } }, 'user.tokenFile'],
    ['client-certificate', { user: { 'client-certificate': '/a' } }, 'user.client-certificate'],
    ['client-key', { user: { 'client-key': '/a' } }, 'user.client-key'],
    ['certificate-authority', { cluster: { 'certificate-authority': '/a' } }, 'cluster.certificate-authority'],
    ['unverified TLS', { cluster: { 'insecure-skip-tls-verify': true } }, 'cluster.insecure-skip-tls-verify'],
    ['http', { cluster: { server: 'http://127.0.0.1:8080' } }, 'cluster.server'],
    ['a file URL', { cluster: { server: 'file:///etc/passwd' } }, 'cluster.server'],
    ['a server with a password', { cluster: { server: 'https://u:p@api.test' } }, 'cluster.server'],
    ['a server that is no URL', { cluster: { server: 'api.test' } }, 'cluster.server'],
    ['a token with a line break', { user: { token: 'a\r\nx-remote-user: admin' } }, 'user.token'],
    ['as-groups', { user: { 'as-groups': ['system:masters'] } }, 'user.as-groups'],
    [
      'a CA that is no base64',
      { cluster: { 'certificate-authority-data': '§' } },
      'cluster.certificate-authority-data',
    ],
    ['a certificate without a key', { user: { 'client-certificate-data': CA } }, 'user has only one of'],
    ['a user without credentials', { user: { token: null } }, 'user has neither'],
    ['a number for a token', { user: { token: 7 } }, 'user.token'],
    ['no current-context', { more: { 'current-context': undefined } }, 'kubeconfig.current-context'],
    ['a context that is not there', { more: { contexts: [] } }, 'current-context names'],
    ['a cluster that is not there', { more: { clusters: [] } }, 'context.cluster names'],
    ['a user that is not there', { more: { users: [] } }, 'context.user names'],
    ['clusters of a wrong type', { more: { clusters: 'k' } }, 'kubeconfig.clusters'],
  ])('`inlineAccess` refuses %s and names the field', (_, parts, field) => {
    const why = refusalOf(config(parts));
    expect(why.slice(0, field.length)).toBe(field);
    expect(why.length).toBeLessThan(150);
    expect(why).not.toMatch(/s3cr3t|steal|shadow|x-remote-user|api\.test/);
  });

  it.each([
    ['nothing', ''],
    ['a text', 'hello'],
    ['what is neither YAML nor JSON', '{"token": "s3cr3t'],
    ['aliases', `a: &a [x]\nb: [*a, *a]\n${stringify(config())}`],
  ])('`inlineAccess` refuses %s', (_, content) => {
    expect(refusalOf(content)).toMatch(/^kubeconfig/);
  });

  it('`inlineAccess` refuses more than 256 KiB', () => {
    expect(refusalOf(stringify(config({ user: { token: 'x'.repeat(256 * 1024) } })))).toMatch(/larger than 256 KiB/);
    expect(read(config({ user: { token: 'x'.repeat(200 * 1024) } })).is).toBe('usable');
  });

  it.each([
    ['quotes', '"'.repeat(250_000)],
    ['anchors', '&a '.repeat(80_000)],
    ['keys', Array.from({ length: 25_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['brackets', '['.repeat(250_000)],
    ['nested brackets', '['.repeat(9_000)],
    ['tabs', '\t:\n'.repeat(80_000)],
  ])('`inlineAccess` refuses %s without stopping the process', (_, content) => {
    const startedMs = performance.now();
    expect(refusalOf(content)).toMatch(/^kubeconfig/);
    // Without the bound each of these takes seconds, up to 35.
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});
