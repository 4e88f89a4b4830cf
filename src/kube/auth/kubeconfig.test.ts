import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../../harness/doubles/test-kubeconfig.ts';
import { type AccessOptions, findAccess } from './kubeconfig.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Parts {
  readonly current?: string;
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
}

/** A kubeconfig whose cluster, user and context are all called `name`. */
function kubeconfig(name: string, { current = name, cluster, user = { token: name }, context }: Parts = {}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': current,
    clusters: [{ name, cluster: { server: `https://${name}.test`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: context ?? { cluster: name, user: name, namespace: `ns-${name}` } }],
  });
}

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const find = (options: Partial<AccessOptions> = {}) =>
  findAccess({ env: {}, homedir: folder, serviceAccountDir: join(folder, 'serviceaccount'), ...options });
const hostOf = (options: Partial<AccessOptions>): string => find(options).server.host;

function writeHome(): void {
  mkdirSync(join(folder, '.kube'));
  write('.kube/config', kubeconfig('home'));
}

function writeServiceAccount(): Record<string, string> {
  mkdirSync(join(folder, 'serviceaccount'));
  write('serviceaccount/token', 't');
  write('serviceaccount/ca.crt', 'c');
  return { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
}

describe('where `findAccess()` looks', () => {
  it('is --kubeconfig, then KUBECONFIG, then the service account, then ~/.kube/config', () => {
    const env = { KUBECONFIG: write('b', kubeconfig('b')), ...writeServiceAccount() };
    writeHome();
    expect(hostOf({ kubeconfig: write('a', kubeconfig('a')), env })).toBe('a.test');
    expect(hostOf({ env })).toBe('b.test');
    expect(hostOf({ env: { ...env, KUBECONFIG: '' } })).toBe('[fd00::1]:6443');
    expect(hostOf({})).toBe('home.test');
  });

  it('is ~/.kube/config even in a Pod when a context was asked for', () => {
    const env = writeServiceAccount();
    writeHome();
    expect(hostOf({ env, context: 'home' })).toBe('home.test');
  });

  it('is all four places, which the error names when there is nothing', () => {
    expect(() => find()).toThrow(
      `No cluster is configured: no --kubeconfig, no KUBECONFIG, no service account of a Pod (KUBERNETES_SERVICE_HOST and its token), and no ${folder}/.kube/config`,
    );
  });
});

describe('several files in KUBECONFIG', () => {
  it('are merged: the first to define a name wins, and the first current-context', () => {
    const first = write('first', kubeconfig('a', { current: '' }));
    const second = write('second', kubeconfig('b'));
    const third = write('third', kubeconfig('a', { cluster: { server: 'https://late.test' } }));
    const env = { KUBECONFIG: `${first}:${join(folder, 'absent')}:${second}::${third}` };
    expect(hostOf({ env })).toBe('b.test');
    expect(hostOf({ env, context: 'a' })).toBe('a.test');
    expect(find({ env })).toMatchObject({
      namespace: 'ns-b',
      description: `kubeconfig ${first}, ${second}, ${third}, context "b"`,
    });
  });

  it('may be absent, but not all of them', () => {
    expect(() => find({ env: { KUBECONFIG: '/absent/a:/absent/b' } })).toThrow(
      'KUBECONFIG names no file that exists: /absent/a, /absent/b',
    );
  });
});

describe('a kubeconfig', () => {
  it('prefers data over the file of the same purpose, and resolves names from its own folder', () => {
    write('ca.crt', 'ca');
    const user = { 'client-certificate': 'absent', 'client-certificate-data': 'Yw==', 'client-key-data': 'aw==' };
    const file = write('c', kubeconfig('a', { cluster: { 'certificate-authority': 'ca.crt' }, user }));
    expect(find({ kubeconfig: file })).toMatchObject({
      ca: { is: 'file', file: join(folder, 'ca.crt') },
      cert: { is: 'data', data: Buffer.from('c') },
      key: { is: 'data', data: Buffer.from('k') },
      skipsTlsVerification: false,
    });
  });

  it('may hold broken entries that the context does not use', () => {
    const content = {
      'current-context': 'a',
      clusters: [
        { name: 'broken', cluster: null },
        { name: 'a', cluster: { server: 'https://a.test' } },
      ],
      users: [{ name: 'a', user: null }],
      contexts: [
        { name: 'broken', context: { cluster: 7 } },
        { name: 'a', context: { cluster: 'a', user: 'a' } },
      ],
    };
    expect(hostOf({ kubeconfig: write('c', stringify(content)) })).toBe('a.test');
  });

  it.each<[string, string, string]>([
    ['is no YAML', 'a: [', 'FILE is not plain YAML or JSON'],
    ['is no mapping', 'just text', 'kubeconfig FILE: Invalid input: expected object'],
    ['is empty', '', 'FILE sets no current-context: choose one by --context, there are none'],
    [
      'has no current-context',
      kubeconfig('a', { current: '' }),
      'sets no current-context: choose one by --context, there are "a"',
    ],
    ['has another context', kubeconfig('a', { current: 'x' }), 'FILE has no context "x": there are "a"'],
    ['names no cluster', kubeconfig('a', { context: { user: 'a' } }), 'context "a" in FILE names no cluster'],
    ['names no user', kubeconfig('a', { context: { cluster: 'a' } }), 'context "a" in FILE names no user'],
    [
      'lacks the cluster',
      kubeconfig('a', { context: { cluster: 'x', user: 'a' } }),
      'names cluster "x", which is not defined: there are "a"',
    ],
    [
      'lacks the user',
      kubeconfig('a', { context: { cluster: 'a', user: 'x' } }),
      'names user "x", which is not defined: there are "a"',
    ],
    [
      'has a server that is no URL',
      kubeconfig('a', { cluster: { server: 'a.test' } }),
      'cluster "a" in FILE: server: must be a URL that begins with https:// (or http://)',
    ],
    [
      'has a server without a scheme, to which kubectl would speak plain HTTP',
      kubeconfig('a', { cluster: { server: 'localhost:6443' } }),
      'cluster "a" in FILE: server: must be a URL that begins with https:// (or http://)',
    ],
    [
      'has a server of another kind',
      kubeconfig('a', { cluster: { server: 'ftp://a' } }),
      'cluster "a" in FILE: server: must be a URL that begins with https:// (or http://)',
    ],
    [
      'has a CA that it does not want checked',
      kubeconfig('a', { cluster: { 'certificate-authority-data': 'QQ==', 'insecure-skip-tls-verify': true } }),
      'cluster "a" in FILE: a certificate authority and insecure-skip-tls-verify exclude each other',
    ],
    [
      'defines a name twice',
      `${kubeconfig('a').replace('clusters:', 'clusters:\n  - { name: a, cluster: { server: https://b.test } }')}`,
      'kubeconfig FILE: clusters has "a" twice',
    ],
    ['gives a key twice', `${kubeconfig('a')}kind: Config\n`, 'kubeconfig FILE gives a key twice (line 18)'],
    [
      'holds two documents',
      `${kubeconfig('a')}---\n${kubeconfig('b')}`,
      'kubeconfig FILE holds more than one YAML document',
    ],
    [
      'uses a tag',
      kubeconfig('a').replace('token: a', 'token: !ours a'),
      'kubeconfig FILE uses a YAML tag that is not supported (line 11)',
    ],
    [
      'has an alias of nothing',
      kubeconfig('a').replace('token: a', 'token: *b'),
      'kubeconfig FILE has YAML aliases that do not resolve, or too many of them',
    ],
    ['merges what is no mapping', kubeconfig('a').replace('token: a', '<<: a'), 'kubeconfig FILE '],
    [
      'has a CA file that is not there',
      kubeconfig('a', { cluster: { 'certificate-authority': 'absent' } }),
      'the CA of cluster "a" in FILE (FOLDER/absent): wanted a readable file, found no such file',
    ],
    [
      'has a token file that is not there',
      kubeconfig('a', { user: { tokenFile: 'absent' } }),
      'the token of user "a" in FILE (FOLDER/absent): wanted a readable file, found no such file',
    ],
    [
      'acts as groups',
      kubeconfig('a', { user: { as: 'u', 'as-groups': ['g'] } }),
      'user "a" in FILE: as-groups is not supported, only as',
    ],
    [
      'has a certificate without its key',
      kubeconfig('a', { user: { 'client-certificate-data': 'Yw==' } }),
      'user "a" in FILE: a client certificate needs a client key',
    ],
    [
      'identifies in two ways',
      kubeconfig('a', { user: { token: 't', username: 'u', password: 'p' } }),
      'user "a" in FILE: a token and a username with a password exclude each other',
    ],
    [
      'would send a token unencrypted',
      kubeconfig('a', { cluster: { server: 'http://a.test' } }),
      'cluster "a" in FILE: server must be https, since the user has credentials, which anybody on the way could read',
    ],
    [
      'would send a plugin’s token unencrypted',
      kubeconfig('a', { cluster: { server: 'http://a.test' }, user: { exec: { apiVersion: 'v1', command: 'c' } } }),
      'cluster "a" in FILE: server must be https',
    ],
    [
      'would send a token of this machine’s server through a proxy',
      kubeconfig('a', { cluster: { server: 'http://localhost', 'proxy-url': 'http://proxy.test' } }),
      'cluster "a" in FILE: server must be https',
    ],
    [
      'has a plugin without a command',
      kubeconfig('a', { user: { exec: { apiVersion: 'v1' } } }),
      'user "a" in FILE: exec.command: Invalid input',
    ],
    [
      'has a plugin that asks people',
      kubeconfig('a', { user: { exec: { apiVersion: 'v1', command: 'c', interactiveMode: 'Always' } } }),
      'exec wants a terminal',
    ],
  ])('that %s is refused with words that help', (_, content, message) => {
    const file = write('c', content);
    expect(() => find({ kubeconfig: file })).toThrow(message.replace('FILE', file).replace('FOLDER', folder));
  });

  // As kubectl 1.32.4 resolves them (`kubectl config view --raw`).
  it.each([
    ['a merge key', '{ <<: *one, server: https://a.test }', { tlsServerName: 'one', proxyUrl: undefined }],
    [
      'a list of merge keys, of which the first wins',
      '{ <<: [*one, *two], server: https://a.test }',
      { tlsServerName: 'one', proxyUrl: 'http://two' },
    ],
    [
      'a key of its own beside a merge key',
      '{ tls-server-name: own, <<: *one, server: https://a.test }',
      { tlsServerName: 'own' },
    ],
    ['an alias of the whole', '*whole', { tlsServerName: 'one' }],
  ])('that has %s is read as kubectl does', (_, cluster, expected) => {
    const shared = [
      'x-one: &one { tls-server-name: one }',
      'x-two: &two { tls-server-name: two, proxy-url: http://two }',
      'x-whole: &whole { <<: *one, server: https://a.test }',
    ];
    const content = [
      ...shared,
      'current-context: a',
      'contexts: [{ name: a, context: { cluster: a, user: a } }]',
      'users: [{ name: a, user: { token: t } }]',
      `clusters: [{ name: a, cluster: ${cluster} }]`,
    ].join('\n');
    expect(find({ kubeconfig: write('c', content) })).toMatchObject({ server: new URL('https://a.test'), ...expected });
  });

  // Each is accepted by kubectl 1.37.2.
  it.each<[string, string]>([
    ['ends with a separator', `${kubeconfig('a')}---\n`],
    ['ends with a document of comments', `${kubeconfig('a')}---\n# nothing\n`],
    ['has an unused entry without content', kubeconfig('a').replace('users:', 'users:\n  - name: b')],
    ['has an unused entry without a name', kubeconfig('a').replace('users:', 'users:\n  - user: { token: b }')],
    ['has an empty entry', kubeconfig('a').replace('users:', 'users:\n  - null')],
    ['has extensions without name or content', kubeconfig('a', { cluster: { extensions: [{ name: 'b' }, {}] } })],
    ['sets nobody to act as', kubeconfig('a', { user: { 'as-groups': [], 'as-uid': '', 'as-user-extra': {} } })],
    [
      'has a server without TLS and no credentials',
      kubeconfig('a', { cluster: { server: 'http://a.test' }, user: {} }),
    ],
    [
      'has a server without TLS on this machine',
      kubeconfig('a', { cluster: { server: 'http://a.test' } }).replace('a.test', '127.0.0.1:8001'),
    ],
  ])('that %s is accepted', (_, content) => {
    expect(['a.test', '127.0.0.1:8001']).toContain(hostOf({ kubeconfig: write('c', content) }));
  });

  it('sets the variables of a plugin that have no value to an empty one', () => {
    const exec = { apiVersion: 'v1', command: 'c', env: [{ name: 'A' }, { name: 'B', value: null }] };
    const { plugin } = find({ kubeconfig: write('c', kubeconfig('a', { user: { exec } })) });
    expect(plugin).toMatchObject({ exec: { env: { A: '', B: '' } } });
  });

  it('that cannot be read is named', () => {
    expect(() => find({ kubeconfig: '/absent/config' })).toThrow(
      /^kubeconfig \/absent\/config: wanted a readable file, found no such file$/,
    );
    expect(() => find({ kubeconfig: folder })).toThrow(
      `kubeconfig ${folder}: wanted a readable file, found a directory`,
    );
  });

  it('that is no YAML is not quoted, since it may hold a token', () => {
    const file = write('c', 'users:\n- token: "secret-token\n  other: [');
    try {
      find({ kubeconfig: file });
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toContain('is not plain YAML or JSON');
      expect(`${error} ${error instanceof Error ? error.cause : ''}`).not.toContain('secret');
    }
  });

  it('resolves a plugin’s command from its own folder only when it contains a slash', () => {
    const exec = (command: string) => kubeconfig('a', { user: { exec: { apiVersion: 'v1', command } } });
    const commandIn = (config: string) => ({ is: 'exec', exec: { command: config } });
    expect(find({ kubeconfig: write('c', exec('./bin/p')) }).plugin).toMatchObject(commandIn(join(folder, 'bin/p')));
    expect(find({ kubeconfig: write('c', exec('aws')) }).plugin).toMatchObject(commandIn('aws'));
  });
});
