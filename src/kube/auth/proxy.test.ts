import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { type ScriptedServer, startScriptedServer } from '../../../harness/doubles/scripted-server.ts';
import { credentialsFor } from '../../../harness/doubles/test-kubeconfig.ts';
import { type Certificate, createAuthority } from '../../../sandbox/certificates.ts';
import { makeClient } from '../http/client.ts';
import { KubeError } from '../http/errors.ts';
import { bypassesProxy, proxyFor } from './proxy.ts';

describe('the choice of a proxy', () => {
  const server = new URL('https://api.example.com:6443');

  it.each([
    { name: 'nothing set', proxyUrl: undefined, env: {}, expected: undefined },
    { name: 'HTTPS_PROXY', proxyUrl: undefined, env: { HTTPS_PROXY: 'http://p:1' }, expected: 'http://p:1/' },
    { name: 'https_proxy', proxyUrl: undefined, env: { https_proxy: 'http://p:1' }, expected: 'http://p:1/' },
    { name: 'no scheme', proxyUrl: undefined, env: { HTTPS_PROXY: 'p:1' }, expected: 'http://p:1/' },
    { name: 'an https proxy', proxyUrl: undefined, env: { HTTPS_PROXY: 'https://p' }, expected: 'https://p/' },
    {
      name: 'HTTP_PROXY, which is for http servers',
      proxyUrl: undefined,
      env: { HTTP_PROXY: 'http://p' },
      expected: undefined,
    },
    {
      name: 'NO_PROXY',
      proxyUrl: undefined,
      env: { HTTPS_PROXY: 'http://p', NO_PROXY: 'example.com' },
      expected: undefined,
    },
    {
      name: 'no_proxy',
      proxyUrl: undefined,
      env: { HTTPS_PROXY: 'http://p', no_proxy: 'example.com' },
      expected: undefined,
    },
    {
      name: 'proxy-url over the environment',
      proxyUrl: 'http://q:2',
      env: { HTTPS_PROXY: 'http://p', NO_PROXY: '*' },
      expected: 'http://q:2/',
    },
  ])('`proxyFor()` with $name gives $expected', ({ proxyUrl, env, expected }) => {
    expect(proxyFor(server, proxyUrl, env)?.href).toBe(expected);
  });

  it('`proxyFor()` takes HTTP_PROXY for a server without TLS', () => {
    expect(proxyFor(new URL('http://api'), undefined, { HTTP_PROXY: 'http://p:1' })?.href).toBe('http://p:1/');
  });

  it.each(['socks5://p:1080', 'socks5h://p'])('`proxyFor()` takes %s', (proxyUrl) => {
    expect(proxyFor(server, proxyUrl, {})?.href).toBe(proxyUrl);
  });

  it.each(['socks4://p:1080', 'ftp://p', 'proxy:3128', 'unix:///run/p.sock'])(
    '`proxyFor()` says what it supports when asked for %s',
    (proxyUrl) => {
      expect(() => proxyFor(server, proxyUrl, {})).toThrow('only http, https and socks5 proxies are supported');
      const value = proxyUrl.includes('://') ? proxyUrl : `x-${proxyUrl.replace(':', '://')}`;
      expect(() => proxyFor(server, undefined, { HTTPS_PROXY: value })).toThrow(/^HTTPS_PROXY has the scheme /);
    },
  );

  it('`proxyFor()` does not repeat a setting that may hold a password', () => {
    expect(() => proxyFor(server, 'http://user:secret@', {})).toThrow(/^proxy-url is not a URL$/);
  });
});

