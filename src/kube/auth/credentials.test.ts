import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ScriptedServer, startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { temporaryFolder, writeKubeconfig } from '../../../harness/doubles/test-kubeconfig.ts';
import { createAuthority } from '../../../sandbox/certificates.ts';
import type { ApiRequest } from '../http/api.ts';
import { makeClient } from '../http/client.ts';
import { type Credentials, loadKubeConfig } from './credentials.ts';

const GET: ApiRequest = { method: 'GET', path: '/api/v1/nodes/n' };

let now = 1_000_000;
let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (kubeconfig: string): Credentials =>
  loadKubeConfig({ kubeconfig, env: {}, homedir: folder, clock: { now: () => now } });
const write = (name: string, content: string): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};
const authorizationOf = async (credentials: Credentials) => (await credentials.connection()).headers.authorization;

async function startServer(...options: Parameters<typeof startScriptedServer>): Promise<ScriptedServer> {
  const server = await startScriptedServer(...options);
  onTestFinished(server.close);
  return server;
}

describe('a token file', () => {
  it('is read again after a minute, trimmed', async () => {
    const tokenFile = write('token', 'one\n');
    const credentials = load(writeKubeconfig({ server: 'https://api.test', user: { tokenFile } }, folder));
    expect(await authorizationOf(credentials)).toBe('Bearer one');

    writeFileSync(tokenFile, ' two \n');
    now += 59_999;
    expect(await authorizationOf(credentials)).toBe('Bearer one');
    now += 1;
    expect(await authorizationOf(credentials)).toBe('Bearer two');
  });

  it('that vanishes while it is rotated leaves the last token in force', async () => {
    const tokenFile = write('token', 'one');
    const credentials = load(writeKubeconfig({ server: 'https://api.test', user: { tokenFile } }, folder));
    await credentials.connection();
    rmSync(tokenFile);
    now += 60_000;
    expect(await authorizationOf(credentials)).toBe('Bearer one');
    writeFileSync(tokenFile, 'two');
    expect(await authorizationOf(credentials)).toBe('Bearer two');
  });

  it('beats a token, and its name is relative to the kubeconfig', async () => {
    write('token', 'from-file');
    const user = { token: 'inline', tokenFile: './token' };
    expect(await authorizationOf(load(writeKubeconfig({ server: 'https://api.test', user }, folder)))).toBe(
      'Bearer from-file',
    );
  });

  it('is read again when the server refuses the token, and the request is tried once more', async () => {
    const tokenFile = write('token', 'old');
    const server = await startServer(({ headers }) =>
      headers.authorization === 'Bearer new' ? { body: { ok: true } } : { status: 401, body: {} },
    );
    const client = makeClient(load(writeKubeconfig({ server: server.url, user: { tokenFile } }, folder)));
    await expect(client.request({ ...GET, retry: 'never' })).rejects.toMatchObject({ reason: 'Unauthorized' });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer old']);

    writeFileSync(tokenFile, 'new');
    expect(await client.request({ ...GET, method: 'POST', body: {}, retry: 'never' })).toEqual({ ok: true });
    expect(server.requests).toHaveLength(4);
  });

  it('is read again for a stream as well', async () => {
    const tokenFile = write('token', 'old');
    const server = await startServer(({ headers }) => {
      if (headers.authorization !== 'Bearer new') return { status: 401, body: {} };
      return { body: '{}\n' };
    });
    const client = makeClient(load(writeKubeconfig({ server: server.url, user: { tokenFile } }, folder)));
    const read = async () => {
      const lines = client.lines({ path: '/api/v1/nodes', signal: new AbortController().signal, idleMs: 5000 });
      for await (const line of lines) return line;
      return undefined;
    };
    await expect(read()).rejects.toMatchObject({ reason: 'Unauthorized' });
    writeFileSync(tokenFile, 'new');
    expect(await read()).toBe('{}');
  });
});

