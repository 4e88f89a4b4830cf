import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { credentialsFor } from '../../../harness/doubles/test-kubeconfig.ts';
import { createAuthority } from '../../../sandbox/certificates.ts';
import { makeClient } from '../http/client.ts';
import { KubeError } from '../http/errors.ts';

interface Script {
  /** The port to which every tunnel leads. */
  readonly port: number;
  /** user:password; without it no login is required. */
  readonly login?: string | undefined;
  /** The code of the answer to CONNECT. */
  readonly code?: number;
  /** How the answer to CONNECT names the address from which the proxy connects. */
  readonly bound?: Buffer;
}

/** A SOCKS5 proxy after RFC 1928, which records the requests. */
async function startSocks({ port, login, code = 0, bound = Buffer.of(1, 0, 0, 0, 0, 0, 0) }: Script) {
  const asked: string[] = [];
  const logins: string[] = [];
  const server = createServer(async (socket: Socket) => {
    socket.on('error', () => {});
    const pieces = socket.iterator({ destroyOnReturn: false });
    const next = async (): Promise<Buffer> => (await pieces.next()).value;
    const [, , ...methods] = await next();
    const method = login === undefined ? 0 : methods.includes(2) ? 2 : 0xff;
    socket.write(Buffer.of(5, method));
    if (method === 2) {
      const answer = await next();
      const user = answer.subarray(2, 2 + (answer[1] ?? 0)).toString();
      logins.push(`${user}:${answer.subarray(3 + user.length).toString()}`);
      socket.write(Buffer.of(1, logins.at(-1) === login ? 0 : 1));
    }
    const request = await next();
    if (request === undefined) return;
    const address = request.subarray(4, -2);
    const name = request[3] === 3 ? address.subarray(1).toString() : address.toString('hex');
    asked.push(`${request[3]} ${name}:${request.readUInt16BE(request.length - 2)}`);
    const answer = Buffer.concat([Buffer.of(5, code, 0), bound]);
    // In two pieces, as a network may have it.
    socket.write(answer.subarray(0, 3));
    socket.write(answer.subarray(3));
    if (code !== 0) return;
    const upstream = connect(port, '127.0.0.1');
    upstream.on('error', () => socket.destroy());
    upstream.pipe(socket);
    for await (const piece of pieces) upstream.write(piece);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { asked, logins, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const authority = createAuthority();
async function startServer(name: string) {
  const tls = authority.issueServer(name);
  const server = await startScriptedServer(() => ({ body: '"answers"' }), { tls });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return Number(server.url.port);
}

const VERSION = { method: 'GET', path: '/version', timeoutMs: 10_000 } as const;
const ask = (server: string, proxyUrl: string): Promise<unknown> =>
  makeClient(credentialsFor({ server, ca: authority.cert, proxyUrl })).request(VERSION);

describe('a SOCKS5 proxy', () => {
  it.each([
    ['a name, which it resolves itself', 'api.test', '3 api.test:6443'],
    ['an IPv4 address', '10.1.2.3', '1 0a010203:6443'],
  ])('is asked for %s, and TLS is verified against it', async (_, name, expected) => {
    const proxy = await startSocks({ port: await startServer(name) });
    expect(await ask(`https://${name}:6443`, `socks5://${proxy.host}`)).toBe('answers');
    expect(proxy.asked).toEqual([expected]);
  });

  it.each([
    ['[::1]', '4 00000000000000000000000000000001:6443'],
    ['[fd00:1::2:3]', '4 fd000001000000000000000000020003:6443'],
    ['[1:2:3:4:5:6:7:8]', '4 00010002000300040005000600070008:6443'],
    ['[::ffff:10.0.0.1]', '4 00000000000000000000ffff0a000001:6443'],
  ])('is asked for the IPv6 address %s', async (name, expected) => {
    const proxy = await startSocks({ port: 1, code: 4 });
    await expect(ask(`https://${name}:6443`, `socks5://${proxy.host}`)).rejects.toBeInstanceOf(KubeError);
    expect(proxy.asked).toEqual([expected]);
  });

  it.each([
    ['a name', Buffer.concat([Buffer.of(3, 11), Buffer.from('proxy.test.'), Buffer.of(0, 80)])],
    ['an IPv6 address', Buffer.concat([Buffer.of(4), Buffer.alloc(18)])],
  ])('may call itself by %s', async (_, bound) => {
    const proxy = await startSocks({ port: await startServer('api.test'), bound });
    expect(await ask('https://api.test', `socks5h://${proxy.host}`)).toBe('answers');
  });

  it('is given the user and the password of its URL, where it wants them', async () => {
    const port = await startServer('api.test');
    const strict = await startSocks({ port, login: 'user:pass!' });
    expect(await ask('https://api.test', `socks5://user:pass%21@${strict.host}`)).toBe('answers');
    expect(strict.logins).toEqual(['user:pass!']);
    const open = await startSocks({ port });
    expect(await ask('https://api.test', `socks5://user:pass%21@${open.host}`)).toBe('answers');
    expect(open.logins).toEqual([]);
  });

  it.each([
    ['the greeting', {}, ''],
    ['the login', {}, 'user:wrong@'],
    ['CONNECT', { login: undefined, code: 2 }, ''],
  ])('that refuses at %s is a connection failure that names the step', async (step, script, login) => {
    const proxy = await startSocks({ port: 1, login: 'user:pass', ...script });
    const failure = ask('https://api.test', `socks5://${login}${proxy.host}`);
    await expect(failure).rejects.toMatchObject({ reason: 'Unreachable', code: 0 });
    await expect(failure).rejects.toThrow(
      new RegExp(`^GET /version: Proxy ${proxy.host} answered \\d+ to ${step} \\(SOCKS5\\)$`),
    );
  });
});