describe('NO_PROXY', () => {
  it.each([
    // [NO_PROXY, server, whether it is reached directly]
    ['', 'https://api.example.com', false],
    ['', 'https://localhost:6443', true],
    ['', 'https://127.1.2.3:6443', true],
    ['', 'https://[::1]:6443', true],
    ['*', 'https://api.example.com', true],
    ['other, *', 'https://10.0.0.1', true],
    ['example.com', 'https://example.com', true],
    ['example.com', 'https://api.example.com', true],
    ['example.com', 'https://badexample.com', false],
    ['EXAMPLE.com', 'https://api.Example.COM', true],
    ['.example.com', 'https://api.example.com', true],
    ['.example.com', 'https://example.com', false],
    ['*.example.com', 'https://api.example.com', true],
    ['*.example.com', 'https://example.com', false],
    ['example.com:6443', 'https://api.example.com:6443', true],
    ['example.com:6443', 'https://api.example.com', false],
    ['example.com:443', 'https://api.example.com', true],
    ['example.com:80', 'http://api.example.com', true],
    ['bücher.example', 'https://xn--bcher-kva.example', true],
    ['10.0.0.1', 'https://10.0.0.1:6443', true],
    ['10.0.0.1:6443', 'https://10.0.0.1:6443', true],
    ['10.0.0.1:6443', 'https://10.0.0.1', false],
    ['10.0.0.1', 'https://10.0.0.11', false],
    ['0.0.1', 'https://10.0.0.1', false],
    ['10.0.0.0/8', 'https://10.20.30.40', true],
    ['10.0.0.0/8', 'https://11.0.0.1', false],
    ['10.0.0.0/8', 'https://api.example.com', false],
    ['fd00::/8', 'https://[fd12::1]:6443', true],
    ['fd00::/8', 'https://[fe80::1]:6443', false],
    ['fd12::1', 'https://[fd12::1]:6443', true],
    ['[fd12::1]:6443', 'https://[fd12::1]:6443', true],
    ['[fd12::1]:6443', 'https://[fd12::1]', false],
    ['10.0.0.0/33, 10.0.0.0/x, :6443, ,/', 'https://10.0.0.1:6443', false],
    ['a.example, 10.0.0.0/8 ,b.example', 'https://b.example', true],
  ])('"%s" for %s: direct is %s', (noProxy, server, expected) => {
    expect(bypassesProxy(new URL(server), noProxy)).toBe(expected);
  });
});