describe('TLS', () => {
  const authority = createAuthority();
  const tls = { ...authority.issueServer('127.0.0.1'), ca: authority.cert };

  it('presents a new client certificate after its files changed, and goes on with the old pair in between', async () => {
    const server = await startServer(({ clientName }) => ({ body: { clientName } }), { tls });
    const alice = authority.issueClient('alice');
    const bob = authority.issueClient('bob');
    const user = { 'client-certificate': write('tls.crt', alice.cert), 'client-key': write('tls.key', alice.key) };
    const credentials = load(writeKubeconfig({ server: server.url, ca: authority.cert, user }, folder));
    const client = makeClient(credentials);
    const before = await credentials.connection();
    expect(await client.request(GET)).toEqual({ clientName: 'alice' });
    expect(await client.request(GET)).toEqual({ clientName: 'alice' });
    expect(server.connections.opened).toBe(1);

    write('tls.crt', bob.cert);
    now += 60_000;
    expect(await client.request(GET)).toEqual({ clientName: 'alice' });
    expect(await credentials.connection()).toBe(before);

    write('tls.key', bob.key);
    expect(await client.request(GET)).toEqual({ clientName: 'bob' });
    await expect.poll(() => server.connections).toEqual({ opened: 2, open: 1 });
  });

  it('lets a request in flight finish on the old certificate, and closes its connection then', async () => {
    let answer = (): void => {};
    const isAnswered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const server = await startServer(
      async ({ clientName, path }) => {
        if (path === '/slow') await isAnswered;
        return { body: { clientName } };
      },
      { tls },
    );
    const alice = authority.issueClient('alice');
    const bob = authority.issueClient('bob');
    const user = { 'client-certificate': write('tls.crt', alice.cert), 'client-key': write('tls.key', alice.key) };
    const credentials = load(writeKubeconfig({ server: server.url, ca: authority.cert, user }, folder));
    const client = makeClient(credentials);
    const slow = client.request({ method: 'GET', path: '/slow' });
    await expect.poll(() => server.requests.length).toBe(1);

    write('tls.crt', bob.cert);
    write('tls.key', bob.key);
    credentials.invalidate();
    expect(await client.request(GET)).toEqual({ clientName: 'bob' });
    answer();
    expect(await slow).toEqual({ clientName: 'alice' });
    await expect.poll(() => server.connections.open).toBe(1);
  });

  it('refuses a server that another authority signed, or whose name differs, whatever the environment says', async () => {
    const server = await startServer(undefined, { tls: authority.issueServer('api.test') });
    const unknown = makeClient(
      load(writeKubeconfig({ server: server.url, ca: createAuthority('other').cert }, folder)),
    );
    await expect(unknown.request(GET)).rejects.toMatchObject({ reason: 'Unreachable' });
    const misnamed = makeClient(load(writeKubeconfig({ server: server.url, ca: authority.cert }, folder)));
    vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
    });
    await expect(misnamed.request(GET)).rejects.toMatchObject({ reason: 'Unreachable' });
    expect(server.requests).toEqual([]);
  });

  it('verifies the name that `tls-server-name` gives', async () => {
    const server = await startServer(undefined, { tls: authority.issueServer('api.test') });
    const config = { server: server.url, ca: authority.cert, tlsServerName: 'api.test' };
    expect(await makeClient(load(writeKubeconfig(config, folder))).request(GET)).toEqual({});
  });

  it('is not verified with `insecure-skip-tls-verify`, and only then', async () => {
    const server = await startServer(undefined, { tls: authority.issueServer('api.test') });
    const config = { server: server.url, insecure: true };
    expect(await makeClient(load(writeKubeconfig(config, folder))).request(GET)).toEqual({});
  });
});

