import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { inlineAccess, type KubeconfigRules, STRICT } from './inline-kubeconfig.ts';

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
const read = (content: unknown, rules: Partial<KubeconfigRules> = {}) =>
  inlineAccess(typeof content === 'string' ? content : stringify(content), 'Secret tenant/c-kubeconfig', {
    ...STRICT,
    ...rules,
  });
const refusalOf = (content: unknown): string => {
  const result = read(content);
  return result.is === 'refused' ? result.why : 'usable';
};

/** Each level holds the one before ten times. */
function billion(): string {
  const level = (i: number): string => `l${i}: &l${i} [${Array.from({ length: 10 }, () => `*l${i - 1}`).join(', ')}]`;
  return ['l0: &l0 [x]', ...Array.from({ length: 9 }, (_, i) => level(i + 1))].join('\n');
}

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
    const rules = { allowedProxies: ['proxy.test'] };
    expect(read(written, rules)).toEqual(expected);
    expect(read(JSON.stringify(written), rules)).toEqual(expected);
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
        user: { exec: null, 'auth-provider': null, tokenFile: '', 'as-groups': [], 'as-user-extra': {} },
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
    ['http', { cluster: { server: 'http://127.0.0.1:8080' } }, 'cluster.server'],
    ['a file URL', { cluster: { server: 'file:///etc/passwd' } }, 'cluster.server'],
    ['a server with a password', { cluster: { server: 'https://u:p@api.test' } }, 'cluster.server'],
    ['a server that is no URL', { cluster: { server: 'api.test' } }, 'cluster.server'],
    ['a server without a scheme', { cluster: { server: 'api.test:6443' } }, 'cluster.server'],
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
    ['more aliases than anybody needs', `a: &a [x]\nb: [${'*a, '.repeat(200)}]\n${stringify(config())}`],
    ['aliases of aliases', `${billion()}\n${stringify(config())}`],
    ['two documents', `${stringify(config())}---\n${stringify(config())}`],
    ['a key twice', `${stringify(config())}kind: Config\n`],
    ['a tag', stringify(config()).replace('token: ', 'token: !ours ')],
  ])('`inlineAccess` refuses %s', (_, content) => {
    expect(refusalOf(content)).toMatch(/^kubeconfig/);
    expect(refusalOf(content)).not.toContain('s3cr3t');
  });

  it('`inlineAccess` takes what kubectl takes: unused entries without content, and a separator at the end', () => {
    const written = stringify(config({ cluster: { 'disable-compression': true } }));
    const content = `${written.replace('users:', 'users:\n  - name: b\n  - null')}---\n`;
    expect(read(content)).toMatchObject({ is: 'usable', access: { disablesCompression: true } });
    expect(refusalOf(`${written}---\n${written}`)).toBe('kubeconfig holds more than one YAML document');
  });

  it('`inlineAccess` refuses two ways to identify, as kubectl does', () => {
    expect(refusalOf(config({ user: { username: 'a', password: 'b' } }))).toBe(
      'user has a token as well as a username and password',
    );
  });

  it('`inlineAccess` takes anchors and merge keys, as kubectl does', () => {
    const merged = stringify(config()).replace('certificate-authority-data:', '<<: *common\n      x-unused:');
    const result = read(`x-common: &common { certificate-authority-data: ${CA} }\n${merged}`);
    expect(result).toMatchObject({ is: 'usable', access: { ca: { data: Buffer.from('the CA') } } });
  });

  it.each(['clusters', 'users', 'contexts'] as const)('`inlineAccess` refuses a name twice in %s', (list) => {
    const both = config()[list].concat(config()[list] as never);
    expect(refusalOf(config({ more: { [list]: both } }))).toBe(`${list} has a name twice`);
  });

  it.each([
    // [proxy-url, capi.allowedProxies, whether it is used]
    ['http://proxy.test:3128', [], false],
    ['http://proxy.test:3128', ['proxy.test'], true],
    ['http://PROXY.test:3128', ['proxy.TEST:3128'], true],
    ['http://proxy.test:3128', ['proxy.test:3129'], false],
    ['http://proxy.test:3128', ['test'], false],
    ['http://proxy.test:3128', ['evil.proxy.test'], false],
    ['http://proxy.test', ['proxy.test:80'], true],
    ['https://proxy.test', ['proxy.test:443'], true],
    ['socks5://proxy.test', ['proxy.test:1080'], true],
    ['http://user:s3cr3t@proxy.test', ['proxy.test'], true],
    ['http://proxy.test@evil.test', ['proxy.test'], false],
    ['http://evil.test/proxy.test', ['proxy.test'], false],
    ['http://[fd00::1]:3128', ['[fd00::1]'], true],
    ['http://10.0.0.1:3128', ['10.0.0.1'], true],
    ['http://0xa.1:3128', ['10.0.0.1'], true],
    ['http://10.0.0.1.evil.test', ['10.0.0.1'], false],
    ['proxy.test:3128', ['proxy.test'], false],
    ['s3cr3t', ['s3cr3t'], false],
  ])('`inlineAccess` with the proxy %s and %j allowed: %s', (proxyUrl, allowedProxies, isUsed) => {
    const result = read(config({ cluster: { 'proxy-url': proxyUrl } }), { allowedProxies });
    expect(result).toMatchObject(
      isUsed
        ? { is: 'usable', access: { proxyUrl } }
        : { is: 'refused', why: 'cluster.proxy-url: its host is not in capi.allowedProxies' },
    );
  });

  it('`inlineAccess` heeds insecure-skip-tls-verify where that is allowed, and never beside a CA', () => {
    const insecure = { 'insecure-skip-tls-verify': true, 'certificate-authority-data': null };
    expect(refusalOf(config({ cluster: insecure }))).toContain('capi.allowInsecureTLS is off');
    const rules = { allowInsecureTls: true };
    expect(read(config({ cluster: insecure }), rules)).toMatchObject({ access: { skipsTlsVerification: true } });
    expect(read(config({ cluster: { 'insecure-skip-tls-verify': true } }), rules)).toMatchObject({
      why: 'cluster: a certificate authority and insecure-skip-tls-verify exclude each other',
    });
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
    const before = process.threadCpuUsage();
    expect(refusalOf(content)).toMatch(/^kubeconfig/);
    // Without the bound each of these takes seconds, up to 35. CPU time of this thread alone: the machine may be busy with other tests.
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});