describe('a CONNECT proxy', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  /** A proxy that tunnels every name to `target`, and records the requests. */
  async function startProxy(target: ScriptedServer, { refusal, tls }: { refusal?: number; tls?: Certificate } = {}) {
    const asked: string[] = [];
    const authorizations: (string | undefined)[] = [];
    const sockets = new Set<Socket>();
    const proxy = tls === undefined ? http.createServer() : https.createServer({ ...tls });
    proxy.on('connection', (socket: Socket) => sockets.add(socket));
    proxy.on('connect', (request: http.IncomingMessage, socket: Socket) => {
      asked.push(request.url ?? '');
      authorizations.push(request.headers['proxy-authorization']);
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal} No\r\ncontent-length: 6\r\n\r\nDenied`);
        return;
      }
      const upstream = connect(Number(target.url.port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [upstream, socket]) end.on('error', () => upstream.destroy() && socket.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    });
    return { asked, authorizations, host: `127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  }

  async function startServer(): Promise<{ server: ScriptedServer; ca: string }> {
    const authority = createAuthority();
    const server = await startScriptedServer(({ connection }) => ({ body: { connection } }), {
      tls: authority.issueServer('api.test'),
    });
    closers.push(server.close);
    return { server, ca: authority.cert };
  }

  it('carries many requests over few tunnels, with TLS verified against the server’s own name', async () => {
    const { server, ca } = await startServer();
    const proxy = await startProxy(server);
    const client = makeClient(
      credentialsFor({ server: 'https://api.test:6443', ca, proxyUrl: `http://user:pass%21@${proxy.host}` }),
    );
    for (let i = 0; i < 20; i += 1) await client.request({ method: 'GET', path: '/api/v1/nodes' });
    expect(proxy.asked).toEqual(['api.test:6443']);
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('user:pass!').toString('base64')}`]);

    await Promise.all(Array.from({ length: 20 }, () => client.request({ method: 'GET', path: '/api/v1/nodes' })));
    expect(server.requests).toHaveLength(40);
    expect(server.connections.opened).toBe(proxy.asked.length);
    expect(proxy.asked.length).toBeLessThanOrEqual(20);
  });

  it('reaches a server that has an address for a name, and verifies that', async () => {
    const authority = createAuthority();
    for (const [name, outcome] of [
      ['10.1.2.3', 'answers'],
      ['10.1.2.4', 'Unreachable'],
    ] as const) {
      const server = await startScriptedServer(() => ({ body: '"answers"' }), { tls: authority.issueServer(name) });
      closers.push(server.close);
      const proxy = await startProxy(server);
      const client = makeClient(
        credentialsFor({ server: 'https://10.1.2.3:6443', ca: authority.cert, proxyUrl: `http://${proxy.host}` }),
      );
      const seen = await client
        .request({ method: 'GET', path: '/version' })
        .catch((error: unknown) => error instanceof KubeError && error.reason);
      expect(seen).toBe(outcome);
    }
  });

  it('may speak TLS itself, with a certificate that the system trusts', async () => {
    const { server, ca } = await startServer();
    const proxyAuthority = createAuthority('proxy authority');
    const trusted = getCACertificates('default');
    setDefaultCACertificates([proxyAuthority.cert]);
    closers.push(async () => setDefaultCACertificates(trusted));
    const proxy = await startProxy(server, { tls: proxyAuthority.issueServer('127.0.0.1') });
    const client = makeClient(credentialsFor({ server: 'https://api.test', ca, proxyUrl: `https://${proxy.host}` }));
    await client.request({ method: 'GET', path: '/version' });
    expect(proxy.asked).toEqual(['api.test:443']);
  });

  it('is taken from HTTPS_PROXY as well', async () => {
    const { server, ca } = await startServer();
    const proxy = await startProxy(server);
    const credentials = credentialsFor({ server: 'https://api.test:6443', ca }, { HTTPS_PROXY: proxy.host });
    await makeClient(credentials).request({ method: 'GET', path: '/version' });
    expect(proxy.asked).toEqual(['api.test:6443']);
  });

  it('keeps TLS verification on', async () => {
    const { server } = await startServer();
    const proxy = await startProxy(server);
    const ca = createAuthority('another').cert;
    const client = makeClient(credentialsFor({ server: 'https://api.test', ca, proxyUrl: `http://${proxy.host}` }));
    await expect(client.request({ method: 'GET', path: '/version' })).rejects.toMatchObject({ reason: 'Unreachable' });
    expect(server.requests).toEqual([]);
  });

  it.each([403, 407, 502])(
    'that refuses with %i is a connection failure, not the API server’s answer',
    async (code) => {
      const { server, ca } = await startServer();
      const proxy = await startProxy(server, { refusal: code });
      const client = makeClient(
        credentialsFor({ server: 'https://api.test', ca, proxyUrl: `http://u:secret@${proxy.host}` }),
      );
      await expect(client.request({ method: 'GET', path: '/version' })).rejects.toMatchObject({
        reason: 'Unreachable',
        code: 0,
        message: `GET /version: Proxy ${proxy.host} answered ${code} to CONNECT`,
      });
    },
  );

  it('carries streams, and ends the tunnel with the stream', async () => {
    const { server, ca } = await startServer();
    server.handle(() => ({ stream: (out) => out.line({ type: 'ADDED' }) }));
    const proxy = await startProxy(server);
    const client = makeClient(credentialsFor({ server: 'https://api.test', ca, proxyUrl: `http://${proxy.host}` }));
    const signal = new AbortController().signal;
    for await (const line of client.lines({ path: '/api/v1/nodes', signal, idleMs: 5000 })) {
      expect(line).toBe('{"type":"ADDED"}');
      break;
    }
    await server.requests[0]?.closed;
    expect(server.connections.open).toBe(0);
  });
});