describe('an exec plugin', () => {
  /** A plugin that counts its runs in a file and answers with a token that carries the count and the plugin's input. */
  function writePlugin(expirationTimestamp?: string): Record<string, unknown> {
    const script = write(
      'plugin.sh',
      `#!/bin/sh
printf x >> "${folder}/runs"
printf '%s' "$KUBERNETES_EXEC_INFO" > "${folder}/info"
read -r runs < "${folder}/runs"
n=\${#runs}
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'"$1-$n"'"${
        expirationTimestamp === undefined ? '' : `,"expirationTimestamp":"${expirationTimestamp}"`
      }}}'
`,
    );
    chmodSync(script, 0o755);
    return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh', args: ['token'] } };
  }

  it('is run once for many concurrent requests, and again when the server refuses its token', async () => {
    let accepted = 'Bearer token-1';
    const server = await startServer(({ headers }) =>
      headers.authorization === accepted ? { body: {} } : { status: 401, body: {} },
    );
    const client = makeClient(load(writeKubeconfig({ server: server.url, user: writePlugin() }, folder)));
    const many = () => Promise.all(Array.from({ length: 20 }, () => client.request(GET)));
    await many();
    await many();
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('x');
    accepted = 'Bearer token-2';
    await many();
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('xx');
  });

  it('is run again after the time that it gave, and is told the version to answer in', async () => {
    const user = writePlugin(new Date(now - 1000).toISOString());
    const credentials = load(writeKubeconfig({ server: 'https://api.test', user }, folder));
    expect(await authorizationOf(credentials)).toBe('Bearer token-1');
    expect(await authorizationOf(credentials)).toBe('Bearer token-2');
    expect(JSON.parse(readFileSync(join(folder, 'info'), 'utf8'))).toMatchObject({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
    });
  });

  it.each([
    ['a token', { token: 'own' }, 'Bearer own'],
    ['a user name', { username: 'a', password: 'b' }, 'Basic YTpi'],
    ['a certificate', createAuthority().issueClient('alice'), undefined],
  ])('is not run beside %s, as in kubectl', async (_, own, authorization) => {
    const pair = 'cert' in own && {
      'client-certificate': write('a.crt', own.cert),
      'client-key': write('a.key', own.key),
    };
    const user = { ...('cert' in own ? pair : own), ...writePlugin() };
    const credentials = load(writeKubeconfig({ server: 'https://api.test', user }, folder));
    expect(await authorizationOf(credentials)).toBe(authorization);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it('that fails makes requests fail as `Unreachable`, with its words', async () => {
    const script = write('plugin.sh', '#!/bin/sh\necho "login expired" >&2\nexit 1\n');
    chmodSync(script, 0o755);
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: script } };
    const client = makeClient(load(writeKubeconfig({ server: 'https://api.test', user }, folder)));
    await expect(client.request(GET)).rejects.toMatchObject({
      reason: 'Unreachable',
      message: `GET /api/v1/nodes/n: Asking ${script} for credentials: login expired`,
    });
  });

  it('that hangs does not outlast the request’s timeout', async () => {
    const script = write('plugin.sh', '#!/bin/sh\nsleep 5\n');
    chmodSync(script, 0o755);
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: script } };
    const client = makeClient(load(writeKubeconfig({ server: 'https://api.test', user }, folder)));
    await expect(client.request({ ...GET, timeoutMs: 100 })).rejects.toMatchObject({ reason: 'TimedOut' });
  });
});

describe('`Credentials`', () => {
  it('describe themselves without secrets', () => {
    const file = writeKubeconfig({ server: 'https://user:secret@api.test/k8s', user: { token: 'secret' } }, folder);
    expect(load(file).describe()).toBe(`kubeconfig ${file}, context "test", server https://api.test/k8s`);
  });

  it('say what is wrong with a certificate', async () => {
    const alice = createAuthority().issueClient('alice');
    const bob = createAuthority().issueClient('bob');
    const user = { 'client-certificate': write('tls.crt', alice.cert), 'client-key': write('tls.key', bob.key) };
    const credentials = load(writeKubeconfig({ server: 'https://api.test', user }, folder));
    await expect(credentials.connection()).rejects.toThrow(/^Reading certificate, key or CA: .*key values mismatch/);
  });

  it('send user name and password, and whom to act as', async () => {
    const user = { username: 'admin', password: 'pä', as: 'system:serviceaccount:a:b' };
    const credentials = load(writeKubeconfig({ server: 'https://api.test', user }, folder));
    expect((await credentials.connection()).headers).toEqual({
      authorization: `Basic ${Buffer.from('admin:pä').toString('base64')}`,
      'impersonate-user': 'system:serviceaccount:a:b',
    });
  });

  it('give the same connection as long as nothing changed', async () => {
    const credentials = load(writeKubeconfig({ server: 'https://api.test' }, folder));
    const first = await credentials.connection();
    now += 3_600_000;
    expect(await credentials.connection()).toBe(first);
    credentials.invalidate(first);
    const second = await credentials.connection();
    expect(second.agent).toBe(first.agent);
  });

  it('follow the rotation of a Pod’s service account', async () => {
    const dir = join(folder, 'serviceaccount');
    mkdirSync(dir);
    const authority = createAuthority();
    for (const [name, content] of [
      ['token', 'sa-1\n'],
      ['ca.crt', authority.cert],
      ['namespace', 'tools'],
    ] as const) {
      writeFileSync(join(dir, name), content);
    }
    const server = await startServer(({ headers }) => ({ body: { authorization: headers.authorization } }), {
      tls: authority.issueServer('127.0.0.1'),
    });
    const credentials = loadKubeConfig({
      env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: server.url.port },
      homedir: folder,
      serviceAccountDir: dir,
      clock: { now: () => now },
    });
    expect(credentials.namespace).toBe('tools');
    expect(credentials.describe()).toBe(`the service account of this Pod, server ${server.url.href}`);
    const client = makeClient(credentials);
    expect(await client.request(GET)).toEqual({ authorization: 'Bearer sa-1' });
    writeFileSync(join(dir, 'token'), 'sa-2\n');
    now += 60_000;
    expect(await client.request(GET)).toEqual({ authorization: 'Bearer sa-2' });
  });
});
